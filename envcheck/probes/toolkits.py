"""CUDA toolkits and cuDNN on the disk: of the machine and of the target. No child is started."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, absent, known, not_applicable, unknown

if TYPE_CHECKING:
    from envcheck.probes.source import Source

HOMES = ("CUDA_HOME", "CUDA_PATH")
UNIX_ROOTS = ("/usr/local/cuda*", "/opt/cuda*", "/usr/lib/cuda")
WINDOWS_ROOTS = ("C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v*",)
DISTRIBUTION = "/usr"
"""Where a distribution's packages put nvcc and cuda.h, beside everything else."""
VERSION_FILES = ("version.json", "version.txt")
HEADERS = ("include/cuda.h", "targets/*/include/cuda.h")
LIBDEVICE = ("nvvm", "libdevice", "libdevice.10.bc")
CONDA_TOOLKIT = r"(?:cuda-nvcc|cuda-cudart|cudatoolkit|cuda-version)-(\d+\.\d+)[^/\\]*\.json"
"""Packages of a conda environment whose version is the toolkit's."""


def collect(source: Source, target: Mapping[str, Fact]) -> dict[str, Fact]:
    """``target`` holds the facts that the target probe gave."""
    if source.platform == "darwin":
        reason = "no CUDA toolkit runs on macOS"
        names = ("cuda.toolkits", "cuda.xla_roots", "cudnn.copies")
        return dict.fromkeys(names, not_applicable(reason))
    from envcheck.probes import cudnn

    conda = _conda_prefix(target)
    try:
        rows = find_toolkits(source, conda)
        copies = cudnn.find_copies(source, target, rows, conda)
        roots = xla_roots(source, target)
    except OSError as error:
        fact = unknown(error.strerror or str(error), error.filename or "")
        return dict.fromkeys(("cuda.toolkits", "cuda.xla_roots", "cudnn.copies"), fact)
    where = "CUDA_HOME, CUDA_PATH, the usual folders, conda, nvcc on PATH"
    usual = "toolkits, the system's folders, wheels, conda"
    return {
        "cuda.toolkits": known(_sorted(rows), where) if rows else absent(where),
        "cudnn.copies": known(_sorted(copies), usual) if copies else absent(usual),
        "cuda.xla_roots": roots,
    }


