"""The places that have the libraries TensorFlow opens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, absent, known, unknown

if TYPE_CHECKING:
    from envcheck.probes.source import Child, Completed, Source

CUDNN_MAJORS = (9, 8, 7)
DEFAULT_FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")


def default_folders(source: Source) -> tuple[str, ...]:
    """Where the loader looks last; Debian's also in the folders of the architecture."""
    roots = ("/lib", "/usr/lib")
    return (*(f"{root}/{source.machine}-linux-gnu" for root in roots), *DEFAULT_FOLDERS)


def spawn(source: Source) -> Child:
    """ld.so.cache as text. ldconfig lives in /sbin, which is not on every PATH."""
    return source.spawn("ldconfig", ["/sbin/ldconfig", "-p"], 5)


def collect(
    source: Source, target: Mapping[str, Fact], cached: Mapping[str, str] | None
) -> dict[str, Fact]:
    """``target`` holds the facts that the target probe gave, ``cached`` is ld.so.cache."""
    facts = library_path(source)
    sonames = target["tensorflow.sonames"]
    if sonames.state != "known":
        return {**facts, "loader.libraries": sonames, "cudnn.installed": sonames}
    places = _Places(
        source,
        target["target.nvidia_libraries"].value,
        target["target.distributions"].value,
        cached or {},
    )
    rows = [
        {"name": name, "soname": soname, "found": places.of(soname)}
        for name, soname in sonames.value.items()
    ]
    if cached is None and source.platform == "linux" and not all(row["found"] for row in rows):
        reason = "ld.so.cache could not be read (ldconfig -p)"
        return {**facts, "loader.libraries": unknown(reason), "cudnn.installed": unknown(reason)}
    cudnns = [place for major in CUDNN_MAJORS for place in places.of(f"libcudnn.so.{major}")]
    where = "the loader's folders"
    return {
        **facts,
        "loader.libraries": known(rows, where),
        "cudnn.installed": known(cudnns, where) if cudnns else absent(where),
    }


def library_path(source: Source) -> dict[str, Fact]:
    variable = "LD_LIBRARY_PATH"
    where, value = f"environment variable {variable}", source.env.get(variable)
    return {"loader.ld_library_path": absent(where) if value is None else known(value, where)}


class _Places:
    """Looks one file name up everywhere a loader could find it, nearest first."""

    def __init__(
        self,
        source: Source,
        nvidia: Sequence[Mapping[str, Any]],
        distributions: Sequence[Mapping[str, Any]],
        cache: Mapping[str, str],
    ) -> None:
        self._source, self._nvidia, self._cache = source, nvidia, cache
        self._wheels = {row["name"]: row["version"] for row in distributions}

    def of(self, soname: str) -> list[dict[str, Any]]:
        windows = self._source.platform == "win32"
        variable = "PATH" if windows else "LD_LIBRARY_PATH"
        join = PureWindowsPath if windows else PurePosixPath
        found = []
        for folder in self._source.env.get(variable, "").split(";" if windows else ":"):
            path = str(join(folder) / soname)
            if folder and self._source.exists(path):
                found.append({"path": path, "via": variable, "version": self._version(path)})
        for row in self._nvidia:
            if soname in row["files"]:
                path = str(join(row["folder"]) / soname)
                version = self._wheel_version(row["component"])
                found.append(
                    {
                        "path": path,
                        "via": "wheel",
                        "component": row["component"],
                        "version": version,
                    }
                )
        if soname in self._cache:
            path = self._cache[soname]
            found.append({"path": path, "via": "ld.so.cache", "version": self._version(path)})
        elif not windows:
            for folder in default_folders(self._source):
                path = f"{folder}/{soname}"
                if self._source.exists(path):
                    found.append({"path": path, "via": "default", "version": self._version(path)})
        return found

    def _version(self, path: str) -> str | None:
        version = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)*)$", self._source.realpath(path))
        return version[1] if version else None

    def _wheel_version(self, component: str) -> str | None:
        stem = "nvidia-" + component.replace("_", "-")
        for name, version in self._wheels.items():
            if re.fullmatch(re.escape(stem) + r"(-cu\d+)?", name):
                return str(version)
        return None


def parse_ldconfig(completed: Completed) -> dict[str, str] | None:
    """Library name to path from ``ldconfig -p``, 64-bit entries only, first one wins; None
    where there is no such program (musl, Windows)."""
    if not completed.ok:
        return None
    found: dict[str, str] = {}
    for line in completed.stdout.splitlines():
        entry = re.match(r"\s+(\S+) \((\S+?)[,)].*=> (\S+)$", line)
        if entry and ("x86-64" in line or "AArch64" in line):
            found.setdefault(entry[1], entry[3])
    return found
