"""`envcheck diff`: it works there and not here; what is different?"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from envcheck.baseline.compare import Comparison, Difference
    from envcheck.baseline.sides import Found, Side
    from envcheck.model import Expect

SCHEMA = "envcheck.diff/1"
SHOWN = 8
"""Differences without -v that nothing makes likely."""
WIDTH, NAME_WIDTH = 80, 24
STATUS = {
    "pass": "passes",
    "warn": "passes",
    "fail": "fails",
    "inconclusive": "could not be judged",
}


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option(
    "--expect",
    type=click.Choice(["gpu", "cpu"]),
    help="Judge recorded machines as such. Default: as the other side was judged, else gpu.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
@click.option("-v", "--verbose", is_flag=True, help="Show all differences.")
def diff(first: Path, second: Path, expect: Expect | None, format_: str, verbose: bool) -> int:
    """It works there and not here: what is different?

    FIRST and SECOND are reports (envcheck --format json), recorded machines (envcheck record) or
    lock files (envcheck lock). What most likely explains the findings of one of them stands
    first; what changes from hour to hour is left out.

    `envcheck --output there.json` makes a report on the machine where it works.

    \b
    envcheck diff there.json here.json
    envcheck diff envcheck.lock.json here.json
    envcheck diff -v good-machine bad-machine

    Exit codes: 0 the same, 1 different, 2 one of them cannot be read.
    """
    from envcheck.baseline.compare import compare
    from envcheck.baseline.sides import read
    from envcheck.cli import can_encode, write
    from envcheck.render.json import dumps
    from envcheck.render.view import clean

    found = compare(*read(first, second, expect))
    if format_ == "json":
        write(dumps(document(found)))
    else:
        page = Page(found, verbose, not can_encode("✓✗?"))
        write("".join(f"{clean(line).rstrip()}\n" for line in page.lines()))
    return 0 if found.same else 1


def document(found: Comparison) -> dict[str, Any]:
    from envcheck import __version__

    def finding(row: Found) -> dict[str, str]:
        return {name: getattr(row, name) for name in ("code", "subject", "severity", "title")}

    return {
        "schema": SCHEMA,
        "envcheck_version": __version__,
        "same": found.same,
        "sides": [
            {
                "name": side.name,
                "kind": side.kind,
                "expect": side.expect,
                "status": side.status,
                "only_here": [finding(row) for row in only],
            }
            for side, only in zip(found.sides, found.only, strict=True)
        ],
        "compared": found.compared,
        "unknown": list(found.unknown),
        "differences": [
            {
                "fact": item.drift.fact,
                "item": item.drift.item or None,
                "what": item.drift.what,
                "layer": item.drift.layer,
                "first": item.drift.before,
                "second": item.drift.now,
                "likelihood": item.likelihood,
                "explains": list(item.explains),
                "follows": item.follows
                and {"fact": item.follows[0], "item": item.follows[1] or None},
            }
            for item in found.differences
        ],
    }


class Page:
    def __init__(self, found: Comparison, verbose: bool, ascii_only: bool) -> None:
        self.found, self.verbose = found, verbose
        self.marks = {"pass": "+", "warn": "!", "fail": "x"} if ascii_only else {
            "pass": "✓", "warn": "!", "fail": "✗"
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        first, second = self.found.sides
        yield from self.wrapped(headline(self.found), "", "")
        broken = broken_side(self.found)
        if broken:
            yield from self.first(*broken)
        yield ""
        width = max(len(first.name), len(second.name))
        for side in (first, second):
            yield from self.wrapped(self.side(side, width), "  ", " " * (width + 6))
        yield from self.tables()
        if self.found.unknown:
            yield ""
            names = ", ".join(self.found.unknown)
            yield from self.wrapped(f"Not known on either side: {names}", "", "  ")

    def side(self, side: Side, width: int) -> str:
        if side.status is None:
            return f"{side.name:<{width}}  - a lock file"
        mark = self.marks.get(side.status, "?")
        every = [row for row in side.findings if row.root]
        roots = [row for row in every if row.severity != "info"]
        if side.status == "fail":  # information alone fails where that was asked for
            roots = roots or every
        said = roots[0].title if roots else "everything fits together"
        more = f" (and {len(roots) - 1} more)" if len(roots) > 1 else ""
        if side.status == "inconclusive" and not roots:
            said = "not everything could be looked at"
        return f"{side.name:<{width}}  {mark} {said}{more}"

    def first(self, side: Side, causes: Sequence[Found]) -> Iterator[str]:
        from envcheck import facts as F
        from envcheck.render.view import Commands

        commands = Commands(
            windows=side.facts.value(F.SYSTEM_OS) == "windows",
            cwd=side.facts.value(F.TARGET_CWD) or "",
            home="",
        )
        note = causes[0].note
        lines = [commands.line(step) for step in together(causes)]
        if note or len(lines) > 1:
            yield from self.wrapped(f"First, in {side.name}: {note}", "  ", "    ")
            yield from (f"    {line}" for line in lines)
        elif lines:
            yield f"  First, in {side.name}: {lines[0]}"

    def tables(self) -> Iterator[str]:
        differences = self.found.differences
        if not differences:
            return
        likely = [item for item in differences if item.likelihood == "evidence"]
        rest = [item for item in differences if item.likelihood != "evidence"]
        heads = [item for item in rest if item.follows is None]
        shown = rest if self.verbose else heads[:SHOWN]
        yield ""
        yield from self.row("", *(side.name for side in self.found.sides))
        if likely:
            yield f"named by {what_of(self.found)}"
            yield from self.rows(likely)
        if likely and shown:
            yield "also different"
        yield from self.rows(shown)
        left = len(rest) - len(shown)
        if left:
            yield ""
            yield f"{left} more rows: -v shows all."

    def rows(self, items: Sequence[Difference]) -> Iterator[str]:
        for drift, *_ in items:
            yield from self.row(f"  {drift.what}", drift.before or "none", drift.now or "none")

    def row(self, name: str, before: str, now: str) -> Iterator[str]:
        width = (WIDTH - NAME_WIDTH - 4) // 2
        cells = [
            textwrap.wrap(text, size, break_long_words=True, break_on_hyphens=False) or [""]
            for text, size in (
                (fitted(name.strip()), NAME_WIDTH - 2),
                (fitted(before), width),
                (fitted(now), width),
            )
        ]
        indent = " " * (len(name) - len(name.lstrip()))
        for number in range(max(map(len, cells))):
            label, *values = (cell[number] if number < len(cell) else "" for cell in cells)
            yield f"{indent + label:<{NAME_WIDTH}}  {values[0]:<{width}}  {values[1]}"

    def wrapped(self, text: str, indent: str, rest: str) -> Iterator[str]:
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False,
            break_long_words=False,
        )  # fmt: skip


def fitted(text: str) -> str:
    """Both ends of what is too long for a table."""
    from envcheck.render.view import clean

    text = clean(text)
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}"


def headline(found: Comparison) -> str:
    first, second = found.sides
    count = len({item.drift.fact for item in found.differences})
    if found.same:
        return f"No difference: {found.compared} facts are the same."
    what = f"{count} of {found.compared} facts differ" if count != 1 else "1 fact differs"
    if not count:
        what = f"none of {found.compared} facts differs; what changes from hour to hour is left out"
    if first.status and second.status:
        states = [STATUS[first.status], STATUS[second.status]]
        if states[0] == states[1]:
            return f"Both {states[0].replace('passes', 'pass').replace('fails', 'fail')}: {what}."
        said = f"{first.name} {states[0]}, {second.name} {states[1]}"
    else:
        said = f"{first.name} against {second.name}"
    return f"{said}: {what}."


def what_of(found: Comparison) -> str:
    """The findings that one side alone has."""
    named = {code for item in found.differences for code in item.explains}
    codes = [row.code for only in found.only for row in only if row.code in named]
    return ", ".join(dict.fromkeys(codes))


def together(causes: Sequence[Found]) -> tuple[tuple[str, ...], ...]:
    """The first one's commands; where it is one installation, with those of the others that go
    into the same place."""
    first = causes[0].commands
    head = first[0][: first[0].index("install") + 1] if first and "install" in first[0] else ()
    if len(first) != 1 or not head:
        return first
    words = list(first[0])
    for cause in causes[1:]:
        step = cause.commands[0] if len(cause.commands) == 1 and not cause.note else ()
        if step[: len(head)] == head and cause.severity == causes[0].severity:
            words += [word for word in step[len(head) :] if word not in words]
    return (tuple(words),)


def broken_side(found: Comparison) -> tuple[Side, Sequence[Found]] | None:
    """The one side that fails, and its own findings."""
    for side, other, only in zip(found.sides, reversed(found.sides), found.only, strict=True):
        if side.status == "fail" and other.status != "fail" and only:
            return side, only
    return None
