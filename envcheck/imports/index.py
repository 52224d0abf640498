"""The names of every TensorFlow and Keras release, as tools/build_names.py stored them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "names"
ROOTS = ("tensorflow", "keras", "tf_keras")

Minor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Module:
    """``exists`` and ``opened`` are sets of releases as bits. In a release of ``opened`` the
    module has names that only running it would show."""

    exists: int
    opened: int
    names: Mapping[str, int]


class Names:
    """One package's modules in all its releases; lines are read when they are asked for."""

    def __init__(self, text: str) -> None:
        head, *lines = text.splitlines()
        self.releases = tuple(head.split(" "))
        self.minors = {minor_of(release): bit for bit, release in enumerate(self.releases)}
        self._lines = dict(line.split("\t", 1) for line in lines)
        self._modules: dict[str, Module] = {}

    def module(self, name: str) -> Module | None:
        found = self._modules.get(name)
        if found is None and name in self._lines:
            found = self._modules[name] = _parse(self._lines[name])
        return found

    def below(self, prefix: str) -> tuple[str, ...]:
        """The modules under a package, itself included."""
        return tuple(
            name for name in self._lines if name == prefix or name.startswith(prefix + ".")
        )


def _parse(line: str) -> Module:
    exists, opened, groups = line.split("\t")
    names: dict[str, int] = {}
    for group in groups.split(";") if groups else ():
        mask, _, listed = group.partition(":")
        names.update(dict.fromkeys(listed.split(","), int(mask or exists, 16)))
    return Module(int(exists, 16), int(opened, 16), names)


@cache
def load(root: str) -> Names:
    return Names(zlib.decompress((FOLDER / f"{root}.z").read_bytes()).decode())


def minor_of(version: str) -> Minor:
    """Major and minor of a version. Raises ValueError."""
    major, _, rest = version.partition(".")
    digits = rest.split(".")[0]
    for cut in ("rc", "a", "b", "dev", "+"):
        digits = digits.split(cut)[0]
    return int(major), int(digits or 0)
