"""envcheck.lock.json: what a good machine was, schema ``envcheck.lock/1``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from envcheck.model import EnvcheckError, Expect, Facts, known

if TYPE_CHECKING:
    from envcheck.baseline.drift import Snapshot

NAME = "envcheck.lock.json"
SCHEMA = "envcheck.lock/1"


class Lock(NamedTuple):
    """``facts`` by name, as :data:`envcheck.facts.LOCK` says."""

    file: str
    expect: Expect
    facts: Mapping[str, Any]

    def joined(self, facts: Facts, expect: Expect) -> Facts:
        """The facts with this lock among them. Raises EnvcheckError (2) where it cannot answer
        what is asked; where no GPU is expected, its GPU side does not count."""
        if (self.expect, expect) == ("cpu", "gpu"):
            raise EnvcheckError(
                f"{self.file}: this was locked without a GPU: run envcheck --locked --expect cpu, "
                "or envcheck lock where there is one.",
                2,
            )
        return facts.merged(
            {
                "lock.facts": known(dict(self.facts), self.file),
                "lock.expect": known(expect, self.file),
            }
        )


def render(taken: Snapshot, expect: Expect, version: str) -> str:
    document = {
        "schema": SCHEMA,
        "envcheck_version": version,
        "expect": expect,
        "facts": dict(sorted(taken.values.items())),
    }
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def write(path: Path, text: str) -> None:
    """Whole or not at all; a link stays one, and what is no file (/dev/stdout, a pipe) is written
    to, never replaced. Raises EnvcheckError (2)."""
    new = None
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        place = Path(os.path.realpath(path))
        new = place.with_name(f".{place.name}.{os.getpid()}")
        new.write_text(text, encoding="utf-8")
        os.replace(new, place)
    except OSError as error:
        if new is not None:
            new.unlink(missing_ok=True)
        raise EnvcheckError(f"{path}: it could not be written: {error.strerror}.", 2) from error


def read(path: Path) -> Lock:
    """Raises EnvcheckError (2) with the line to do."""
    anew = command_for(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise EnvcheckError(
            f"{path}: there is no lock file. On a machine that is as it should be: {anew}", 2
        ) from error
    except OSError as error:
        raise EnvcheckError(f"{path}: {error.strerror}.", 2) from error
    except (ValueError, RecursionError) as error:
        raise EnvcheckError(f"{path}: this is not JSON ({error}). Lock anew: {anew}", 2) from error
    if is_newer(document):
        said = f"{path}: a newer envcheck has written it ({document['schema']}). Update this one: "
        raise EnvcheckError(f"{said}pip install --upgrade envcheck", 2)
    problem = problem_of(document)
    if problem:
        raise EnvcheckError(f"{path}: {problem} Lock anew: {anew}", 2)
    return Lock(str(path), document["expect"], document["facts"])


def command_for(path: Path) -> str:
    return " ".join(words_for(str(path)))


def words_for(file: str) -> tuple[str, ...]:
    """What locks anew into this file."""
    return ("envcheck", "lock", *(() if file == NAME else ("--output", file)))


def is_newer(document: Any) -> bool:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or schema == SCHEMA:
        return False
    return re.fullmatch(r"envcheck\.lock/[1-9][0-9]*", schema) is not None


def problem_of(document: Any) -> str:
    """What is wrong with it, as a sentence; empty where nothing is."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return "this is not a lock file of envcheck."
    if document.get("expect") not in get_args(Expect):
        return "`expect` must be gpu or cpu."
    if not isinstance(document.get("envcheck_version"), str):
        return "`envcheck_version` must be text."
    facts = document.get("facts")
    if not isinstance(facts, dict) or not facts:
        return "`facts` must name facts."
    wrong = next((name for name, value in facts.items() if not _is_value(value)), None)
    allowed = "text, a list or a mapping that is not empty, or null where there is none."
    return "" if wrong is None else f"the fact {wrong[:60]!r} must be {allowed}"


def _is_value(value: Any) -> bool:
    if value in ({}, []):
        return False
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return value is None or isinstance(value, str)
