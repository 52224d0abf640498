"""What GitHub's runner takes for a command in a step's log: a small model of it.

A line that begins with ``::`` behind any blanks, and ``##[command]`` anywhere in a line. Source:
ActionCommand of github.com/actions/runner, and the manual's page on workflow commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    message: str


def commands(log: str) -> Iterator[Command]:
    """Those that are carried out. Between stop-commands and its token there are none."""
    token = None
    for line in re.split(r"\r\n|\n|\r", log):
        found = _parse(line)
        if found is None:
            continue
        if token is not None:
            token = None if found.name == token else token
        elif found.name == "stop-commands":
            token = found.message
        else:
            yield found
    assert token is None, "commands stay stopped"


def _parse(line: str) -> Command | None:
    new = re.match(r"\s*::([^\s:]+)(?: +(.*?))?::(.*)", line)
    if new:
        name, properties, message = new.groups()
        pairs = (pair.partition("=") for pair in (properties or "").split(",") if pair)
        return Command(name, {key: _decoded(value) for key, _, value in pairs}, _decoded(message))
    old = re.search(r"##\[([^\s\]]+)[^\]]*\](.*)", line)
    return Command(old[1], {}, old[2]) if old else None


def _decoded(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text
