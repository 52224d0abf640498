"""Logs as they are: encodings, colours, prefixes, markup, size, bad input."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from envcheck.explain import reader, text
from envcheck.explain.model import Explanation
from envcheck.explain.reader import Reading

GATES = reader.gates_for(("No module named", "Killed"))
WORDS = "ModuleNotFoundError: No module named 'tensorflow'"


def read(raw: bytes) -> Reading:
    return reader.read(io.BytesIO(raw), GATES)


class Slowly(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, raw: bytes, step: int) -> None:
        self._raw, self._step, self._at = raw, step, 0

    def read(self, size: int = -1) -> bytes:
        self._at += self._step
        return self._raw[self._at - self._step : self._at]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
def test_every_encoding(encoding: str) -> None:
    reading = read(f"first\n{WORDS}\nlast\n".encode(encoding))
    assert [(line.number, line.text) for line in reading.lines] == [(2, WORDS)]
    assert reading.total == 3


def test_a_localised_windows_message(explained: Callable[..., Explanation]) -> None:
    name = "_pywrap_tensorflow_internal"
    log = f"ImportError: DLL load failed while importing {name}: 找不到指定的模块。\n"
    for encoding in ("utf-8", "gb18030", "utf-16"):
        explanation = explained(log.encode(encoding))
        assert [cause.code for cause in explanation.causes] == ["TFX903"]
        assert "找不到指定的模块" in explanation.causes[0].evidence[0].text


@pytest.mark.parametrize(
    "line",
    [
        f"\x1b[0;31m{WORDS}\x1b[0m",
        f"\\u001b[0;31m{WORDS}\\u001b[0m",
        '<span class="ansi-red-fg">ModuleNotFoundError</span>: No module named '
        "&#39;tensorflow&#39;",
        f"[rank3]: {WORDS}",
        f"[1,3]<stderr>: {WORDS}",
        f"3: {WORDS}",
        f"2024-06-04 13:19:49.973985: {WORDS}",
        f"2024-06-04T13:19:49Z stderr F {WORDS}",
        f"trainer-1  | {WORDS}",
        f"Jun  4 13:19:49 node7 {WORDS}",
        f"(pid=1234, ip=10.0.0.1) {WORDS}".replace("(pid", "(train pid"),
        f"E   {WORDS}",
        f"> {WORDS}",
        f"# {WORDS}",
        f"    {WORDS}\r",
        f"10%|====\r20%|====\r{WORDS}",
    ],
)
def test_what_is_put_around_a_line_is_taken_off(line: str) -> None:
    found = read(line.encode() + b"\n").lines
    assert [text.bare(one.text) for one in found] == [WORDS]


def test_escaped_newlines_are_lines() -> None:
    raw = ('{"text": "Traceback\\n  File \\"a.py\\"\\n' + WORDS + '\\n"}').encode()
    assert WORDS in [text.bare(line.text) for line in read(raw).lines]


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_a_line_that_is_cut_by_a_pipe_is_whole_again(step: int) -> None:
    raw = f"first\n{WORDS}\nlast".encode()
    reading = reader.read(Slowly(raw, step), GATES)  # type: ignore[arg-type]
    assert [(line.number, line.text) for line in reading.lines] == [(2, WORDS)]
    assert [line.text for line in reading.tail] == ["first", WORDS, "last"]
    assert reading.total == 3


def test_one_line_of_many_megabytes() -> None:
    raw = b"x" * 3_000_000 + WORDS.encode() + b"y" * 3_000_000
    reading = read(raw)
    assert reading.total == 1
    assert any(WORDS in line.text for line in reading.lines)
    assert all(len(line.text) <= reader.WINDOW for line in reading.lines)


def test_zeros_between_text_do_no_harm() -> None:
    reading = read(b"a log\n" * 40 + b"\0\0" + WORDS.encode() + b"\n")
    assert [line.text for line in reading.lines] == [WORDS]


@pytest.mark.parametrize("raw", [bytes(range(256)) * 64, b"\x7fELF" + bytes(4000), b"\1\2\3" * 500])
def test_what_is_no_text_is_said_to_be_none(raw: bytes) -> None:
    assert read(raw).binary


def test_many_alike_lines_cost_a_few_only() -> None:
    raw = b"".join(b"No module named 'm%d'\n" % number for number in range(10_000))
    reading = read(raw + b"Killed\n")
    assert len(reading.lines) == reader.ALIKE + 1
    assert reading.lines[-1].number == 10_001


def test_control_characters_are_gone() -> None:
    reading = read(b"No module named 'a\x1b]0;title\x07\x08\x9b31m\xe2\x80\xaeb'\n")
    assert all(line.text.isprintable() for line in reading.lines)
