"""Recorded machines: a folder with facts.json, PROVENANCE.toml and the raw answers in raw/.

``facts.json`` is what a replay judges. ``raw/`` is what the probes were told, so that their
parsers can be tested on it; recorded and live never mix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from envcheck import __version__
from envcheck.model import EnvcheckError, Fact, Facts
from envcheck.probes.source import Recording

SCHEMA = "envcheck.facts/1"
KEPT_ENVIRONMENT = re.compile(
    r"^(CUDA_\w+|NVIDIA_\w+|LD_LIBRARY_PATH|PATH|PYTHON\w+|VIRTUAL_ENV|CONDA_PREFIX|TF_\w+"
    r"|KERAS_\w+|XLA_FLAGS|container|KUBERNETES_SERVICE_HOST|OS)$"
)


def load(folder: Path) -> Facts:
    """The facts of a recorded machine. Raises EnvcheckError (2) naming what is wrong."""
    path = folder / "facts.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EnvcheckError(f"{path}: {error.strerror}.", 2) from error
    except ValueError as error:
        raise EnvcheckError(f"{path}: this is not JSON ({error}).", 2) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise EnvcheckError(f"{path}: this is not a recorded machine of schema {SCHEMA}.", 2)
    try:
        return Facts({name: Fact(**row) for name, row in document["facts"].items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise EnvcheckError(f"{path}: a fact is not what a fact must be ({error}).", 2) from error


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
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvcheckError(f"{folder}: {error.strerror}.", 2) from error


class Redaction:
    """Replaces the home folder, the user's and the host's name in JSON text."""

    def __init__(self, home: str, host: str) -> None:
        user = re.split(r"[\\/]", home.rstrip("\\/"))[-1]
        self._pairs = [(home, "/home/user")] if len(home) > 1 else []
        # In a document that is itself quoted in JSON, backslashes are doubled once or twice.
        for escaped in (home.replace("\\", "\\\\"), home.replace("\\", "\\\\\\\\")):
            if escaped != home:
                self._pairs.insert(0, (escaped, "/home/user"))
        self._user = re.compile(rf"(/home/|/Users/|\\\\Users\\\\){re.escape(user)}\b")
        self._host = re.compile(rf"\b{re.escape(host)}\b") if len(host) > 2 else None

    def text(self, text: str) -> str:
        for secret, public in self._pairs:
            text = text.replace(secret, public)
        text = self._user.sub(r"\1user", text)
        return self._host.sub("host", text) if self._host else text


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
