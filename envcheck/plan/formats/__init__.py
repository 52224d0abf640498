"""A plan as text: each module has `render(Sheet) -> str`, and none of them decides anything."""

from __future__ import annotations

from importlib import import_module

from envcheck.plan.formats.sheet import Sheet

__all__ = ["FORMATS", "Sheet", "render"]

FORMATS = {
    "table": "table",
    "pip": "pip",
    "conda": "conda",
    "docker": "docker",
    "github": "github",
    "script": "script",
    "json": "as_json",
}
"""Name on the command line to module."""


def render(name: str, sheet: Sheet) -> str:
    text: str = import_module(f"envcheck.plan.formats.{FORMATS[name]}").render(sheet)
    return text
