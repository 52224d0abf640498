"""A log of any size in one pass: only the lines that may mean something are kept.

Lines that differ in their numbers alone are looked at a few times only, which a set of lines
without digits decides at the speed of memory; so the progress of a training costs next to
nothing. What is left is searched for *gates*, the texts that signatures look for: a line's words
say which of them it can contain.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
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
DULL = 2
"""How much a line without a gate counts towards ALIKE: numbers may matter, so it is not all."""
MOST_ALIKE = 100_000
_DIGITS = bytes(range(48, 58))
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """``lines`` are those with a gate, in their order; ``tail`` the last ones of the log."""

    lines: tuple[Line, ...]
    tail: tuple[Line, ...]
    total: int
    size: int
    binary: bool = False


_WORD = re.compile(rb"[A-Za-z]{3,}")


@dataclass(frozen=True, slots=True)
class Gates:
    """The texts that mean something, by a word of theirs: a line's own words name the few that it
    can contain, so the number of signatures costs nothing. ``wordless`` have none."""

    by_word: Mapping[bytes, tuple[bytes, ...]]
    wordless: tuple[bytes, ...]

    def among(self, rows: bytes) -> tuple[bytes, ...]:
        """Those that stand in these rows somewhere."""
        words = self.by_word.keys() & set(_WORD.findall(rows))
        texts = [text for word in words for text in self.by_word[word]]
        return tuple(sorted(text for text in (*texts, *self.wordless) if text in rows))


def minimal(literals: Iterable[str]) -> tuple[str, ...]:
    """Without those that contain another one."""
    found = sorted(set(literals), key=len)
    kept: list[str] = []
    for text in found:
        if not any(short in text for short in kept):
            kept.append(text)
    return tuple(sorted(kept))


def gates_for(literals: Iterable[str]) -> Gates:
    by_word: dict[bytes, list[bytes]] = {}
    wordless = []
    for literal in minimal(literals):
        text = literal.encode()
        word = _word_of(text)
        if word:
            by_word.setdefault(word, []).append(text)
        else:
            wordless.append(text)
    return Gates({word: tuple(texts) for word, texts in by_word.items()}, tuple(wordless))


def _word_of(text: bytes) -> bytes:
    """The longest word that a line with this text has as a whole: one at the text's edge may go
    on in the line, so it is taken only where there is no other."""
    found = [
        (found.start() > 0 and found.end() < len(text), len(found[0]), found[0])
        for found in _WORD.finditer(text)
    ]
    return max(found)[2] if found else b""


def _first(row: bytes, gates: tuple[bytes, ...], start: int) -> int:
    """Where the first gate stands; -1 where there is none."""
    places = [row.find(text, start) for text in gates]
    return min((place for place in places if place >= 0), default=-1)


def read(stream: BinaryIO, gates: Gates) -> Reading:
    """Raises OSError where the stream cannot be read."""
    first = stream.read(CHUNK)
    encoding, skip = _encoding(first)
    if encoding is None:
        return Reading((), (), 0, len(first), binary=True)
    sieve = Sieve(gates)
    chunks = _chunks(stream, first[skip:])
    for chunk in chunks if encoding == "utf-8" else _recoded(chunks, encoding):
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
        return (None, 0) if control * 20 > len(start) else ("utf-8", 0)
    for name, zero in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zero.count(0) * 10 > len(zero) * 8 and _is_words(start, name):
            return name, 0
    return None, 0


def _is_words(start: bytes, encoding: str) -> bool:
    text = start[:4096].decode(encoding, "replace")
    return sum(char.isprintable() or char in "\r\n\t\x1b" for char in text) * 10 > len(text) * 9


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

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._rest = b""
        self._number = 1
        self._alike: dict[int, int] = {}
        """Hash of a line without its digits -> how often it was looked at."""
        self._lines: list[Line] = []
        self._end = b""
        self._end_number = 1
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        data = self._rest + chunk if self._rest else chunk
        cut = data.rfind(b"\n") + 1
        if cut:
            self._look(data[:cut])
            self._rest = data[cut:]
        elif len(data) < 4 * WINDOW:
            self._rest = data
        else:
            self._look(data)
            self._rest = data[len(data) - WINDOW // 2 :]

    def finish(self) -> Reading:
        if self._rest:
            self._look(self._rest)
        ended = self._end.endswith(b"\n")
        total = self._number - 1 if ended or not self._size else self._number
        return Reading(tuple(self._lines), self._tail(), total, self._size)

    def _look(self, data: bytes) -> None:
        """Whole lines, except where one is longer than a chunk. A progress bar redraws its line
        with \\r, which separates here as well."""
        rows = data.replace(b"\r", b"\n") if b"\r" in data else data
        keys = rows.translate(None, _DIGITS).split(b"\n")
        seen = self._alike
        fresh = {key for key in set(keys) if seen.get(hash(key), 0) < ALIKE}
        fresh.discard(b"")
        if fresh:
            self._sift(data, rows, keys, fresh)
        self._number += data.count(b"\n")
        self._end = (self._end + data)[-WINDOW:] if len(data) < WINDOW else data[-WINDOW:]
        self._end_number = self._number
        if len(seen) > MOST_ALIKE:
            seen.clear()

    def _sift(self, data: bytes, rows: bytes, keys: list[bytes], fresh: set[bytes]) -> None:
        seen, number, at = self._alike, self._number, 0
        found = []
        for row, key in zip(rows.split(b"\n"), keys, strict=True):
            if key in fresh:
                found.append((number, row, hash(key)))
            at += len(row) + 1
            number += data[at - 1 : at] == b"\n"
        texts = self._gates.among(b"\n".join(row for _, row, _ in found))
        for number, row, key_hash in found:
            count = seen.get(key_hash, 0)
            if count < ALIKE:
                seen[key_hash] = count + (1 if self._keep(row, number, texts) else DULL)

    def _keep(self, raw: bytes, number: int, gates: tuple[bytes, ...]) -> bool:
        """Whether there is a gate in it. Of a long line the surroundings of each gate are kept."""
        at = _first(raw, gates, 0)
        if at < 0:
            return False
        if len(raw) <= WINDOW:
            self._add(raw, number)
            return True
        while at >= 0 and len(self._lines) < MOST:
            start = max(0, at - WINDOW // 2)
            self._add(raw[start : start + WINDOW], number)
            at = _first(raw, gates, start + WINDOW)
        return True

    def _add(self, raw: bytes, number: int) -> None:
        if len(self._lines) < MOST:
            for piece in texts.pieces(texts.decode(raw)):
                text = texts.plain(piece)
                if text:
                    self._lines.append(Line(number, text[:WINDOW]))

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
