"""A result in a notebook's cell: verdict, what to do first, the layers, findings folded.

A notebook's own style stays as it is, and its theme is not the browser's: text takes the
notebook's colours, and what has a colour of its own brings its background along. Where the
notebook takes the style away, it still reads well.
"""

from __future__ import annotations

from envcheck.model import StackLayer
from envcheck.render.html.page import fix_box
from envcheck.render.html.stack import TITLES
from envcheck.render.html.tags import Markup, tag
from envcheck.render.sheet import Sheet
from envcheck.render.terminal import STATUS_MARKS, STATUS_WORDS, UNICODE_MARKS
from envcheck.render.view import Commands, FindingView

STYLE = """
.envcheck-cell { max-width: 60rem; line-height: 1.45; overflow-wrap: anywhere; }
.envcheck-cell p, .envcheck-cell ul { margin: .3em 0; }
.envcheck-cell .badge { display: inline-block; padding: .05em .6em; border-radius: 1em;
  color: #fff; background: #5c5c5c; font-weight: 700; margin-right: .5em; }
.envcheck-cell .badge.ok { background: #1b6e43; }
.envcheck-cell .badge.error { background: #b02318; }
.envcheck-cell .badge.warning { background: #855400; }
.envcheck-cell .badge.unknown { background: #6a45a3; }
.envcheck-cell .headline { font-size: 1.15em; font-weight: 600; }
.envcheck-cell pre.command { margin: .3em 0; padding: .5em .8em; border-radius: 6px;
  border: 1px solid #8888; background: #8882; color: inherit; white-space: pre-wrap; }
.envcheck-cell pre.command code { background: none; color: inherit; }
.envcheck-cell table { border-collapse: collapse; margin: .5em 0; color: inherit; font-size: 1em; }
.envcheck-cell th, .envcheck-cell td { text-align: left; vertical-align: top;
  padding: .15em .8em .15em 0; border: 0; background: none; color: inherit; }
.envcheck-cell details { margin: .3em 0; padding-left: .7em; border-left: 3px solid #8888; }
.envcheck-cell summary { cursor: pointer; font-weight: 600; }
"""


def notebook(sheet: Sheet) -> Markup:
    view = sheet.view
    kind = STATUS_MARKS[view.status]
    first: list[Markup] = []
    if view.first:
        first = [tag("p", tag("strong", "Do this first:")), fix_box(view.first, sheet.commands)]
    return tag(
        "div",
        tag("style", Markup(STYLE)),
        tag(
            "p",
            tag("span", f"{UNICODE_MARKS[kind]} {STATUS_WORDS[view.status]}", cls=f"badge {kind}"),
            view.headline,
            cls="headline",
        ),
        first,
        tag("p", tag("small", view.target)) if view.target else "",
        tag("table", tag("tbody", [_row(layer) for layer in view.layers])),
        [_finding(finding, sheet.commands) for finding in view.findings],
        _unknown(sheet),
        tag("p", tag("small", view.counts)) if view.findings or view.unknown else "",
        cls="envcheck-cell",
    )


def _row(layer: StackLayer) -> Markup:
    text = "; ".join(text for text in (layer.version, layer.note) if text)
    return tag(
        "tr",
        tag("td", UNICODE_MARKS[layer.status], title=layer.status),
        tag("th", TITLES[layer.layer]),
        tag("td", text),
    )


def _finding(finding: FindingView, commands: Commands) -> Markup:
    seen = [tag("li", tag("code", what)) for what, _ in finding.evidence]
    return tag(
        "details",
        tag("summary", f"{UNICODE_MARKS[finding.severity]} {finding.code} {finding.title}"),
        tag("p", finding.why) if finding.why else "",
        tag("ul", seen) if seen else "",
        [fix_box(fix, commands) for fix in finding.fixes],
        [tag("p", f"Follows from it: {child.code} {child.title}") for child in finding.children],
    )


def _unknown(sheet: Sheet) -> Markup | str:
    groups = sheet.view.unknown_groups
    if not groups:
        return ""
    return tag(
        "details",
        tag("summary", f"{UNICODE_MARKS['unknown']} Could not be judged"),
        tag("ul", [tag("li", text) for text in groups]),
    )
