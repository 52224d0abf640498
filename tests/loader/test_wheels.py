"""Real `tensorflow[and-cuda]` wheels with the fake driver: what envcheck says before TensorFlow is
started, and what TensorFlow then does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import lab as laboratory
from tests.conftest import Run
from tests.fakes.nvidia import FakeMachine
from tests.loader.build import asked, run_traced
from tests.loader.test_commands import MACHINE

pytest_plugins = ("tests.fakes.plugin",)
pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.lab]
LIST = "import tensorflow as tf; print('GPUS', len(tf.config.list_physical_devices('GPU')))"
CUDA = re.compile(r"lib(cudart|cublas|cublasLt|cufft|cusolver|cusparse|cudnn)\.so\.[\d.]+")
GIGABYTES = 12
Machines = Callable[[str], FakeMachine]


@pytest.fixture
def wheels(lab: Callable[[str], Path]) -> Callable[[str], Path]:
    def python_of(name: str) -> Path:
        laboratory.LAB.mkdir(exist_ok=True)
        if shutil.disk_usage(laboratory.LAB).free < GIGABYTES * 2**30:
            pytest.skip(f"less than {GIGABYTES} GB are free for CUDA's wheels")
        return lab(name)

    return python_of


def look(run: Run, python: Path, env: dict[str, str]) -> dict[str, Any]:
    args = ("check", "--no-smoke", "--format", "json", "--timeout", "120", "--python", str(python))
    document: dict[str, Any] = json.loads(run(*args, **env).stdout)
    return document


def findings(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = report["findings"]
    return {row["code"]: row for row in rows if row["code"].startswith(("LIB", "DNN", "CUD"))}


def start(python: Path, where: Path, env: dict[str, str]) -> tuple[str, dict[str, str], set[str]]:
    """TensorFlow lists its GPUs: what it prints, which files the loader took for it, and all the
    CUDA libraries that it asked for by name."""
    where.mkdir()
    argv = [str(python), "-c", LIST]
    stdout, took = run_traced(argv, where / "ld", where, HOME=str(where), PATH="/usr/bin", **env)
    names = {name for name in asked(where / "ld") if CUDA.fullmatch(name)}
    return stdout, {name: took[name] for name in took if name in names}, names


def predicted(report: dict[str, Any]) -> dict[str, str]:
    """Soname to the file that wins, where one does."""
    rows = report["facts"]["loader.libraries"]["value"]
    places = {row["soname"]: [p for p in row["found"] if "status" not in p] for row in rows}
    return {soname: found[0]["path"] for soname, found in places.items() if found}


@pytest.mark.parametrize("name", ["tf215-cuda", "tf220-cuda"])
def test_healthy_wheels(
    name: str, wheels: Callable[[str], Path], envcheck: Run, fake_machine: Machines, tmp_path: Path
) -> None:
    python, machine = wheels(name), fake_machine(MACHINE)
    report = look(envcheck, python, machine.env)
    assert findings(report) == {}
    opened = report["facts"]["loader.opened"]["value"]
    assert {row["status"] for row in opened} == {"ok"}
    stdout, took, names = start(python, tmp_path / "run", machine.env)
    assert stdout == "GPUS 1\n"
    assert names == set(report["facts"]["tensorflow.sonames"]["value"].values())
    found = predicted(report)
    assert {key: Path(path).resolve() for key, path in took.items()} == {
        key: Path(path).resolve() for key, path in found.items()
    }


def test_the_wheel_that_forgot_cusolver(
    wheels: Callable[[str], Path], envcheck: Run, fake_machine: Machines, tmp_path: Path
) -> None:
    """Named before TensorFlow is started; the printed fix makes TensorFlow list the GPU."""
    python, machine = wheels("tf221-cuda"), fake_machine(MACHINE)
    report = look(envcheck, python, machine.env)
    [(code, finding)] = findings(report).items()
    assert (code, finding["subject"]) == ("LIB101", "libcusolver.so.11")
    assert finding["why"].startswith("This is a known defect of TensorFlow 2.21.0: its wheel was")
    stdout, took, names = start(python, tmp_path / "before", machine.env)
    assert stdout == "GPUS 0\n"
    assert names == set(report["facts"]["tensorflow.sonames"]["value"].values())
    assert set(took) == names - {"libcusolver.so.11"}
    [[export, assignment]] = finding["fixes"][0]["steps"]
    assert export == "export"
    variable, _, value = assignment.partition("=")
    mended = {**machine.env, variable: value}
    assert findings(look(envcheck, python, mended)) == {}
    assert start(python, tmp_path / "after", mended)[0] == "GPUS 1\n"


def test_nvml_is_asked_for_since_2_21(
    wheels: Callable[[str], Path], envcheck: Run, fake_machine: Machines, tmp_path: Path
) -> None:
    """Without NVML, 2.21 lists no GPU and 2.20 does. The folders of the host may have one."""
    machine = fake_machine(MACHINE)
    for file in machine.folder.glob("libnvidia-ml*"):
        file.unlink()
    gpus, codes = {}, {}
    for name in ("tf220-cuda", "tf221-cuda"):
        python = wheels(name)
        site = next(python.parent.parent.glob("lib/python*/site-packages"))
        path = f"{machine.folder}:{site}/nvidia/cusolver/lib"
        env = {**machine.env, "LD_LIBRARY_PATH": path}
        report = look(envcheck, python, env)
        rows = report["facts"]["loader.driver_libraries"]["value"]
        if any(row["found"] for row in rows if row["name"] == "nvidia-ml"):
            pytest.skip("this host has an NVML of its own")
        codes[name] = sorted(findings(report))
        gpus[name] = start(python, tmp_path / name, env)[0]
    assert codes == {"tf220-cuda": [], "tf221-cuda": ["LIB108"]}
    assert gpus == {"tf220-cuda": "GPUS 1\n", "tf221-cuda": "GPUS 0\n"}


def test_names_of_a_release_that_finds_none(
    wheels: Callable[[str], Path], envcheck: Run, fake_machine: Machines, tmp_path: Path
) -> None:
    """TensorFlow 2.9.1, without any CUDA library: it asks for every name that is predicted."""
    python, machine = wheels("tf29-cuda"), fake_machine(MACHINE)
    report = look(envcheck, python, machine.env)
    sonames = set(report["facts"]["tensorflow.sonames"]["value"].values())
    _, took, names = start(python, tmp_path / "run", machine.env)
    assert {"libcudart.so.11.0", "libcudnn.so.8", "libcusolver.so.11"} <= names
    assert names == sonames
    assert {Path(path) for path in took.values()} == {
        Path(path) for path in predicted(report).values()
    }
