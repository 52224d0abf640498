"""A requirements file that installs as it stands."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.plan.formats.sheet import Sheet, header


def render(sheet: Sheet) -> str:
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    plan = sheet.chosen
    first = f"Install it in an environment of Python {plan.python}: "
    yield from header(sheet, first + "pip install -r requirements.txt")
    yield from plan.requirements
    if plan.constraints:
        yield "# Without these pip takes versions that do not work, or that nobody has tried."
        yield from plan.constraints
