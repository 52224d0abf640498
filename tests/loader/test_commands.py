"""From the command line: stubs of NVIDIA's libraries laid out as users have them, and what
envcheck says about each. The driver is the fake one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import ROOT, Run
from tests.fakes.nvidia import FakeMachine
from tests.loader.build import Lib, Toolbox, damage
from tests.loader.environment import LIBRARIES, Environment, make

pytest_plugins = ("tests.fakes.plugin", "tests.loader.plugin")
SCHEMA = json.loads((ROOT / "envcheck/schemas/libs.schema.json").read_text(encoding="utf-8"))
MACHINE = """\
[driver]
version = 550.54.15
cuda = 12.4

[gpu 0]
name = NVIDIA L4
memory_mib = 23034
compute_capability = 8.9
"""
Machines = Callable[[str], FakeMachine]


class Case:
    """One environment, one fake driver, and folders in front of the driver's own."""

    def __init__(self, run: Run, machine: FakeMachine, home: Path, toolbox: Toolbox) -> None:
        self._run, self.machine, self.home, self.toolbox = run, machine, home, toolbox
        self.folders: list[str] = []
        self.timeout = "60"

    def environment(self, tensorflow: str = "2.20.0", lost: str = "") -> Environment:
        self.env = make(self.toolbox, self.home, tensorflow, lost)
        return self.env

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        path = ":".join([*self.folders, self.machine.env["LD_LIBRARY_PATH"]])
        env = {**self.machine.env, "LD_LIBRARY_PATH": path}
        python = ("--python", str(self.env.python), "--timeout", self.timeout)
        return self._run(*args, *python, **env)

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.run("check", "--no-smoke", "--format", "json").stdout
        )
        return found

    def findings(self) -> dict[str, dict[str, Any]]:
        """Of the loader and cuDNN, by code and subject."""
        rows = self.report()["findings"]
        return {
            f"{row['code']} {row['subject']}": row
            for row in rows
            if row["code"].startswith(("LIB", "DNN"))
        }

    def opened(self) -> dict[str, tuple[str, str]]:
        rows = self.report()["facts"]["loader.opened"]["value"]
        return {
            row["soname"]: (row["status"], row.get("version") or row.get("detail", ""))
            for row in rows
        }


@pytest.fixture
def case(envcheck: Run, fake_machine: Machines, tmp_path: Path, toolbox: Toolbox) -> Case:
    return Case(envcheck, fake_machine(MACHINE), tmp_path.resolve(), toolbox)


ALL_OPEN = {
    "libcudart.so.12": ("ok", "12.5"),
    "libcublas.so.12": ("ok", "12.5.3"),
    "libcublasLt.so.12": ("ok", "12.5.3"),
    "libcufft.so.11": ("ok", "11.2.3"),
    "libcusolver.so.11": ("ok", "11.6.3"),
    "libcusparse.so.12": ("ok", "12.5.1"),
    "libcudnn.so.9": ("ok", "9.3.0"),
}


def test_a_healthy_environment(case: Case) -> None:
    case.environment()
    assert case.findings() == {}
    assert case.opened() == ALL_OPEN


def test_an_older_cudnn_in_front(case: Case) -> None:
    """Both files are named, each with its version; that cuDNN is too old follows from it."""
    env = case.environment()
    old = case.home / "opt/old"
    case.toolbox.cuda(old / "libcudnn.so.9", "cudnn", 90100)
    (old / "libcudnn.so.9").rename(old / "libcudnn.so.9.1.0")
    (old / "libcudnn.so.9").symlink_to("libcudnn.so.9.1.0")
    case.folders = [str(old)]
    found = case.findings()
    assert sorted(found) == ["DNN101 cudnn", "LIB104 libcudnn.so.9"]
    own = env.library("cudnn", "libcudnn.so.9")
    assert found["LIB104 libcudnn.so.9"]["title"] == (
        f"libcudnn.so.9 → {old}/libcudnn.so.9 (9.1.0), from LD_LIBRARY_PATH, "
        f"wins over the wheel's 9.3.0.75, {own}"
    )
    assert found["LIB104 libcudnn.so.9"]["severity"] == "error"
    assert found["DNN101 cudnn"]["caused_by"] == {"code": "LIB104", "subject": "libcudnn.so.9"}
    [fix] = found["LIB104 libcudnn.so.9"]["fixes"]
    # The fix as it is printed, and no more.
    assert fix["steps"] == [["export", f"LD_LIBRARY_PATH={case.machine.folder}"]]
    case.folders = []
    assert case.findings() == {}


def test_an_older_cudnn_whose_file_name_says_nothing(case: Case) -> None:
    """Only the library itself knows its version, and the child has asked it."""
    case.environment()
    old = case.home / "opt"
    case.toolbox.cuda(old / "libcudnn.so.9", "cudnn", 90100)
    case.folders = [str(old)]
    assert "(9.1.0)" in case.findings()["LIB104 libcudnn.so.9"]["title"]
    assert case.opened()["libcudnn.so.9"] == ("ok", "9.1.0")


def test_a_folder_that_the_wheel_forgot(case: Case) -> None:
    """What 2.21.0 does, on stubs: the fix that is printed makes the finding go away."""
    env = case.environment("2.21.0", lost="cusolver")
    [(key, finding)] = case.findings().items()
    assert key == "LIB101 libcusolver.so.11"
    assert finding["why"].startswith("This is a known defect of TensorFlow 2.21.0")
    folder = str(env.library("cusolver", "").parent / "lib")
    expected = f"LD_LIBRARY_PATH={case.machine.folder}:{folder}"
    assert finding["fixes"][0]["steps"] == [["export", expected]]
    assert finding["fixes"][1]["steps"][-1][-1] == "tensorflow[and-cuda]==2.20.0"
    case.folders = [folder]
    assert case.findings() == {}


