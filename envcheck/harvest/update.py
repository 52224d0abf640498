"""What the package index has and the matrix has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from envcheck.harvest import compose
from envcheck.harvest.index import IndexFile, list_files
from envcheck.harvest.nvidia import harvest_nvidia, projects_of
from envcheck.harvest.rows import (
    KERAS_PACKAGES,
    OLDEST,
    TENSORFLOW_PACKAGES,
    Row,
    group_releases,
    keras_row,
    tensorflow_row,
)
from envcheck.matrix.load import Sections

if TYPE_CHECKING:
    import requests

_WORKERS = 4


@dataclass(frozen=True)
class Additions:
    """Rows that the shipped matrix lacks; `nvidia` those whose version list has grown."""

    tensorflow: tuple[Row, ...]
    keras: tuple[Row, ...]
    nvidia: tuple[Row, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(row["id"]) for row in (*self.tensorflow, *self.keras))


def find_additions(session: requests.Session, index_url: str, known: Sections) -> Additions:
    """Reads only releases that `known` has no row of. Raises HarvestError."""
    tensorflow = _new_rows(
        session, index_url, TENSORFLOW_PACKAGES, known["tensorflow"], tensorflow_row, OLDEST
    )
    keras = _new_rows(session, index_url, KERAS_PACKAGES, known["keras"], keras_row, Version("0"))
    releases = [row for row in known["tensorflow"].values() if row["kind"] == "release"]
    nvidia = harvest_nvidia(
        session, index_url, projects_of([*releases, *tensorflow]), known["nvidia_wheels"]
    )
    return Additions(
        tuple(compose.release_row(row) for row in tensorflow),
        tuple(compose.keras_row(row) for row in keras),
        tuple(row for row in nvidia if row != known["nvidia_wheels"].get(row["id"])),
    )


def _new_rows(
    session: requests.Session,
    index_url: str,
    packages: Sequence[str],
    known: Mapping[str, Row],
    make: Callable[[Any, str, Version, Sequence[IndexFile]], Row],
    oldest: Version,
) -> list[Row]:
    work = [
        (package, version, files)
        for package in packages
        for version, files in group_releases(list_files(session, index_url, package)).items()
        if version >= oldest and f"{package} {version}" not in known
    ]
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(lambda job: make(session, *job), work))


def overlay_text(schema: str, base: str, additions: Additions) -> str:
    """The overlay file. `date` is the newest upload in it, or the shipped date."""
    rows = (*additions.tensorflow, *additions.keras)
    dates = [row["date"] for row in rows if row.get("date")]
    dates += [row["newest_date"] for row in additions.nvidia if row.get("newest_date")]
    return compose.dump(
        {
            "schema": schema,
            "date": max([base, *dates]),
            "tensorflow": list(additions.tensorflow),
            "keras": list(additions.keras),
            "nvidia_wheels": list(additions.nvidia),
        }
    )
