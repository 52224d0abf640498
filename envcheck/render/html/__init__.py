"""Report -> one HTML file that needs nothing beside it and no script to be read."""

from __future__ import annotations

from envcheck.render.html.page import page
from envcheck.render.sheet import Sheet


def render(sheet: Sheet) -> str:
    # ``##[`` in a log on GitHub would be a command.
    return page(sheet).replace("##[", "&#35;#[")
