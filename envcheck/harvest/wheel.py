"""Single members of a wheel, read over HTTP ranges, and the text in them."""

from __future__ import annotations

import ast
import re
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envcheck.harvest.index import HarvestError, IndexFile

if TYPE_CHECKING:
    import requests

_BUILD_INFO = re.compile(r"(tensorflow|tensorflow_core)/python/platform/build_info\.py$")
_CUDA_CONFIG = re.compile(r"/cuda/cuda_config\.h$")
_METADATA = re.compile(r"^[^/]+\.dist-info/METADATA$")
_SHARED_LIBRARY = re.compile(r"\.so(\.\d+)*$|\.dll$", re.IGNORECASE)
_FRAMEWORK = re.compile(r"^tensorflow/libtensorflow_framework\.so\.\d+$")
_RUNPATH = re.compile(rb"\$ORIGIN/[^\0]*nvidia/[^\0]*\0")
_PIECE = 1 << 20
# Its .dynstr lies 7 to 20 MB into the library, in 2.22.0rc0 126 MB.
_RUNPATH_LIMIT = 200 * _PIECE
_RETRIES = 4


@dataclass(frozen=True)
class Requirement:
    """One Requires-Dist line without its extra."""

    name: str
    specifier: str
    marker: str | None = None
    extra: str | None = None


@dataclass(frozen=True)
class WheelFacts:
    """What one wheel says about itself."""

    file: str
    requires_python: str | None
    requires: tuple[Requirement, ...]
    build_info: Mapping[str, object] = field(default_factory=dict)
    cuda_config: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    has_code: bool = False
    runpath: tuple[str, ...] | None = None


def read_wheel(session: requests.Session, file: IndexFile) -> WheelFacts:
    """Reads METADATA, build_info.py and cuda_config.h. Raises HarvestError.

    Costs the zip's central directory (1 to 3 MB for TensorFlow) and some KB.
    """
    import requests
    from remotezip import RemoteIOError

    for attempt in range(_RETRIES):
        try:
            return _read_once(session, file)
        except (requests.RequestException, RemoteIOError, zipfile.BadZipFile) as error:
            last = error
            time.sleep(2.0**attempt)
    reason = type(last).__name__
    raise HarvestError(f"The package index did not give {file.name} ({reason}).") from last


def _read_once(session: requests.Session, file: IndexFile) -> WheelFacts:
    from remotezip import RemoteZip

    with RemoteZip(file.url, session=session, initial_buffer_size=64 * 1024) as archive:
        names = archive.namelist()
        member = _first(names, _METADATA)
        if member is None:
            raise HarvestError(f"{file.name} has no METADATA.")
        requires_python, requires = parse_metadata(archive.read(member).decode("utf-8", "replace"))
        info = _first(names, _BUILD_INFO)
        config = _first(names, _CUDA_CONFIG)
        build_info = parse_build_info(archive.read(info).decode()) if info else {}
        # Only releases with the extra `and-cuda` were meant to find its wheels.
        framework = (
            _first(names, _FRAMEWORK)
            if build_info.get("is_cuda_build")
            and any(requirement.extra == "and-cuda" for requirement in requires)
            else None
        )
        return WheelFacts(
            file=file.name,
            requires_python=requires_python,
            requires=requires,
            build_info=build_info,
            runpath=_read_runpath(archive, framework) if framework else None,
            cuda_config=parse_cuda_config(archive.read(config).decode()) if config else {},
            libraries=tuple(sorted(n for n in names if _SHARED_LIBRARY.search(n))),
            has_code=any(".dist-info/" not in name for name in names),
        )


def _first(names: list[str], pattern: re.Pattern[str]) -> str | None:
    """The shortest match: wheels of 2.16 and later hold cuda_config.h twice, alike."""
    found = [name for name in names if pattern.search(name)]
    return min(found, key=lambda name: (len(name), name)) if found else None


def _read_runpath(archive: zipfile.ZipFile, member: str) -> tuple[str, ...] | None:
    """The nvidia/<component>/lib folders in the library's RUNPATH, by name.

    Streams the beginning of the library until the string turns up; None where
    it does not within the limit.
    """
    with archive.open(member) as stream:
        tail, read = b"", 0
        while read < _RUNPATH_LIMIT:
            piece = stream.read(_PIECE)
            if not piece:
                return ()
            read += len(piece)
            found = parse_runpath(tail + piece)
            if found is not None:
                return found
            tail = (tail + piece)[-(1 << 16) :]
    return None


def parse_runpath(data: bytes) -> tuple[str, ...] | None:
    """`$ORIGIN/../nvidia/cublas/lib:...` somewhere in `data` to (cublas, ...); None without it."""
    found = _RUNPATH.search(data)
    if found is None:
        return None
    names = re.findall(rb"nvidia/([a-z0-9_]+)/lib", found.group(0))
    return tuple(sorted({name.decode() for name in names}))


def parse_metadata(text: str) -> tuple[str | None, tuple[Requirement, ...]]:
    """Core metadata to Requires-Python and the Requires-Dist lines, in the file's order."""
    head = text.replace("\r\n", "\n").split("\n\n", 1)[0]  # macOS and Windows wheels mix both
    python = re.search(r"^Requires-Python:\s*(.+)$", head, re.MULTILINE)
    lines = re.findall(r"^Requires-Dist:\s*(.+)$", head, re.MULTILINE)
    requires = tuple(parse_requirement(line) for line in lines)
    return (python.group(1).strip() if python else None, requires)


def parse_requirement(line: str) -> Requirement:
    """`numpy (<2.0,>=1.16.0) ; python_version < "3"` to its parts. Raises HarvestError."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed
    from packaging.utils import canonicalize_name

    try:
        parsed = Parsed(line)
    except InvalidRequirement as error:
        raise HarvestError(f"the requirement {line!r} cannot be read: {error}") from error
    marker = str(parsed.marker) if parsed.marker else None
    extra = None
    if marker:
        found = re.search(r"extra == [\"']([^\"']+)[\"']", marker)
        extra = found.group(1) if found else None
        marker = _without_extra(marker)
    return Requirement(
        canonicalize_name(parsed.name), sort_specifier(str(parsed.specifier)), marker, extra
    )


def _without_extra(marker: str) -> str | None:
    rest = re.sub(r"\s*(and\s+)?extra == [\"'][^\"']+[\"']", "", marker).strip()
    rest = re.sub(r"^and\s+", "", rest)
    return rest or None


def sort_specifier(specifier: str) -> str:
    """Clauses in a reader's order: lower bounds, upper bounds, exceptions."""
    order = {">": 0, "=": 0, "~": 0, "<": 1, "!": 2}
    clauses = [clause.strip() for clause in specifier.split(",") if clause.strip()]
    return ",".join(sorted(clauses, key=lambda clause: (order[clause[0]], clause)))


def parse_build_info(text: str) -> Mapping[str, object]:
    """`build_info.py` to its values, by reading its syntax: nothing is executed.

    Up to 2.2 it holds plain assignments, from 2.3 on one
    OrderedDict([...]) named build_info.
    """
    found: dict[str, object] = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        value = node.value
        if isinstance(value, ast.Call) and value.args:
            found.update(ast.literal_eval(value.args[0]))
        elif isinstance(value, ast.Constant):
            found[node.targets[0].id] = value.value
    return found


def parse_cuda_config(text: str) -> Mapping[str, str]:
    """The `#define TF_...` lines of cuda_config.h, without quotes and the TF_ prefix."""
    found = re.findall(r"^#define TF_(\w+)[ \t]+(.+)$", text, re.MULTILINE)
    return {name: value.strip().strip('"') for name, value in found}
