"""Reads compat_matrix.json and an overlay, and checks that every row is what it says.

The full JSON Schema is for the test suite. Here every row's fields are checked
for presence and type, which takes about 2 ms, so that a broken file is refused
with the name of the row and not met later as an AttributeError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envcheck.model import EnvcheckError

SCHEMA_NAME = "envcheck.matrix"
SCHEMA_VERSION = 1
OVERLAY_NAME = "envcheck.matrix-overlay"
SECTIONS = (
    "tensorflow",
    "keras",
    "cuda",
    "cudnn",
    "gpus",
    "nvidia_wheels",
    "rules",
    "known_good",
    "known_broken",
    "sources",
)
# Only what is harvested grows by itself; documents come with a release of envcheck.
OVERLAY_SECTIONS = ("tensorflow", "keras", "nvidia_wheels")

Rows = dict[str, dict[str, Any]]
Sections = dict[str, Rows]

_TEXT: Mapping[str, type] = {"id": str}
_KINDS: Mapping[str, Mapping[str, Mapping[str, type]]] = {
    "tensorflow": {
        "release": {"package": str, "version": str, "platforms": dict, "sources": list},
        "tested": {"os": str, "device": str, "version": str, "python": str, "sources": list},
    },
    "keras": {"": {"package": str, "version": str, "sources": list}},
    "cuda": {
        "major": {"minor_compat": dict, "sources": list},
        "series": {"sonames": dict, "sources": list},
        "release": {"sources": list},
    },
    "cudnn": {
        "support": {"from": str, "until": str, "cuda": list, "min_cc": str, "sources": list},
        "code": {"version": str, "cuda_major": int, "sass": list, "sources": list},
        "files": {"major": int, "linux": list, "windows": list, "sources": list},
    },
    "gpus": {"": {"sources": list}},
    "nvidia_wheels": {"": {"versions": list, "provides": list, "sources": list}},
    "rules": {"": {"title": str, "text": str, "sources": list}},
    "known_good": {"": {"stack": dict, "verdict": str, "sources": list}},
    "known_broken": {"": {"rule": str, "verdict": str, "sources": list}},
    "sources": {"": {"what": str, "where": str}},
}
_PLATFORM_FIELDS: Mapping[str, type] = {"kind": str, "pythons": list, "wheel": str, "tag": str}
_OPTIONAL: Mapping[str, Mapping[str, type]] = {
    "tensorflow": {"requires": dict, "and_cuda": dict, "cuda": str, "cudnn": str, "date": str},
    "keras": {"requires": dict, "date": str, "requires_python": str},
    "cuda": {"driver": dict, "components": dict, "targets": list, "ptx_isa": str},
    "gpus": {"cc": str, "architecture": str, "segment": str, "ambiguous": list},
}
_PLATFORM_OPTIONAL: Mapping[str, type] = {
    "cuda": str,
    "cudnn": str,
    "cudnn_major": int,
    "sonames": dict,
    "capabilities": list,
    "ptx": list,
    "kernels": list,
    "runpath": list,
    "glibc": str,
    "glibc_needed": str,
    "requires": dict,
    "stands_for": dict,
    "wheels_found": bool,
}


class MatrixError(EnvcheckError):
    """The matrix cannot be used; the message is one sentence that names the row."""


def shipped_path() -> Path:
    """Beside the package's modules in a wheel, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "compat_matrix.json"
    return inside if inside.exists() else package.parent / "compat_matrix.json"


def read_json(path: Path) -> dict[str, Any]:
    """Raises MatrixError where the file is missing, cut off or no JSON object."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MatrixError(f"The matrix {path} cannot be read: {error}.") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        row = _row_at(text, error.pos)
        raise MatrixError(
            f"The matrix {path} is cut off or damaged at line {error.lineno}, {row}: {error.msg}."
        ) from error
    if not isinstance(content, dict):
        raise MatrixError(f"The matrix {path} holds a {type(content).__name__}, not an object.")
    return content


def _row_at(text: str, position: int) -> str:
    """Names the row nearest before `position`: the file has one row per line."""
    begin = text.rfind('{"id": "', 0, position)
    if begin < 0:
        return "before its first row"
    return "row " + repr(text[begin + 8 : text.find('"', begin + 8)])


def check_header(content: Mapping[str, Any], name: str, path: Path) -> str:
    """The date, after the schema has been found to be one we know. Raises MatrixError."""
    schema = content.get("schema")
    stated, _, version = str(schema).rpartition("/")
    if stated != name or not version.isdigit():
        raise MatrixError(f"The matrix {path} says schema {schema!r}, not {name}/{SCHEMA_VERSION}.")
    if int(version) > SCHEMA_VERSION:
        raise MatrixError(
            f"The matrix {path} has schema {schema}, newer than the {name}/{SCHEMA_VERSION} that "
            "this envcheck reads; update envcheck."
        )
    date = content.get("date")
    if not isinstance(date, str):
        raise MatrixError(f"The matrix {path} has no date.")
    return date


def read_sections(content: Mapping[str, Any], names: tuple[str, ...], path: Path) -> Sections:
    """Every section as id to row, each row checked. Raises MatrixError."""
    sections: Sections = {}
    for name in names:
        rows = content.get(name)
        if not isinstance(rows, list):
            raise MatrixError(f"The matrix {path} has no list of rows called {name!r}.")
        sections[name] = _index(name, rows, path)
    return sections


def _index(section: str, rows: list[Any], path: Path) -> Rows:
    indexed: Rows = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise MatrixError(f"Row {number} of {section} in {path} is not an object with an id.")
        kind = str(row.get("kind", "")) if section in ("tensorflow", "cuda", "cudnn") else ""
        key = f"{kind} {row['id']}" if section == "cuda" else row["id"]
        if key in indexed:
            raise MatrixError(f"Row {row['id']!r} of {section} stands twice in {path}.")
        problem = _problem(section, kind, row)
        if problem:
            raise MatrixError(f"Row {row['id']!r} of {section} in {path} {problem}.")
        indexed[key] = row
    return indexed


def _problem(section: str, kind: str, row: Mapping[str, Any]) -> str | None:
    fields = _KINDS[section].get(kind)
    if fields is None:
        return f"is of the unknown kind {kind!r}"
    for name, wanted in fields.items():
        if type(row.get(name)) is not wanted:
            return _wrong(name, wanted, row)
    for name, wanted in _OPTIONAL.get(section, {}).items():
        if name in row and type(row[name]) is not wanted:
            return _wrong(name, wanted, row)
    if kind == "release" and section == "tensorflow":
        return _platform_problem(row["platforms"])
    return None


def _platform_problem(platforms: Mapping[str, Any]) -> str | None:
    for platform, entry in platforms.items():
        if type(entry) is not dict:
            return f"has no object for {platform}"
        for name, wanted in _PLATFORM_FIELDS.items():
            if type(entry.get(name)) is not wanted:
                return f"under {platform} " + _wrong(name, wanted, entry)
        for name, wanted in _PLATFORM_OPTIONAL.items():
            if name in entry and type(entry[name]) is not wanted:
                return f"under {platform} " + _wrong(name, wanted, entry)
    return None


def _wrong(name: str, wanted: type, row: Mapping[str, Any]) -> str:
    if name not in row:
        return f"has no {name!r}"
    words = {
        str: "text",
        list: "a list",
        dict: "an object",
        int: "a whole number",
        bool: "true or false",
    }
    return f"has {row[name]!r} as {name!r}, which must be {words[wanted]}"
