"""pip's NVIDIA wheels of the target: which CUDA each is for, and who asks for which version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from envcheck import facts as F
from envcheck.model import Facts
from envcheck.requirements import TENSORFLOWS, marker_environment, normalise

if TYPE_CHECKING:
    from envcheck.matrix import Matrix

EXTRA = "and-cuda"
ASKERS = re.compile(r"^(torch|jax-cuda\d+-plugin|jax-cuda\d+-pjrt|cupy-cuda\w+)$")
"""Distributions that ask for NVIDIA's wheels beside TensorFlow."""


class Wheel(NamedTuple):
    """``cuda`` is the CUDA major that it is for."""

    row: F.Distribution
    cuda: int

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def title(self) -> str:
        return f"{self.row.name} {self.row.version}"


class Pin(NamedTuple):
    """``asker`` wants ``name`` in ``specifier``; ``installed`` is what is there."""

    asker: F.Distribution
    name: str
    specifier: str
    installed: str | None
    met: bool


def cuda_wheels(facts: Facts, matrix: Matrix) -> tuple[Wheel, ...]:
    """The first copy of each, by name. From CUDA 13 on the names carry no number."""
    found: dict[str, Wheel] = {}
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        named = re.fullmatch(r"nvidia-.+-cu(\d+)", row.name)
        if named:
            found.setdefault(row.name, Wheel(row, int(named[1])))
        elif row.name.startswith("nvidia-") and matrix.nvidia_wheel(row.name):
            found.setdefault(row.name, Wheel(row, 13))
    return tuple(found[name] for name in sorted(found))


def clashes(
    wheels: tuple[Wheel, ...], facts: Facts, matrix: Matrix
) -> Iterator[tuple[Wheel, Wheel, tuple[str, ...]]]:
    """Two wheels of different CUDAs and the library files that both of them install."""
    for first, second in combinations(wheels, 2):
        if first.cuda != second.cuda and first.row.location == second.row.location:
            shared = _files(first, facts, matrix) & _files(second, facts, matrix)
            if shared:
                yield first, second, tuple(sorted(path.rpartition("/")[2] for path in shared))


def _files(wheel: Wheel, facts: Facts, matrix: Matrix) -> frozenset[str]:
    windows = facts.value(F.SYSTEM_OS) == "windows"
    platform = "windows_x86_64" if windows else "linux_x86_64"
    known = matrix.nvidia_wheel(wheel.name)
    major = (wheel.row.version or "").partition(".")[0]
    return frozenset(
        f"{entry['directory']}/{name}"
        for entry in (known.provides if known else ())
        if entry["platform"] == platform and str(entry["major"]) == major
        for name in entry["libraries"]
    )


def pins(facts: Facts) -> tuple[Pin, ...]:
    """What TensorFlow's extra, torch and their like ask of NVIDIA's wheels, on this target."""
    from packaging.requirements import InvalidRequirement, Requirement

    environment = {**marker_environment(facts), "extra": EXTRA}
    installed = dict(facts.value(F.TARGET_INSTALLED) or {})
    rows: dict[str, F.Distribution] = {}
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        if row.name in TENSORFLOWS or ASKERS.match(row.name):
            rows.setdefault(row.name, row)
    found = []
    for row in rows.values():
        for line in row.requires if row.name != facts.value(F.TF_PACKAGE) else _own(facts, row):
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                continue
            name = normalise(requirement.name)
            marker = requirement.marker
            if not name.startswith("nvidia-") or (marker and not marker.evaluate(environment)):
                continue
            version = installed.get(name)
            met = version is not None and requirement.specifier.contains(version, prereleases=True)
            found.append(Pin(row, name, str(requirement.specifier), version, met))
    return tuple(found)


def _own(facts: Facts, row: F.Distribution) -> tuple[str, ...]:
    return facts.value(F.TF_REQUIRES) or row.requires


def own_pins(facts: Facts) -> dict[str, str]:
    """What TensorFlow's own extra asks for: name to specifier."""
    return {pin.name: pin.specifier for pin in pins(facts) if pin.asker.name in TENSORFLOWS}


def within_pins(facts: Facts, matrix: Matrix, name: str, specifier: str) -> str | None:
    """``specifier`` narrowed to what TensorFlow's own extra admits; None where that is nothing."""
    from envcheck.matrix.specs import admits, intersect

    own, known = own_pins(facts).get(name), matrix.nvidia_wheel(name)
    if own is None:
        return specifier
    versions = known.versions if known else ()
    if not any(admits(own, version) and admits(specifier, version) for version in versions):
        return None
    return intersect(own, specifier)


def together(rows: Iterable[Pin]) -> str:
    """One specifier for all of them; they must not exclude each other."""
    from envcheck.matrix.specs import intersect

    found: str | None = None
    for row in rows:
        found = intersect(found, row.specifier)
    return found or ""


def asked_otherwise(facts: Facts, name: str, specifier: str) -> tuple[Pin, ...]:
    """Who else than TensorFlow pins this wheel to a version that ``specifier`` leaves out."""
    from envcheck.matrix.specs import admits

    return tuple(
        pin
        for pin in pins(facts)
        if pin.name == name
        and pin.asker.name not in TENSORFLOWS
        and pin.specifier.startswith("==")
        and not admits(specifier, pin.specifier.removeprefix("=="))
    )


def askers_of(facts: Facts, name: str) -> tuple[str, ...]:
    """Who else than TensorFlow wants this wheel."""
    return tuple(
        pin.asker.name
        for pin in pins(facts)
        if pin.name == name and pin.asker.name not in TENSORFLOWS
    )
