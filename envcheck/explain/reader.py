"""A log of any size in one pass: only the lines that may mean something are kept.

A chunk of the file is searched for *gates*, short texts of which every line that a signature
knows contains at least one. A chunk without any is passed over at the speed of memory.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from envcheck.explain import text as texts
from envcheck.explain.model import Line

CHUNK = 1 << 18
"""Bytes: a chunk is searched many times, so it has to stay in the processor's cache."""
WINDOW = 4096
"""Of a longer line only this many characters around what was found are looked at."""
ALIKE = 6
"""Lines that differ in their numbers alone: how many of them are kept."""
MOST = 20_000
"""Lines that are kept at all."""
TAIL = 8
_DIGITS = bytes(range(48, 58))
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SHORT_GATES = ("Error", "rror:", "xception", "ould not", "annot ", "ailed", ".cc:", "vidia", "uda")


@dataclass(frozen=True, slots=True)
class Reading:
    """``lines`` are those with a gate, in their order; ``tail`` the last ones of the log."""

    lines: tuple[Line, ...]
    tail: tuple[Line, ...]
    total: int
    size: int
    binary: bool = False


def gates_for(literals: Iterable[str]) -> tuple[bytes, ...]:
    """The fewest texts such that every literal contains one: searching costs per text."""
    found = set()
    for literal in literals:
        if not any(gate in literal for gate in SHORT_GATES):
            found.add(literal)
    minimal = {one for one in found if not any(two != one and two in one for two in found)}
    used = {gate for gate in SHORT_GATES if any(gate in literal for literal in literals)}
    return tuple(gate.encode() for gate in sorted(used | minimal))


def read(
    stream: BinaryIO, gates: Sequence[bytes], tee: Callable[[bytes], None] | None = None
) -> Reading:
    """Raises OSError where the stream cannot be read."""
    first = stream.read(CHUNK)
    encoding, skip = _encoding(first)
    if encoding is None:
        return Reading((), (), 0, len(first), binary=True)
    sieve = Sieve(gates)
    chunks = _chunks(stream, first[skip:])
    for chunk in chunks if encoding == "utf-8" else _recoded(chunks, encoding):
        if tee:
            tee(chunk)
        sieve.feed(chunk)
    return sieve.finish()


def _encoding(start: bytes) -> tuple[str | None, int]:
    """The encoding and the length of its mark; None for what is no text."""
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name, len(mark)
    zeros = start.count(0)
    if zeros * 20 < len(start) or not zeros:
        control = sum(start.count(byte) for byte in (*range(1, 7), *range(14, 27), 127))
        return (None, 0) if control * 10 > len(start) else ("utf-8", 0)
    if start[1::2].count(0) * 10 > len(start) * 4:
        return "utf-16-le", 0
    if start[::2].count(0) * 10 > len(start) * 4:
        return "utf-16-be", 0
    return None, 0


def _chunks(stream: BinaryIO, first: bytes) -> Iterator[bytes]:
    chunk = first
    while chunk:
        yield chunk
        chunk = stream.read(CHUNK)


def _recoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")


class Sieve:
    """Fed with bytes as they come; a line that is cut between two chunks is put together, but
    for one that is longer than a chunk, of which the pieces overlap by half a window."""

    def __init__(self, gates: Sequence[bytes]) -> None:
        self._gates = tuple(gates)
        self._rest = b""
        self._number = 1
        self._alike: Counter[bytes] = Counter()
        self._lines: list[Line] = []
        self._end = b""
        self._end_number = 1
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        data = self._rest + chunk if self._rest else chunk
        cut = data.rfind(b"\n") + 1
        if not cut:
            if len(data) < 4 * WINDOW:
                self._rest = data
                return
            cut = len(data)
            self._look(data)
            self._rest = data[cut - WINDOW // 2 :]
            return
        self._look(data[:cut])
        self._rest = data[cut:]

    def finish(self) -> Reading:
        if self._rest:
            self._look(self._rest)
        ended = self._end.endswith(b"\n")
        total = self._number - 1 if ended or not self._size else self._number
        return Reading(tuple(self._lines), self._tail(), total, self._size)

    def _look(self, data: bytes) -> None:
        """Whole lines, except where one is longer than a chunk."""
        starts: dict[int, int] = {}
        for gate in self._gates:
            at = data.find(gate)
            while at >= 0:
                start = data.rfind(b"\n", 0, at) + 1
                end = data.find(b"\n", at)
                end = len(data) if end < 0 else end
                if end - start > WINDOW:
                    start, end = max(start, at - WINDOW // 2), min(end, at + WINDOW // 2)
                starts[start] = max(end, starts.get(start, 0))
                at = data.find(gate, end)
        seen = 0
        for start in sorted(starts):
            self._number += data.count(b"\n", seen, start)
            seen = start
            self._keep(data[start : starts[start]])
        self._end = (self._end + data)[-WINDOW:] if len(data) < WINDOW else data[-WINDOW:]
        self._number += data.count(b"\n", seen)
        self._end_number = self._number

    def _keep(self, raw: bytes) -> None:
        if len(self._lines) >= MOST:
            return
        key = raw[-240:].translate(None, _DIGITS)
        self._alike[key] += 1
        if self._alike[key] > ALIKE:
            return
        if len(self._alike) > 2 * MOST:
            self._alike.clear()
        for piece in texts.pieces(texts.decode(raw)):
            text = texts.plain(piece)
            if text:
                self._lines.append(Line(self._number, text[:WINDOW]))

    def _tail(self) -> tuple[Line, ...]:
        rows = self._end.split(b"\n")
        first = self._end_number - (len(rows) - 1)
        found = []
        for offset, raw in enumerate(rows):
            for piece in texts.pieces(texts.decode(raw)):
                text = texts.plain(piece)
                if text:
                    found.append(Line(max(1, first + offset), text))
        return tuple(found[-TAIL:])
