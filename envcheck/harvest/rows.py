"""From wheels to rows of the matrix."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from envcheck.harvest.index import HarvestError, IndexFile, list_files
from envcheck.harvest.wheel import Requirement, WheelFacts, read_wheel

if TYPE_CHECKING:
    import requests

Row = dict[str, Any]

TENSORFLOW_PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-gpu",
    "tensorflow-intel",
    "tensorflow-macos",
)
KERAS_PACKAGES = ("keras", "tf-keras")
# Wheels before 1.4 have no build_info.py, so they cannot say what they were built for.
OLDEST = Version("1.4")
PINS = frozenset(
    {
        "gast",
        "h5py",
        "keras",
        "keras-nightly",
        "ml-dtypes",
        "numpy",
        "protobuf",
        "tensorboard",
        "tensorflow-estimator",
        "tf-estimator-nightly",
        "typing-extensions",
        "wrapt",
    }
)
# The project that holds the code where the wheel itself is empty.
STANDS_FOR = {
    "windows_x86_64": "tensorflow-intel",
    "linux_aarch64": "tensorflow-cpu-aws",
    "macos_arm64": "tensorflow-macos",
}
_WORKERS = 6
# PEP 513, 571, 599: what the legacy tags promise.
_LEGACY_GLIBC = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
_CUDA_LIBRARIES = ("cublas", "cublasLt", "cufft", "cusolver", "cusparse")


@dataclass(frozen=True)
class WheelName:
    """A wheel's file name, taken apart (PEP 427)."""

    version: str
    python: str
    platform: str
    tag: str
    glibc: str | None


def parse_wheel_name(name: str) -> WheelName | None:
    """None for what is no CPython wheel for one platform (sdists, eggs, py3-none-any)."""
    found = re.match(r"[^-]+-([^-]+)(?:-\d[^-]*)?-cp(\d)(\d+)-[^-]+-(.+)\.whl$", name)
    if not found:
        return None
    version, major, minor, tag = found.groups()
    platform = _platform_of(tag)
    if platform is None:
        return None
    return WheelName(version, f"{major}.{minor}", platform, tag, _glibc_of(tag))


def _platform_of(tag: str) -> str | None:
    if tag == "win_amd64":
        return "windows_x86_64"
    if tag.startswith("manylinux"):
        return "linux_aarch64" if tag.endswith("aarch64") else "linux_x86_64"
    if tag.startswith("macosx"):
        return "macos_arm64" if tag.endswith("arm64") else "macos_x86_64"
    return None


def _glibc_of(tag: str) -> str | None:
    modern = re.match(r"manylinux_(\d+)_(\d+)_", tag)
    if modern:
        return f"{modern.group(1)}.{modern.group(2)}"
    return next((glibc for old, glibc in _LEGACY_GLIBC.items() if tag.startswith(old)), None)


def file_version(name: str) -> Version | None:
    """The release a file of the index belongs to."""
    text = (
        name.split("-")[1]
        if name.endswith(".whl")
        else re.sub(r"^.*?-(\d[^-]*?)(\.tar\.gz|\.zip|\.tar\.bz2)$", r"\1", name)
    )
    try:
        return Version(text)
    except InvalidVersion:
        return None


def group_releases(files: Iterable[IndexFile]) -> dict[Version, list[IndexFile]]:
    """Final releases, and pre-releases that are newer than every final one."""
    by_version: dict[Version, list[IndexFile]] = {}
    for file in files:
        version = file_version(file.name)
        if version is not None:
            by_version.setdefault(version, []).append(file)
    finals = [version for version in by_version if not version.is_prerelease]
    newest = max(finals, default=Version("0"))
    return {v: f for v, f in sorted(by_version.items()) if not v.is_prerelease or v > newest}


