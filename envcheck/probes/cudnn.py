"""Every cuDNN on the disk, folder by folder, with the versions of its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact
from envcheck.probes.toolkits import join, read

if TYPE_CHECKING:
    from envcheck.probes.source import Source

HEADERS = ("cudnn_version.h", "cudnn.h")
"""From 8 on the version is in a file of its own; before, in cudnn.h."""
MAJORS = (7, 8, 9, 10)
UNIX_LIBRARY = r"/libcudnn\.so\.(\d+(?:\.\d+)*)$"
WINDOWS_LIBRARY = r"[/\\]cudnn64_(\d+)\.dll$"
WINDOWS_ROOTS = "C:\\Program Files\\NVIDIA\\CUDNN\\v*"


def find_copies(
    source: Source,
    target: Mapping[str, Fact],
    toolkits: Sequence[Mapping[str, Any]],
    conda: str | None,
) -> list[dict[str, Any]]:
    """One row per folder with cuDNN in it, by path. Raises OSError."""
    windows = source.platform == "win32"
    rows = [
        _copy(source, row["path"], "toolkit", _places(source, row["path"]))
        for row in toolkits
        if row["path"] not in ("/usr", "/usr/lib/cuda", conda)
    ]
    if windows:
        rows += [
            _copy(source, root, "installer", _places(source, root))
            for root in source.glob(WINDOWS_ROOTS)
        ]
    else:
        rows.append(_copy(source, "/usr", "system", _system_places(source)))
    if conda:
        inner = join(source, conda, "Library") if windows else conda
        row = _copy(source, conda, "conda", _places(source, inner))
        rows.append({**row, "package": _conda_package(source, conda)} if row else None)
    rows += _wheels(source, target)
    found = {row["path"]: row for row in rows if row}
    return [found[path] for path in sorted(found)]


def _places(source: Source, root: str) -> tuple[list[str], list[str]]:
    """(patterns of libraries, folders of headers) of a toolkit or a prefix."""
    if source.platform == "win32":
        bins = [join(source, root, *parts) for parts in (("bin",), ("bin", "*"))]
        headers = [join(source, root, *parts) for parts in (("include",), ("include", "*"))]
        return [join(source, folder, "cudnn64_*.dll") for folder in bins], headers
    libraries = [f"{root}/{folder}/libcudnn.so.*" for folder in ("lib64", "lib")]
    return libraries, [f"{root}/include"]


def _system_places(source: Source) -> tuple[list[str], list[str]]:
    """Debian's folders of the architecture, and those of the other distributions. They hold
    thousands of files, so they are listed only where the loader's own name is there."""
    tail = f"{source.machine}-linux-gnu"
    folders = [
        folder
        for folder in (f"/usr/lib/{tail}", "/usr/lib64", "/usr/lib")
        if any(source.exists(f"{folder}/libcudnn.so.{major}") for major in MAJORS)
    ]
    headers = ["/usr/include", f"/usr/include/{tail}"]
    return [f"{folder}/libcudnn.so.*" for folder in folders], headers


def _copy(
    source: Source, path: str, via: str, places: tuple[Iterable[str], Iterable[str]]
) -> dict[str, Any] | None:
    patterns, folders = places
    files = [source.realpath(file) for pattern in patterns for file in source.glob(pattern)]
    header, header_file = _header(source, folders)
    libraries = versions_of(files)
    if not libraries and header is None:
        return None
    row: dict[str, Any] = {"path": path, "via": via, "libraries": libraries}
    return {**row, "header": header, "header_file": header_file} if header else row


def versions_of(files: Iterable[str]) -> list[str]:
    """The versions in the names of cuDNN's main library, lowest first; where a full one is
    there, the bare major, which is a link or a copy of it, is left out."""
    names = {
        found[1]
        for file in files
        if (found := re.search(UNIX_LIBRARY, file) or re.search(WINDOWS_LIBRARY, file))
    }
    full = {name for name in names if "." in name}
    bare = {name for name in names - full if not any(f.startswith(name + ".") for f in full)}
    return sorted(full | bare, key=lambda text: [int(part) for part in text.split(".")])


def _header(source: Source, folders: Iterable[str]) -> tuple[str | None, str]:
    for folder in folders:
        for found in source.glob(folder) if "*" in folder else (folder,):
            for name in HEADERS:
                path = join(source, found, name)
                version = parse_header(read(source, path))
                if version:
                    return version, path
    return None, ""


def parse_header(text: str) -> str | None:
    """Major, minor and patch from cudnn_version.h, or from the cudnn.h of old."""
    numbers = [
        re.search(rf"^#define\s+CUDNN_{name}\s+(\d+)", text, re.M)
        for name in ("MAJOR", "MINOR", "PATCHLEVEL")
    ]
    return ".".join(found[1] for found in numbers if found) if all(numbers) else None


def _conda_package(source: Source, prefix: str) -> str:
    for path in source.glob(join(source, prefix, "conda-meta", "*cudnn-*.json")):
        found = re.search(r"[/\\]((?:lib)?cudnn)-(\d+(?:\.\d+)+)-[^-]*\.json$", path)
        if found:
            return f"{found[1]} {found[2]}"
    return ""


def _wheels(source: Source, target: Mapping[str, Fact]) -> Iterator[dict[str, Any]]:
    """pip's: the packages of two CUDAs write into one folder, whose header says who won."""
    packages: dict[str, list[str]] = {}
    for row in target["target.distributions"].value:
        if re.fullmatch(r"nvidia-cudnn(-cu\d+)?", row["name"]):
            packages.setdefault(row["location"], []).append(f"{row['name']} {row['version']}")
        if row["name"] == "torch" and source.platform == "linux":
            # Its older wheels bring a cuDNN of their own.
            root = join(source, row["location"], "torch")
            own = _copy(source, root, "wheel", ([f"{root}/lib/libcudnn.so.*"], []))
            if own:
                yield {**own, "package": f"torch {row['version']}"}
    for row in target["target.nvidia_libraries"].value:
        if row["component"] != "cudnn":
            continue
        root = re.sub(r"[/\\](lib|bin)$", "", row["folder"])
        libraries = versions_of(f"{row['folder']}/{file}" for file in row["files"])
        header, file = _header(source, [join(source, root, "include")])
        site = re.sub(r"[/\\]nvidia[/\\]cudnn$", "", root)
        found: dict[str, Any] = {"path": root, "via": "wheel", "libraries": libraries}
        if header:
            found.update(header=header, header_file=file)
        if packages.get(site):
            found["package"] = ", ".join(packages[site])
        yield found
