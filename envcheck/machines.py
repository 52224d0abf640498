"""Recorded machines: a folder with facts.json, PROVENANCE.toml and the raw answers in raw/.

``facts.json`` is what a replay judges. ``raw/`` is what the probes were told, so that their
parsers can be tested on it; recorded and live never mix.
"""

from __future__ import annotations

import functools
import json
import re
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

from envcheck import __version__
from envcheck import facts as vocabulary
from envcheck.model import EnvcheckError, Fact, Facts, Key, State
from envcheck.probes.source import Recording
from envcheck.redaction import Redaction

SCHEMA = "envcheck.facts/1"
KEPT_ENVIRONMENT = re.compile(
    r"^(CUDA_\w+|NVIDIA_\w+|LD_LIBRARY_PATH|PATH|PYTHON\w+|VIRTUAL_ENV|CONDA_PREFIX|TF_\w+"
    r"|KERAS_\w+|XLA_FLAGS|container|KUBERNETES_SERVICE_HOST|OS)$"
)


def load(folder: Path) -> Facts:
    """The facts of a recorded machine. Raises EnvcheckError (2) naming what is wrong."""
    path = folder / "facts.json"
    try:
        # Paths of a machine may hold bytes that are no UTF-8.
        document = json.loads(path.read_text(encoding="utf-8-sig", errors="surrogateescape"))
    except OSError as error:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)) and folder.exists():
            said = "this is no recorded machine, which is a folder with facts.json in it"
            raise EnvcheckError(f"{folder}: {said} (envcheck record).", 2) from error
        named = path if folder.exists() else folder
        raise EnvcheckError(f"{named}: {error.strerror}.", 2) from error
    except (ValueError, RecursionError) as error:
        raise EnvcheckError(f"{path}: this is not JSON ({error}).", 2) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise EnvcheckError(f"{path}: this is not a recorded machine of schema {SCHEMA}.", 2)
    return facts_of(path, document.get("facts"))


def facts_of(path: Path, rows: Any) -> Facts:
    """The facts of a document in this file. Raises EnvcheckError (2) naming what is wrong."""
    try:
        facts = Facts({name: Fact(**row) for name, row in rows.items()})
    except (TypeError, AttributeError) as error:
        raise EnvcheckError(f"{path}: a fact is not what a fact must be ({error}).", 2) from error
    for name, fact in facts.items():
        problem = _problem(name, fact)
        if problem:
            raise EnvcheckError(f"{path}: the fact {name}: {problem}.", 2)
    return facts


def _problem(name: str, fact: Fact) -> str | None:
    """What is wrong with a fact that a person may have written."""
    if fact.state not in typing.get_args(State):
        return f"its state is {fact.state!r}"
    if not isinstance(fact.source, str) or not isinstance(fact.reason, str):
        return "its source and reason must be text"
    if fact.state != "known" or name not in _keys():
        return None
    try:
        value = _keys()[name].read(fact.value)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        return f"its value is not of the kind that it must be: {str(fact.value)[:60]}"
    return _misfit(value)


@functools.cache
def _keys() -> Mapping[str, Key[Any]]:
    return {key.name: key for key in vars(vocabulary).values() if isinstance(key, Key)}


def _misfit(value: Any) -> str | None:
    """A row of the vocabulary whose field has another type than the vocabulary says."""
    rows = value if type(value) is tuple else (value,)
    for row in rows:
        if hasattr(row, "_fields"):
            names = row._fields
        elif is_dataclass(row):
            names = tuple(item.name for item in fields(row))
        else:
            continue
        types = typing.get_type_hints(type(row))
        for name in names:
            if not _fits(getattr(row, name), types[name]):
                return f"{name} is {str(getattr(row, name))[:60]!r}"
            inner = _misfit(getattr(row, name))
            if inner:
                return inner
    return None


def _fits(value: Any, wanted: Any) -> bool:
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, args[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(item, args[1]) for item in value.values())
    if args:
        return any(_fits(value, arg) for arg in args)
    return isinstance(value, (int, float) if wanted is float else wanted)


def dump(facts: Facts) -> str:
    rows = {name: fact.to_json() for name, fact in facts.items()}
    return _json({"schema": SCHEMA, "facts": rows})


def save(folder: Path, facts: Facts, recording: Recording, home: str, host: str) -> None:
    """Write a machine, redacted, into a new or empty folder. Raises EnvcheckError (2)."""
    redact = Redaction(home, host)
    context = {
        "env": {key: value for key, value in recording.env.items() if KEPT_ENVIRONMENT.match(key)},
        "cwd": recording.cwd,
        "platform": recording.platform,
        "machine": recording.machine,
    }
    files = {
        "facts.json": redact.text(dump(facts)),
        "raw/calls.json": redact.text(_json(recording.calls)),
        "raw/context.json": redact.text(_json(context)),
        "PROVENANCE.toml": _provenance(facts),
    }
    try:
        if folder.exists() and any(folder.iterdir()):
            raise EnvcheckError(f"{folder}: this folder is not empty.", 2)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise EnvcheckError(f"{folder}: {error.strerror}.", 2) from error


def _provenance(facts: Facts) -> str:
    def value(name: str) -> str:
        fact = facts.get(name)
        return json.dumps(str(fact.value) if fact and fact.state == "known" else "not known")

    return (
        "# Where this machine's facts come from.\n"
        "synthetic = false\n"
        f'recorded = "{date.today().isoformat()}"\n'
        f'recorded_by = "envcheck {__version__}"\n'
        f"system = {value('system.distribution')}\n"
        f"python = {value('target.python')}\n"
        f"tensorflow = {value('tensorflow.version')}\n"
    )


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
