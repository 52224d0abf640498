"""Text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 80


def paragraph(text: str, indent: str = "", first: str | None = None) -> str:
    """Wrapped to 80 columns; file names and versions are never broken."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(rows: Iterable[tuple[str, str]], longest_label: int = 20) -> str:
    """Labels on the left, wrapped text on the right."""
    listed = list(rows)
    width = min(max((len(label) for label, _ in listed), default=0), longest_label) + 2
    lines = []
    for label, text in listed:
        if len(label) + 2 > width:
            lines.append("  " + label)
            lines.append(paragraph(text, " " * (width + 2)))
        else:
            lines.append(paragraph(text, " " * (width + 2), "  " + label.ljust(width)))
    return "\n".join(lines)
