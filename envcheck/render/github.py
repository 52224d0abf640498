"""Report -> workflow commands: annotations for GitHub.

A step may make ten annotations of each kind; what is more is dropped there without a word. So
the worst come first and the last one says how many are left.
Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.model import Place
from envcheck.render.sheet import Sheet, lines_of

KINDS = {"error": "error", "warning": "warning", "info": "notice"}
LIMIT = 10
LONGEST = 10_000
"""Characters of one annotation."""


def render(sheet: Sheet) -> str:
    kinds: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for finding in sheet.view.findings:
        text = "\n".join((finding.title, *lines_of(finding, sheet.commands)))
        title = f"{finding.code} {finding.slug}"
        kind = KINDS[finding.severity]
        kinds[kind].append(command(kind, text, title, finding.place))
    if sheet.view.ignored:
        text = "\n".join(item.line for item in sheet.view.ignored)
        kinds["notice"].insert(0, command("notice", text, "envcheck: ignored by the policy"))
    if sheet.view.unknown:
        kind = "error" if sheet.verdict.status == "inconclusive" else "warning"
        text = "\n".join((sheet.headline, "Could not be judged:", *sheet.view.unknown))
        kinds[kind].insert(0, command(kind, text, "envcheck: could not be judged"))
    elif sheet.verdict.status == "inconclusive":
        kinds["error"].append(command("error", sheet.headline, "envcheck"))
    return "".join(line for kind, lines in kinds.items() for line in _limited(kind, lines))


def _limited(kind: str, lines: list[str]) -> Iterator[str]:
    shown = lines if len(lines) <= LIMIT else lines[: LIMIT - 1]
    yield from shown
    left = len(lines) - len(shown)
    if left:
        text = f"{left} more of this kind: the step's summary and log have all of them."
        yield command(kind, text, "envcheck")


def command(kind: str, text: str, title: str, place: Place | None = None) -> str:
    properties = {"title": title}
    if place:
        properties["file"] = place.file
    if place and place.line:
        properties |= {"line": str(place.line), "col": str(place.column)}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {listed}::{_data(text)}\n"


def _data(text: str) -> str:
    """Its old commands are met anywhere in a line, so that they are broken up, too."""
    text = text.replace("##[", "## [")
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def guarded(text: str, token: str) -> str:
    """Text for a log in which nothing is a command: the runner takes none until the token."""
    return f"::stop-commands::{token}\n{text}::{token}::\n"
