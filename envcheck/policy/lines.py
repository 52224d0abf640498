"""The line of each key in a TOML document that the real parser has already taken."""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE = re.compile(r"[ \t]*")
BARE = re.compile(r"[A-Za-z0-9_-]+")
STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}(?!")', re.S),
    re.compile(r"'''.*?'{3,5}(?!')", re.S),
    re.compile(r'"(?:\\.|[^"\\])*"'),
    re.compile(r"'[^']*'"),
)
SCALAR = re.compile(r"[^,\]}#\r\n]+")


def lines_of(text: str) -> Mapping[Path, int]:
    """Each key's path to its line, from 1; a number stands for the place in an array. ``text``
    must be valid TOML."""
    return _Walk(text).run()


class _Walk:
    def __init__(self, text: str) -> None:
        # A TOML parser takes \r\n for a newline, too.
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self.lengths: dict[Path, int] = {}

    def run(self) -> Mapping[Path, int]:
        base: Path = ()
        while self._skip(BLANK) < len(self.text):
            if self.text[self.at] == "[":
                base = self._header()
            else:
                self._pair(base)
        return self.found

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        assert found is not None  # both patterns match nothing as well
        self.at = found.end()
        return self.at

    def _note(self, path: Path) -> None:
        self.found.setdefault(path, self.text.count("\n", 0, self.at) + 1)

    def _header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``; a name that is an array's means its last table."""
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        start, path = self.at, self._key()
        end, self.at = self.at, start
        full: Path = ()
        for number, name in enumerate(path, 1):
            full = (*full, name)
            if several and number == len(path):
                self._note(full)
                self.lengths[full] = self.lengths.get(full, 0) + 1
            if full in self.lengths:
                full = (*full, self.lengths[full] - 1)
            self._note(full)
        self.at = end + (2 if several else 1)
        return full

    def _key(self) -> tuple[str, ...]:
        """A dotted key; the place is then behind it and its blanks."""
        names = []
        while True:
            self._skip(SPACE)
            bare = BARE.match(self.text, self.at)
            if bare:
                names.append(bare[0])
                self.at = bare.end()
            else:
                names.append(self._string())
            self._skip(SPACE)
            if not self.text.startswith(".", self.at):
                return tuple(names)
            self.at += 1

    def _string(self) -> str:
        for pattern in STRINGS:
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                return _unquoted(found[0])
        raise ValueError("this is no string")

    def _pair(self, base: Path) -> None:
        start, names = self.at, self._key()
        end, self.at = self.at, start
        for number in range(len(names)):
            self._note((*base, *names[: number + 1]))
        self.at = end + 1  # the equals sign
        self._skip(SPACE)
        self._value((*base, *names))

    def _value(self, path: Path) -> None:
        char = self.text[self.at]
        if char in "\"'":
            self._string()
        elif char == "[":
            self._array(path)
        elif char == "{":
            self._table(path)
        else:
            self._skip(SCALAR)

    def _array(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self.text[self._skip(BLANK)] != "]":
            self._note((*path, number))
            self._value((*path, number))
            number += 1
            if self.text[self._skip(BLANK)] == ",":
                self.at += 1
        self.at += 1

    def _table(self, path: Path) -> None:
        self.at += 1
        while self.text[self._skip(BLANK)] != "}":
            self._pair(path)
            if self.text[self._skip(BLANK)] == ",":
                self.at += 1
        self.at += 1


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        return text.strip("'")
    return re.sub(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", _unescaped, text[1:-1])


ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


def _unescaped(found: re.Match[str]) -> str:
    what = found[1]
    return chr(int(what[1:], 16)) if what[0] in "uU" else ESCAPES.get(what, what)
