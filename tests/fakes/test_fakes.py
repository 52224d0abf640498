"""The fake driver itself: that it speaks NVML and CUDA as the real one, and fails as it is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.nvidia import HERE, Call, FakeMachine

pytest_plugins = ("tests.fakes.plugin",)

Machines = Callable[[str], FakeMachine]

NVML = """
import json, sys
import pynvml as nvml

def plain(value):
    if hasattr(value, "_fields_"):
        return [getattr(value, name) for name, *_ in value._fields_ if name != "version"]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return vars(value) if hasattr(value, "__dict__") else value

def ask(handle, name, *arguments):
    try:
        return plain(getattr(nvml, "nvml" + name)(handle, *arguments))
    except nvml.NVMLError as error:
        return "error %d" % error.value

nvml.nvmlInit()
gpu, *questions = json.loads(sys.argv[1])
handle = nvml.nvmlDeviceGetHandleByIndex(gpu)
print(json.dumps([ask(handle, *question) for question in questions]))
"""

CUDA = """
import ctypes, json
cuda = ctypes.CDLL("libcuda.so.1")
number, names = ctypes.c_int(), []
codes = [cuda.cuInit(0), cuda.cuDeviceGetCount(ctypes.byref(number))]
for ordinal in range(number.value):
    bus = ctypes.create_string_buffer(32)
    codes.append(cuda.cuDeviceGetPCIBusId(bus, 32, ordinal))
    names.append(bus.value.decode())
