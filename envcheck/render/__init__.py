"""Report -> text. ``view`` holds the last logic; every format only formats."""
