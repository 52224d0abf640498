"""Turns away, without parsing it, every file in which nothing can be wrong.

What stands in a file is matched with regular expressions that see at least what the parser
would see: a match inside a string costs a parse, a use that they miss does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envcheck.imports import index, judge, public, settings
from envcheck.imports.problem import Flavour
from envcheck.imports.stack import Found, Resolver, fits

WORDS = (b"tensorflow", b"keras")
_ROOT = rb"(?:tensorflow|keras|tf_keras)\b"
# Each begins with a literal, which `re` finds fast. What stands before a match in its line tells
# a statement from a word in a sentence.
_FROM = re.compile(rb"from[ \t]+(" + _ROOT + rb"[\w.]*)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n]*)")
_IMPORT = re.compile(
    rb"import[ \t]+((?:[\w.]+[ \t]*(?:as[ \t]+\w+)?,[ \t]*)*" + _ROOT + rb"[^\n]*)"
)
# What only the parser understands: an import behind another statement, one made by a call, one
# that goes on in the next line, and settings whose order counts.
_CONTINUED = (
    re.compile(rb"from[ \t]+" + _ROOT + rb"[\w.]*[ \t]*\\\r?\n"),
    re.compile(rb"from[ \t]*\\\r?\n\s*" + _ROOT),
    re.compile(rb"import[ \t]+[^\n#]*\\\r?\n[^\n]*" + _ROOT),
)
_CALLED = re.compile(rb"(?:import_module|__import__)\(\s*f?[\"']" + _ROOT)
_SETTINGS = tuple(name.encode() for name in settings.NAMES)
_NO_CODE = re.compile(
    rb"^[ \t]*(?:from|import)\b(?:[^\n(]*\([^)]*\)|[^\n]*)|#[^\n]*"
    rb"|((?:\b[a-zA-Z]{1,2})?)(?:\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}"
    rb"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')",
    re.M | re.S,
)
_ITEM = re.compile(rb"([\w.]+|\*)(?:\s+as\s+(\w+))?$")
_COMMENT = re.compile(rb"#[^\n]*")


@dataclass(frozen=True, slots=True)
class _Statement:
    """What one import statement binds (alias, path of a module); None: has to be parsed."""

    modules: tuple[tuple[bytes, str], ...]
    flavours: tuple[str, ...]


class Sieve:
    """Verdicts on statements and chains are kept: a package repeats them in every file."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._statements: dict[tuple[bytes, bytes, bool], _Statement | None] = {}
        self._chains: dict[tuple[str, bytes, bool], tuple[bool, bool]] = {}
        self._patterns: dict[bytes, re.Pattern[bytes]] = {}
        self._fits = fits(resolver.stack)
        self._absent = tuple(name.encode() for name in resolver.stack.absent or ())
        self.words = (*WORDS, *self._absent)

    def warm(self) -> None:
        """Read the index now, so that child processes share it."""
        for root in index.ROOTS:
            index.load(root)

    def clean(self, data: bytes, owner: str) -> tuple[Flavour, ...] | None:
        """The ways to reach Keras in a file without a finding; None where it must be parsed."""
        if _is_hard(data) or any(name in data for name in self._absent):
            return None
        aliases: dict[bytes, str] = {}
        flavours: dict[str, int] = {}
        imported: set[int] = set()
        for pattern in (_FROM, _IMPORT):
            for match in pattern.finditer(data):
                before = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()].strip()
                if before[-1:] in (b";", b":"):
                    return None
                if before:
                    continue
                statement = self._known(match[1], match[2] if match.re is _FROM else b"", owner)
                if statement is None:
                    return None
                for alias, path in statement.modules:
                    if aliases.setdefault(alias, path) != path:
                        return None
                for flavour in statement.flavours:
                    if flavour.split(".")[0] != owner:
                        flavours.setdefault(flavour, match.start())
                        imported.add(match.start())
        if aliases and not self._chains_clean(data, aliases, flavours, owner):
            # Most are words in a docstring: look again, at the code alone.
            flavours = {name: at for name, at in flavours.items() if at in imported}
            if not self._chains_clean(code_of(data), aliases, flavours, owner):
                return None
        if len(flavours) > 1 and b"except" in data:
            return None
        return tuple(
            Flavour(name, data.count(b"\n", 0, at) + 1, 0) for name, at in flavours.items()
        )

    def _known(self, first: bytes, taken: bytes, owner: str) -> _Statement | None:
        key = (first if taken else b"", taken or first, bool(owner))
        if key not in self._statements:
            self._statements[key] = self._statement(*key)
        return self._statements[key]

    def _statement(self, module: bytes, taken: bytes, owned: bool) -> _Statement | None:
        items = _items(taken)
        if items is None:
            return None
        modules: list[tuple[bytes, str]] = []
        flavours = set()
        for name, alias in items:
            path = f"{module.decode()}.{name}" if module else name
            if not module and name.split(".")[0] not in ("tensorflow", "keras", "tf_keras"):
                continue
            found = self._look(module.decode(), name)
            flavour = judge.flavour_of(path)
            if not self._is_fine(found, path, owned) or (flavour and not self._fits):
                return None
            flavours.add(flavour)
            bound = alias or (name if module else name.split(".")[0])
            target = path if alias or module else bound
            if name != "*" and self.resolver.is_closed(target):
                modules.append((bound.encode(), target))
        return _Statement(tuple(modules), tuple(sorted(flavours - {""})))

    def _look(self, module: str, name: str) -> Found:
        if not module:
            return self.resolver.module(name)
        return self.resolver.module(module) if name == "*" else self.resolver.member(module, name)

    def _is_fine(self, found: Found, path: str, owned: bool) -> bool:
        if found.answer in ("missing", "not-installed"):
            return False
        if found.answer == "unknown" and self.resolver.unjudged(found.root):
            return False
        return owned or not public.is_private(path, found)

    def _chains_clean(
        self, data: bytes, aliases: dict[bytes, str], flavours: dict[str, int], owner: str
    ) -> bool:
        for alias, rest in self._used(data, aliases):
            path = aliases[alias]
            known = (path, rest, bool(owner))
            if known not in self._chains:
                self._chains[known] = self._chain(*known)
            fine, is_module = self._chains[known]
            if not fine:
                return False
            if is_module and re.search(rb"=\s*" + re.escape(alias + rest) + rb"\s*$", data, re.M):
                return False  # another name for a module
            flavour = judge.flavour_of(path + "." + rest.decode().lstrip("."))
            if flavour and flavour.split(".")[0] != owner and flavour not in flavours:
                flavours[flavour] = data.find(alias + rest)
        return True

    def _used(self, data: bytes, aliases: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for alias in aliases:
            pattern = self._patterns.get(alias)
            if pattern is None:
                pattern = re.compile(
                    alias + rb"(?<![\w.]" + alias + rb")((?:\.\w+|\s*\\?\n?\s+\.\s*\w+|\.\s+\w+)+)"
                )
                self._patterns[alias] = pattern
            for rest in set(pattern.findall(data)):
                yield alias, rest

    def _chain(self, path: str, rest: bytes, owned: bool) -> tuple[bool, bool]:
        dotted = path + re.sub(rb"[\s\\]", b"", rest).decode()
        found = self.resolver.chain(dotted)
        # What is taken from a private module has been judged with its import.
        owned = owned or public.is_private(path, self.resolver.chain(path))
        return self._is_fine(found, dotted, owned), found.answer == "module"


def code_of(data: bytes) -> bytes:
    """The text with blanks for comments, plain strings and imports; f-strings hold code, too."""
    return _NO_CODE.sub(_blank, data)


def _blank(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if b"f" in (match[1] or b"").lower():
        return text
    return re.sub(rb"[^\n]", b" ", text)


def _is_hard(data: bytes) -> bool:
    if any(name in data for name in _SETTINGS):
        return True
    if (b"import_module(" in data or b"__import__(" in data) and _CALLED.search(data):
        return True
    return b"\\" in data and any(pattern.search(data) for pattern in _CONTINUED)


def _items(text: bytes) -> list[tuple[str, str]] | None:
    """`a, b as c` to (name, alias) each; None where it is not that simple."""
    plain = _COMMENT.sub(b"", text).strip().strip(b"()").replace(b"\n", b" ")
    if b";" in plain or b"\\" in plain or b"(" in plain:
        return None
    found = []
    for part in plain.split(b","):
        if not part.strip():
            continue
        match = _ITEM.match(part.strip())
        if match is None:
            return None
        found.append((match[1].decode(), (match[2] or b"").decode()))
    return found
