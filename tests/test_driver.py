"""The driver probe against fake machines: the real child, the real nvidia-ml-py, a fake driver."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from envcheck.model import Fact, ParseError, absent, known, not_applicable, unknown
from envcheck.probes import driver
from envcheck.probes.driver import MARKER, PROC, SYS
from envcheck.probes.source import Completed
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
NAMES = {
    "driver.release",
    "driver.kernel_module",
    "driver.library",
    "driver.cuda_supported",
    "driver.nvml",
    "gpu.devices",
}


def facts_of(machine: FakeMachine, files: Files | None = None) -> dict[str, Fact]:
    source = LiveWithFiles(machine.env, files)
    return driver.collect(source, driver.spawn(source, 60.0))


def gpus(count: int, name: str, capability: str, mib: int) -> list[dict[str, Any]]:
    row = {"name": name, "compute_capability": capability, "memory_mib": mib}
    return [{"index": index, **row} for index in range(count)]


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
    "ecc_remap_pending": ("550.54.15", "12.4", gpus(2, "NVIDIA H100 80GB HBM3", "9.0", 81559)),
    "fabric_not_ready": ("550.54.15", "12.4", gpus(2, "NVIDIA H100 80GB HBM3", "9.0", 81559)),
    "h100x8": ("550.54.15", "12.4", gpus(8, "NVIDIA H100 80GB HBM3", "9.0", 81559)),
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


def answered(machine: FakeMachine, release: str, cuda: str, devices: Fact) -> dict[str, Fact]:
    return {
        "driver.nvml": known({"status": "ok"}, "NVML"),
        "driver.release": known(release, "NVML"),
        "driver.kernel_module": known(release, PROC),
        "driver.library": known(release, machine.library("libcuda.so")),
        "driver.cuda_supported": known(cuda, "NVML"),
        "gpu.devices": devices,
    }


@pytest.mark.parametrize("name", sorted(WORKING))
def test_a_driver_that_answers(fake_machine: Machines, name: str) -> None:
    release, cuda, devices = WORKING[name]
    machine = fake_machine(name)
    facts = facts_of(machine, {PROC: CLOSED.format(release)})
    assert facts == answered(machine, release, cuda, known(devices, "NVML"))
    calls = machine.calls()
    assert [call for call in calls if call.changes] == []
    assert {call.gpu for call in calls} == {None, *range(len(devices))}
    assert gone(calls[0].pid)


def test_a_driver_without_gpus(fake_machine: Machines) -> None:
    machine = fake_machine("no_gpus")
    facts = facts_of(machine, {PROC: OPEN.format("535.104.05")})
    assert facts == answered(machine, "535.104.05", "12.2", absent("NVML"))


def test_a_library_that_talks_on_stdout(fake_machine: Machines) -> None:
    text = (HERE / "machines" / "rtx3080.ini").read_text(encoding="utf-8")
    talk = "\n[fault talk]\nfunction = nvmlDevice*\ndo = print a line of its own\n"
    machine = fake_machine(text + talk)
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    devices = known(WORKING["rtx3080"][2], "NVML")
    assert facts == answered(machine, "510.39.01", "11.6", devices)


def test_a_container_without_libcuda(fake_machine: Machines) -> None:
    """NVIDIA_DRIVER_CAPABILITIES=utility: nvidia-smi works there, CUDA does not."""
    machine = fake_machine("rtx3080")
    machine.spoil("libcuda.so")
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    assert facts == {
        **answered(machine, "510.39.01", "11.6", known(WORKING["rtx3080"][2], "NVML")),
        "driver.library": known("510.39.01", machine.library("libnvidia-ml.so")),
    }


@pytest.mark.parametrize(
    ("name", "count", "lost"),
    [
        ("gpu_lost", 4, {"index": 1}),
        ("gpu_lost_midway", 2, {"index": 1, "name": "NVIDIA A100-SXM4-40GB"}),
    ],
)
def test_a_lost_gpu_leaves_the_others_known(
    fake_machine: Machines, name: str, count: int, lost: dict[str, Any]
) -> None:
    machine = fake_machine(name)
    facts = facts_of(machine, {PROC: CLOSED.format("535.104.05")})
    devices = facts["gpu.devices"].value
    others = gpus(count, "NVIDIA A100-SXM4-40GB", "8.0", 40960)
    assert devices[:1] + devices[2:] == others[:1] + others[2:]
    assert {**devices[1], **lost} == devices[1]
    assert {"compute_capability", "memory_mib"}.isdisjoint(devices[1])
    assert facts == answered(machine, "535.104.05", "12.2", known(devices, "NVML"))


# Drivers that refuse

REFUSING = {
    "device_cgroup": (999, "Unknown Error"),
    "library_mismatch": (18, "RM has detected an NVML/RM version mismatch."),
    "no_permission": (4, "Insufficient Permissions"),
}
KERNEL = {"library_mismatch": "510.39.01"}


@pytest.mark.parametrize("name", sorted(REFUSING))
def test_a_driver_that_refuses(fake_machine: Machines, name: str) -> None:
    code, text = REFUSING[name]
    kernel = KERNEL.get(name, "535.104.05")
    machine = fake_machine(name)
    facts = facts_of(machine, {PROC: CLOSED.format(kernel)})
    told = {name: facts[name] for name in NAMES - {"driver.cuda_supported", "gpu.devices"}}
    assert told == {
        "driver.nvml": known({"status": "error", "code": code, "text": text}, "NVML"),
        "driver.release": known(kernel, PROC),
        "driver.kernel_module": known(kernel, PROC),
        "driver.library": known(machine.release, machine.library("libcuda.so")),
    }
    assert [call.function for call in machine.calls()][2:] == ["nvmlInitWithFlags"]


def test_a_driver_that_is_not_loaded(fake_machine: Machines) -> None:
    machine = fake_machine("driver_not_loaded")
    facts = facts_of(machine)
    told = {name: facts[name] for name in NAMES - {"driver.cuda_supported", "gpu.devices"}}
    assert told == {
        "driver.nvml": known({"status": "error", "code": 9, "text": "Driver Not Loaded"}, "NVML"),
        "driver.release": absent(f"NVML, {PROC}"),
        "driver.kernel_module": absent(PROC),
        "driver.library": known("535.104.05", machine.library("libcuda.so")),
    }


@pytest.mark.xfail(reason="says absent where NVML would not look")
@pytest.mark.parametrize("name", [*sorted(REFUSING), "driver_not_loaded"])
def test_what_nvml_would_not_tell_is_unknown(fake_machine: Machines, name: str) -> None:
    facts = facts_of(fake_machine(name), {PROC: CLOSED.format("535.104.05")})
    states = {name: facts[name].state for name in ("driver.cuda_supported", "gpu.devices")}
    assert states == {"driver.cuda_supported": "unknown", "gpu.devices": "unknown"}


def test_a_library_that_does_not_load(fake_machine: Machines) -> None:
    machine = fake_machine("rtx3080")
    machine.spoil("libnvidia-ml.so")
    facts = facts_of(machine, {PROC: CLOSED.format("510.39.01")})
    text = f"{machine.folder}/libnvidia-ml.so.1: file too short"
    assert facts["driver.nvml"] == known({"status": "error", "text": text}, "NVML")
    assert facts["driver.library"] == known("510.39.01", machine.library("libcuda.so"))
    assert facts["driver.release"] == known("510.39.01", PROC)


@pytest.mark.xfail(reason="takes a missing dependency for a missing library")
def test_a_library_that_needs_another_is_not_missing_itself(fake_machine: Machines) -> None:
    machine = fake_machine("rtx3080")
    machine.orphan("libnvidia-ml.so")
    facts = facts_of(machine)
    text = "libgone.so: cannot open shared object file: No such file or directory"
    assert facts["driver.nvml"] == known({"status": "error", "text": text}, "NVML")


@pytest.mark.xfail(reason="gives up at the first getter of the driver that fails")
def test_one_getter_that_fails_costs_only_its_own_fact(fake_machine: Machines) -> None:
    text = (HERE / "machines" / "rtx3080.ini").read_text(encoding="utf-8")
    fault = "\n[fault old]\nfunction = nvmlSystemGetCudaDriverVersion*\ndo = return 13\n"
    facts = facts_of(fake_machine(text + fault), {PROC: CLOSED.format("510.39.01")})
    assert facts["driver.release"] == known("510.39.01", "NVML")
    assert facts["driver.cuda_supported"].state != "known"
    assert facts["gpu.devices"] == known(WORKING["rtx3080"][2], "NVML")


# Drivers that take the child with them


def test_hung_drivers_cost_their_deadline_and_leave_nothing(fake_machine: Machines) -> None:
    machines = [fake_machine("init_hangs"), fake_machine("init_hangs_ignoring_sigterm")]
    sources = [
        LiveWithFiles(machine.env, {PROC: CLOSED.format("535.104.05")}) for machine in machines
    ]
    children = [driver.spawn(source, 2.6) for source in sources]
    for machine, source, child in zip(machines, sources, children, strict=True):
        facts = driver.collect(source, child)
        silent = unknown("the NVML probe did not answer in 3 s", "NVML")
        assert facts == {
            **dict.fromkeys(NAMES, silent),
            "driver.release": known("535.104.05", PROC),
            "driver.kernel_module": known("535.104.05", PROC),
        }
        calls = machine.calls()
        assert calls[-1].function == "nvmlInitWithFlags"
        assert gone(calls[-1].pid)


def test_a_hung_driver_without_a_kernel_module_is_unknown(fake_machine: Machines) -> None:
    machine = fake_machine("init_hangs")
    source = LiveWithFiles(machine.env)
    facts = driver.collect(source, driver.spawn(source, 0.6))
    silent = unknown("the NVML probe did not answer in 1 s", "NVML")
    assert facts == {**dict.fromkeys(NAMES, silent), "driver.kernel_module": absent(PROC)}


def test_a_crash_inside_the_driver(fake_machine: Machines) -> None:
    machine = fake_machine("crash_at_gpu3")
    facts = facts_of(machine, {PROC: CLOSED.format("535.104.05")})
    crashed = unknown("the NVML probe was killed by SIGSEGV", "NVML")
    assert facts == {
        **dict.fromkeys(NAMES, crashed),
        "driver.release": known("535.104.05", PROC),
        "driver.kernel_module": known("535.104.05", PROC),
    }
    last = machine.calls()[-1]
    assert (last.function, last.gpu) == ("nvmlDeviceGetMemoryInfo", 3)
    assert gone(last.pid)


def test_every_machine_file_is_expected_somewhere() -> None:
    elsewhere = {"no_gpus", "gpu_lost", "gpu_lost_midway", "driver_not_loaded", "init_hangs"}
    elsewhere |= {"init_hangs_ignoring_sigterm", "crash_at_gpu3"}
    files = {path.stem for path in (HERE / "machines").glob("*.ini")}
    assert files == set(WORKING) | set(REFUSING) | elsewhere


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
        ({}, absent(PROC)),
        ({PROC: "garbage"}, unknown(f"{PROC} names no release", PROC)),
        (
            {PROC: PermissionError(13, "Permission denied", PROC)},
            unknown(f"[Errno 13] Permission denied: '{PROC}'", PROC),
        ),
        ({"/dev/dxg": ""}, not_applicable("the kernel module is the host's here")),
    ],
)
def test_the_kernel_module(files: Files, expected: Fact) -> None:
    facts = driver.collect(LiveWithFiles({}, files), NO_NVML)
    assert facts["driver.kernel_module"] == expected


@pytest.mark.xfail(reason="says absent where it may not look")
def test_a_module_version_that_may_not_be_read_is_unknown() -> None:
    source = LiveWithFiles({}, {SYS: PermissionError(13, "Permission denied", SYS)})
    module = driver.collect(source, NO_NVML)["driver.kernel_module"]
    assert module == unknown(f"[Errno 13] Permission denied: '{SYS}'", SYS)


def test_windows_has_no_such_module() -> None:
    facts = driver.collect(LiveWithFiles({}, platform="win32"), NO_NVML)
    expected = not_applicable("the kernel module is the host's here")
    assert facts["driver.kernel_module"] == expected


def test_macos_has_no_driver() -> None:
    facts = driver.collect(LiveWithFiles({}, platform="darwin"), NO_NVML)
    assert facts == dict.fromkeys(NAMES, not_applicable("no NVIDIA driver runs on macOS"))


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
        (Completed("exit", 1, "", "Traceback"), "ended with exit status 1"),
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


@pytest.mark.xfail(reason="a broken answer is a crash, not a result")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"status": "ok", "driver": "535.1',
        "null",
        "[]",
        "{}",
        '{"status": "ok", "cuda": "12.2"}',
        '{"status": "ok", "devices": {"0": "Tesla T4"}}',
    ],
)
def test_parse_nvml_with_a_broken_answer(text: str) -> None:
    facts = driver.parse_nvml(Completed("exit", 0, f"\n{MARKER}{text}\n"))
    assert {name: fact.state for name, fact in facts.items()} == dict.fromkeys(NAMES, "unknown")


def test_parse_nvml_takes_the_last_answer() -> None:
    answers = [{"status": "error", "code": 9, "text": "old"}, {"status": "ok", "driver": "1.2"}]
    stdout = "".join(f"noise\n{MARKER}{json.dumps(answer)}\n" for answer in answers)
    facts = driver.parse_nvml(Completed("exit", 0, stdout))
    assert facts["driver.nvml"] == known({"status": "ok"}, "NVML")
    assert facts["driver.release"] == known("1.2", "NVML")


def test_parse_nvml_keeps_an_answer_given_before_a_crash() -> None:
    stdout = f'\n{MARKER}{{"status": "ok", "driver": "535.104.05", "cuda": 12020}}\n'
    facts = driver.parse_nvml(Completed("signal", 11, stdout))
    assert facts["driver.release"] == known("535.104.05", "NVML")
    assert facts["driver.cuda_supported"] == known("12.2", "NVML")


@pytest.mark.parametrize(
    ("number", "text"), [(9020, "9.2"), (11000, "11.0"), (11080, "11.8"), (12100, "12.10")]
)
def test_parse_nvml_reads_the_cuda_number(number: int, text: str) -> None:
    stdout = MARKER + json.dumps({"status": "ok", "cuda": number})
    facts = driver.parse_nvml(Completed("exit", 0, stdout))
    assert facts["driver.cuda_supported"] == known(text, "NVML")
