"""The driver probe against fake machines: the real child, the real nvidia-ml-py, a fake driver."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from envcheck import nvml_probe
from envcheck.model import Fact, ParseError, absent, known, not_applicable, unknown
from envcheck.probes import driver
from envcheck.probes.driver import MARKER, NVML, PROC, SYS
from envcheck.probes.source import Completed, NotRecorded
from tests.fakes.host import READ_ONLY
from tests.fakes.nvidia import HERE, FakeMachine
from tests.fakes.source import LiveWithFiles

pytest_plugins = ("tests.fakes.plugin",)

Machines = Callable[[str], FakeMachine]
Files = Mapping[str, str | OSError]

CLOSED = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Fri Dec 31 11:03:22 UTC 2021\n"
    "GCC version:  gcc version 9.3.0 (Ubuntu 9.3.0-17ubuntu1~20.04) \n"
)
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  "
    "(dvs-builder@U22-A23-20-3)  Fri Jan 24 21:33:05 UTC 2025\n"
    "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04) \n"
)
NAMES = {*(f"driver.{name}" for name in driver.NAMES), "gpu.devices"}
GONE = "No such file or directory"
NO_FILES = known(
    [{"path": path, "state": "missing", "error": GONE} for path in sorted(driver.FILES)], "open"
)
NO_MODULE = absent(f"{PROC}, {SYS}")
OF_WINDOWS = not_applicable("the driver's library and kernel module are those of Windows here")


def facts_of(machine: FakeMachine, files: Files | None = None) -> dict[str, Fact]:
    source = LiveWithFiles(machine.env, files)
    return driver.collect(source, driver.spawn(source, 60.0))


def cuda_works(devices: int) -> Fact:
    answer = {"status": "ok", "code": 0, "name": "CUDA_SUCCESS", "devices": devices}
    return known(answer, "cuInit")


def cuda_fails(code: int, name: str) -> Fact:
    return known({"status": "error", "code": code, "name": name}, "cuInit")


def what_they_are(facts: dict[str, Fact]) -> dict[str, Fact]:
    """The facts, of each GPU only what it is, not how it is."""
    devices = facts["gpu.devices"]
    if devices.state != "known":
        return facts
    rows = [{name: row[name] for name in IDENTITY if name in row} for row in devices.value]
    return {**facts, "gpu.devices": known(rows, devices.source)}


IDENTITY = ("index", "name", "compute_capability", "memory_mib", "error", "code")


def gpus(count: int, name: str, capability: str, mib: int) -> list[dict[str, Any]]:
    row = {"name": name, "compute_capability": capability, "memory_mib": mib}
    return [{"index": index, **row} for index in range(count)]


def rtx3080_with_fault(function: str, do: str) -> str:
    """A machine's text."""
    text = (HERE / "machines" / "rtx3080.ini").read_text(encoding="utf-8")
    return f"{text}\n[fault of the test]\nfunction = {function}\ndo = {do}\n"


