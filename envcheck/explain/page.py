"""Explanation -> text for a terminal. The first line is what to do."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from envcheck.explain.model import Cause, Explained, ExplainedAs, Explanation, Line, Signature
from envcheck.model import Fix
from envcheck.render.i18n import Translator
from envcheck.render.view import Commands, clean, fill
from envcheck.rules import Rule

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
    lines += ["", _wrap(headline[0].upper() + headline[1:] + ".", "", width)]
    for number, cause in enumerate(explanation.causes, 1):
        lines += ["", *_cause(cause, number, len(explanation.causes), translate, commands, width)]
    if explanation.noise and explanation.verdict != "harmless":
        lines += ["", translate("Harmless lines beside it:")]
        lines += [
            _wrap(
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
    yield _wrap(
        f"{mark}{cause.code} {fill(cause.title, cause.params, translate)} ({sure})", "", width
    )
    yield _wrap(fill(cause.summary, cause.params, translate), "  ", width)
    if cause.confirmed is not None:
        text = (
            "your environment confirms it."
            if cause.confirmed
            else "this machine does not show it; the log may be from another one or from before."
        )
        yield _wrap(translate(text).capitalize(), "  ", width)
        if cause.confirmed and cause.finding:
            for item in cause.finding.evidence[:3]:
                yield _wrap(clean(f"{item.fact} = {item.value}"), "    ", width)
    for line in cause.evidence:
        text = line.text if len(line.text) <= SHOWN else line.text[:SHOWN] + " ..."
        yield f"  {_number(line, translate)}: {clean(text)}"
    for text in cause.excluded:
        yield _wrap(f"{translate('Not:')} {clean(translate(text))}", "  ", width)
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
    yield _wrap(f"{translate('Fix:')} {note}{root}" if note else translate("Fix:"), "  ", width)
    for step in fix.steps:
        yield f"    {_shell(step, commands)}"


def _shell(step: Sequence[str], commands: Commands) -> str:
    """An export refers to the variable that is there: quotes must not hide the dollar."""
    if step[0] == "export" and len(step) == 2 and "$" in step[1]:
        value = step[1]
        return f'export {value.split("=", 1)[0]}="{value.split("=", 1)[1]}"'
    return commands.line(step)


def _wrap(text: str, indent: str, width: int) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def of_code(
    code: str,
    rules: Iterable[Rule],
    causes: Iterable[Cause],
    signatures: Iterable[Signature],
    translate: Translator,
) -> str | None:
    """The page of one code: what it says, and which log lines point to it. None: no such code."""
    rule = next((rule for rule in rules if rule.code == code), None)
    own = [cause for cause in causes if cause.code == code]
    if rule is None and not own:
        return None
    slug = rule.slug if rule else own[0].slug
    lines = [f"{code} {slug}"]
    if rule:
        lines += [_wrap(_template(translate(rule.title)), "  ", WIDTH), ""]
        lines += [_wrap(_template(translate(rule.why)), "  ", WIDTH)]
        lines += [
            _wrap(
                translate("A {severity} of the layer {layer}. It looks at: {facts}.").format(
                    severity=rule.severity,
                    layer=rule.layer,
                    facts=", ".join(key.name for key in rule.needs),
                ),
                "  ",
                WIDTH,
            )
        ]
    for cause in own:
        lines += ["", _wrap(_template(translate(cause.title)), "", WIDTH)]
        lines += [_wrap(_template(translate(cause.summary)), "  ", WIDTH)]
        lines += [
            _wrap(f"{translate('Not:')} {translate(text)}", "  ", WIDTH) for text in cause.excluded
        ]
    keys = {cause.key for cause in own}
    says = [
        text
        for signature in signatures
        if any(means.cause in keys for means in signature.means)
        for text in signature.says
    ]
    if says:
        lines += ["", translate("Lines in a log that point to it:")]
        lines += [f"  {clean(text)}" for text in dict.fromkeys(says)]
    return "\n".join(lines) + "\n"


def listing(rules: Iterable[Rule], causes: Iterable[Cause], translate: Translator) -> str:
    """Every code with its title; ``log`` marks those that only a log can show."""
    rows = {rule.code: (rule.slug, rule.title, "") for rule in rules}
    for cause in causes:
        rows.setdefault(cause.code, (cause.slug, cause.title, "log"))
    lines = []
    for code in sorted(rows):
        _slug, title, mark = rows[code]
        shown = _template(translate(title))
        lines.append(_wrap(f"{code} {mark:3} {shown}", "", WIDTH).replace("\n  ", "\n           "))
    return "\n".join(lines) + "\n"


def _template(text: str) -> str:
    """A template as it is read: `{keras}` stands for what was found."""
    return re.sub(r"\{(\w+)(?:![rs])?\}", lambda match: f"<{match[1]}>", text)
