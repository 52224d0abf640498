"""Writes docs/findings: a page for each code, from the rules and from what the log reader knows.

    python tools/build_docs.py [FOLDER]

What a page says is what `envcheck explain CODE` says; the example is the first case of the rule's
own file on which it fires.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from envcheck import report as reports  # noqa: E402
from envcheck.commands import explain  # noqa: E402
from envcheck.engine import run_rules  # noqa: E402
from envcheck.explain.codes import CodePage, Shelf  # noqa: E402
from envcheck.matrix import Matrix, load_matrix  # noqa: E402
from envcheck.outputs import commands_for  # noqa: E402
from envcheck.render import markdown, terminal  # noqa: E402
from envcheck.render.i18n import english  # noqa: E402
from envcheck.render.sheet import command_lines  # noqa: E402
from envcheck.render.view import Commands, FixView, View, build_view  # noqa: E402
from envcheck.rules import FAMILIES, Rule  # noqa: E402
from envcheck.verdict import judge_report  # noqa: E402
from tests.conftest import machine_with  # noqa: E402

MARKS = re.compile(r"([\\*<\[\]]|\b_|_\b|^[>#])")
NO_FIX = "No command does it: it is for you to decide."
FOLDER = ROOT / "docs" / "findings"
INDEX = "README.md"
FAMILY_NAMES = {
    "SYS": "The system",
    "DRV": "The NVIDIA driver",
    "GPU": "The GPU",
    "CUD": "CUDA",
    "DNN": "cuDNN",
    "LIB": "Which library files are found",
    "PYE": "Python and its environment",
    "TFX": "TensorFlow",
    "KER": "Keras",
    "IMP": "Imports",
    "SMK": "The coffee network's training",
    "POL": "Your own policy",
}


def pages(shelf: Shelf, matrix: Matrix) -> Mapping[str, str]:
    """File name to text."""
    rules = {rule.code: rule for rule in shelf.rules}
    texts, told = {}, []
    for code in shelf.codes:
        page = shelf.page(code, english)
        assert page
        told.append(page)
        example = example_of(rules[code], matrix) if code in rules else None
        texts[f"{code}.md"] = "\n".join(lines_of(page, example)) + "\n"
    return {INDEX: "\n".join(index(told)) + "\n", **texts}


def example_of(rule: Rule, matrix: Matrix) -> tuple[View, Commands]:
    """The rule's first finding on the machine of the first case on which it fires."""
    case = next(case for case in rule.cases if case.subjects)
    facts = machine_with(case.machine, case.edits)
    outcome = run_rules((rule,), facts, matrix, "gpu")
    built = reports.build(facts, outcome, matrix, "gpu", {})
    commands = commands_for(built, "/home/user")
    view = build_view(built, judge_report(built, "error"), english, commands)
    first = view.findings[0]
    # Where a case has changed a fact, its source is the case.
    seen = tuple(
        (what, "" if where.startswith("edited") else where) for what, where in first.evidence
    )
    return view._replace(findings=(first._replace(evidence=seen),)), commands


def lines_of(page: CodePage, example: tuple[View, Commands] | None) -> Iterator[str]:
    yield f"# {page.code}: {prose(page.title)}"
    yield ""
    kind = f"{page.severity}, layer {page.layer}" if page.severity else "shown by a log only"
    yield f"`{page.slug}` · {kind}"
    if page.severity:
        yield from section("What it means", prose(page.about))
    if example:
        view, commands = example
        (finding,) = view.findings
        yield from section("Why", prose(page.why or finding.why))
        shown = view._replace(findings=(finding._replace(why="", fixes=()),))
        text = terminal.findings(shown, terminal.Style(width=96), english, commands)
        yield from section("What it looks like", *markdown.fenced(text, "text"))
        yield from section("How to mend it")
        yield from mended(finding.fixes, commands) if finding.fixes else (NO_FIX,)
    if page.meanings or page.lines:
        yield from in_a_log(page)
    yield from related(page)
    yield ""
    yield f"`envcheck explain {page.code}` prints this in a terminal. [All findings]({INDEX})"


def mended(fixes: Iterable[FixView], commands: Commands) -> Iterator[str]:
    for number, fix in enumerate(fixes):
        if number:
            yield from ("", "Or:", "")
        note = " ".join(filter(None, (fix.note, f"({fix.caution})" if fix.caution else "")))
        yield from (prose(note),) if note else ()
        if fix.commands:
            yield from ("",) if note else ()
            lines = "\n".join(command_lines(fix, commands))
            yield from markdown.fenced(lines, "powershell" if commands.windows else "sh")


def section(title: str, *lines: str) -> Iterator[str]:
    yield from ("", f"## {title}", "", *lines)


def in_a_log(page: CodePage) -> Iterator[str]:
    yield from ("", "## In a log")
    for meaning in page.meanings:
        yield from ("", f"**{prose(meaning.title)}**", "", prose(meaning.summary))
        yield from (line for text in meaning.excluded for line in ("", f"Not: {prose(text)}"))
    if page.lines:
        yield from ("", "Lines that point to it contain:", "")
        yield from markdown.fenced("\n".join(page.lines), "text")


def related(page: CodePage) -> Iterator[str]:
    rows = (
        ("May merely follow from it:", page.consequences),
        ("May merely follow from:", page.causes),
    )
    if page.consequences or page.causes:
        yield from ("", "## Related")
    for label, codes in rows:
        if codes:
            yield from ("", f"{label} {', '.join(f'[{code}]({code}.md)' for code in codes)}")


def index(told: Iterable[CodePage]) -> Iterator[str]:
    yield "# Findings"
    yield ""
    yield "Every code that envcheck prints, by family. `envcheck explain CODE` prints the same"
    yield "page in a terminal. Codes from 901 on are shown by a log only."
    for family in FAMILIES:
        rows = [page for page in told if page.code.startswith(family)]
        if not rows:
            continue
        yield from section(FAMILY_NAMES[family], "| code | what it says | |", "| --- | --- | --- |")
        for page in rows:
            title = prose(page.title).replace("|", "\\|")
            yield f"| [{page.code}]({page.code}.md) | {title} | {page.severity or 'log'} |"


def prose(text: str) -> str:
    """Our own sentences: what stands in backquotes is code already."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else MARKS.sub(r"\\\1", part) for part in parts)


def write(folder: Path) -> None:
    texts = pages(explain.shelf(), load_matrix())
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
