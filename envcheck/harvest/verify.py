"""Reads wheels again and compares them with the matrix, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from envcheck.harvest.compose import without_measured
from envcheck.harvest.index import IndexFile, list_files
from envcheck.harvest.rows import (
    Row,
    choose_wheels,
    file_version,
    group_releases,
    platform_entry,
    tensorflow_row,
)
from envcheck.harvest.wheel import read_wheel

if TYPE_CHECKING:
    import requests

_WORKERS = 6
# The wheel for the oldest Python may be tagged otherwise and ask for backports;
# what the matrix states of the platform must hold for it too.
_SAME_IN_EVERY_WHEEL = ("kind", "cuda", "cudnn_major", "sonames")


@dataclass(frozen=True)
class Difference:
    """One cell that does not agree."""

    row: str
    cell: str
    matrix: object
    wheel: object


@dataclass(frozen=True)
class Verified:
    """What was compared and what differs. `cells` counts compared values."""

    releases: int
    wheels: int
    cells: int
    differences: tuple[Difference, ...]


def verify(
    session: requests.Session, index_url: str, rows: Sequence[Row], every_python: bool = False
) -> Verified:
    """Reads each release again. Raises HarvestError.

    With `every_python` also the wheel for the oldest Python of each platform,
    which the harvest did not read.
    """
    packages = sorted({row["package"] for row in rows})
    files = {p: group_releases(list_files(session, index_url, p)) for p in packages}

    def one(row: Row) -> tuple[int, int, list[Difference]]:
        mine = files[row["package"]].get(Version(row["version"]), [])
        if not mine:
            return 0, 1, [Difference(row["id"], "release", "listed", "not on the package index")]
        return _verify_row(session, row, mine, every_python)

    with ThreadPoolExecutor(_WORKERS) as pool:
        results = list(pool.map(one, rows))
    return Verified(
        releases=len(rows),
        wheels=sum(wheels for wheels, _, _ in results),
        cells=sum(cells for _, cells, _ in results),
        differences=tuple(d for _, _, found in results for d in found),
    )


def _verify_row(
    session: requests.Session, row: Row, files: Sequence[IndexFile], every_python: bool
) -> tuple[int, int, list[Difference]]:
    fresh = tensorflow_row(session, row["package"], Version(row["version"]), files)
    stated = without_measured(row)
    cells = list(_cells("", stated))
    differences = [
        Difference(row["id"], cell, ours, theirs)
        for cell, ours, theirs in _unequal(dict(cells), dict(_cells("", fresh)))
        # What the wheel does not say was measured, and is left out on both sides.
        if not (ours is None and ".sonames." in cell)
    ]
    wheels = len(fresh["platforms"])
    if every_python:
        for platform, file in choose_wheels(files, newest=False).items():
            entry = row["platforms"][platform]
            if file.name == entry["wheel"]:
                continue
            oldest = platform_entry(files, platform, read_wheel(session, file), row["requires"])
            wheels += 1
            for cell in _SAME_IN_EVERY_WHEEL:
                if cell in entry.get("measured", ()):
                    continue
                cells.append((f"{platform}.{cell} ({file.name})", entry.get(cell)))
                if oldest.get(cell) != entry.get(cell):
                    differences.append(
                        Difference(
                            row["id"],
                            f"{platform}.{cell} in {file.name}",
                            entry.get(cell),
                            oldest.get(cell),
                        )
                    )
    return wheels, len(cells), differences


def _cells(prefix: str, value: Any) -> Iterator[tuple[str, object]]:
    """Every leaf of a row by its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _cells(f"{prefix}.{key}" if prefix else str(key), inner)
    else:
        yield prefix, value


def _unequal(
    ours: Mapping[str, object], theirs: Mapping[str, object]
) -> Iterator[tuple[str, object, object]]:
    for cell in dict.fromkeys((*ours, *theirs)):
        if ours.get(cell) != theirs.get(cell):
            yield cell, ours.get(cell), theirs.get(cell)


def sample(rows: Sequence[Row], size: int) -> list[Row]:
    """`size` releases spread evenly over the list: the same ones each time."""
    if size >= len(rows):
        return list(rows)
    step = len(rows) / size
    return [rows[int(number * step)] for number in range(size)]


__all__ = ["Difference", "Verified", "file_version", "sample", "verify"]
