"""The current folder's code in a check: which folders are looked at, and what is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envcheck.imports import here
from envcheck.imports.files import Limits, find
from envcheck.probes.source import Live
from tests.conftest import Run, report_of

OLD = "from keras.layers.recurrent import LSTM\n"
SESSIONS = "import tensorflow as tf\na = tf.Session()\nb = tf.Session()\n"


@pytest.fixture
def check(envcheck: Run, lab: Callable[[str], Path], tmp_path: Path) -> Callable[..., Any]:
    """The report of a check in a folder with these files."""

    def run(*args: str, environment: str = "tf215", **files: str) -> Any:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        python = str(lab(environment))
        arguments = ("--python", python, "--no-smoke", "--expect", "cpu", "--format", "json")
        return report_of(envcheck(*arguments, *args))

    return run


def test_code_is_judged_with_the_environment(check: Callable[..., Any], tmp_path: Path) -> None:
    report = check(old=OLD, sessions=SESSIONS)
    assert [finding["code"] for finding in report["findings"]] == ["IMP301", "IMP303"]
    assert report["findings"][1]["evidence"] == [
        {"fact": "code", "value": "a = tf.Session()", "source": "sessions.py:2:5"},
        {"fact": "code", "value": "1 more like it", "source": "envcheck scan"},
    ]
    assert report["facts"]["code.scan"] == {
        "state": "known",
        "value": {"files": 2, "stopped": False, "findings": {"IMP301": 1, "IMP303": 2}},
        "source": str(tmp_path),
    }
    assert report["verdict"] == {"status": "fail", "exit_code": 1}
    layer = next(layer for layer in report["stack"] if layer["layer"] == "imports")
    assert (layer["status"], layer["version"]) == ("error", "2 files of code read")


def test_the_environment_comes_first(check: Callable[..., Any]) -> None:
    report = check(environment="tf215-duplicate-keras", old=OLD)
    codes = [(finding["code"], finding["severity"]) for finding in report["findings"]]
    assert codes[0] == ("KER101", "error")
    assert codes[-1] == ("IMP301", "error")


def test_left_out_when_asked(check: Callable[..., Any]) -> None:
    report = check("--no-scan", old=OLD)
    assert report["findings"] == []
    assert "code.scan" not in report["facts"]


@pytest.mark.parametrize(
    ("files", "home", "reason"),
    [
        (("table.csv",), "/nowhere", "the current folder is no project"),
        (("old.py",), ".", "the current folder is no project"),
        (("old.py",), "/nowhere", ""),
        (("pyproject.toml",), "/nowhere", ""),
    ],
)
def test_which_folders(
    machine: Callable[..., Any], tmp_path: Path, files: tuple[str, ...], home: str, reason: str
) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    source = Live({"HOME": str(tmp_path) if home == "." else home}, str(tmp_path))
    assert here.why_not(source, machine("linux-none-tf221")) == reason


def test_nothing_to_judge_against(machine: Callable[..., Any], tmp_path: Path) -> None:
    facts = machine("linux-none-tf221", {"tensorflow.version": None, "keras.version": None})
    reason = "there is no TensorFlow or Keras to judge code against"
    assert here.why_not(Live({}, str(tmp_path)), facts) == reason


def test_the_time_ends_the_walk(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    limits = Limits(until=0.0)
    assert (list(find([tmp_path], limits)), limits.reached) == ([], True)


def test_what_a_rewritten_file_needs_is_installed_without_pip_too(
    machine: Callable[..., Any],
) -> None:
    """The environment has none, and uv did not make it."""
    without = {"target.has_pip": False, "target.kind": "venv"}
    facts = machine("linux-none-tf215-keras3", without)
    python = "/home/user/coffee/venv/bin/python"
    wanted = here.remedies_of(here.stack_of(facts, Live()), facts, {}).installs["scikeras"]
    assert wanted.steps[0] == (python, "-m", "ensurepip")
    assert wanted.steps[1][:4] == (python, "-m", "pip", "install")
