"""Report -> Markdown for a bug report, a pull request's comment or a step's summary.

Machine text stands in code, where Markdown has no meaning, or with its marks escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envcheck.render.sheet import Sheet, command_lines
from envcheck.render.terminal import NAMES, STATUS_WORDS
from envcheck.render.view import Commands, FindingView, FixView

MARKS = {
    "ok": "✅",
    "error": "❌",
    "warning": "⚠️",
    "unknown": "❓",
    "skipped": "➖",
    "not-applicable": "➖",
    "info": "ℹ️",
}
VERDICTS = {"pass": "ok", "warn": "warning", "fail": "error", "inconclusive": "unknown"}
SPECIAL = re.compile(r"([\\`*{}\[\]<>#|~&$]|\b_|_\b|^(?:[-+=]|\d+[.)])(?=\s|$))")
LINKED = re.compile(r"(?i)@(?=\w)|#(?=\d)|\bwww(?=\.)|:(?=//)")
LONGEST = 60_000
"""Characters; GitHub takes 65,536 in an issue."""
APART = "\u2060"
"""A word joiner: invisible, and no name, number or address is recognised across it."""


def render(sheet: Sheet) -> str:
    text = "\n".join(_lines(sheet)) + "\n"
    # In a log on GitHub these would be commands.
    return re.sub(r"##(?=\[)|(?m:^\s*):(?=:)", rf"\g<0>{APART}", text)


def _lines(sheet: Sheet) -> Iterator[str]:
    view = sheet.view
    mark = MARKS[VERDICTS[view.status]]
    yield f"## {mark} envcheck: {STATUS_WORDS[view.status]}: {escaped(view.headline)}"
    yield ""
    if view.target:
        yield escaped(view.target)
        yield ""
    yield "| | layer | found | where |"
    yield "| --- | --- | --- | --- |"
    for layer in view.layers:
        name = escaped(NAMES.get(layer.layer, layer.layer))
        texts = [text for text in (layer.version, layer.note) if text]
        if layer.status != "unknown" and layer.version:
            texts = [layer.version]
        found, where = escaped("; ".join(texts)), code(layer.where, cell=True)
        yield f"| {MARKS[layer.status]} | {name} | {found} | {where} |"
    yield from _findings(sheet)
    if view.unknown:
        yield ""
        yield "### Could not be judged"
        yield ""
        yield from (f"- {escaped(text)}" for text in view.unknown)
    if view.ignored:
        yield ""
        yield "### Ignored by the policy"
        yield ""
        yield from (f"- {escaped(item.line)}" for item in view.ignored)
    yield ""
    yield "<sub>" + escaped(_signature(sheet)) + "</sub>"


def _findings(sheet: Sheet) -> Iterator[str]:
    """As many as fit."""
    room = LONGEST
    for number, finding in enumerate(sheet.view.findings):
        lines = ["", *_finding(finding, sheet.commands)]
        room -= sum(len(line) + 1 for line in lines)
        if room < 0:
            left = len(sheet.view.findings) - number
            yield ""
            yield f"{left} more findings do not fit here: `envcheck --format json` has all of them."
            return
        yield from lines


def _signature(sheet: Sheet) -> str:
    matrix = f", matrix {sheet.report.matrix_version}" if sheet.report.matrix_version else ""
    return (
        f"{sheet.view.counts}. envcheck {sheet.report.envcheck_version}{matrix}, "
        f"expect {sheet.report.expect}, exit code {sheet.verdict.exit_code}"
    )


def _finding(finding: FindingView, commands: Commands) -> Iterator[str]:
    yield f"### {MARKS[finding.severity]} {finding.code} {escaped(finding.title)}"
    yield ""
    if finding.why:
        yield escaped(finding.why)
        yield ""
    for what, where in finding.evidence:
        yield f"- seen: {code(what)}" + (f" in {code(where)}" if where else "")
    for number, fix in enumerate(finding.fixes):
        yield from _fix(fix, "or" if number else "fix", commands)
    for child in finding.children:
        yield ""
        yield f"↳ follows from it: {child.code} {escaped(child.title)}"


def _fix(fix: FixView, word: str, commands: Commands) -> Iterator[str]:
    caution = f" ({fix.caution})" if fix.caution else ""
    yield ""
    yield f"**{word}**{escaped(caution)}: {escaped(fix.note)}".rstrip()
    lines = command_lines(fix, commands)
    if lines:
        yield ""
        yield from fenced("\n".join(lines), "powershell" if commands.windows else "sh")


def escaped(text: str) -> str:
    """Nothing of it is markup, a link, a mention or a reference."""
    return SPECIAL.sub(_backslashed, LINKED.sub(rf"\g<0>{APART}", text))


def _backslashed(found: re.Match[str]) -> str:
    """Before the last character: a number is a list's for the sign behind it."""
    return found[0][:-1] + "\\" + found[0][-1]


def code(text: str, cell: bool = False) -> str:
    """A code span; in a table's cell its bars have to be escaped all the same."""
    if not text:
        return ""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    text = text.replace("|", "\\|") if cell else text
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fenced(text: str, language: str) -> Iterator[str]:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    yield f"{ticks}{language}"
    yield from text.splitlines()
    yield ticks
