"""The probes: one module per subject. ``collect*`` is thin, ``parse_*`` is pure."""
