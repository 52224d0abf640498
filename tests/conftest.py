"""Fixtures that every test may use: recorded machines and real environments."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from envcheck import machines
from envcheck.matrix import Matrix, load_matrix
from envcheck.model import Fact, Facts, absent, known
from tests import lab as laboratory

# A shell ignores SIGINT for what it starts in the background, and our children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
MACHINES = ROOT / "tests" / "machines"


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    return load_matrix()


@pytest.fixture(scope="session")
def machine() -> Callable[..., Facts]:
    """``machine("linux-none-tf221", {"keras.version": "2.15.0"})``: facts with edits; None makes
    a fact absent, a Fact stands as it is."""

    return machine_with


def machine_with(name: str, edits: Mapping[str, Any] | None = None) -> Facts:
    facts = machines.load(MACHINES / name)
    return facts.merged({key: _edited(key, value) for key, value in (edits or {}).items()})


def _edited(name: str, value: Any) -> Fact:
    if isinstance(value, Fact):
        return value
    return absent("edited by a test") if value is None else known(value, f"edited: {name}")


@pytest.fixture(scope="session")
def lab() -> Callable[[str], Path]:
    """``lab("tf221")``: the interpreter of a real environment, built once and kept in .lab/.
    Skips where its Python is not on this machine."""
    return laboratory.python_of


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def envcheck(tmp_path: Path) -> Run:
    """Run the command line in a child, in an empty folder, with a plain environment."""

    def run(*args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "envcheck", *args],
            cwd=cwd or tmp_path,
            env=plain_environment(**env),
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


def plain_environment(**more: str) -> dict[str, str]:
    """Nothing of the shell that runs the tests, but what a process needs to run."""
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": "", "LANG": "C.UTF-8", "HOME": "/", **more}


def report_of(completed: subprocess.CompletedProcess[str]) -> Any:
    """The JSON report on stdout."""
    return json.loads(completed.stdout)
