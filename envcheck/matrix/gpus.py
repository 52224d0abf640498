"""Finds a GPU by its name, as NVML prints it and as people write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

# Words that tell makers, packaging or sizes apart, never architectures.
_NOISE = frozenset(
    {
        "nvidia",
        "corporation",
        "gpu",
        "graphics",
        "card",
        "generation",
        "design",
        "with",
        "edition",
        "the",
        "device",
        "r",
        "tm",
        "accelerator",
        "oem",
        "founders",
        "fe",
        "lhr",
    }
)
_FORM = re.compile(
    r"(\d+g|\d+gb|\d+gib|sxm\d?|pcie|pci|e|hbm\d?e?|nvl|ddr\d|gddr\d x?|mig|vgpu|\d+[cqab]|cts|"
    r"dgxs?|sm\d\d|nvlink|hgx|server|workstation|sff)\Z"
)
_BRANDS = frozenset({"geforce", "tesla", "quadro", "grid"})
_MOBILE = frozenset({"laptop", "mobile", "notebook", "maxq", "maxp"})
_SERIES = frozenset({"rtx", "gtx", "gt"})


def words_of(name: str) -> tuple[str, ...]:
    """`NVIDIA GeForce RTX 3080Ti Laptop GPU` to (geforce, rtx, 3080, ti, laptop)."""
    text = re.sub(r"\((r|tm|c)\)|[®™©]", " ", name.lower())
    text = re.sub(r"max[- ]([qp])\b", r"max\1", text)
    text = re.sub(r"/.*$", " ", text)  # "GeForce GTX 1080/PCIe/SSE2", as OpenGL prints it
    words: list[str] = []
    for word in re.split(r"[^a-z0-9]+", text):
        words.extend(_split(word))
    return tuple(w for w in words if w and w not in _NOISE)


def _split(word: str) -> list[str]:
    """rtx4090 to rtx 4090, 3080ti to 3080 ti; a6000, 940mx and k40m stay whole."""
    found = re.match(r"(rtx|gtx|gt|titan)(\d.*)\Z", word)
    if found:
        return [found.group(1), *_split(found.group(2))]
    found = re.match(r"(\d{3,4})(ti|super|laptop|mobile|d)(.*)\Z", word)
    if found:
        return [found.group(1), found.group(2), *([found.group(3)] if found.group(3) else [])]
    return [word]


def _keys(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The ways to write a product, strictest first."""
    bare = tuple(w for w in words if not _FORM.match(w)) or words
    plain = tuple(w for w in bare if w not in _BRANDS) or bare
    number = tuple(w for w in plain if w not in _SERIES) or plain
    return words, bare, plain, number


class GpuNames:
    """An index over the rows of `gpus`."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._exact: dict[tuple[str, ...], list[Row]] = {}
        self._loose: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            keys = _keys(words_of(row["id"]))
            self._exact.setdefault(tuple(sorted(keys[0])), []).append(row)
            for key in dict.fromkeys(tuple(sorted(k)) for k in keys[1:]):
                self._loose.setdefault(key, []).append(row)

    def find(self, name: str) -> tuple[Row, ...]:
        """Products that the name can mean; several only where they differ in capability."""
        words = words_of(name)
        if not words:
            return ()
        for key in dict.fromkeys(tuple(sorted(k)) for k in _keys(words)):
            hits = self._exact.get(key) or self._loose.get(key)
            if hits:
                return self._narrow(hits)
        return self._without_mobile(words)

    def _narrow(self, hits: list[Row]) -> tuple[Row, ...]:
        ambiguous = [row for row in hits if "ambiguous" in row]
        if ambiguous:
            return tuple(hits)
        if len({row["cc"] for row in hits}) == 1:
            shortest = min(hits, key=lambda row: (len(words_of(row["id"])), row["id"]))
            return (shortest,)
        return tuple(hits)

    def _without_mobile(self, words: tuple[str, ...]) -> tuple[Row, ...]:
        """A laptop part that is not listed has its desktop namesake's architecture.

        True of every product numbered 10xx and later; earlier generations mixed
        chips under one number, so those stay unknown.
        """
        rest = tuple(w for w in words if w not in _MOBILE)
        if rest == words or not any(re.match(r"(1[06]\d0|[2-9]0\d0|a\d000)\Z", w) for w in rest):
            return ()
        return self.find(" ".join(rest))
