"""What rules about the loader have in common: LD_LIBRARY_PATH changed, versions of copies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix
from envcheck.remedies import manual

VARIABLE = "LD_LIBRARY_PATH"


def winner(facts: Facts, name: str) -> F.Place | None:
    """The file that the loader gives to TensorFlow for this library."""
    rows = facts.value(F.LIBRARIES) or ()
    return next((row.winner for row in rows if row.name == name), None)


def nowhere(facts: Facts, *names: str) -> bool:
    """Whether TensorFlow opens one of these, and it is in no folder that was looked into."""
    rows = [row for row in facts.value(F.LIBRARIES) or () if row.name in names]
    return any(not row.found for row in rows)


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _entries(facts: Facts) -> list[str]:
    return [entry for entry in (facts.value(F.LD_LIBRARY_PATH) or "").split(":") if entry]


def _set(folders: Iterable[str]) -> Fix:
    note = "In the shell that starts your program:"
    step = ("export", f"{VARIABLE}={':'.join(dict.fromkeys(folders))}")
    return manual("set-ld-library-path", note, step)


def add_folders(facts: Facts, *folders: str) -> Fix:
    """Behind what is there already, so that nothing else is found elsewhere than before."""
    return _set((*_entries(facts), *folders))


def remove_folders(facts: Facts, *folders: str) -> Fix:
    rest = [entry for entry in _entries(facts) if entry.rstrip("/") not in folders]
    note = "In the shell that starts your program, and in the file that sets it (~/.bashrc):"
    step = ("export", f"{VARIABLE}={':'.join(rest)}") if rest else ("unset", VARIABLE)
    return manual("shorten-ld-library-path", note, step)


def take_out(facts: Facts, place: F.Place) -> Fix:
    """So that this copy is not found first. Where its folder has what is nowhere else, the next
    copies are put in front instead."""
    folder = folder_of(place.path)
    there = [
        library
        for library in facts.value(F.LIBRARIES) or ()
        if library.winner is not None and folder_of(library.winner.path) == folder
    ]
    instead = [folder_of(library.losers[0].path) for library in there if library.losers]
    if instead and len(instead) < len(there):
        return _set((*instead, *_entries(facts)))
    return remove_folders(facts, folder)


def version_of(facts: Facts, soname: str, place: F.Place) -> str | None:
    """What the library says of itself where a child has opened it, else what its file's name or
    its wheel says."""
    for row in facts.value(F.OPENED) or ():
        if row.soname == soname and row.path == place.path and row.version:
            return row.version
    return place.version


def numbers(version: str) -> tuple[int, ...]:
    """Major, minor and patch; a wheel's build number and what marks a preview do not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("rc")[0])[:3])


def release_that_finds_wheels(facts: Facts, matrix: Matrix) -> str | None:
    """The nearest release of the same package that finds pip's CUDA libraries by itself: the next
    of the same minor, else the last one before."""
    package, version = facts.value(F.TF_PACKAGE) or "", facts.value(F.TF_VERSION) or ""
    minor = ".".join((facts.value(F.TARGET_PYTHON) or "").split(".")[:2])
    fitting = []
    for release in matrix.releases(package):
        if release.is_prerelease:
            continue
        build = matrix.build_of(package, release)
        finds = build is not None and build.main is not None and build.main.finds_wheels
        if build and finds and build.and_cuda and minor in build.pythons:
            fitting.append(build.version)
    own = numbers(version)
    later = [text for text in fitting if numbers(text)[:2] == own[:2] and numbers(text) > own]
    earlier = [text for text in fitting if numbers(text) < own]
    return later[0] if later else earlier[-1] if earlier else None
