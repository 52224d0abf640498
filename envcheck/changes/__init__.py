"""Changes to an environment that can be taken back: snapshot, journal, lock, log."""
