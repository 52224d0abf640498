"""Elements: text is escaped unless it is Markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


Child = str | Iterable["Child"]
VOID = frozenset(("meta", "br", "line", "circle", "path", "rect", "polyline"))


def tag(name: str, /, *children: Child, **attributes: str | float | bool) -> Markup:
    """``cls`` is the class; an underscore in an attribute's name is a hyphen; an attribute that
    is empty or False is left out."""
    written = "".join(
        f' {_name(key)}="{escape(str(value))}"' if value is not True else f" {_name(key)}"
        for key, value in attributes.items()
        if value is not False and value != ""
    )
    if name in VOID:
        return Markup(f"<{name}{written}>" if name in ("meta", "br") else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def _name(key: str) -> str:
    return "class" if key == "cls" else key.rstrip("_").replace("_", "-")


def join(children: Iterable[Child]) -> Markup:
    return Markup("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if isinstance(child, Markup):
        return child
    return escape(child) if isinstance(child, str) else join(child)
