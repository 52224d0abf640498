"""Kept lines -> hits: which signature each line shows, and what it captures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from envcheck.explain import text as texts
from envcheck.explain.model import Hit, Line, Signature

EVIDENCE = 6
"""Hits of one signature that are kept; captures of further ones count all the same."""
VALUES = 64
FRAME = re.compile(r'^File "(?P<file>[^"]{1,400})", line (?P<line>\d{1,7})')
EXCEPTION = re.compile(
    r"^(?:[A-Za-z_][\w.]{0,100}\.)?(?P<type>[A-Z][A-Za-z]{0,60}(?:Error|Exception|Interrupt|Exit"
    r"|Failure)\b"
    r"|StopIteration|AssertionError)(?:: (?P<message>.{0,1500}))?$"
)
FIXED = ("Error", "Exception", "Interrupt", 'File "', "Traceback (most recent call last)")
"""What tracebacks are read by, whatever the signatures are."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception as a traceback ends with it. ``frame`` is the last line of the user's own."""

    type: str
    message: str
    line: Line
    frame: str

    @property
    def text(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, slots=True)
class Matched:
    hits: tuple[Hit, ...]
    names: Mapping[str, tuple[str, ...]]
    """Every value that was captured under a name, in their order."""
    where: Mapping[tuple[str, str], int]
    """(name, value) -> the line that it stood in first."""
    raised: tuple[Raised, ...]


def literals(signatures: Iterable[Signature]) -> tuple[str, ...]:
    found = [text for signature in signatures for text in signature.says]
    return tuple(dict.fromkeys((*found, *FIXED)))


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def match(lines: Iterable[Line], signatures: Sequence[Signature]) -> Matched:
    by_text: dict[str, list[Signature]] = {}
    for signature in signatures:
        for says in signature.says:
            by_text.setdefault(says, []).append(signature)
    hits: dict[str, list[Hit]] = {}
    names: dict[str, dict[str, None]] = {}
    where: dict[tuple[str, str], int] = {}
    raised: list[Raised] = []
    frame = ""
    for line in lines:
        text = texts.bare(line.text)
        frame = _frame(text) or frame
        error = _raised(Line(line.number, text), frame)
        if error:
            raised.append(error)
        done = set()
        for says, owners in by_text.items():
            if says not in text:
                continue
            for signature in owners:
                if signature.name in done:
                    continue
                captures = _captures(signature, text)
                if captures is None:
                    continue
                done.add(signature.name)
                for name, value in captures.items():
                    values = names.setdefault(name, {})
                    if len(values) < VALUES:
                        values.setdefault(value)
                        where.setdefault((name, value), line.number)
                kept = hits.setdefault(signature.name, [])
                if len(kept) < EVIDENCE:
                    kept.append(Hit(signature, Line(line.number, text), captures))
    flat = tuple(hit for signature in signatures for hit in hits.get(signature.name, ()))
    return Matched(
        flat, {name: tuple(values) for name, values in names.items()}, where, tuple(raised)
    )


def _captures(signature: Signature, text: str) -> dict[str, str] | None:
    """What the first pattern that matches captures; None where the line is not this signature's."""
    if not signature.patterns:
        return {}
    for pattern in signature.patterns:
        found = compiled(pattern).search(text)
        if found:
            return {
                name: value.rstrip(".,;:") for name, value in found.groupdict().items() if value
            }
    return None


def _frame(text: str) -> str:
    found = FRAME.match(text)
    if found is None or "-packages" in found["file"] or "lib/python" in found["file"]:
        return ""
    return f"{found['file']}, line {found['line']}"


def _raised(line: Line, frame: str) -> Raised | None:
    found = EXCEPTION.match(line.text)
    if found is None or found["type"].isupper():
        return None
    return Raised(found["type"], (found["message"] or "").strip(), line, frame)
