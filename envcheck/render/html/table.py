"""Any fact as HTML: rows become a table, whatever their columns are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from envcheck.model import Fact
from envcheck.render.html.tags import Markup, join, tag
from envcheck.render.view import LONGEST, clean

MOST_ROWS = 500


def fact_value(fact: Fact) -> Markup:
    if fact.state == "known":
        return value(fact.value)
    words = {"absent": "not there", "unknown": "unknown", "not-applicable": "does not apply"}
    reason = f": {clean(fact.reason)}" if fact.reason else ""
    return tag("span", words[fact.state] + reason, cls="muted")


def value(item: Any) -> Markup:
    if is_table(item):
        return table(item)
    if isinstance(item, str):
        return tag("code", clean(item))
    if isinstance(item, (Mapping, list)):
        text = json.dumps(item, indent=1, ensure_ascii=False)
        lines = (text if len(text) <= 10 * LONGEST else f"{text[: 10 * LONGEST]}...").split("\n")
        return tag("pre", "\n".join(map(clean, lines)), cls="data", tabindex="0")
    return tag("code", json.dumps(item))


def is_table(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and all(isinstance(row, Mapping) for row in item)


def table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """The columns are those that any row fills."""
    shown = rows[:MOST_ROWS]
    filled = [(name, cell) for row in shown for name, cell in row.items() if _filled(cell)]
    nested = {name for name, cell in filled if isinstance(cell, (list, Mapping))}
    names = sorted(dict.fromkeys(name for name, _ in filled), key=lambda name: name in nested)
    head = tag("tr", [tag("th", clean(name), scope="col") for name in names])
    body = [tag("tr", [tag("td", _cell(row.get(name))) for name in names]) for row in shown]
    left = len(rows) - len(shown)
    more = tag("p", f"{left} more rows: envcheck --format json", cls="muted") if left else ""
    whole = tag("table", tag("thead", head), tag("tbody", body))
    return tag("div", whole, more, cls="scroll", tabindex="0")


def _filled(cell: Any) -> bool:
    return cell is not None and cell not in ("", [], {})


def _cell(cell: Any) -> Markup | str:
    if not _filled(cell):
        return tag("span", "–", cls="muted")
    if is_table(cell):
        return tag("ul", [tag("li", _entry(row)) for row in cell[:MOST_ROWS]], cls="cells")
    if isinstance(cell, Mapping):
        return _entry(cell)
    if isinstance(cell, list):
        return clean(", ".join(map(str, cell)))
    text = clean(cell if isinstance(cell, str) else json.dumps(cell))
    return tag("code", text, cls="short" if len(text) <= 40 else "")


def _entry(row: Mapping[str, Any]) -> Markup:
    """The path or else the first field stands out; the rest is named."""
    filled = sorted(
        ((name, cell) for name, cell in row.items() if _filled(cell)),
        key=lambda field: field[0] != "path",
    )
    parts = [tag("code", clean(str(cell))) for _, cell in filled[:1]]
    rest = ", ".join(f"{name} {cell}" for name, cell in filled[1:])
    return join([*parts, tag("span", f" {clean(rest)}", cls="muted") if rest else ""])
