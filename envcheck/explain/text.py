"""One raw line -> the words that a program wrote: no colours, prefixes, markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_ANSI = re.compile(
    r"(?:\x1b|\\u001b|\\x1b|\\033)(?:\[[0-9;?]{0,20}[A-Za-z]|\][^\x07\x1b]{0,80}\x07?)"
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_MARKUP = re.compile(r"</(?:span|pre|div|p|code|font)>|<br ?/?>|<span |<pre[ >]")
_PREFIXES = re.compile(
    r"""(?:
      \s+
    | [>|#$]{1,4}\s              # a quotation, a comment, a shell prompt
    | E\s{2,}                    # pytest
    | \[?(?:rank|default|worker|task|Rank|RANK)\s?[-:]?\s?\d{1,4}\]?:?\s?(?=\S)
    | \[\d{1,4}(?:,\d{1,4})?\](?:<std(?:err|out)>)?:\s?   # mpirun --tag-output
    | \d{1,4}:\s(?=\S)           # srun --label
    | \(\w[\w ,=.-]{0,60}pid=\d{1,9}[^()]{0,60}\)\s        # ray
    | \[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?Z?(?:[+-]\d\d:?\d\d)?\]?:?\s?
    | \[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?\s
    | std(?:err|out)\s[FP]\s      # Kubernetes
    | [\w.-]{1,40}\s{1,8}\|\s     # docker compose
    | [A-Z][a-z]{2}\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d\s[\w.-]{1,64}\s   # syslog
    | \[\s{0,8}\d{1,9}\.\d{1,9}\]\s   # dmesg
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\r?\\n|\\n(?=[A-Z\s\"'-]|$)")


def decode(raw: bytes) -> str:
    """UTF-8; what is not, as Chinese Windows writes (GB 18030), else as Western Windows does."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def pieces(text: str) -> Iterator[str]:
    """The lines in a line: redrawn ones (a progress bar), and those of a string in JSON."""
    for drawn in text.split("\r") if "\r" in text else (text,):
        escaped = drawn.count("\\n")
        if escaped > 1 or (escaped and drawn.lstrip()[:1] in "\"'"):
            yield from _ESCAPED.split(drawn)
        else:
            yield drawn


def plain(text: str) -> str:
    """Without colours, markup, control characters and what a launcher put in front."""
    if "\x1b" in text or "\\u001b" in text or "\\x1b" in text or "\\033" in text:
        text = _ANSI.sub("", text)
    if "<" in text and _MARKUP.search(text):
        text = _TAG.sub("", text)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return text.strip()


def bare(text: str) -> str:
    """Without timestamps, ranks and quotation marks in front."""
    for _ in range(6):
        match = _PREFIXES.match(text)
        if match is None or match.end() == len(text):
            break
        text = text[match.end() :]
    return text.strip()
