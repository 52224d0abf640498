"""Commands in files of their own; `envcheck.cli` wires them in."""
