"""The page: verdict, what to do first, the stack, findings, libraries, coffee, facts."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from envcheck.render.html import coffee, stack, table
from envcheck.render.html.tags import Markup, tag
from envcheck.render.sheet import Sheet, command_lines
from envcheck.render.terminal import STATUS_MARKS, STATUS_WORDS, UNICODE_MARKS
from envcheck.render.view import Commands, FindingView, FixView, clean

FOLDER = Path(__file__).parent


def page(sheet: Sheet) -> str:
    style, script = _file("style.css"), _file("copy.js")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"envcheck: {sheet.headline}"),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        _header(sheet),
        tag("main", list(_sections(sheet))),
        tag("footer", _signature(sheet)),
        tag("script", Markup(script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs but what stands here."""

    def mark(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{mark(style)}'; "
        f"script-src 'sha256-{mark(script)}'; base-uri 'none'; form-action 'none'"
    )


def _header(sheet: Sheet) -> Markup:
    view = sheet.view
    first = ""
    if view.first:
        first = tag(
            "div", tag("h2", "Do this first"), fix_box(view.first, sheet.commands), cls="first"
        )
    # Else it is a finding's title, and a name such as numpy stays as it is written.
    own_words = view.status in ("pass", "inconclusive")
    return tag(
        "header",
        tag(
            "p",
            tag("span", UNICODE_MARKS[STATUS_MARKS[view.status]], aria_hidden="true"),
            f" {STATUS_WORDS[view.status]}",
            cls="verdict",
        ),
        tag("h1", _capital(view.headline) if own_words else view.headline),
        tag("p", _capital(view.target), cls="target") if view.target else "",
        first,
        cls=f"head {STATUS_MARKS[view.status]}",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sections(sheet: Sheet) -> Iterator[Markup | str]:
    yield tag(
        "section",
        tag("h2", "The stack", id="stack"),
        tag("p", "Each layer provides to the one above it.", cls="muted"),
        stack.picture(sheet),
    )
    if sheet.view.findings:
        numbered = zip(sheet.view.findings, _names(sheet.view.findings), strict=True)
        found = [_finding(finding, name, sheet.commands) for finding, name in numbered]
        yield tag("section", tag("h2", "Findings", id="findings"), *found)
    if sheet.view.unknown:
        items = [tag("li", text) for text in sheet.view.unknown]
        yield tag(
            "section",
            tag("h2", "Could not be judged", id="unknown"),
            tag("p", "None of this is a pass.", cls="muted"),
            tag("ul", items, cls="unjudged"),
        )
    if sheet.view.ignored:
        rows = [tag("li", item.line) for item in sheet.view.ignored]
        yield tag(
            "section",
            tag("h2", "Ignored by the policy", id="ignored"),
            tag("ul", rows, cls="ignored"),
        )
    yield _loader(sheet)
    yield coffee.section(sheet)
    yield _facts(sheet)


def _names(findings: Sequence[FindingView]) -> list[str]:
    """To link to: the code of the first of its kind, then numbered."""
    seen: Counter[str] = Counter()
    names = []
    for finding in findings:
        seen[finding.code] += 1
        number = seen[finding.code]
        names.append(finding.code if number == 1 else f"{finding.code}-{number}")
    return names


def _finding(finding: FindingView, name: str, commands: Commands) -> Markup:
    seen = [
        tag("li", tag("code", what), tag("span", f" {commands.shorten(where)}", cls="muted"))
        for what, where in finding.evidence
    ]
    head = tag(
        "h3",
        tag("a", finding.code, href=f"#{name}", cls="code"),
        tag("span", finding.severity, cls="severity"),
        tag("span", finding.title, cls="title"),
    )
    below = f"Confidence: {finding.confidence}."
    if finding.rows:
        below += f" Source: {clean(', '.join(finding.rows))}."
    return tag(
        "article",
        head,
        tag("p", finding.why) if finding.why else "",
        tag("div", tag("h4", "Seen"), tag("ul", seen), cls="seen") if seen else "",
        [
            tag("div", tag("h4", "Or" if number else "Fix"), fix_box(fix, commands), cls="fix")
            for number, fix in enumerate(finding.fixes)
        ],
        [_child(child, f"{name}-{child.code}") for child in finding.children],
        tag("p", below, cls="muted small"),
        cls=f"finding {finding.severity}",
        id=name,
    )


def _child(child: FindingView, name: str) -> Markup:
    seen = [tag("li", tag("code", what)) for what, _ in child.evidence]
    return tag(
        "details",
        tag("summary", f"Follows from it: {child.code} {child.title}"),
        tag("p", child.why),
        tag("ul", seen) if seen else "",
        cls="child",
        id=name,
    )


def fix_box(fix: FixView, commands: Commands) -> Markup:
    caution = f" ({fix.caution})" if fix.caution else ""
    lines = command_lines(fix, commands)
    return tag(
        "div",
        tag("p", f"{fix.note}{caution}") if fix.note or caution else "",
        tag("pre", tag("code", "\n".join(lines)), cls="command", tabindex="0") if lines else "",
    )


def _loader(sheet: Sheet) -> Markup | str:
    """Whatever is known about the loader, row by row: the probes decide what there is."""
    facts = {name: fact for name, fact in sheet.report.facts.items() if name.startswith("loader.")}
    tables = [
        [tag("h3", clean(name)), table.table(fact.value)]
        for name, fact in facts.items()
        if fact.state == "known" and table.is_table(fact.value)
    ]
    rest = [
        tag("li", tag("code", clean(name)), ": ", table.fact_value(fact))
        for name, fact in facts.items()
        if not (fact.state == "known" and table.is_table(fact.value))
    ]
    if not facts:
        return ""
    return tag(
        "section",
        tag("h2", "What the loader finds", id="loader"),
        tables,
        tag("ul", rest, cls="rest") if rest else "",
    )


def _facts(sheet: Sheet) -> Markup:
    families = groupby(sheet.report.facts.items(), key=lambda item: item[0].partition(".")[0])
    blocks = []
    for family, items in families:
        rows = [
            tag(
                "div",
                tag("dt", clean(name)),
                tag("dd", table.fact_value(fact)),
                tag("dd", clean(fact.source), cls="muted small") if fact.source else "",
            )
            for name, fact in items
        ]
        title = tag("summary", clean(family), tag("span", str(len(rows)), cls="count"))
        blocks.append(tag("details", title, tag("dl", rows), cls="facts"))
    return tag("section", tag("h2", "Everything that was seen", id="facts"), *blocks)


def _signature(sheet: Sheet) -> str:
    report = sheet.report
    matrix = f", matrix {report.matrix_version}" if report.matrix_version else ""
    return (
        f"{sheet.view.counts}; rules judged: {report.checked}. envcheck {report.envcheck_version}"
        f"{matrix}, expect {report.expect}, exit code {sheet.verdict.exit_code}."
    )
