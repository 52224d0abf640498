"""The nvidia-* wheels: which exist, and which libraries each puts where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from packaging.version import Version

from envcheck.harvest.index import HarvestError, IndexFile, list_files
from envcheck.harvest.rows import Row, file_version, listing_digest
from envcheck.harvest.wheel import read_wheel

if TYPE_CHECKING:
    import requests

# CUDA 13 dropped the suffix from the project names. TensorFlow has no build for
# it yet; its wheels are listed so that they can be named when found.
CUDA13_PROJECTS = (
    "nvidia-cublas",
    "nvidia-cuda-cupti",
    "nvidia-cuda-nvcc",
    "nvidia-cuda-nvrtc",
    "nvidia-cuda-runtime",
    "nvidia-cudnn-cu13",
    "nvidia-cufft",
    "nvidia-curand",
    "nvidia-cusolver",
    "nvidia-cusparse",
    "nvidia-nvjitlink",
)
_WORKERS = 6
_LIBRARY = re.compile(r"(?P<directory>.+)/(?P<name>lib[^/]+\.so[.\d]*|[^/]+\.dll)$")
_PLATFORMS = {
    "linux_x86_64": re.compile(r"manylinux.*x86_64"),
    "windows_x86_64": re.compile("amd64"),
}


def projects_of(tensorflow: Iterable[Row]) -> tuple[str, ...]:
    """Every nvidia project that an `and-cuda` extra names, and their CUDA 13 successors."""
    named = {name for row in tensorflow for name in row.get("and_cuda", ())}
    return tuple(sorted({n for n in named if n.startswith("nvidia-")} | set(CUDA13_PROJECTS)))


def harvest_nvidia(
    session: requests.Session, index_url: str, projects: Sequence[str], known: Mapping[str, Row]
) -> list[Row]:
    """One row per project; a project whose file list is unchanged is not read again."""

    def one(project: str) -> Row:
        files = list_files(session, index_url, project)
        row = known.get(project)
        if row is not None and row.get("listing") == listing_digest(files):
            return row
        return nvidia_row(session, project, files)

    with ThreadPoolExecutor(_WORKERS) as pool:
        return sorted(pool.map(one, projects), key=lambda row: str(row["id"]))


def nvidia_row(session: requests.Session, project: str, files: Sequence[IndexFile]) -> Row:
    """Versions with a Linux wheel, and the libraries of the newest of each major."""
    by_platform = {name: _wheels(files, pattern) for name, pattern in _PLATFORMS.items()}
    linux = by_platform["linux_x86_64"]
    if not linux:
        raise HarvestError(f"{project} has no Linux wheel on the package index.")
    provides = [
        entry
        for platform, wheels in by_platform.items()
        for entry in _provided(session, platform, wheels)
    ]
    return {
        "id": project,
        "versions": [str(version) for version in sorted(linux)],
        "newest_date": linux[max(linux)].uploaded,
        "provides": provides,
        "listing": listing_digest(files),
        "sources": ["index", "cuda-sonames"],
    }


def _wheels(files: Sequence[IndexFile], pattern: re.Pattern[str]) -> dict[Version, IndexFile]:
    found: dict[Version, IndexFile] = {}
    for file in files:
        version = file_version(file.name)
        if not file.name.endswith(".whl") or version is None or version.is_prerelease:
            continue
        if not file.yanked and pattern.search(file.name.rsplit("-", 1)[1]):
            found[version] = file
    return found


def _provided(
    session: requests.Session, platform: str, wheels: Mapping[Version, IndexFile]
) -> list[Row]:
    """The libraries by major version: within one, file names do not change."""
    newest: dict[int, Version] = {}
    for version in sorted(wheels):
        newest[version.major] = version
    entries: list[Row] = []
    for major, version in newest.items():
        facts = read_wheel(session, wheels[version])
        hits = [m for m in map(_LIBRARY.match, facts.libraries) if m and "/stubs/" not in m[0]]
        directories = sorted({m["directory"] for m in hits})
        for directory in directories:
            names = sorted({m["name"] for m in hits if m["directory"] == directory})
            entries.append(
                {
                    "platform": platform,
                    "major": major,
                    "read": str(version),
                    "directory": directory,
                    "libraries": names,
                }
            )
    return entries
