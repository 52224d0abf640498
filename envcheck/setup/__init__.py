"""Makes an environment from a plan."""
