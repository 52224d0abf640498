"""What `envcheck diff` is given: a report, a recorded machine or a lock file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from envcheck.baseline import lockfile
from envcheck.baseline.drift import Snapshot, packages_of, snapshot
from envcheck.baseline.locked import counted
from envcheck.baseline.reduce import Ask
from envcheck.compatibility import pins
from envcheck.model import EnvcheckError, Expect, Facts, Status
from envcheck.render.json import SCHEMA as REPORT
from envcheck.render.json import document as document_of

SideKind = Literal["report", "machine", "lock"]


class Found(NamedTuple):
    """A finding of a report. ``facts`` are (fact, value) of its evidence; ``commands`` those of
    its first fix, ``note`` what that fix says; ``root``: it follows from no other."""

    code: str
    subject: str
    title: str
    severity: str
    root: bool
    facts: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, ...], ...]
    note: str


class Side(NamedTuple):
    """``facts`` are empty for a lock, whose ``locked`` values are then there. ``findings`` are
    those of a report's document; ``status`` is None for a lock, which says nothing of it."""

    name: str
    kind: SideKind
    expect: Expect
    facts: Facts
    findings: tuple[Found, ...] = ()
    status: Status | None = None
    locked: Mapping[str, Any] = {}

    @property
    def packages(self) -> frozenset[str]:
        return packages_of(self.locked) if self.kind == "lock" else frozenset(pins(self.facts))

    def taken(self, ask: Ask) -> Snapshot:
        if self.kind == "lock":
            return Snapshot(counted(self.locked, ask.expect), {})
        return snapshot(self.facts, ask, ("locked", "compared"))


def read(first: Path, second: Path, expect: Expect | None) -> tuple[Side, Side]:
    """A machine is judged as the other side was, where ``expect`` does not say. Raises
    EnvcheckError (2)."""
    names = _names(first, second)
    found = [_file(path, name) for path, name in zip((first, second), names, strict=True)]
    told = [side.expect for side in found if side]
    asked: Expect = expect or (told[0] if told else "gpu")
    sides = [
        side or _machine(path, name, asked)
        for side, path, name in zip(found, (first, second), names, strict=True)
    ]
    return sides[0], sides[1]


def _names(first: Path, second: Path) -> tuple[str, str]:
    """The last part alone, where that tells them apart."""
    try:
        short = (first.resolve().name, second.resolve().name)
    except (OSError, RuntimeError):  # a removed current folder, links in a circle
        return str(first), str(second)
    return short if short[0] != short[1] else (str(first), str(second))


def _file(path: Path, name: str) -> Side | None:
    """None for what is a recorded machine: its folder, or the facts.json in it."""
    if path.is_dir():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig", errors="surrogateescape"))
    except OSError as error:
        raise EnvcheckError(f"{path}: {error.strerror}.", 2) from error
    except (ValueError, RecursionError) as error:
        raise EnvcheckError(f"{path}: this is not JSON ({error}).", 2) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema == REPORT:
        return _report(path, name, document)
    if isinstance(schema, str) and schema.startswith("envcheck.lock/"):
        lock = lockfile.read(path)
        return Side(name, "lock", lock.expect, Facts(), locked=lock.facts)
    if path.name == "facts.json":
        return None
    raise EnvcheckError(
        f"{path}: this is neither a report (envcheck --format json), nor a recorded machine's "
        "folder (envcheck record), nor a lock file (envcheck lock).",
        2,
    )


def _report(path: Path, name: str, document: Mapping[str, Any]) -> Side:
    from envcheck import machines

    facts = machines.facts_of(path, document.get("facts"))
    try:
        findings = tuple(map(_found, document["findings"]))
        status, expect = document["verdict"]["status"], document["expect"]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise EnvcheckError(f"{path}: this report is not whole ({error}).", 2) from error
    if status not in get_args(Status) or expect not in get_args(Expect):
        raise EnvcheckError(f"{path}: this report has no verdict.", 2)
    return Side(name, "report", expect, facts, findings, status)


def _found(row: Mapping[str, Any]) -> Found:
    fix = row["fixes"][0] if row["fixes"] else {"steps": [], "note": None}
    return Found(
        code=str(row["code"]),
        subject=str(row["subject"]),
        title=str(row["title"]),
        severity=str(row["severity"]),
        root=row["caused_by"] is None,
        facts=tuple((str(item["fact"]), str(item["value"])) for item in row["evidence"]),
        commands=tuple(tuple(map(str, step)) for step in fix["steps"]),
        note=str(fix["note"] or ""),
    )


def _machine(path: Path, name: str, expect: Expect) -> Side:
    from envcheck import machines, report
    from envcheck.cli import load_knowledge
    from envcheck.verdict import judge_report

    facts = machines.load(path if path.is_dir() else path.parent)
    judged = report.judged(facts, load_knowledge(expect), expect)
    return _report(path, name, document_of(judged, judge_report(judged)))._replace(kind="machine")