def listing_digest(files: Sequence[IndexFile]) -> str:
    """Changes when a file is added, removed or yanked: then the release is read again."""
    lines = "\n".join(f"{file.name} {file.yanked or ''}" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()[:10]


def choose_wheels(files: Sequence[IndexFile], newest: bool = True) -> dict[str, IndexFile]:
    """One wheel per platform: the one for the newest Python, or for the oldest."""
    best: dict[str, tuple[tuple[int, ...], IndexFile]] = {}
    for file in files:
        name = parse_wheel_name(file.name)
        if name is None:
            continue
        rank = tuple(int(part) * (1 if newest else -1) for part in name.python.split("."))
        if name.platform not in best or rank > best[name.platform][0]:
            best[name.platform] = (rank, file)
    return {platform: file for platform, (_, file) in sorted(best.items())}


def harvest_tensorflow(
    session: requests.Session,
    index_url: str,
    known: Mapping[tuple[str, str], Row],
    packages: Sequence[str] = TENSORFLOW_PACKAGES,
) -> list[Row]:
    """Rows of every release; those in `known` whose file list is unchanged are not read again."""
    work: list[tuple[str, Version, list[IndexFile]]] = []
    rows: list[Row] = []
    for package in packages:
        releases = group_releases(list_files(session, index_url, package))
        for version, files in releases.items():
            if version < OLDEST:
                continue
            row = known.get((package, str(version)))
            if row is not None and row.get("listing") == listing_digest(files):
                rows.append(row)
            else:
                work.append((package, version, files))
    with ThreadPoolExecutor(_WORKERS) as pool:
        rows.extend(pool.map(lambda job: tensorflow_row(session, *job), work))
    return sorted(rows, key=lambda row: (row["package"], Version(row["version"])))


def tensorflow_row(
    session: requests.Session, package: str, version: Version, files: Sequence[IndexFile]
) -> Row:
    """One release of one package. Raises HarvestError."""
    chosen = choose_wheels(files)
    facts = {platform: read_wheel(session, file) for platform, file in chosen.items()}
    row: Row = {"package": package, "version": str(version), "date": _first_date(files)}
    yanked = [file.yanked for file in files if file.yanked]
    if yanked:
        row["yanked"] = yanked[0]
    if not chosen:
        row["sdist_only"] = True
    main = facts.get("linux_x86_64") or next(iter(facts.values()), None)
    if main is not None:
        if main.requires_python:
            row["requires_python"] = main.requires_python
        row["requires"] = pins_of(main.requires)
        cuda_pins = and_cuda_pins(main.requires)
        if cuda_pins:
            row["and_cuda"] = cuda_pins
    row["platforms"] = {
        platform: platform_entry(files, platform, wheel, row.get("requires", {}))
        for platform, wheel in facts.items()
    }
    row["listing"] = listing_digest(files)
    return row


def _first_date(files: Sequence[IndexFile]) -> str | None:
    return min((file.uploaded for file in files if file.uploaded), default=None)


def platform_entry(
    files: Sequence[IndexFile], platform: str, wheel: WheelFacts, common: Mapping[str, Any]
) -> Row:
    """What the wheels of one platform are: Pythons, tag, kind, CUDA, sonames."""
    names = [n for n in (parse_wheel_name(f.name) for f in files) if n and n.platform == platform]
    read = parse_wheel_name(wheel.file)
    assert read is not None
    entry: Row = {
        "pythons": sorted({n.python for n in names}, key=_python_key),
        "tag": read.tag.split(".")[0],
        "wheel": wheel.file,
        "kind": wheel_kind(wheel),
    }
    if read.glibc:
        entry["glibc"] = read.glibc
    if entry["kind"] == "stub":
        entry["stands_for"] = {
            requirement.name: requirement.specifier
            for requirement in wheel.requires
            if requirement.name == STANDS_FOR.get(platform)
        }
        return entry
    requires = pins_of(wheel.requires)
    if requires != common:
        entry["requires"] = requires
    if entry["kind"] == "cuda":
        entry.update(cuda_facts(wheel, platform))
    return entry


def _python_key(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def wheel_kind(wheel: WheelFacts) -> str:
    """cuda, cpu, stub (no code of its own), or unread (it does not say)."""
    if not wheel.has_code:
        return "stub"
    stated = wheel.build_info.get("is_cuda_build")
    if stated is None:  # 2.3 and 2.22.0rc0 leave the flag out
        if wheel.cuda_config.get("CUDA_VERSION"):
            return "cuda"
        return "cpu" if wheel.build_info or wheel.cuda_config else "unread"
    return "cuda" if stated else "cpu"


def cuda_facts(wheel: WheelFacts, platform: str) -> Row:
    """CUDA, cuDNN, architectures and sonames of a CUDA build.

    cuda_config.h goes first: build_info.py says "10" where 10.1 is meant and
    "64_112" on Windows.
    """
    config, info = wheel.cuda_config, wheel.build_info
    stated = (
        config.get("CUDA_VERSION") or info.get("cuda_version") or info.get("cuda_version_number")
    )
    cudnn = (
        config.get("CUDNN_VERSION") or info.get("cudnn_version") or info.get("cudnn_version_number")
    )
    facts: Row = {}
    if stated:
        facts["cuda"] = decode_cuda(str(stated))
    if cudnn:
        facts["cudnn_major"] = int(str(cudnn).removeprefix("64_").split(".")[0])
    facts.update(architectures(wheel))
    if stated and cudnn:
        facts["sonames"] = sonames(wheel, platform, facts["cuda"])
    if wheel.runpath is not None:
        facts["runpath"] = list(wheel.runpath)
    return facts


def decode_cuda(text: str) -> str:
    """`64_112` (a DLL's suffix) to 11.2; everything else stays as it is."""
    digits = re.match(r"64_(\d+)(\d)$", text)
    return f"{digits.group(1)}.{digits.group(2)}" if digits else text


def architectures(wheel: WheelFacts) -> Row:
    """Compute capabilities the wheel was built for, and those it carries PTX of."""
    listed = wheel.build_info.get("cuda_compute_capabilities")
    if isinstance(listed, list):
        found = [re.sub(r"^(sm|compute)_", "", str(name)) for name in listed]
        ptx = [n for n in listed if str(n).startswith("compute_")]
        row: Row = {"capabilities": [_dotted(name) for name in found]}
        if ptx:
            row["ptx"] = [_dotted(str(name).removeprefix("compute_")) for name in ptx]
        return row
    config = wheel.cuda_config
    old = re.findall(r'CudaVersion\("([\d.]+)"\)', config.get("CUDA_CAPABILITIES", ""))
    new = re.findall(r"\d+", config.get("CUDA_COMPUTE_CAPABILITIES", ""))
    capabilities = old or [_dotted(name) for name in new]
    return {"capabilities": capabilities} if capabilities else {}


def _dotted(name: str) -> str:
    return f"{name[:-1]}.{name[-1]}"


def sonames(wheel: WheelFacts, platform: str, cuda: str) -> dict[str, str]:
    """Library to the file name that TensorFlow opens.

    Every one of them is opened before a GPU is registered. cublasLt is opened
    from CUDA 11 on. Source: the loaders' names in dso_loader.cc, which pastes
    TF_<LIBRARY>_VERSION, before 2.3 TF_CUDA_LIB_VERSION, into the file name.
    """
    config, info = wheel.cuda_config, wheel.build_info
    whole = config.get("CUDA_VERSION") or str(info.get("cuda_version_number", cuda))
    versions = {"cudart": config.get("CUDART_VERSION") or whole}
    for library in _CUDA_LIBRARIES:
        if library == "cublasLt" and int(cuda.split(".")[0]) < 11:
            continue
        key = "CUBLAS_VERSION" if library == "cublasLt" else f"{library.upper()}_VERSION"
        versions[library] = config.get(key) or config.get("CUDA_LIB_VERSION") or whole
    versions["cudnn"] = config.get("CUDNN_VERSION") or str(info["cudnn_version_number"])
    windows = platform.startswith("windows")
    return {lib: _file_name(lib, number, windows) for lib, number in versions.items()}


def _file_name(library: str, number: str, windows: bool) -> str:
    if not windows:
        return f"lib{library}.so.{number}"
    suffix = number if number.startswith("64_") else "64_" + number.replace(".", "")
    return f"{library}{suffix}.dll"


def pins_of(requires: Iterable[Requirement]) -> dict[str, Any]:
    """Tracked requirements: one specifier, or several with their markers."""
    found: dict[str, list[str]] = {}
    for requirement in requires:
        if requirement.name in PINS and requirement.extra is None:
            text = requirement.specifier
            if requirement.marker:
                text = f"{text} ; {requirement.marker}"
            found.setdefault(requirement.name, []).append(text)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in sorted(found.items())}


def and_cuda_pins(requires: Iterable[Requirement]) -> dict[str, str]:
    """What the extra `and-cuda` asks for."""
    found = {r.name: r.specifier for r in requires if r.extra == "and-cuda"}
    return dict(sorted(found.items()))


def harvest_keras(
    session: requests.Session, index_url: str, known: Mapping[tuple[str, str], Row]
) -> list[Row]:
    """Rows of every keras and tf-keras release."""
    work: list[tuple[str, Version, list[IndexFile]]] = []
    rows: list[Row] = []
    for package in KERAS_PACKAGES:
        for version, files in group_releases(list_files(session, index_url, package)).items():
            row = known.get((package, str(version)))
            if row is not None and row.get("listing") == listing_digest(files):
                rows.append(row)
            else:
                work.append((package, version, files))
    with ThreadPoolExecutor(_WORKERS) as pool:
        rows.extend(pool.map(lambda job: keras_row(session, *job), work))
    return sorted(rows, key=lambda row: (row["package"], Version(row["version"])))


def keras_row(
    session: requests.Session, package: str, version: Version, files: Sequence[IndexFile]
) -> Row:
    """One release; sdist-only ones (before keras 2.0) have no metadata worth the download."""
    row: Row = {"package": package, "version": str(version), "date": _first_date(files)}
    if any(file.yanked for file in files):
        row["yanked"] = next(file.yanked for file in files if file.yanked)
    wheels = [file for file in files if file.name.endswith(".whl")]
    if wheels:
        facts = read_wheel(session, wheels[-1])
        if facts.requires_python:
            row["requires_python"] = facts.requires_python
        row["requires"] = {r.name: r.specifier for r in facts.requires if r.extra is None}
        row["wheel"] = facts.file
    else:
        row["sdist_only"] = True
    row["listing"] = listing_digest(files)
    return row


__all__ = ["HarvestError", "Row", "harvest_keras", "harvest_tensorflow"]
