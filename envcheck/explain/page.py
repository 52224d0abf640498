"""Explanation -> text for a terminal. The first line is what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from envcheck.explain.model import Explained, ExplainedAs, Explanation, Line
from envcheck.model import Fix
from envcheck.render.i18n import Translator
from envcheck.render.view import Commands, clean, fill

WIDTH = 100
SHOWN = 160
"""Characters of a line of the log that are shown."""
HEADLINES: dict[ExplainedAs, str] = {
    "environment": "the environment is the reason",
    "harmless": "harmless: nothing has to be done",
    "not-environment": "the environment is not the reason",
    "unknown": "unknown: no line of this log is known to name a cause",
}
UNKNOWN = "Check the environment that it ran in; that would settle it:"


def render(
    explanation: Explanation, translate: Translator, commands: Commands, width: int = WIDTH
) -> str:
    lines = [_first(explanation, translate, commands)]
    headline = translate(HEADLINES[explanation.verdict])
    lines += ["", wrap(headline[0].upper() + headline[1:] + ".", "", width)]
    for number, cause in enumerate(explanation.causes, 1):
        lines += ["", *_cause(cause, number, len(explanation.causes), translate, commands, width)]
    if explanation.noise and explanation.verdict != "harmless":
        lines += ["", translate("Harmless lines beside it:")]
        lines += [
            wrap(
                f"{clean(translate(item.note))} ({_number(item.line, translate)})",
                "  ",
                width,
            )
            for item in explanation.noise
        ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _first(explanation: Explanation, translate: Translator, commands: Commands) -> str:
    if explanation.verdict == "harmless":
        return translate("Do: nothing.")
    if not explanation.causes:
        return f"{translate('Do:')} {commands.line(('envcheck', 'check', '--no-smoke'))}"
    cause = explanation.causes[0]
    for fix in cause.fixes[:1]:
        if fix.steps and not fix.note:
            return f"{translate('Do:')} {commands.line(fix.steps[0])}"
        note = fill(fix.note, fix.params, translate).rstrip(":")
        command = f": {commands.line(fix.steps[0])}" if fix.steps else ""
        return f"{translate('Do:')} {note}{command}"
    return f"{translate('Do:')} {fill(cause.title, cause.params, translate)}"


def _cause(
    cause: Explained, number: int, of: int, translate: Translator, commands: Commands, width: int
) -> Iterator[str]:
    mark = f"{number}. " if of > 1 else ""
    sure = translate(cause.confidence)
    yield wrap(
        f"{mark}{cause.code} {fill(cause.title, cause.params, translate)} ({sure})", "", width
    )
    yield wrap(fill(cause.summary, cause.params, translate), "  ", width)
    if cause.confirmed is not None:
        text = (
            "your environment confirms it."
            if cause.confirmed
            else "this machine does not show it; the log may be from another one or from before."
        )
        yield wrap(translate(text).capitalize(), "  ", width)
        if cause.confirmed and cause.finding:
            for item in cause.finding.evidence[:3]:
                yield wrap(clean(f"{item.fact} = {item.value}"), "    ", width)
    for line in cause.evidence:
        text = line.text if len(line.text) <= SHOWN else line.text[:SHOWN] + " ..."
        yield f"  {_number(line, translate)}: {clean(text)}"
    for text in cause.excluded:
        yield wrap(f"{translate('Not:')} {clean(translate(text))}", "  ", width)
    for fix in cause.fixes:
        yield from _fix(fix, translate, commands, width)
    if cause.check:
        yield f"  {translate('Then see that it worked:')}"
        yield f"    {commands.line(cause.check)}"


def _number(line: Line, translate: Translator) -> str:
    return translate("line {number}").format(number=line.number)


def _fix(fix: Fix, translate: Translator, commands: Commands, width: int) -> Iterator[str]:
    note = fill(fix.note, fix.params, translate)
    root = f" ({translate('needs root')})" if fix.needs_root else ""
    yield wrap(f"{translate('Fix:')} {note}{root}" if note else translate("Fix:"), "  ", width)
    for step in fix.steps:
        yield f"    {_shell(step, commands)}"


def _shell(step: Sequence[str], commands: Commands) -> str:
    """An export refers to the variable that is there: quotes must not hide the dollar."""
    if step[0] == "export" and len(step) == 2 and "$" in step[1]:
        value = step[1]
        return f'export {value.split("=", 1)[0]}="{value.split("=", 1)[1]}"'
    return commands.line(step)


def wrap(text: str, indent: str, width: int) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
