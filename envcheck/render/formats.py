"""The formats, by name: one module each, imported when it is asked for."""

from __future__ import annotations

import re
from importlib import import_module

from envcheck.render.sheet import Sheet

PUBLIC = ("markdown",)
"""Formats that are made to be shown to strangers: redacted unless that is refused."""

FILE_NAMES = (
    (re.compile(r"code-?quality[^/\\]*\.json$", re.I), "gitlab"),
    (re.compile(r"\.sarif(\.json)?$", re.I), "sarif"),
    (re.compile(r"\.json$", re.I), "json"),
    (re.compile(r"\.xml$", re.I), "junit"),
    (re.compile(r"\.(md|markdown)$", re.I), "markdown"),
    (re.compile(r"\.html?$", re.I), "html"),
    (re.compile(r"\.(txt|log)$", re.I), "terminal"),
)


def format_of(file: str) -> str | None:
    """The format that a file's name asks for; the first pattern wins."""
    return next((name for pattern, name in FILE_NAMES if pattern.search(file)), None)


def render(name: str, sheet: Sheet) -> str:
    """The whole text of a file in that format."""
    if name == "terminal":
        from envcheck.render import terminal
        from envcheck.render.i18n import english

        return terminal.render(sheet.view, terminal.Style(), english, sheet.commands)
    if name == "json":
        from envcheck.render import json

        return json.render(sheet.report, sheet.verdict)
    text: str = import_module(f"envcheck.render.{name}").render(sheet)
    return text
