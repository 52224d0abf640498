"""The modules and names of TensorFlow and Keras wheels, read as text: nothing is imported.

Keras wheels are small and read whole. Of TensorFlow's the public tables (`tensorflow/_api/v2`)
and its old copy of Keras are read, over a few HTTP ranges; of its other private modules only
that they exist.
"""

from __future__ import annotations

import ast
import io
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from envcheck.harvest.index import HarvestError, IndexFile, list_files
from envcheck.harvest.rows import group_releases

if TYPE_CHECKING:
    import requests

_GAP = 1 << 18  # fetching this much for nothing is cheaper than another request
_RETRIES = 4
_TIMEOUT_S = 120.0
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_STORED = 0
_EXTENSION = re.compile(r"\.(?:cpython-[\w-]+\.|abi3\.)?(?:so|pyd)$")

PROJECTS = {
    "tensorflow": ("tensorflow", Version("2.4"), Version("3")),
    "keras": ("keras", Version("2.4"), Version("4")),
    "tf_keras": ("tf-keras", Version("2.14"), Version("3")),
}
"""Import name to project, first minor and the first that is out of range."""
_TF_READ = re.compile(
    r"tensorflow/(?:__init__\.py$|_api/v2/|python/keras/|keras/|python/__init__\.py$)"
)


@dataclass(frozen=True, slots=True)
class Module:
    """``stars`` are modules whose names come in by ``import *``; in an ``open`` module names
    are made at run time, so that what it lacks cannot be told."""

    names: frozenset[str] = frozenset()
    stars: frozenset[str] = frozenset()
    open: bool = False
    replaced: frozenset[str] = frozenset()
    """Names that `setattr` puts there: what they stand for need not be the submodule."""


def newest_wheels(
    session: requests.Session, index_url: str, root: str
) -> Iterator[tuple[Version, IndexFile]]:
    """Of each minor the newest release's Linux wheel, oldest minor first."""
    project, oldest, end = PROJECTS[root]
    best: dict[tuple[int, ...], tuple[Version, IndexFile]] = {}
    for version, files in group_releases(list_files(session, index_url, project)).items():
        wheels = [file for file in files if _suits(file)]
        if version.is_prerelease or not oldest <= version < end or not wheels:
            continue
        minor = version.release[:2]
        if minor not in best or version > best[minor][0]:
            best[minor] = (version, wheels[0])
    yield from (best[minor] for minor in sorted(best))


def _suits(file: IndexFile) -> bool:
    name = file.name
    return (
        name.endswith(".whl")
        and not file.yanked
        and ("none-any" in name or ("linux" in name and "x86_64" in name))
    )


def read_names(session: requests.Session, file: IndexFile, root: str) -> dict[str, Module]:
    """Every module below ``root`` in the wheel. Raises HarvestError."""
    import requests
    from remotezip import RemoteIOError

    for attempt in range(_RETRIES):
        try:
            members, texts = _read_wheel(session, file, root)
        except (requests.RequestException, RemoteIOError, zipfile.BadZipFile) as error:
            last = error
            time.sleep(2.0**attempt)
            continue
        return overlaid(root, parse_tree(root, members, texts))
    raise HarvestError(f"{file.name} could not be read from the package index: {last}") from last


