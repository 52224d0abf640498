"""Translations: English is written in the code and is the key; others stand in ``locale/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

LOCALE = Path(__file__).resolve().parent.parent / "locale"
Translator = Callable[[str], str]


def english(text: str) -> str:
    return text


def translator(env: Mapping[str, str]) -> Translator:
    """The translator for the user's language (LANGUAGE, LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = env.get(name, "")
        if value:
            languages = [part for part in value.split(":") if part]
            break
    else:
        return english
    if (
        not languages
        or languages[0].split(".")[0] in ("C", "POSIX")
        or languages[0].startswith("en")
    ):
        return english
    import gettext

    return gettext.translation("envcheck", LOCALE, languages, fallback=True).gettext
