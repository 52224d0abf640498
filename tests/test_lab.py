"""Real environments: the cause is named, the printed command mends it, then all is quiet."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import lab as laboratory
from tests.conftest import Run, plain_environment, report_of

pytestmark = pytest.mark.lab

FIT = """
import keras, numpy, tensorflow as tf
layers = tf.keras.layers
model = tf.keras.Sequential([layers.Dense(3, activation="sigmoid"), layers.Dense(1)])
model.compile(loss="mse", optimizer=tf.keras.optimizers.Adam(0.01))
model.fit(numpy.ones((64, 2)), numpy.ones((64, 1)), verbose=0)
print("fitted with keras", keras.__version__)
"""


def fit(python: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-c", FIT],
        env=plain_environment(TF_CPP_MIN_LOG_LEVEL="3"),
        capture_output=True,
        text=True,
        check=False,
    )


def codes(report: Any) -> dict[str, str | None]:
    """Finding to the finding that caused it."""
    return {
        row["code"]: row["caused_by"]["code"] if row["caused_by"] else None
        for row in report["findings"]
    }


@pytest.mark.parametrize(
    ("recipe", "causes", "keras"),
    [
        ("tf215-keras3", {"KER201": None}, "2.15.0"),
        ("tf215-duplicate-keras", {"KER101": None, "SMK101": "KER101"}, "2.15.0"),
        (
            "tf29-mixed",
            {"TFX301": None, "TFX302": None, "KER201": None, "SMK101": "TFX302"},
            "2.9.0",
        ),
    ],
)
def test_the_printed_command_repairs_it(
    envcheck: Run, tmp_path: Path, recipe: str, causes: dict[str, str | None], keras: str
) -> None:
    python = laboratory.copy_of(recipe, tmp_path / "venv")
    args = ("--python", str(python), "--expect", "cpu")
    report = report_of(envcheck(*args, "--format", "json"))
    assert codes(report) == causes
    assert report["verdict"] == {"status": "fail", "exit_code": 1}

    text = envcheck(*args, "--no-smoke").stdout
    commands = text.split("Do this first:")[1]
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", commands],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert fit(python).stdout == f"fitted with keras {keras}\n"
    report = report_of(envcheck(*args, "--format", "json"))
    assert (codes(report), report["verdict"]["exit_code"]) == ({}, 0)


@pytest.mark.parametrize("recipe", ["tf221", "tf215", "tf29"])
def test_a_healthy_environment_is_quiet_and_trains(
    envcheck: Run, lab: Callable[[str], Path], recipe: str
) -> None:
    completed = envcheck("--python", str(lab(recipe)), "--expect", "cpu", "--format", "json")
    report = report_of(completed)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert (codes(report), report["not_evaluated"]) == ({}, [])
    result = report["facts"]["smoke.result"]["value"]
    assert result["decisions"] == [1, 0]
    assert (result["correct"], result["total"]) == (200, 200)
    assert result["device"].endswith("CPU:0")


def test_a_machine_without_a_gpu_is_an_error_where_one_is_expected(
    envcheck: Run, lab: Callable[[str], Path]
) -> None:
    """The GPU layers come from whatever machine this is; what must hold on each is that a
    network trained on the CPU never passes for a GPU."""
    report = report_of(envcheck("--python", str(lab("tf221")), "--format", "json"))
    assert "SMK201" in codes(report)
    assert report["verdict"]["exit_code"] == 1


def test_a_check_leaves_no_trace_in_the_environment_or_the_folder(
    envcheck: Run, tmp_path: Path
) -> None:
    python = laboratory.copy_of("tf215", tmp_path / "venv")
    folder = tmp_path / "project"
    folder.mkdir()

    def listing() -> list[tuple[str, int]]:
        return sorted((str(path), path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))

    before = listing()
    completed = envcheck("--python", str(python), "--expect", "cpu", cwd=folder)
    assert completed.returncode == 0
    assert listing() == before


def test_half_of_a_tensorflow(envcheck: Run, tmp_path: Path) -> None:
    python = laboratory.copy_of("tf215", tmp_path / "venv")
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "tensorflow" / "__init__.py").unlink()
    args = ("--python", str(python), "--expect", "cpu", "--format", "json")
    report = report_of(envcheck(*args))
    assert codes(report) == {"TFX102": None, "SMK101": "TFX102"}
    for step in report["findings"][0]["fixes"][0]["steps"]:
        subprocess.run(step, env=plain_environment(), capture_output=True, check=True)
    assert fit(python).stdout == "fitted with keras 2.15.0\n"
    assert codes(report_of(envcheck(*args))) == {}


@pytest.mark.parametrize(
    ("name", "code"), [("random.py", "IMP101"), ("tensorflow.py", "IMP102"), ("keras", "IMP102")]
)
def test_a_file_of_the_user_in_the_way(
    envcheck: Run, lab: Callable[[str], Path], tmp_path: Path, name: str, code: str
) -> None:
    folder = tmp_path / "project"
    (folder / "keras" if name == "keras" else folder).mkdir(parents=True)
    file = folder / "keras" / "__init__.py" if name == "keras" else folder / name
    file.write_text("", encoding="utf-8")
    args = ("--python", str(lab("tf215")), "--expect", "cpu", "--format", "json")
    report = report_of(envcheck(*args, cwd=folder))
    assert codes(report) == {code: None, "SMK101": code}
    for step in report["findings"][0]["fixes"][0]["steps"]:
        subprocess.run(step, check=True)
    assert codes(report_of(envcheck(*args, cwd=folder))) == {}


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
        ("import os; os._exit(0)", "exited with 0 and gave no result"),
        ("import time; time.sleep(60)", "without an answer in the step `import`"),
    ],
)
def test_an_import_that_does_not_come_back(
    envcheck: Run, tmp_path: Path, lab: Callable[[str], Path], body: str, how: str
) -> None:
    package = tmp_path / "site" / "tensorflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(body, encoding="utf-8")
    info = tmp_path / "site" / "tensorflow-2.21.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: tensorflow\nVersion: 2.21.0\n", encoding="utf-8")
    python = str(lab("empty311"))
    args = ("--python", python, "--expect", "cpu", "--format", "json", "--smoke-timeout", "3")
    report = report_of(envcheck(*args, PYTHONPATH=str(tmp_path / "site")))
    (finding,) = [row for row in report["findings"] if row["code"] == "SMK102"]
    assert finding["subject"] == "import"
    assert how in finding["title"]


def test_an_import_that_calls_exit_and_prints(
    envcheck: Run, tmp_path: Path, lab: Callable[[str], Path]
) -> None:
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text(
        "print('{\"junk\": 1}')\nraise SystemExit(0)\n", encoding="utf-8"
    )
    python = str(lab("empty311"))
    args = ("--python", python, "--expect", "cpu", "--format", "json")
    report = report_of(envcheck(*args, PYTHONPATH=str(tmp_path)))
    (finding,) = [row for row in report["findings"] if row["code"] == "SMK101"]
    assert finding["title"] == "`import tensorflow` fails: SystemExit: 0"
    assert report["verdict"]["exit_code"] == 1
