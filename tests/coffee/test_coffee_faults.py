"""A fault planted in each rung of a real TensorFlow is named as that rung, and stops no other."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coffee_smoke
from coffee_smoke.rungs import RUNGS
from tests.coffee.documents import valid
from tests.coffee.planted import (
    ALL,
    CARD,
    LISTED,
    NO_CARD,
    PLANTINGS,
    SPEED_CLOCK,
    SPEED_NUMBERS,
    claim_cuda,
    sow,
)
from tests.conftest import Run, plain_environment, report_of
from tests.fakes.nvidia import FakeMachine

pytest_plugins = ("tests.fakes.plugin",)
pytestmark = [pytest.mark.lab, pytest.mark.slow]

FOLDER = Path(coffee_smoke.__file__).parent


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], str]:
    def write(plant: str) -> str:
        return sow(tmp_path, plant)

    return write


def climb(python: Path, *options: str, **env: str) -> Any:
    done = subprocess.run(
        [str(python), str(FOLDER), *options],
        cwd="/",
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return valid(done.stdout) if "--json" in options else json.loads(done.stdout.splitlines()[-1])


def rows(document: Any) -> dict[str, tuple[str, str]]:
    """Status, and the kind of error or the detail of what was not run."""
    return {
        r["name"]: (r["status"], r["error"]["type"] if "error" in r else r["detail"])
        for r in document["rungs"]
        if r["status"] != "passed"
    }


def test_a_fault_in_every_rung(lab: Callable[[str], Path], site: Callable[[str], str]) -> None:
    document = climb(lab("tf221"), "--json", "--device", "cpu", PYTHONPATH=site(ALL))
    asked = ("skipped", "the CPU was asked for")
    assert rows(document) == {
        **dict.fromkeys(("driver", "context", "runtime", "gpu"), asked),
        "matmul": ("failed", "WrongNumbers"),
        "conv2d": ("failed", "UnimplementedError"),
        "lstm": ("failed", "Died"),
        "fft": ("failed", "WrongNumbers"),
        "solver": ("failed", "InternalError"),
        "sparse": ("failed", "Died"),
        "random": ("failed", "WrongNumbers"),
        "xla": ("failed", "InternalError"),
        "mixed": ("failed", "ValueError"),
        "nccl": ("skipped", "there is no GPU"),
        "forward": ("failed", "WrongNumbers"),
        "gradients": ("failed", "WrongNumbers"),
        "fit": ("failed", "RuntimeError"),
        "train": ("failed", "WrongNumbers"),
        "decide": ("not-run", "needs train, which failed"),
        "speed": ("not-run", "needs train, which failed"),
        "mirrored": ("skipped", "there is no GPU"),
    }
    details = {r["name"]: r["detail"] for r in document["rungs"]}
    assert details["lstm"] == "killed by SIGABRT"
    assert details["sparse"] == "killed by SIGSEGV"
    assert "off by nan" in details["fft"]
    log = next(r["log"] for r in document["rungs"] if r["name"] == "lstm")
    assert "Could not create cudnn handle" in log
    assert [w["returncode"] for w in document["workers"]] == [0, -6, -11, 1]
    # On a machine without a GPU no library of the GPU is blamed.
    assert {r["library"] for r in document["rungs"] if r["name"] in ("fft", "sparse")} == {
        "TensorFlow's CPU kernels"
    }


def test_a_gpu_that_is_listed_and_not_used(
    lab: Callable[[str], Path],
    site: Callable[[str], str],
    fake_machine: Callable[[str], FakeMachine],
) -> None:
    machine = fake_machine(CARD)
    document = climb(lab("tf221"), "--json", "--quick", PYTHONPATH=site(LISTED), **machine.env)
    found = rows(document)
    for name in ("matmul", "conv2d", "fft", "forward", "train"):
        assert found[name] == ("failed", "WrongDevice")
    details = {r["name"]: r["detail"] for r in document["rungs"]}
    assert details["train"] == "the training was asked of GPU:0 and ran on CPU:0"
    assert document["device"] == "CPU:0"
    assert document["placement"]["chosen"] == "GPU:0"
    assert document["placement"]["step"].endswith("CPU:0")


@pytest.mark.parametrize("name", PLANTINGS)
def test_the_rung_is_named_and_envcheck_has_a_finding_for_it(
    envcheck: Run,
    lab: Callable[[str], Path],
    site: Callable[[str], str],
    fake_machine: Callable[[str], FakeMachine],
    runtime_folder: str,
    name: str,
) -> None:
    planting = PLANTINGS[name]
    env = {**fake_machine(planting.card).env, "PYTHONPATH": site(planting.plant)}
    if planting.card == NO_CARD:
        env["CUDA_VISIBLE_DEVICES"] = "-1"
    if planting.runtime:
        env["CUDART_FAULT"] = planting.runtime
        env["LD_LIBRARY_PATH"] += os.pathsep + runtime_folder
        claim_cuda(Path(env["PYTHONPATH"]))
    args = ("--python", str(lab("tf221")), "--expect", planting.expect, "--format", "json")
    report = report_of(envcheck(*args, **env))
    found = {r["name"]: r for r in report["facts"]["smoke.result"]["value"]["rungs"]}
    expected = {
        **dict.fromkeys((rung.name for rung in RUNGS), ("passed", "")),
        **dict.fromkeys(planting.blocked, ("not-run", "")),
        **dict.fromkeys(planting.skipped, ("skipped", "")),
        **{rung: ("failed", error) for rung, error in planting.failed.items()},
    }
    assert {rung: (r["status"], r["error_type"]) for rung, r in found.items()} == expected
    findings = {(row["code"], row["subject"]) for row in report["findings"]}
    # Which of two CPUs is the faster (SMK205) is chance.
    ours = {row for row in findings if row[0].startswith("SMK") and row[0] != "SMK205"}
    assert ours == planting.findings


@pytest.mark.parametrize(
    ("plant", "error", "said"),
    [
        (SPEED_NUMBERS, "WrongNumbers", "the large product on GPU:0 is nan"),
        (SPEED_CLOCK, "Wrong", "the time on GPU:0 is nan s: the clock cannot be trusted"),
    ],
    ids=["no numbers", "no clock"],
)
def test_a_time_that_says_nothing_is_a_broken_rung(
    lab: Callable[[str], Path], site: Callable[[str], str], plant: str, error: str, said: str
) -> None:
    document = climb(lab("tf221"), "--worker", "--rungs", "speed", PYTHONPATH=site(plant))
    assert rows(document) == {"speed": ("failed", error)}
    assert document["rungs"][-1]["detail"] == said
    assert document["speed"] is None