print(json.dumps([codes, names]))
"""


def run(machine: FakeMachine, code: str, *arguments: str, **env: str) -> Any:
    command = [sys.executable, "-I", "-c", code, *arguments]
    ended = subprocess.run(
        command, env={**machine.env, **env}, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


ASKED: dict[str, tuple[int, dict[tuple[Any, ...], Any]]] = {
    "rtx3080": (
        0,
        {
            ("DeviceGetName",): "NVIDIA GeForce RTX 3080",
            ("DeviceGetUUID",): "GPU-8f2a6c1e-4b7d-4e0a-9c35-1d60e7b2f944",
            ("DeviceGetTemperature", 0): 47,
            ("DeviceGetPowerUsage",): 31250,
            ("DeviceGetMemoryInfo",): [10240 << 20, 9656 << 20, 584 << 20],
            ("DeviceGetMemoryInfo", 0x02000028): [10240 << 20, 272 << 20, 9656 << 20, 312 << 20],
            ("DeviceGetCudaComputeCapability",): [8, 6],
            ("DeviceGetEccMode",): "error 3",
            ("DeviceGetMigMode",): "error 3",
            ("DeviceGetRemappedRows",): "error 3",
            ("DeviceGetComputeRunningProcesses",): [],
            ("DeviceGetGraphicsRunningProcesses",): [],
            ("DeviceGetCurrentClocksThrottleReasons",): 0,
            ("DeviceGetNumFans",): "error 13",
        },
    ),
    "h100x8": (
        7,
        {
            ("DeviceGetIndex",): 7,
            ("DeviceGetMinorNumber",): 7,
            ("DeviceGetUUID",): "GPU-00000000-0000-0000-0000-000000000007",
            ("DeviceGetSerial",): "0000000000007",
            ("DeviceGetPciInfo",): ["0000:08:00.0", 0, 8, 0, 0, 0, "00000000:08:00.0"],
            ("DeviceGetEccMode",): [1, 1],
            ("DeviceGetMigMode",): [0, 0],
            ("DeviceGetTotalEccErrors", 1, 0): 0,
            ("DeviceGetRemappedRows",): [0, 0, 0, 0],
            ("DeviceGetComputeMode",): 0,
            ("DeviceGetPersistenceMode",): 1,
            ("DeviceGetCurrPcieLinkGeneration",): 5,
            ("DeviceGetMaxPcieLinkWidth",): 16,
        },
    ),
    "k80": (1, {("DeviceGetRetiredPagesPendingStatus",): 0}),
    "throttled": (
        0,
        {
            ("DeviceGetTemperature", 0): 96,
            ("DeviceGetUtilizationRates",): [100, 100],
            ("DeviceGetCurrentClocksThrottleReasons",): 0x48,
            ("DeviceGetCurrentClocksEventReasons",): 0x48,
        },
    ),
    "ecc_remap_pending": (
        1,
        {
            ("DeviceGetTotalEccErrors", 0, 0): 0,
            ("DeviceGetTotalEccErrors", 1, 0): 9,
            ("DeviceGetRemappedRows",): [0, 1, 1, 1],
        },
    ),
    "mig_without_instances": (
        0,
        {
            ("DeviceGetMigMode",): [1, 1],
            ("DeviceGetMaxMigDeviceCount",): 7,
            ("DeviceGetMigDeviceHandleByIndex", 0): "error 6",
        },
    ),
    "memory_held": (
        0,
        {
            ("DeviceGetComputeRunningProcesses",): [
                {
                    "pid": pid,
                    "usedGpuMemory": mib << 20,
                    "gpuInstanceId": 0xFFFFFFFF,
                    "computeInstanceId": 0xFFFFFFFF,
                }
                for pid, mib in ((5004242, 14800), (5004343, 103))
            ],
        },
    ),
}


@pytest.mark.parametrize("name", sorted(ASKED))
def test_the_fake_answers_nvidia_ml_py(fake_machine: Machines, name: str) -> None:
    gpu, expected = ASKED[name]
    machine = fake_machine(name)
    answers = run(machine, NVML, json.dumps([gpu, *expected]))
    assert dict(zip(expected, answers, strict=True)) == expected
    assert [call for call in machine.calls() if call.changes] == []


@pytest.mark.parametrize(("name", "state"), [("h100x8", 3), ("fabric_not_ready", 2)])
def test_the_fabric(fake_machine: Machines, name: str, state: int) -> None:
    code = (
        "import ctypes, pynvml as nvml; nvml.nvmlInit(); fabric = nvml.c_nvmlGpuFabricInfo_v2_t()\n"
        "handle = nvml.nvmlDeviceGetHandleByIndex(0)\n"
        "nvml.nvmlDeviceGetGpuFabricInfoV(handle, ctypes.byref(fabric))\n"
        "print(fabric.status * 100 + fabric.state)"
    )
    assert run(fake_machine(name), code) == state


@pytest.mark.parametrize(("name", "answer"), [("ecc_remap_pending", [0, 1]), ("k80", [3, 0])])
def test_the_recovery_action(fake_machine: Machines, name: str, answer: list[int]) -> None:
    code = (
        "import pynvml as nvml; nvml.nvmlInit(); handle = nvml.nvmlDeviceGetHandleByIndex(0)\n"
        "field, = nvml.nvmlDeviceGetFieldValues(handle, [230])\n"
        "print([field.nvmlReturn, field.value.uiVal])"
    )
    assert run(fake_machine(name), code) == answer


def test_a_call_that_would_change_the_machine_is_seen(fake_machine: Machines) -> None:
    code = (
        "import pynvml as nvml; nvml.nvmlInit(); handle = nvml.nvmlDeviceGetHandleByIndex(0)\n"
        "nvml.nvmlDeviceSetPersistenceMode(handle, 1)\n"
        "nvml.nvmlDeviceResetGpuLockedClocks(handle)\n"
        "nvml.nvmlDeviceClearEccErrorCounts(handle, 0)\n"
        "print(0)"
    )
    machine = fake_machine("rtx3080")
    run(machine, code)
    assert [call.function for call in machine.calls() if call.changes] == [
        "nvmlDeviceSetPersistenceMode",
        "nvmlDeviceResetGpuLockedClocks",
        "nvmlDeviceClearEccErrorCounts",
    ]


@pytest.mark.parametrize(
    ("name", "visible", "expected"),
    [
        ("rtx3080", None, [[0, 0, 0], ["0000:01:00.0"]]),
        ("rtx3080", "", [[100, 3], []]),
        ("rtx3080", "-1", [[100, 3], []]),
        ("rtx3080", "GPU-8f2a", [[0, 0, 0], ["0000:01:00.0"]]),
        ("k80", "1,0", [[0, 0, 0, 0], ["0000:02:00.0", "0000:01:00.0"]]),
        ("k80", "1,7,0", [[0, 0, 0], ["0000:02:00.0"]]),
        ("no_gpus", None, [[100, 3], []]),
        ("mig_without_instances", None, [[100, 3], []]),
        ("library_mismatch", None, [[803, 3], []]),
        ("fabric_not_ready", None, [[802, 3], []]),
    ],
)
def test_cuda_lists_the_visible_gpus(
    fake_machine: Machines, name: str, visible: str | None, expected: list[Any]
) -> None:
    env = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert run(fake_machine(name), CUDA, **env) == expected


# Faults


def with_fault(*lines: str) -> str:
    text = (HERE / "machines" / "k80.ini").read_text(encoding="utf-8")
    return "\n".join((text, "[fault f]", *lines, ""))


NAME_OF_1 = json.dumps([1, *[["DeviceGetName"]] * 4])


def test_a_fault_after_some_calls(fake_machine: Machines) -> None:
    fault = with_fault("function = nvmlDeviceGetName", "gpu = 1", "after = 2", "do = return 15")
    machine = fake_machine(fault)
    assert run(machine, NVML, NAME_OF_1) == ["Tesla K80", "Tesla K80", "error 15", "error 15"]
    pid = machine.calls()[0].pid
    assert machine.calls()[-1] == Call(pid, "nvmlDeviceGetName", 1)


def test_a_fault_of_another_gpu(fake_machine: Machines) -> None:
    machine = fake_machine(with_fault("function = nvmlDevice*", "gpu = 0", "do = return 15"))
    assert run(machine, NVML, NAME_OF_1) == ["Tesla K80"] * 4


@pytest.mark.parametrize(("deed", "code"), [("crash", -signal.SIGSEGV), ("abort", -signal.SIGABRT)])
def test_deadly_faults(fake_machine: Machines, deed: str, code: int) -> None:
    machine = fake_machine(with_fault("function = nvmlDeviceGetName", f"do = {deed}"))
    command = [sys.executable, "-I", "-c", NVML, NAME_OF_1]
    ended = subprocess.run(command, env=machine.env, capture_output=True, timeout=60)
    assert ended.returncode == code


@pytest.mark.parametrize(
    ("deed", "ended_by"),
    [("hang", signal.SIGTERM), ("hang-ignoring-sigterm", signal.SIGKILL)],
)
def test_hangs(fake_machine: Machines, deed: str, ended_by: signal.Signals) -> None:
    machine = fake_machine(with_fault("function = nvmlInit*", f"do = {deed}"))
    command = [sys.executable, "-I", "-c", NVML, NAME_OF_1]
    with subprocess.Popen(command, env=machine.env) as process:
        deadline = time.monotonic() + 30
        while "nvmlInitWithFlags" not in {call.function for call in machine.calls()}:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)  # the call is logged before its signals are ignored
        assert process.poll() is None
        process.terminate()
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
        assert process.wait() == -ended_by


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("colour = green", '[fault] has no "colour"'),
        ("do = explode", 'nothing is called "explode"'),
        ("do = return", '"" is not a number'),
        ("do = hang forever", '"hang forever" says too much'),
        ("[gpu 5]", "[gpu 5] leaves GPUs out"),
        ("[gpus]", "no section is called [gpus]"),
        ("[gpu 0]\ntemprature = 5", 'a GPU has no "temprature"'),
        ("nonsense", '"nonsense" is neither a section nor KEY = VALUE'),
    ],
)
def test_a_slip_in_a_machine_file_is_refused(
    fake_machine: Machines, line: str, complaint: str
) -> None:
    machine = fake_machine("rtx3080")
    file = machine.folder / "slip.ini"
    file.write_text(with_fault("function = cuInit", line), encoding="utf-8")
    number = 1 + file.read_text(encoding="utf-8").splitlines().index(line.split("\n")[-1])
    command = [sys.executable, "-I", "-c", CUDA]
    env = {**machine.env, "FAKE_NVIDIA_MACHINE": str(file)}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (70, "")
    assert ended.stderr == f"fake NVIDIA driver: {file}:{number}: {complaint}\n"
