"""glibc's search for a library, as a value: which file a dlopen takes, and why.

Follows ``_dl_map_object`` and ``open_path`` of elf/dl-load.c: an object of that name that is
loaded already; the RPATHs of the opening object, of the one that needs it and so on, and of the
program, if the opening object has no RUNPATH; LD_LIBRARY_PATH; the opening object's RUNPATH;
ld.so.cache; the default folders. In each folder the glibc-hwcaps of this processor come first.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from envcheck.loader.elf import Elf

ORIGIN = re.compile(r"\$(?:(ORIGIN|LIB|PLATFORM)\b|\{(ORIGIN|LIB|PLATFORM)\})")


class Cached(NamedTuple):
    """A line of ld.so.cache. ``level`` is the glibc-hwcaps folder that it lies in, or empty."""

    name: str
    path: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """What is the same for every library of one process."""

    machine: str = "x86_64"
    bits: int = 64
    library_path: str = ""
    cache: tuple[Cached, ...] = ()
    folders: tuple[str, ...] = ()
    """The default folders, in order."""
    levels: tuple[str, ...] = ()
    """The folders below glibc-hwcaps that this processor may use, best first: x86-64-v3."""
    lib: str = "lib64"
    platform: str = "x86_64"
    cwd: str = "/"


@dataclass(frozen=True, slots=True)
class Object:
    """A file that the process has mapped. ``loader`` is the object that needs it; None for what
    was dlopened: what that needs in turn does not see the RPATH of who called dlopen."""

    path: str
    elf: Elf
    via: str
    loader: Object | None = None


class Candidate(NamedTuple):
    path: str
    via: str


class Passed(NamedTuple):
    """A file of the right name that the loader did not take, and why."""

    path: str
    via: str
    why: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of one dlopen. ``taken`` is the file that won; it is loaded only where ``error``
    and ``missing`` are empty. ``missing`` are needed libraries that nothing has."""

    taken: Object | None
    passed: tuple[Passed, ...] = ()
    error: str = ""
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.taken is not None and not self.error and not self.missing


Reader = Callable[[str], "Elf | None"]
"""The file's ELF fields; None where there is no such file, or none that may be read."""