def gone(pid: int) -> bool:
    """Whether nothing is left of the process group that the probe's child led."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


# Drivers that answer

WORKING: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "driver_too_old": ("470.82.01", "11.4", gpus(1, "Tesla T4", "7.5", 15109)),
    "ecc_remap_pending": ("570.86.16", "12.8", gpus(2, "NVIDIA H100 80GB HBM3", "9.0", 81559)),
    "fabric_not_ready": ("570.86.16", "12.8", gpus(2, "NVIDIA H100 80GB HBM3", "9.0", 81559)),
    "h100x8": ("570.86.16", "12.8", gpus(8, "NVIDIA H100 80GB HBM3", "9.0", 81559)),
    "k80": ("470.256.02", "11.4", gpus(2, "Tesla K80", "3.7", 11441)),
    "memory_held": ("535.104.05", "12.2", gpus(1, "Tesla T4", "7.5", 15360)),
    "mig_without_instances": (
        "535.104.05",
        "12.2",
        gpus(1, "NVIDIA A100-SXM4-40GB", "8.0", 40960),
    ),
    "rtx3080": ("510.39.01", "11.6", gpus(1, "NVIDIA GeForce RTX 3080", "8.6", 10240)),
    "rtx5090": ("570.86.16", "12.8", gpus(1, "NVIDIA GeForce RTX 5090", "12.0", 32607)),
    "throttled": ("535.104.05", "12.2", gpus(1, "Tesla T4", "7.5", 15360)),
}


REFUSED_BY_CUDA = {
    "fabric_not_ready": (802, "CUDA_ERROR_SYSTEM_NOT_READY"),
    "mig_without_instances": (100, "CUDA_ERROR_NO_DEVICE"),
}


def answered(machine: FakeMachine, release: str, cuda: str, devices: Fact) -> dict[str, Fact]:
    return {
        "driver.nvml": known({"status": "ok"}, "NVML"),
        "driver.release": known(release, "NVML"),
        "driver.kernel_module": known(release, PROC),
        "driver.library": known(release, machine.library("libcuda.so")),
        "driver.cuda_supported": known(cuda, "NVML"),
        "driver.libcuda": known(machine.library("libcuda.so"), "the loader"),
        "driver.cuda_init": cuda_works(len(devices.value or ())),
        "driver.device_files": NO_FILES,
        "gpu.devices": devices,
    }


@pytest.mark.parametrize("name", sorted(WORKING))
def test_a_driver_that_answers(fake_machine: Machines, name: str) -> None:
    release, cuda, devices = WORKING[name]
    machine = fake_machine(name)
    facts = what_they_are(facts_of(machine, {PROC: CLOSED.format(release)}))
    expected = answered(machine, release, cuda, known(devices, "NVML"))
    if name in REFUSED_BY_CUDA:
        expected["driver.cuda_init"] = cuda_fails(*REFUSED_BY_CUDA[name])
    assert facts == expected
    calls = machine.calls()
    assert [call for call in calls if call.changes] == []
    assert {call.gpu for call in calls} == {None, *range(len(devices))}
    assert gone(calls[0].pid)


def test_a_driver_without_gpus(fake_machine: Machines) -> None:
    machine = fake_machine("no_gpus")
    facts = facts_of(machine, {PROC: OPEN.format("535.104.05")})
    assert facts == {
        **answered(machine, "535.104.05", "12.2", absent("NVML")),
        "driver.cuda_init": cuda_fails(100, "CUDA_ERROR_NO_DEVICE"),
    }


def test_a_library_that_talks_on_stdout(fake_machine: Machines) -> None:
    machine = fake_machine(rtx3080_with_fault("nvmlDevice*", "print a line of its own"))
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    devices = known(WORKING["rtx3080"][2], "NVML")
    assert what_they_are(facts) == answered(machine, "510.39.01", "11.6", devices)


def test_a_container_without_libcuda(fake_machine: Machines) -> None:
    """NVIDIA_DRIVER_CAPABILITIES=utility: nvidia-smi works there, CUDA does not."""
    machine = fake_machine("rtx3080")
    machine.spoil("libcuda.so")
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    reason = f"{machine.folder}/libcuda.so.1: file too short"
    assert what_they_are(facts) == {
        **answered(machine, "510.39.01", "11.6", known(WORKING["rtx3080"][2], "NVML")),
        "driver.library": known("510.39.01", machine.library("libnvidia-ml.so")),
        "driver.libcuda": absent("libcuda.so.1"),
        "driver.cuda_init": known({"status": "unloadable", "name": reason}, "the loader"),
    }


LOST = {"index": 1, "error": "GPU is lost", "code": 15}


@pytest.mark.parametrize(
    ("name", "count", "lost"),
    [
        ("gpu_lost", 4, LOST),
        ("gpu_lost_midway", 2, {**LOST, "name": "NVIDIA A100-SXM4-40GB"}),
    ],
)
def test_a_lost_gpu_leaves_the_others_known(
    fake_machine: Machines, name: str, count: int, lost: dict[str, Any]
) -> None:
    machine = fake_machine(name)
    facts = facts_of(machine, {PROC: CLOSED.format("535.104.05")})
    devices = gpus(count, "NVIDIA A100-SXM4-40GB", "8.0", 40960)
    devices[1] = lost
    expected = answered(machine, "535.104.05", "12.2", known(devices, "NVML"))
    assert what_they_are(facts) == expected


@pytest.mark.parametrize("code", [3, 4])
def test_a_gpu_that_withholds_its_memory_works(fake_machine: Machines, code: int) -> None:
    """Not supported on a GB10, whose memory is the machine's; not permitted in a container
    with a MIG instance."""
    machine = fake_machine(rtx3080_with_fault("nvmlDeviceGetMemoryInfo*", f"return {code}"))
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    row = {"index": 0, "name": "NVIDIA GeForce RTX 3080", "compute_capability": "8.6"}
    assert what_they_are(facts) == answered(machine, "510.39.01", "11.6", known([row], "NVML"))


# Drivers that refuse

REFUSING = {
    "device_cgroup": (999, "Unknown Error", (999, "CUDA_ERROR_UNKNOWN")),
    "library_mismatch": (
        18,
        "RM has detected an NVML/RM version mismatch.",
        (803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
    ),
    "no_permission": (4, "Insufficient Permissions", (304, "CUDA_ERROR_OPERATING_SYSTEM")),
}
KERNEL = {"library_mismatch": "510.39.01"}


@pytest.mark.parametrize("name", sorted(REFUSING))
def test_a_driver_that_refuses(fake_machine: Machines, name: str) -> None:
    code, text, cuda = REFUSING[name]
    kernel = KERNEL.get(name, "535.104.05")
    machine = fake_machine(name)
    facts = facts_of(machine, {PROC: CLOSED.format(kernel)})
    assert facts == {
        **dict.fromkeys(NAMES, unknown(f"NVML: {text}")),
        "driver.nvml": known({"status": "error", "code": code, "text": text}, "NVML"),
        "driver.release": known(kernel, PROC),
        "driver.kernel_module": known(kernel, PROC),
        "driver.library": known(machine.release, machine.library("libcuda.so")),
        "driver.libcuda": known(machine.library("libcuda.so"), "the loader"),
        "driver.cuda_init": cuda_fails(*cuda),
        "driver.device_files": NO_FILES,
    }
    assert [call.function for call in machine.calls()][2:] == ["nvmlInitWithFlags", "cuInit"]


def test_a_driver_that_is_not_loaded(fake_machine: Machines) -> None:
    machine = fake_machine("driver_not_loaded")
    facts = facts_of(machine)
    assert facts == {
        **dict.fromkeys(NAMES, unknown("NVML: Driver Not Loaded")),
        "driver.nvml": known({"status": "error", "code": 9, "text": "Driver Not Loaded"}, "NVML"),
        "driver.release": NO_MODULE,
        "driver.kernel_module": NO_MODULE,
        "driver.library": known("535.104.05", machine.library("libcuda.so")),
        "driver.libcuda": known(machine.library("libcuda.so"), "the loader"),
        "driver.cuda_init": cuda_fails(100, "CUDA_ERROR_NO_DEVICE"),
        "driver.device_files": NO_FILES,
    }


def test_a_library_that_does_not_load(fake_machine: Machines) -> None:
    machine = fake_machine("rtx3080")
    machine.spoil("libnvidia-ml.so")
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    text = f"{machine.folder}/libnvidia-ml.so.1: file too short"
    assert facts == {
        **dict.fromkeys(NAMES, unknown(f"NVML: {text}")),
        "driver.nvml": known({"status": "error", "text": text}, "NVML"),
        "driver.release": known("510.39.01", PROC),
        "driver.kernel_module": known("510.39.01", PROC),
        "driver.library": known("510.39.01", machine.library("libcuda.so")),
        "driver.libcuda": known(machine.library("libcuda.so"), "the loader"),
        "driver.cuda_init": cuda_works(1),
        "driver.device_files": NO_FILES,
    }


def test_no_library_loads(fake_machine: Machines) -> None:
    machine = fake_machine("rtx3080")
    machine.spoil("libnvidia-ml.so")
    machine.spoil("libcuda.so")
    silent = unknown(f"NVML: {machine.folder}/libnvidia-ml.so.1: file too short")
    assert facts_of(machine)["driver.library"] == silent


def test_a_library_that_needs_another_is_not_missing_itself(fake_machine: Machines) -> None:
    machine = fake_machine("rtx3080")
    machine.orphan("libnvidia-ml.so")
    facts = facts_of(machine)
    text = "libgone.so: cannot open shared object file: No such file or directory"
    assert facts["driver.nvml"] == known({"status": "error", "text": text}, "NVML")


MISSING = "cannot open shared object file: No such file or directory"
MUSL = "Error loading shared library"


@pytest.mark.parametrize(
    ("failure", "missing"),
    [
        (f"{NVML}: {MISSING}", True),
        (f"{MUSL} {NVML}: No such file or directory", True),
        ("Could not find module 'nvml.dll' (or one of its dependencies).", True),
        (f"{NVML}: cannot open shared object file: Permission denied", False),
        (f"libgone.so: {MISSING}", False),
        (f"{MUSL} libgone.so: No such file or directory (needed by /lib/{NVML})", False),
        (f"/lib/{NVML}: file too short", False),
    ],
)
def test_which_failure_means_a_missing_library(failure: str, missing: bool) -> None:
    assert nvml_probe.is_missing(failure) is missing


def test_device_files_are_opened_and_cards_are_not(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    os.mkfifo(tmp_path / "nvidia0")
    assert nvml_probe.try_open(str(tmp_path / "nvidiactl")) is None
    # A FIFO without a writer would hold up whoever opens it for reading alone.
    assert nvml_probe.try_open(str(tmp_path / "nvidia0")) is None
    assert nvml_probe.try_open(str(tmp_path / "nvidia-uvm")) == errno.ENOENT


@pytest.mark.skipif(sys.platform != "linux", reason="a file of Linux that nobody may write")
def test_a_device_file_that_may_not_be_opened() -> None:
    assert nvml_probe.try_open(READ_ONLY) == errno.EACCES


@pytest.mark.parametrize(
    ("tried", "states"),
    [
        ({}, ["missing", "missing"]),
        ({"/dev/nvidiactl": None, "/dev/nvidia-uvm": None}, ["ok", "ok"]),
        ({"/dev/nvidiactl": 13, "/dev/nvidia-uvm": 1}, ["refused", "forbidden"]),
        ({"/dev/nvidiactl": 5}, ["missing", "error"]),
    ],
)
def test_the_state_of_the_device_files(tried: dict[str, int | None], states: list[str]) -> None:
    rows = driver.collect(LiveWithFiles({}), child_that_told({"files": tried}))
    assert [row["state"] for row in rows["driver.device_files"].value] == states


@pytest.mark.parametrize(
    ("getter", "fact"),
    [
        ("nvmlSystemGetCudaDriverVersion*", "driver.cuda_supported"),
        ("nvmlDeviceGetCount*", "gpu.devices"),
    ],
)
def test_a_getter_that_fails_costs_only_its_own_fact(
    fake_machine: Machines, getter: str, fact: str
) -> None:
    machine = fake_machine(rtx3080_with_fault(getter, "return 13"))
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    devices = known(WORKING["rtx3080"][2], "NVML")
    assert what_they_are(facts) == {
        **answered(machine, "510.39.01", "11.6", devices),
        fact: unknown("NVML: Function Not Found"),
    }


def test_a_driver_that_does_not_tell_its_release(fake_machine: Machines) -> None:
    machine = fake_machine(rtx3080_with_fault("nvmlSystemGetDriverVersion", "return 999"))
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    assert what_they_are(facts) == {
        **answered(machine, "510.39.01", "11.6", known(WORKING["rtx3080"][2], "NVML")),
        "driver.release": known("510.39.01", PROC),
    }


# Drivers that take the child with them


def hung(text: str) -> Fact:
    return known({"status": "hung", "text": text, "step": "nvmlInit"}, "NVML")


def test_hung_drivers_cost_their_deadline_and_leave_nothing(fake_machine: Machines) -> None:
    machines = [fake_machine("init_hangs"), fake_machine("init_hangs_ignoring_sigterm")]
    sources = [
        LiveWithFiles(machine.env, {PROC: CLOSED.format("535.104.05")}) for machine in machines
    ]
    children = [driver.spawn(source, 2.6) for source in sources]
    for machine, source, child in zip(machines, sources, children, strict=True):
        facts = driver.collect(source, child)
        silent = unknown("the NVML probe did not answer in 2.6 s", "NVML")
        assert facts == {
            **dict.fromkeys(NAMES, silent),
            "driver.nvml": hung("did not answer in 2.6 s"),
            "driver.libcuda": known(machine.library("libcuda.so"), "the loader"),
            "driver.device_files": NO_FILES,
            "driver.release": known("535.104.05", PROC),
            "driver.kernel_module": known("535.104.05", PROC),
            "driver.library": known("535.104.05", machine.library("libcuda.so")),
        }
        calls = machine.calls()
        assert calls[-1].function == "nvmlInitWithFlags"
        assert gone(calls[-1].pid)


def test_a_hung_driver_without_a_kernel_module_is_unknown(fake_machine: Machines) -> None:
    machine = fake_machine("init_hangs")
    source = LiveWithFiles(machine.env)
    facts = driver.collect(source, driver.spawn(source, 1.1))
    silent = unknown("the NVML probe did not answer in 1.1 s", "NVML")
    assert facts == {
        **dict.fromkeys(NAMES, silent),
        "driver.nvml": hung("did not answer in 1.1 s"),
        "driver.libcuda": known(machine.library("libcuda.so"), "the loader"),
        "driver.device_files": NO_FILES,
        "driver.kernel_module": NO_MODULE,
        "driver.library": known("535.104.05", machine.library("libcuda.so")),
    }


def test_a_crash_inside_the_driver(fake_machine: Machines) -> None:
    machine = fake_machine("crash_at_gpu3")
    facts = facts_of(machine, {PROC: CLOSED.format("535.104.05")})
    crashed = unknown("the NVML probe was killed by SIGSEGV", "NVML")
    assert facts == {
        **answered(machine, "535.104.05", "12.2", crashed),
        "driver.nvml": known(
            {"status": "crashed", "text": "was killed by SIGSEGV", "step": "NVML at GPU 3"}, "NVML"
        ),
        "driver.cuda_init": crashed,
    }
    last = machine.calls()[-1]
    assert (last.function, last.gpu) == ("nvmlDeviceGetMemoryInfo", 3)
    assert gone(last.pid)


def test_cuda_that_never_comes_back_leaves_what_nvml_said(fake_machine: Machines) -> None:
    machine = fake_machine("cuda_init_hangs")
    source = LiveWithFiles(machine.env, {PROC: CLOSED.format("535.104.05")})
    facts = driver.collect(source, driver.spawn(source, 2.6))
    assert what_they_are(facts) == {
        **answered(machine, "535.104.05", "12.2", known(gpus(1, "Tesla T4", "7.5", 15360), "NVML")),
        "driver.cuda_init": known({"status": "hung"}, "cuInit"),
    }


# How the GPUs are

HEALTHY = {
    **{"used_mib": 0, "processes": [], "compute_mode": 0, "persistence": True, "throttle": 0},
    **{"ecc_uncorrected": 0, "recovery_action": None},
    **{"pcie_width": 16, "pcie_width_max": 16, "pcie_generation": 4, "pcie_generation_max": 4},
}
H100 = {
    **HEALTHY,
    **{"mig": False, "remap_pending": False, "remap_failed": False},
}
STATES: dict[str, tuple[int, dict[str, Any]]] = {
    "h100x8": (
        7,
        {
            **H100,
            **{"used_mib": 4, "fabric_state": 3, "fabric_status": 0, "recovery_action": 0},
            **{"pcie_generation": 5, "pcie_generation_max": 5},
        },
    ),
    "throttled": (0, {**HEALTHY, "throttle": 0x48}),
    "ecc_remap_pending": (
        1,
        {
            **H100,
            **{"ecc_uncorrected": 9, "remap_pending": True, "remap_failed": True},
            "recovery_action": 1,
        },
    ),
    "mig_without_instances": (0, {**HEALTHY, "mig": True, "mig_instances": []}),
    "k80": (
        1,
        {**HEALTHY, "pages_pending": False, "pcie_generation": 3, "pcie_generation_max": 3},
    ),
    "memory_held": (
        0,
        {
            **HEALTHY,
            "used_mib": 14903,
            "processes": [{"pid": 5004242, "mib": 14800}, {"pid": 5004343, "mib": 103}],
        },
    ),
}


@pytest.mark.parametrize("name", sorted(STATES))
def test_the_state_of_a_gpu(fake_machine: Machines, name: str) -> None:
    index, state = STATES[name]
    row = facts_of(fake_machine(name))["gpu.devices"].value[index]
    assert row.pop("uuid") == f"GPU-00000000-0000-0000-0000-{index:012d}"
    assert row.pop("bus_id") == f"00000000:{index + 1:02x}:00.0"
    assert {key: row[key] for key in row if key not in IDENTITY} == state


def test_mig_instances_are_named(fake_machine: Machines) -> None:
    text = (HERE / "machines" / "mig_without_instances.ini").read_text(encoding="utf-8")
    machine = fake_machine(text.replace("mig = 1", "mig = 1\nmig_instances = 2"))
    (row,) = facts_of(machine)["gpu.devices"].value
    assert row["mig_instances"] == [
        "MIG-00000000-0000-0000-0000-000000000000",
        "MIG-00000001-0000-0000-0000-000000000000",
    ]


def test_a_process_that_is_visible_is_named(fake_machine: Machines) -> None:
    import psutil

    own = psutil.Process()
    text = (HERE / "machines" / "memory_held.ini").read_text(encoding="utf-8")
    machine = fake_machine(text.replace("5004242:", f"{own.pid}:"))
    (row,) = facts_of(machine)["gpu.devices"].value
    assert row["processes"] == [
        {"pid": own.pid, "mib": 14800, "name": own.name(), "user": own.username()},
        {"pid": 5004343, "mib": 103},
    ]


@pytest.mark.parametrize("code", [2, 3, 4, 6, 13, 25, 999])
@pytest.mark.parametrize(
    "getter",
    ["nvmlDeviceGetComputeRunningProcesses*", "nvmlDeviceGetGpuFabricInfoV", "nvmlDeviceGetEcc*"],
)
def test_a_getter_of_the_state_that_fails_is_no_error_of_the_gpu(
    fake_machine: Machines, getter: str, code: int
) -> None:
    """13 comes as NVMLLibraryMismatchError from a getter that has versions."""
    machine = fake_machine(rtx3080_with_fault(getter, f"return {code}"))
    (row,) = facts_of(machine)["gpu.devices"].value
    assert "error" not in row
    assert row["pcie_width"] == 16


# The kernel's side


class Answered:
    """A child that has ended."""

    def __init__(self, stdout: str = "") -> None:
        self._completed = Completed("exit", 0, stdout)

    def result(self) -> Completed:
        return self._completed


NO_NVML = Answered(MARKER + json.dumps({"status": "not-found", "text": "no such library"}))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({PROC: CLOSED.format("470.82.01")}, known("470.82.01", PROC)),
        ({PROC: OPEN.format("570.86.16")}, known("570.86.16", PROC)),
        ({SYS: "535.104.05\n"}, known("535.104.05", SYS)),
        ({PROC: CLOSED.format("470.82.01"), SYS: "535.104.05\n"}, known("470.82.01", PROC)),
        ({}, NO_MODULE),
        ({PROC: "garbage"}, unknown(f"{PROC} names no release", PROC)),
        (
            {PROC: PermissionError(13, "Permission denied", PROC)},
            unknown("Permission denied", PROC),
        ),
        (
            {SYS: PermissionError(13, "Permission denied", SYS)},
            unknown("Permission denied", SYS),
        ),
        ({"/dev/dxg": ""}, OF_WINDOWS),
    ],
)
def test_the_kernel_module(files: Files, expected: Fact) -> None:
    facts = driver.collect(LiveWithFiles({}, files), NO_NVML)
    assert facts["driver.kernel_module"] == expected


def child_that_told(*answers: dict[str, Any]) -> Answered:
    return Answered("".join(f"\n{MARKER}{json.dumps(answer)}\n" for answer in answers))


RTX3060 = {"index": 0, "name": "NVIDIA GeForce RTX 3060"}
WORKS = child_that_told(
    {"library": None},
    {"libcuda": None},
    {"driver": "531.79", "cuda": 12010, "count": 1},
    {"device": RTX3060},
    {"status": "ok"},
)
NO_LIBCUDA_NAME = unknown("its file is not known", "libcuda.so.1")
ON_WINDOWS = LiveWithFiles({}, platform="win32")
ON_WSL2 = LiveWithFiles({}, {"/dev/dxg": ""})


@pytest.mark.parametrize("source", [ON_WINDOWS, ON_WSL2], ids=["windows", "wsl2"])
def test_a_driver_of_windows_that_answers(source: LiveWithFiles) -> None:
    facts = driver.collect(source, WORKS)
    if source is ON_WINDOWS:
        assert facts.pop("gpu.hardware") == known(["NVIDIA GeForce RTX 3060"], "NVML")
    assert facts == {
        "driver.nvml": known({"status": "ok"}, "NVML"),
        "driver.release": known("531.79", "NVML"),
        "driver.kernel_module": OF_WINDOWS,
        "driver.library": OF_WINDOWS,
        "driver.cuda_supported": known("12.1", "NVML"),
        "driver.libcuda": OF_WINDOWS if source is ON_WINDOWS else NO_LIBCUDA_NAME,
        "driver.cuda_init": unknown("cuInit was not asked"),
        "driver.device_files": OF_WINDOWS,
        "gpu.devices": known([RTX3060], "NVML"),
    }


@pytest.mark.parametrize("source", [ON_WINDOWS, ON_WSL2], ids=["windows", "wsl2"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"status": "not-found", "text": "no such library"}, absent("NVML")),
        ({"status": "error", "code": 9, "text": "Broken"}, unknown("NVML: Broken")),
    ],
)
def test_a_driver_of_windows_that_does_not_answer(
    source: LiveWithFiles, status: dict[str, Any], expected: Fact
) -> None:
    """Its release has a meaning there, though its kernel module has none."""
    facts = driver.collect(source, child_that_told(status))
    if source is ON_WINDOWS:
        assert facts.pop("gpu.hardware").state == "unknown"
    assert facts == {
        **dict.fromkeys(NAMES, expected),
        "driver.nvml": known(status, "NVML"),
        "driver.kernel_module": OF_WINDOWS,
        "driver.library": OF_WINDOWS,
        "driver.libcuda": OF_WINDOWS if source is ON_WINDOWS else expected,
        "driver.device_files": OF_WINDOWS,
    }


def test_macos_has_no_driver() -> None:
    facts = driver.collect(LiveWithFiles({}, platform="darwin"), None)
    assert facts == dict.fromkeys(NAMES, not_applicable("no NVIDIA driver runs on macOS"))


# Machines whose loader has no NVML

IN_CACHE = {NVML: f"/opt/driver/{NVML}"}


@pytest.mark.parametrize(
    ("env", "files", "cached"),
    [
        ({}, {}, IN_CACHE),
        ({"LD_LIBRARY_PATH": "/none:/opt/driver"}, {f"/opt/driver/{NVML}": ""}, {}),
        ({"LD_LIBRARY_PATH": ""}, {f"/usr/lib64/{NVML}": ""}, {}),
        ({}, {f"/usr/lib/x86_64-linux-gnu/{NVML}": ""}, {}),
        ({}, {}, None),
    ],
    ids=["ld.so.cache", "LD_LIBRARY_PATH", "default", "multiarch", "no ld.so.cache"],
)
def test_nvml_is_asked_where_the_loader_may_find_it(
    env: Mapping[str, str], files: Files, cached: Mapping[str, str] | None
) -> None:
    assert driver.is_installed(LiveWithFiles(env, files), cached)


@pytest.mark.parametrize(
    "env", [{}, {"LD_LIBRARY_PATH": ""}, {"LD_LIBRARY_PATH": ":/opt/driver/lib:"}]
)
def test_nvml_is_not_asked_where_the_loader_has_none(env: Mapping[str, str]) -> None:
    elsewhere = {f"/opt/driver/{NVML}": "", f"/{NVML}": "", "/usr/lib64/libnvidia-ml.so": ""}
    assert not driver.is_installed(LiveWithFiles(env, elsewhere), {"libcuda.so.1": "/opt/x"})


@pytest.mark.parametrize("cached", [None, {}, IN_CACHE])
def test_nvml_is_always_asked_on_windows_and_never_on_macos(
    cached: Mapping[str, str] | None,
) -> None:
    assert driver.is_installed(ON_WINDOWS, cached)
    assert not driver.is_installed(LiveWithFiles({}, platform="darwin"), cached)


class Unlisted(LiveWithFiles):
    """A machine whose folders nobody has recorded."""

    def exists(self, path: str) -> bool:
        raise NotRecorded(0, "not recorded", path)


def test_nvml_is_asked_where_the_folders_cannot_be_read() -> None:
    assert driver.is_installed(Unlisted({}), {})


NOWHERE = f"{NVML} in the loader's folders"


@pytest.mark.parametrize(
    ("files", "release", "module", "library"),
    [
        ({}, NO_MODULE, NO_MODULE, absent(NOWHERE)),
        ({SYS: "535.104.05\n"}, *[known("535.104.05", SYS)] * 2, absent(NOWHERE)),
        ({PROC: "garbage"}, *[unknown(f"{PROC} names no release", PROC)] * 2, absent(NOWHERE)),
        ({"/dev/dxg": ""}, absent(NOWHERE), OF_WINDOWS, OF_WINDOWS),
    ],
    ids=["nothing", "module", "unreadable module", "wsl2"],
)
def test_a_machine_without_nvml(files: Files, release: Fact, module: Fact, library: Fact) -> None:
    assert driver.collect(LiveWithFiles({}, files), None) == {
        "driver.nvml": known({"status": "not-found"}, NOWHERE),
        "driver.release": release,
        "driver.kernel_module": module,
        "driver.library": library,
        "driver.cuda_supported": absent(NOWHERE),
        "driver.libcuda": absent(NOWHERE),
        "driver.cuda_init": absent(NOWHERE),
        "driver.device_files": OF_WINDOWS if library == OF_WINDOWS else absent(NOWHERE),
        "gpu.devices": absent(NOWHERE),
    }


# The parsers


@pytest.mark.parametrize(
    ("text", "release"),
    [
        (CLOSED.format("510.39.01"), "510.39.01"),
        (CLOSED.format("390.157"), "390.157"),
        (OPEN.format("570.86.16"), "570.86.16"),
        (OPEN.format("610.43.02").replace("x86_64", "aarch64"), "610.43.02"),
        ("\n" + CLOSED.format("418.40.04"), "418.40.04"),
    ],
)
def test_parse_proc_version(text: str, release: str) -> None:
    assert driver.parse_proc_version(text) == release


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module\n",
        "GCC version:  gcc version 9.3.0 (Ubuntu 9.3.0-17ubuntu1~20.04) \n",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  (none)\nGCC version:  gcc 9.3.0 x\n",
    ],
)
def test_parse_proc_version_refuses(text: str) -> None:
    with pytest.raises(ParseError, match=f"^{re.escape(PROC)} names no release$"):
        driver.parse_proc_version(text)


@pytest.mark.parametrize(
    ("completed", "clause"),
    [
        (
            Completed("exit", 1, "", "Traceback\nModuleNotFoundError: pynvml\n\n"),
            "ended with exit status 1 (ModuleNotFoundError: pynvml)",
        ),
        (Completed("exit", 1, "", "x" * 300), f"ended with exit status 1 ({'x' * 200})"),
        (Completed("exit", 0, f"before {MARKER}{{}}"), "ended with exit status 0"),
        (Completed("signal", 11), "was killed by SIGSEGV"),
        (Completed("signal", 9, "half a li"), "was killed by SIGKILL"),
        (Completed("timeout", 9, seconds=10.0), "did not answer in 10 s"),
        (Completed("flood", 9), "printed without end"),
        (Completed("not-started", error="Out of memory"), "could not be started: Out of memory"),
    ],
)
def test_parse_nvml_without_an_answer(completed: Completed, clause: str) -> None:
    expected = unknown(f"the NVML probe {clause}", "NVML")
    assert driver.parse_nvml(completed) == dict.fromkeys(NAMES, expected)


BROKEN = [
    "",
    "{",
    '{"status": "ok", "driver": "535.1',
    "null",
    "[]",
    "{}",
    '{"driver": 535}',
    '{"cuda": "12.2"}',
    '{"count": "2"}',
    '{"status": 0}',
    '{"device": "Tesla T4"}',
    '{"library": 1, "libcuda": []}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_parse_nvml_with_nothing_but_a_broken_answer(text: str) -> None:
    facts = driver.parse_nvml(Completed("exit", 0, f"\n{MARKER}{text}\n"))
    expected = unknown("the NVML probe ended with exit status 0", "NVML")
    assert facts == dict.fromkeys(NAMES, expected)


@pytest.mark.parametrize("text", BROKEN)
def test_parse_nvml_with_a_broken_answer_and_a_status(text: str) -> None:
    stdout = f"\n{MARKER}{text}\n" + f'\n{MARKER}{{"status": "ok"}}\n'
    assert driver.parse_nvml(Completed("exit", 0, stdout)) == {
        **dict.fromkeys(NAMES, unknown("NVML: no answer")),
        "driver.nvml": known({"status": "ok"}, "NVML"),
    }


def test_parse_nvml_keeps_what_was_told_before_a_crash() -> None:
    said = child_that_told(
        {"library": "/lib/libnvidia-ml.so.535.104.05"},
        {"libcuda": None},
        {"driver": "535.104.05", "cuda": 12020, "count": 2},
        {"device": {"index": 0, "name": "Tesla T4"}},
    )
    completed = Completed("signal", 11, said.result().stdout + MARKER, "first\nlast words\n")
    crashed = unknown("the NVML probe was killed by SIGSEGV (last words)", "NVML")
    assert driver.parse_nvml(completed) == {
        **dict.fromkeys(NAMES, crashed),
        "driver.libcuda": unknown("its file is not known", "libcuda.so.1"),
        "driver.release": known("535.104.05", "NVML"),
        "driver.library": known("535.104.05", "/lib/libnvidia-ml.so.535.104.05"),
        "driver.cuda_supported": known("12.2", "NVML"),
    }


def test_parse_nvml_keeps_devices_that_are_complete_before_a_crash() -> None:
    said = child_that_told({"count": 1}, {"device": RTX3060})
    facts = driver.parse_nvml(Completed("timeout", 9, said.result().stdout, seconds=10.0))
    assert facts["gpu.devices"] == known([RTX3060], "NVML")
    assert facts["driver.nvml"].state == "unknown"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/lib/libcuda.so.535.104.05", known("535.104.05", "/lib/libcuda.so.535.104.05")),
        ("/lib/libcuda.so.1", unknown("its file name has no release", "/lib/libcuda.so.1")),
        ("/lib/libcuda.so.1.1", unknown("its file name has no release", "/lib/libcuda.so.1.1")),
    ],
)
def test_parse_nvml_reads_the_release_of_the_library(path: str, expected: Fact) -> None:
    said = child_that_told({"libcuda": path}, {"status": "ok"}).result()
    assert driver.parse_nvml(said)["driver.library"] == expected


@pytest.mark.parametrize(
    ("number", "text"), [(9020, "9.2"), (11000, "11.0"), (11080, "11.8"), (12100, "12.10")]
)
def test_parse_nvml_reads_the_cuda_number(number: int, text: str) -> None:
    stdout = MARKER + json.dumps({"status": "ok", "cuda": number})
    facts = driver.parse_nvml(Completed("exit", 0, stdout))
    assert facts["driver.cuda_supported"] == known(text, "NVML")
