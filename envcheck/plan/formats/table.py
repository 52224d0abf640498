"""The answer for a reader: what to do, the stack with its reasons, what else would fit."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.commands import layout
from envcheck.plan.formats.sheet import Sheet
from envcheck.plan.model import Conflict, Demands, Plan
from envcheck.render.view import Commands

SYSTEMS = {"linux": "Linux", "windows": "Windows", "wsl2": "WSL2", "macos": "macOS"}


def render(sheet: Sheet) -> str:
    conflict = sheet.answer.conflict
    lines = _conflict(sheet, conflict) if conflict else _plan(sheet, sheet.chosen)
    return "\n".join(lines) + "\n"


def machine(demands: Demands) -> str:
    """For Linux x86_64, RTX 4090 (compute capability 8.9), driver 535.104.05."""
    parts = [f"{SYSTEMS[demands.os]} {demands.arch or 'x86_64'}"]
    if demands.uses_gpu:
        parts.append(demands.device or "an NVIDIA GPU")
        parts.append(f"driver {demands.driver}" if demands.driver else "driver not known")
    else:
        parts.append("no GPU")
    return ", ".join(parts)


def _plan(sheet: Sheet, plan: Plan) -> Iterator[str]:
    yield layout.paragraph(f"Install {plan.title}.")
    for text in sheet.answer.remarks:
        yield layout.paragraph(text, "  ", "! ")
    yield ""
    yield from _how(sheet)
    if plan.notes:
        yield ""
    for text in plan.notes:
        yield layout.paragraph(text, "  ", "! ")
    yield ""
    where = "this machine" if sheet.here else "the machine described"
    yield layout.paragraph(f"For {where}: {machine(sheet.answer.demands)}.")
    yield ""
    yield from _choices(plan)
    others = [
        (number, other)
        for number, other in enumerate(sheet.answer.plans, start=1)
        if other is not plan
    ]
    if others:
        yield ""
        yield "What else fits (choose one with --number):"
        for number, other in others:
            yield layout.paragraph(
                f"{other.title}: {other.judgement.verdict}.", "     ", f"  {number}. "
            )
    yield ""
    yield layout.paragraph(
        f"Verdict {plan.judgement.verdict}, by the matrix {sheet.matrix.version}; a source in "
        f"full: envcheck matrix show source {_first_source(plan)}"
    )


def _first_source(plan: Plan) -> str:
    return next((source for choice in plan.choices for source in choice.sources), "wheel")


def _how(sheet: Sheet) -> Iterator[str]:
    words = Commands(windows=sheet.chosen.os == "windows", cwd="", home="")
    number = sheet.answer.plans.index(sheet.chosen) + 1
    which = ("--number", str(number)) if number > 1 else ()
    if sheet.here:
        yield "  " + words.line(("envcheck", "setup", ".venv", *sheet.command[2:], *which))
        return
    conda = sheet.chosen.way == "system"
    name = "environment.yml" if conda else "requirements.txt"
    command = (*sheet.command, *which, "--format", "conda" if conda else "pip")
    yield f"  {words.line(command)} > {name}"
    if conda:
        yield f"  conda env create --file {name}"
    else:
        yield f"  pip install -r {name}   # in an environment of Python {sheet.chosen.python}"


def _choices(plan: Plan) -> Iterator[str]:
    width = max(len(choice.name) for choice in plan.choices) + 2
    for choice in plan.choices:
        yield layout.paragraph(
            choice.version.replace(",", ", "), "  " + " " * width, f"  {choice.name.ljust(width)}"
        )
        indent = " " * (width + 4)
        if choice.reason:
            yield layout.paragraph(choice.reason, indent)
        if choice.sources:
            yield layout.paragraph("source: " + ", ".join(choice.sources), indent)


def _conflict(sheet: Sheet, conflict: Conflict) -> Iterator[str]:
    demands = sheet.answer.demands
    words = [demands.words(name) for name in conflict.demands]
    ways = " or ".join(item.fits for item in conflict.nearest)
    if len(words) == 1:
        head = f"Nothing fits {words[0]}"
    else:
        head = f"{', '.join(words[:-1])} and {words[-1]} do not go together"
    yield layout.paragraph(f"{head}: take {ways}." if ways else f"{head}.")
    yield ""
    yield layout.paragraph(conflict.reason, "  ")
    if conflict.sources:
        yield layout.paragraph("source: " + ", ".join(conflict.sources), "    ")
    for item in conflict.nearest:
        yield ""
        yield layout.paragraph(f"With {item.fits} in place of {demands.words(item.dropped)}:")
        yield layout.paragraph(f"{item.plan.title}: {item.plan.judgement.verdict}.", "    ")
    for text in sheet.answer.remarks:
        yield ""
        yield layout.paragraph(text, "  ", "! ")