def _sorted(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each row's names in the order in which a recorded machine keeps them."""
    return [dict(sorted(row.items())) for row in rows]


def _conda_prefix(target: Mapping[str, Fact]) -> str | None:
    kind, prefix = target.get("target.kind"), target.get("target.prefix")
    return str(prefix.value) if kind and prefix and kind.value == "conda" else None


def join(source: Source, folder: str, *names: str) -> str:
    windows = source.platform == "win32"
    return str((PureWindowsPath if windows else PurePosixPath)(folder, *names))


# --- toolkits


def find_toolkits(source: Source, conda: str | None) -> list[dict[str, Any]]:
    """One row per toolkit, by path. Raises OSError where the machine cannot be looked at."""
    rows: dict[str, dict[str, Any]] = {}
    for root, way in _candidates(source):
        _add(rows, source.realpath(root), way, lambda root=root: _version(source, root))
    if conda:
        _add(rows, conda, "conda", lambda: _conda_version(source, conda))
    for root in _nvcc_roots(source):
        # Debian's /usr/bin/nvcc belongs to the toolkit whose folder is /usr/lib/cuda.
        real = "/usr/lib/cuda" if root == DISTRIBUTION and "/usr/lib/cuda" in rows else root
        _add(rows, real, "nvcc on PATH", lambda root=root: _version(source, root))
    for path, row in rows.items():
        row["found"] = sorted(row["found"])
        if source.exists(join(source, path, *LIBDEVICE)):
            row["libdevice"] = True
    return [rows[path] for path in sorted(rows)]


def _add(rows: dict[str, dict[str, Any]], path: str, way: str, look: Any) -> None:
    if path not in rows:
        version = look()
        if version is None:
            return
        rows[path] = {"path": path, "version": version[0], "source": version[1], "found": set()}
    rows[path]["found"].add(way)


def _candidates(source: Source) -> Iterator[tuple[str, str]]:
    """(folder, the way that leads there), most wanted first."""
    windows = source.platform == "win32"
    for name in sorted(source.env):
        if name in HOMES or (windows and re.fullmatch(r"CUDA_PATH_V\d+_\d+", name)):
            folder = source.env[name]
            if folder and source.exists(folder):
                yield folder.rstrip("/\\"), name
    for pattern in WINDOWS_ROOTS if windows else UNIX_ROOTS:
        for folder in source.glob(pattern):
            yield folder, folder
    header = "/usr/include/cuda.h"
    if not windows and source.exists(header) and not source.exists("/usr/lib/cuda"):
        yield DISTRIBUTION, header


def _nvcc_roots(source: Source) -> Iterator[str]:
    """The folders of the toolkits whose nvcc is on PATH, the first one alone."""
    windows = source.platform == "win32"
    for folder in source.env.get("PATH", "").split(";" if windows else ":"):
        path = join(source, folder, "nvcc.exe" if windows else "nvcc")
        if folder and source.exists(path):
            real = re.split(r"[/\\]", source.realpath(path))
            yield ("\\" if windows else "/").join(real[:-2])
            return


def _version(source: Source, root: str) -> tuple[str, str] | None:
    """(version, the file that says so)"""
    if root == "/usr/lib/cuda":  # Debian keeps the headers and libraries of it in /usr
        return _by_file(source, root, VERSION_FILES) or _version(source, DISTRIBUTION)
    return (
        _by_file(source, root, () if root == DISTRIBUTION else VERSION_FILES)
        or _by_runtime(source, root)
        or _by_name(source, root)
        or _by_file(source, root, HEADERS)
    )


def _by_file(source: Source, root: str, names: Sequence[str]) -> tuple[str, str] | None:
    for name in names:
        path = join(source, root, name)
        for found in source.glob(path) if "*" in name else (path,):
            version = parse_version(read(source, found))
            if version:
                return version, found
    return None


def _by_runtime(source: Source, root: str) -> tuple[str, str] | None:
    """libcudart.so.11.0 is a link to libcudart.so.11.5.117."""
    tail = f"lib/{source.machine}-linux-gnu" if root == DISTRIBUTION else "lib64"
    for path in source.glob(f"{root}/{tail}/libcudart.so.*") if source.platform == "linux" else ():
        found = re.search(r"\.so\.(\d+\.\d+)\.\d+$", source.realpath(path))
        if found:
            return found[1], path
    return None


def _by_name(source: Source, root: str) -> tuple[str, str] | None:
    """NVIDIA's own folders are named after the release. What can be known so is not looked up
    in cuda.h, which is a million bytes long."""
    real = source.realpath(root)
    found = re.search(r"[/\\](?:cuda-|v)(\d+\.\d+)$", real)
    if found and source.exists(join(source, root, "include", "cuda.h")):
        return found[1], real
    return None


def _conda_version(source: Source, prefix: str) -> tuple[str, str] | None:
    for path in source.glob(join(source, prefix, "conda-meta", "cuda*.json")):
        found = re.search(CONDA_TOOLKIT + "$", path)
        if found:
            return found[1], path
    return None


def parse_version(text: str) -> str | None:
    """Major and minor of a toolkit from version.json, version.txt or cuda.h."""
    named = re.search(r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"(\d+\.\d+)', text) or re.search(
        r"CUDA Version (\d+\.\d+)", text
    )
    if named:
        return named[1]
    number = re.search(r"^#define\s+CUDA_VERSION\s+(\d{4,5})\b", text, re.M)
    return f"{int(number[1]) // 1000}.{int(number[1]) % 1000 // 10}" if number else None


def read(source: Source, path: str) -> str:
    """The file's text; empty where there is none that can be read."""
    try:
        return source.read(path)
    except OSError:
        return ""


# --- where XLA looks


def xla_roots(source: Source, target: Mapping[str, Fact]) -> Fact:
    """The order is that of XLA's CandidateCudaRoots, the folder of XLA_FLAGS before it."""
    build, found = target["tensorflow.cuda_build"], target["tensorflow.import"]
    if build.state != "known" or found.state != "known":
        return build if build.state != "known" else found
    if not build.value or source.platform != "linux":
        return not_applicable("this TensorFlow compiles nothing for a GPU")
    rows = []
    for path, via in _xla_candidates(source, target, str(found.value.get("folder") or "")):
        libdevice = source.exists(join(source, path, *LIBDEVICE))
        ptxas = source.exists(f"{path}/bin/ptxas")
        if libdevice or ptxas:
            rows.append({"path": path, "via": via, "libdevice": libdevice, "ptxas": ptxas})
    return known(_sorted(rows), "the folders of XLA's own search")


def _xla_candidates(
    source: Source, target: Mapping[str, Fact], folder: str
) -> Iterator[tuple[str, str]]:
    flag = re.search(r"--xla_gpu_cuda_data_dir=(\S+)", source.env.get("XLA_FLAGS", ""))
    cwd = str(target["target.cwd"].value)
    yield (flag[1], "XLA_FLAGS") if flag else (f"{cwd}/cuda_sdk_lib", "cuda_sdk_lib")
    built = target["tensorflow.toolkit_path"]
    if built.state == "known":
        yield str(built.value), "build"
    yield "/usr/local/cuda", "system"
    yield "/opt/cuda", "system"
    if folder:
        yield f"{folder.rpartition('/')[0]}/nvidia/cuda_nvcc", "wheel"
        yield f"{folder}/cuda", "tensorflow"
    yield str(target["target.prefix"].value), "prefix"
    yield cwd, "cwd"
