"""Puts harvested rows and measured facts together, and writes the file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from packaging.version import Version

from envcheck.harvest.rows import Row
from envcheck.matrix.load import SECTIONS

# What measured.json may add to one platform of a release.
_MEASURED = ("cudnn", "glibc_needed", "wheels_found", "kernels")
_KEY_ORDER = (
    "id",
    "kind",
    "package",
    "version",
    "date",
    "yanked",
    "sdist_only",
    "requires_python",
    "requires",
    "and_cuda",
    "platforms",
    "pythons",
    "tag",
    "glibc",
    "glibc_needed",
    "wheel",
    "stands_for",
    "cuda",
    "cudnn_major",
    "cudnn",
    "capabilities",
    "ptx",
    "kernels",
    "sonames",
    "runpath",
    "wheels_found",
    "measured",
    "listing",
    "sources",
)


def release_row(harvested: Row, measured: Iterable[Row] = ()) -> Row:
    """A harvested release as a row of the file, with what was measured in it or beside it."""
    facts = list(measured)
    row: Row = {"id": f"{harvested['package']} {harvested['version']}", "kind": "release"}
    row.update({key: value for key, value in harvested.items() if key not in row})
    sources = {"index", "wheel"} if harvested["platforms"] else {"index"}
    platforms: dict[str, Row] = {}
    for name, entry in harvested["platforms"].items():
        platforms[name] = dict(entry)
        if entry["kind"] == "cuda":
            added, from_ids = _measured_facts(harvested["version"], name, facts)
            sources |= from_ids
            _add(platforms[name], added)
    row["platforms"] = {name: _ordered(entry) for name, entry in sorted(platforms.items())}
    row["sources"] = sorted(sources)
    return _ordered(row)


def _ordered(row: Row) -> Row:
    """Keys in one order, whatever path the row came by: same content, same bytes."""
    return {key: row[key] for key in _KEY_ORDER if key in row}


def _add(entry: Row, added: Mapping[str, Any]) -> None:
    """Adds what the wheel did not say; what it links goes before what it could have opened."""
    derived = []
    for key, value in added.items():
        if key in _MEASURED:
            entry[key] = value
        elif key not in entry or key == "sonames":
            entry[key] = value
            derived.append(key)
    if derived:
        entry["measured"] = sorted(derived)


def keras_row(harvested: Row) -> Row:
    row: Row = {"id": f"{harvested['package']} {harvested['version']}"}
    row.update({key: value for key, value in harvested.items() if key not in row})
    row["sources"] = ["index"] if row.get("sdist_only") else ["index", "wheel"]
    return row


def without_measured(row: Row) -> Row:
    """The reverse of `release_row`."""
    bare = {k: v for k, v in row.items() if k not in ("id", "kind", "sources")}
    bare["platforms"] = {
        name: {
            key: value
            for key, value in entry.items()
            if key not in (*_MEASURED, *entry.get("measured", ()), "measured")
        }
        for name, entry in row["platforms"].items()
    }
    return bare


def _measured_facts(version: str, platform: str, measured: list[Row]) -> tuple[Row, set[str]]:
    """Facts of this release, else of the nearest patch release of its minor.

    cuDNN and the GPU code are the same on Windows; RUNPATH and glibc are Linux.
    """
    release = Version(version)
    minor = release.release[:2]
    rows = {row["id"]: row for row in measured}
    own = [row for row in measured if " " in row["id"] and _version_of(row) == release]
    near = sorted(
        (row for row in measured if (v := _version_of(row)) and v.release[:2] == minor),
        key=lambda row: (abs(_version_of(row).micro - release.micro), row["id"]),  # type: ignore[union-attr]
    )
    wanted = ["cudnn", "kernels", "sass", "ptx", "linked"]
    if platform.startswith("linux"):
        wanted += ["runpath", "glibc_needed", "wheels_found"]
    found: Row = {}
    sources: set[str] = set()
    for key in wanted:
        holder = next((row for row in [*own, *_carried(key, near)] if key in row), None)
        if holder is None:
            continue
        found[key] = holder[key]
        sources |= set(holder["sources"])
        if holder not in own:
            sources.add("same-minor")
    borrowed = rows.get(f"minor {minor[0]}.{minor[1]}")
    if borrowed is not None and "kernels" not in found:
        found["kernels"] = rows[borrowed["kernels_of"]]["kernels"]
        sources |= {"kernels", *borrowed["sources"]}
    return _as_platform_facts(found, platform), sources


def _carried(key: str, near: list[Row]) -> list[Row]:
    """RUNPATH changed between 2.16.1 and 2.16.2: it is never carried over."""
    return [] if key in ("runpath", "wheels_found") else near


def _version_of(row: Mapping[str, Any]) -> Version | None:
    project, _, version = str(row["id"]).partition(" ")
    return None if project == "minor" else Version(version)


def _as_platform_facts(found: Row, platform: str) -> Row:
    facts = {key: found[key] for key in _MEASURED if key in found}
    for source, target in (("sass", "capabilities"), ("ptx", "ptx"), ("runpath", "runpath")):
        if source in found:
            facts[target] = found[source]
    linked = found.get("linked")
    if linked and platform.startswith("linux"):
        facts.update(_from_linked(linked))
    return facts


def _from_linked(linked: list[str]) -> Row:
    """1.4 has no cuda_config.h: its DT_NEEDED entries say the same."""
    names = {name.removeprefix("lib").split(".so.")[0]: name for name in linked}
    return {
        "cuda": names["cudart"].split(".so.")[1],
        "cudnn_major": int(names["cudnn"].split(".so.")[1]),
        "sonames": dict(sorted(names.items())),
    }


def dump(content: Mapping[str, Any]) -> str:
    """One row per line: a changed row is one line of a diff."""
    head = {key: value for key, value in content.items() if key not in SECTIONS}
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for section in SECTIONS:
        if section not in content:
            continue
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in content[section])
        body = f"[\n{rows}\n]" if rows else "[]"
        parts.append(f"{json.dumps(section)}: {body}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