@pytest.mark.parametrize(
    ("flag", "ended"),
    [("-DCRASHES", ("crashed", "SIGSEGV")), ("-DHANGS", ("silent", "did not answer in 4 s"))],
)
def test_one_that_takes_its_process_with_it(case: Case, flag: str, ended: tuple[str, str]) -> None:
    """None of the others is hidden by it."""
    env = case.environment()
    case.timeout = "4"
    library = env.library("cufft", "libcufft.so.11")
    library.unlink()
    case.toolbox.cuda(library, "cufft", 110203, flag)
    assert case.opened() == {**ALL_OPEN, "libcufft.so.11": ended}
    [(key, finding)] = case.findings().items()
    assert key == "LIB106 libcufft.so.11"
    step = finding["fixes"][0]["steps"][-1]
    assert step[-1] == "nvidia-cufft-cu12==11.2.3.61"


def test_one_for_another_machine_in_front(case: Case) -> None:
    env = case.environment()
    case.toolbox.put(case.home, Lib("other/libcufft.so.11", damage="aarch64"))
    case.folders = [str(case.home / "other")]
    [(key, finding)] = case.findings().items()
    assert key == f"LIB102 {case.home}/other/libcufft.so.11"
    assert (finding["severity"], finding["title"]) == (
        "info",
        f"{case.home}/other/libcufft.so.11 cannot be used: for aarch64",
    )
    assert str(env.library("cufft", "libcufft.so.11")) in finding["why"]
    assert case.opened() == ALL_OPEN


def test_a_damaged_one_stops_the_loader(case: Case) -> None:
    env = case.environment()
    damage(env.library("cufft", "libcufft.so.11"), "empty")
    [(key, finding)] = case.findings().items()
    assert key == f"LIB102 {env.library('cufft', 'libcufft.so.11')}"
    assert (finding["severity"], "file too short" in finding["title"]) == ("error", True)


def test_one_whose_needed_library_is_gone(case: Case) -> None:
    env = case.environment()
    library = env.library("cusparse", "libcusparse.so.12")
    library.unlink()
    case.toolbox.put(env.site, Lib(str(library.relative_to(env.site)), ("libnvJitLink.so.12",)))
    [(key, finding)] = case.findings().items()
    assert key == "LIB103 libcusparse.so.12"
    assert "libnvJitLink.so.12" in finding["title"]
    assert finding["fixes"][0]["steps"][-1][-1].startswith("nvidia-nvjitlink-cu12")


def test_parts_of_another_cudnn(case: Case) -> None:
    case.environment()
    other = case.home / "other"
    case.toolbox.put(case.home, Lib("other/libcudnn_ops.so.9.1.0", soname="libcudnn_ops.so.9"))
    (other / "libcudnn_ops.so.9").symlink_to("libcudnn_ops.so.9.1.0")
    case.folders = [str(other)]
    [(key, finding)] = case.findings().items()
    assert key == "LIB105 cudnn"
    assert f"{other}/libcudnn_ops.so.9 (9.1.0)" in finding["title"]


def test_a_stub_in_front_of_the_driver(case: Case) -> None:
    case.environment()
    stub = case.home / "cuda/lib64/stubs"
    case.toolbox.put(case.home, Lib("cuda/lib64/stubs/libcuda.so.1"))
    case.folders = [str(stub)]
    finding = case.findings()["LIB107 libcuda.so.1"]
    assert f"{stub}/libcuda.so.1" in finding["title"]
    assert finding["fixes"][0]["steps"] == [["export", f"LD_LIBRARY_PATH={case.machine.folder}"]]


def test_the_table(case: Case) -> None:
    env = case.environment("2.21.0", lost="cusolver")
    completed = case.run("libs")
    lost = env.library("cusolver", "libcusolver.so.11")
    lines = completed.stdout.splitlines()
    assert (completed.returncode, completed.stderr) == (1, "")
    assert "✗ libcusolver.so.11  not found" in lines
    assert f"    not searched: {lost} (11.6.3.83), wheel" in lines
    assert "✓ libcudnn.so.9      9.3.0.75      by RUNPATH" in lines
    assert "    libcudnn_ops.so.9" not in completed.stdout
    parts = [line.split() for line in case.run("libs", "-v").stdout.splitlines()]
    assert ["✓", "libcudnn_ops.so.9", "9.3.0.75", "by", "RUNPATH"] in parts
    case.folders = [str(lost.parent)]
    assert case.run("libs").returncode == 0


def test_the_table_for_programs(case: Case) -> None:
    case.environment()
    completed = case.run("libs", "--format", "json")
    document = json.loads(completed.stdout)
    jsonschema.validate(document, SCHEMA)
    assert (completed.returncode, document["exit_code"]) == (0, 0)
    found = {row["soname"]: row["found"][0]["version"] for row in document["libraries"]["value"]}
    assert found == {soname: version for _, _, soname, _, version in LIBRARIES}


def test_the_table_without_a_cuda_build(envcheck: Run, lab: Callable[[str], Path]) -> None:
    completed = envcheck("libs", "--python", str(lab("empty311")))
    assert completed.returncode == 3
    assert completed.stdout.splitlines()[0].endswith("TensorFlow is not installed")