def _read_wheel(
    session: requests.Session, file: IndexFile, root: str
) -> tuple[list[str], dict[str, str]]:
    if root != "tensorflow":
        answer = session.get(file.url, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            members = archive.namelist()
            wanted = [m for m in members if m.startswith(f"{root}/") and m.endswith(".py")]
            return members, {m: archive.read(m).decode("utf-8") for m in wanted}
    from remotezip import RemoteZip

    with RemoteZip(file.url, session=session, initial_buffer_size=1 << 16) as remote:
        infos = [info for info in remote.infolist() if info.filename.endswith(".py")]
        members = remote.namelist()
    read = [info for info in infos if _TF_READ.match(info.filename)]
    return members, dict(_fetch(session, file.url, read))


def _fetch(
    session: requests.Session, url: str, infos: Iterable[zipfile.ZipInfo]
) -> Iterator[tuple[str, str]]:
    for group in grouped(infos):
        first, last = group[0], group[-1]
        # A local header is 30 bytes, the name, and an extra field that is short in wheels.
        end = last.header_offset + last.compress_size + len(last.filename) + (1 << 10)
        asked = {"Range": f"bytes={first.header_offset}-{end}"}
        answer = session.get(url, headers=asked, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        for info in group:
            data = member(answer.content, info.header_offset - first.header_offset, info)
            yield info.filename, data.decode("utf-8")


def grouped(infos: Iterable[zipfile.ZipInfo]) -> list[list[zipfile.ZipInfo]]:
    """Members that lie close together, so that one request fetches them."""
    groups: list[list[zipfile.ZipInfo]] = []
    end = -1
    for info in sorted(infos, key=lambda info: info.header_offset):
        if not groups or info.header_offset > end + _GAP:
            groups.append([])
        groups[-1].append(info)
        end = info.header_offset + info.compress_size
    return groups


def member(content: bytes, at: int, info: zipfile.ZipInfo) -> bytes:
    """A member's data out of a piece of the archive. Raises zipfile.BadZipFile."""
    header = _LOCAL_HEADER.unpack_from(content, at)
    start = at + _LOCAL_HEADER.size + header[9] + header[10]
    data = content[start : start + info.compress_size]
    if header[0] != b"PK\x03\x04" or len(data) != info.compress_size:
        raise zipfile.BadZipFile(f"{info.filename} is not where the directory says")
    return data if info.compress_type == _STORED else zlib.decompress(data, -zlib.MAX_WBITS)


def parse_tree(root: str, members: Sequence[str], texts: Mapping[str, str]) -> dict[str, Module]:
    """Modules by dotted name. What was not read is open: it exists, its names are not known."""
    found: dict[str, Module] = {}
    for path in members:
        if not path.startswith(f"{root}/") or "/include/" in path:
            continue
        stem = path.removesuffix(".py") if path.endswith(".py") else _EXTENSION.sub("", path)
        if stem == path:
            continue
        name = stem.removesuffix("/__init__").replace("/", ".")
        package = name if stem.endswith("/__init__") else name.rpartition(".")[0]
        text = texts.get(path)
        # Generated protobuf code makes its classes when it is loaded.
        is_open = text is None or stem.endswith("_pb2")
        found[name] = Module(open=True) if is_open else parse_module(text or "", package)
    for name in list(found):
        parent = name.rpartition(".")[0]
        while parent and parent not in found:
            found[parent] = Module(open=True)  # a folder without __init__.py
            parent = parent.rpartition(".")[0]
    opened = {f"{name}.{item}" for name, module in found.items() for item in module.replaced}
    opened |= {
        name.replace(f"{root}.", f"{_OVERLAYS[root]}.", 1) for name in opened if root in _OVERLAYS
    }
    return {
        name: Module(open=True) if name in opened else _starred(name, found, ())
        for name in sorted(found)
    }


def _starred(name: str, found: Mapping[str, Module], seen: tuple[str, ...]) -> Module:
    """The module with the names that its ``import *`` brings in."""
    module = found[name]
    names, is_open = set(module.names), module.open
    for star in module.stars:
        if star not in found or star in seen:
            is_open = True
            continue
        other = _starred(star, found, (*seen, name))
        names |= {item for item in other.names if not item.startswith("_")}
        is_open |= other.open
    return Module(frozenset(names), open=is_open)


def parse_module(text: str, package: str) -> Module:
    """The names that a module's own statements bind, whatever condition they stand under."""
    reader = _Reader(package)
    reader.block(ast.parse(text).body)
    return Module(
        frozenset(reader.names),
        frozenset(reader.stars),
        reader.open,
        frozenset(reader.replaced),
    )


class _Reader:
    def __init__(self, package: str) -> None:
        self.package = package
        self.names: set[str] = set()
        self.stars: set[str] = set()
        self.replaced: set[str] = set()
        self.open = False

    def block(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.names.add(node.name)
            self.open |= node.name == "__getattr__"
        elif isinstance(node, ast.Import):
            self.names |= {item.asname or item.name.split(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            self.imported(node)
        elif isinstance(node, ast.Delete):
            self.names -= {item.id for item in node.targets if isinstance(item, ast.Name)}
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.For, ast.With)):
            self.assigned(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.called(node.value)
        for block in ("body", "orelse", "finalbody"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.block(getattr(node, block, ()))
        for handler in getattr(node, "handlers", ()):
            self.block(handler.body)

    def imported(self, node: ast.ImportFrom) -> None:
        for item in node.names:
            if item.name != "*":
                self.names.add(item.asname or item.name)
                continue
            above = self.package.split(".")
            above = above[: len(above) - node.level + 1] if node.level else []
            self.stars.add(".".join([*above, *([node.module] if node.module else [])]))

    def assigned(self, node: ast.stmt) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.names.add(part.id)
            elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                # `_current_module.app.flags = flags`, in tensorflow's compat.v1
                owner, _, rest = ast.unparse(part).partition(".")
                if owner == "_current_module":
                    self.names.add(rest.split(".")[0])
                    self.replaced.add(rest.split(".")[0])
            elif isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
                # globals()["name"] = ...
                called = getattr(getattr(part.value, "func", None), "id", "")
                self.open |= called in ("globals", "vars")

    def called(self, call: ast.Call) -> None:
        """``setattr(module, "name", ...)`` binds a name, ``globals().update`` any."""
        text = ast.unparse(call.func)
        if text == "setattr" and len(call.args) == 3:
            name = call.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.names.add(name.value)
                self.replaced.add(name.value)
            else:
                self.open = True
        self.open |= text.startswith(("globals()", "vars("))


_OVERLAYS = {"tensorflow": "tensorflow._api.v2", "keras": "keras.api"}
"""Folders that the package appends to its own ``__path__``."""


def overlaid(root: str, modules: Mapping[str, Module]) -> dict[str, Module]:
    """``tensorflow._api.v2.math`` is imported as ``tensorflow.math``: kept under that name. So
    is ``keras.api.layers`` from Keras 3.3 on, whose `__init__` puts it on its path."""
    inner = _OVERLAYS.get(root)
    if inner is None or (root == "keras" and "keras.api._v2" in modules):
        return dict(modules)
    result: dict[str, Module] = {}
    for name, module in modules.items():
        shown = name
        if name == inner or name.startswith(f"{inner}."):
            shown = root + name[len(inner) :]
            if root == "keras":
                result[name] = module  # people import keras.api.layers, too
        old = result.get(shown)
        if old:
            # The names of both: `tensorflow/lite` and `tensorflow/_api/v2/lite`.
            known = [part for part in (old, module) if part.names]
            names = frozenset().union(*(part.names for part in known))
            module = Module(names, open=all(part.open for part in (old, module)))
        result[shown] = module
    return result