@dataclass
class Process:
    """The libraries of one process, in the order in which it loads them."""

    system: System
    read: Reader
    realpath: Callable[[str], str]
    program: Object | None = None
    names: dict[str, Object] = field(default_factory=dict)
    files: dict[str, Object] = field(default_factory=dict)
    paths: dict[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    """Search paths that were split before: some of TensorFlow's have hundreds of entries."""

    def open(self, name: str, opener: Object | None, via: str = "") -> Opened:
        """dlopen from ``opener``, with all that it needs; leaves nothing behind if it fails."""
        names, files = dict(self.names), dict(self.files)
        first = self._map(name, opener, None, via)
        missing: list[str] = []
        if first.taken is not None and not first.error:
            missing = list(self._needs(first.taken))
        if first.taken is None or first.error or missing:
            self.names, self.files = names, files
        return Opened(first.taken, first.passed, first.error, tuple(missing))

    def start(self, program: Object, preloaded: Iterable[str]) -> None:
        """The program itself with its libraries and those of LD_PRELOAD."""
        self.program = program
        for name in preloaded:
            self.open(name, program, "LD_PRELOAD")
        self.adopt(program)

    def adopt(self, found: Object) -> None:
        """An object that is there whatever the search says, with what it needs."""
        self.files[self.realpath(found.path)] = found
        if found.elf.soname:
            self.names.setdefault(found.elf.soname, found)
        for _ in self._needs(found):
            continue

    def _needs(self, root: Object) -> Iterator[str]:
        """Map what it needs, breadth first; yields what cannot be had."""
        queue, seen = [root], {root.path}
        while queue:
            current = queue.pop(0)
            for name in current.elf.needed:
                found = self._map(name, current, current)
                if found.taken is None or found.error:
                    yield f"{name} ({found.error})" if found.error else name
                elif found.taken.path not in seen:
                    seen.add(found.taken.path)
                    queue.append(found.taken)

    def _map(
        self, name: str, opener: Object | None, loader: Object | None, via: str = ""
    ) -> Opened:
        if name in self.names:
            return Opened(self.names[name])
        passed = []
        for candidate in self.candidates(name, opener):
            elf = self.read(candidate.path)
            if elf is None:
                continue
            why = self.misfit(elf)
            if why:
                passed.append(Passed(candidate.path, via or candidate.via, why))
                continue
            taken = self._register(name, candidate, elf, loader, via)
            return Opened(taken, tuple(passed), elf.flaw)
        return Opened(None, tuple(passed))

    def _register(
        self, name: str, candidate: Candidate, elf: Elf, loader: Object | None, via: str
    ) -> Object:
        real = self.realpath(candidate.path)
        found = self.files.get(real)
        if found is None:
            found = Object(candidate.path, elf, via or candidate.via, loader)
            if elf.flaw:
                return found
            self.files[real] = found
        for known in (name, elf.soname):
            if known:
                self.names.setdefault(known, found)
        return found

    def misfit(self, elf: Elf) -> str:
        """Why the loader passes over this file; empty where it takes it, or stops at its flaw."""
        if elf.bits and elf.bits != self.system.bits:
            return f"{elf.bits}-bit"
        other = elf.machine and elf.machine != self.system.machine
        return f"for {elf.machine}" if other else ""

    def candidates(self, name: str, opener: Object | None) -> Iterator[Candidate]:
        """Every place in which the loader would look for it, in its order; ``via`` says why."""
        if "/" in name:
            yield Candidate(self._absolute(self._expand(name, opener)), "path")
            return
        for via, folders in self._lists(opener):
            yield from self._in_folders(folders, name, via)
        cached = self._cached(name)
        if cached:
            yield Candidate(cached, "ld.so.cache")
        yield from self._in_folders(self.system.folders, name, "default")

    def _in_folders(self, folders: Iterable[str], name: str, via: str) -> Iterator[Candidate]:
        levels = [f"glibc-hwcaps/{level}/" for level in self.system.levels]
        for folder in folders:
            for level in (*levels, ""):
                yield Candidate(posixpath.join(folder, level + name), via)

    def _lists(self, opener: Object | None) -> Iterator[tuple[str, tuple[str, ...]]]:
        if opener is None or not opener.elf.runpath:
            chain: list[Object] = []
            current = opener
            while current is not None and current not in chain:
                chain.append(current)
                current = current.loader
            if self.program is not None and self.program not in chain:
                chain.append(self.program)
            for link in chain:
                yield "RPATH", self.split(link.elf.rpath, link)
        yield "LD_LIBRARY_PATH", self.split(self.system.library_path, self.program, "[:;]")
        if opener is not None:
            yield "RUNPATH", self.split(opener.elf.runpath, opener)

    def split(self, text: str, origin: Object | None, separator: str = ":") -> tuple[str, ...]:
        """The folders of a search path, expanded; an empty entry is the current folder."""
        if not text:
            return ()
        key = (text, origin.path if origin else "", separator)
        if key not in self.paths:
            entries = dict.fromkeys(re.split(separator, text))
            folders = (self._absolute(self._expand(entry, origin)) for entry in entries)
            self.paths[key] = tuple(dict.fromkeys(folders))
        return self.paths[key]

    def _absolute(self, folder: str) -> str:
        # Not normalised: behind a symbolic link, ".." is not what it looks like.
        return posixpath.join(self.system.cwd, folder.rstrip("/") or folder)

    def _expand(self, text: str, origin: Object | None) -> str:
        values: Mapping[str, str] = {
            "ORIGIN": posixpath.dirname(origin.path) if origin else "",
            "LIB": self.system.lib,
            "PLATFORM": self.system.platform,
        }
        return ORIGIN.sub(lambda found: values[found[1] or found[2]], text)

    def _cached(self, name: str) -> str | None:
        """The cache's entry of the best level that this processor has."""
        order = {level: index for index, level in enumerate((*self.system.levels, ""))}
        rows = [row for row in self.system.cache if row.name == name and row.level in order]
        return min(rows, key=lambda row: order[row.level]).path if rows else None
