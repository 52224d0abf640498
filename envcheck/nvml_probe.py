"""Asks NVML (nvidia-ml-py) for driver and devices, then CUDA, and prints what it hears as JSON.

Run in a child, because nvmlInit and cuInit can hang or crash with a broken driver. Each answer is
printed as soon as it is there, one marked line each, so that what was heard before a crash is
kept. The arguments are device files to be opened. Getters only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

MARKER = "envcheck-nvml-probe:"
WINDOWS = sys.platform == "win32"
LIBRARY = "nvml.dll" if WINDOWS else "libnvidia-ml.so.1"
LIBCUDA = "nvcuda.dll" if WINDOWS else "libcuda.so.1"
MEMORY_WITHHELD = (3, 4)
"""NVML_ERROR_NOT_SUPPORTED: a GPU that shares the machine's memory (GB10); and
NVML_ERROR_NO_PERMISSION: a container with a MIG instance (nvidia-container-toolkit#842)."""
LOST_OR_STUCK = (15, 16)
"""NVML_ERROR_GPU_IS_LOST and NVML_ERROR_RESET_REQUIRED: of a card, not of one question."""
RECOVERY_ACTION = 230
"""NVML_FI_DEV_GET_GPU_RECOVERY_ACTION."""


def tell(answer: dict[str, Any]) -> None:
    print(f"\n{MARKER}{json.dumps(answer)}", flush=True)


def mapped(stem: str) -> str | None:
    """The file behind a library that this process has loaded (Linux)."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            found = re.search(rf"(/\S*{re.escape(stem)}\S*)", maps.read())
    except OSError:
        return None
    return found[1] if found else None


def try_load(name: str) -> str | None:
    """Load a library; None when that worked, else dlerror's text."""
    try:
        ctypes.CDLL(name)
    except OSError as error:
        return str(error)
    return None


def is_missing(failure: str, name: str = LIBRARY) -> bool:
    """Whether dlerror, of glibc or of musl, means that the library itself is nowhere, not one
    that it needs in turn."""
    nowhere = (
        f"{name}: cannot open shared object file: No such file or directory",
        f"Error loading shared library {name}: No such file or directory",
    )
    return failure in nowhere or "Could not find module" in failure


def text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def ask(
    nvml: Any,
    name: str,
    get: Callable[[], Any],
    row: dict[str, Any],
    harmless: tuple[int, ...] = (),
) -> None:
    """One getter's answer into the row; an error of NVML is kept as ``error`` and ``code``,
    unless it is a ``harmless`` one, which leaves only this answer out."""
    try:
        row[name] = get()
    except nvml.NVMLError as error:
        if error.value not in harmless:
            row.setdefault("error", str(error))
            row.setdefault("code", error.value)


def ask_more(nvml: Any, name: str, get: Callable[[], Any], row: dict[str, Any]) -> None:
    """Something that not every card or driver tells. NVMLLibraryMismatchError, which is no
    NVMLError, and AttributeError mean that nvidia-ml-py and the driver are of different times."""
    mismatch = getattr(nvml, "NVMLLibraryMismatchError", AttributeError)
    try:
        row[name] = get()
    except nvml.NVMLError as error:
        if error.value in LOST_OR_STUCK:
            row.setdefault("error", str(error))
            row.setdefault("code", error.value)
    except (mismatch, AttributeError):
        pass


def describe_device(nvml: Any, index: int) -> dict[str, Any]:
    row: dict[str, Any] = {"index": index}
    ask(nvml, "handle", lambda: nvml.nvmlDeviceGetHandleByIndex(index), row)
    handle = row.pop("handle", None)
    if handle is None:
        return row
    ask(nvml, "name", lambda: text(nvml.nvmlDeviceGetName(handle)), row)
    ask(
        nvml,
        "memory_mib",
        lambda: nvml.nvmlDeviceGetMemoryInfo(handle).total // 2**20,
        row,
        MEMORY_WITHHELD,
    )
    ask(
        nvml,
        "compute_capability",
        lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle)),
        row,
    )
    if "error" not in row:
        describe_state(nvml, handle, row)
    return row


def describe_state(nvml: Any, handle: Any, row: dict[str, Any]) -> None:
    """All that changes while the machine runs."""
    more: dict[str, Callable[[], Any]] = {
        "uuid": lambda: text(nvml.nvmlDeviceGetUUID(handle)),
        "bus_id": lambda: text(nvml.nvmlDeviceGetPciInfo(handle).busId),
        "used_mib": lambda: used_mib(nvml, handle),
        "processes": lambda: processes(nvml, handle),
        "compute_mode": lambda: nvml.nvmlDeviceGetComputeMode(handle),
        "persistence": lambda: bool(nvml.nvmlDeviceGetPersistenceMode(handle)),
        "throttle": lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
        "ecc_uncorrected": lambda: nvml.nvmlDeviceGetTotalEccErrors(handle, 1, 0),
        "remap": lambda: nvml.nvmlDeviceGetRemappedRows(handle),
        "pages_pending": lambda: bool(nvml.nvmlDeviceGetRetiredPagesPendingStatus(handle)),
        "recovery_action": lambda: recovery_action(nvml, handle),
        "mig": lambda: bool(nvml.nvmlDeviceGetMigMode(handle)[0]),
        "fabric": lambda: fabric(nvml, handle),
        "pcie_width": lambda: nvml.nvmlDeviceGetCurrPcieLinkWidth(handle),
        "pcie_width_max": lambda: nvml.nvmlDeviceGetMaxPcieLinkWidth(handle),
        "pcie_generation": lambda: nvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),
        "pcie_generation_max": lambda: nvml.nvmlDeviceGetMaxPcieLinkGeneration(handle),
    }
    for name, get in more.items():
        ask_more(nvml, name, get, row)
        if "error" in row:
            return
    if "remap" in row:
        row["remap_pending"], row["remap_failed"] = map(bool, row.pop("remap")[2:4])
    if "fabric" in row:
        row["fabric_state"], row["fabric_status"] = row.pop("fabric")
    if row.get("mig"):
        ask_more(nvml, "mig_instances", lambda: mig_instances(nvml, handle), row)


def used_mib(nvml: Any, handle: Any) -> int:
    """The first version of this structure counts as used what the driver keeps for itself."""
    version = getattr(nvml, "nvmlMemory_v2", None)
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle, version) if version else None
    except nvml.NVMLError as error:
        if error.value in LOST_OR_STUCK:
            raise
        memory = None
    return int((memory or nvml.nvmlDeviceGetMemoryInfo(handle)).used // 2**20)


def processes(nvml: Any, handle: Any) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for get in (
        nvml.nvmlDeviceGetComputeRunningProcesses,
        nvml.nvmlDeviceGetGraphicsRunningProcesses,
    ):
        for process in get(handle):
            used = process.usedGpuMemory
            mib = None if used is None else used // 2**20
            found.setdefault(process.pid, {"pid": process.pid, "mib": mib})
    return [{**found[pid], **who_is(pid)} for pid in sorted(found)]


def who_is(pid: int) -> dict[str, str]:
    """A process's name and user; nothing where there is none of this number to be seen."""
    import psutil

    row: dict[str, str] = {}
    with contextlib.suppress(psutil.Error, KeyError):
        process = psutil.Process(pid)
        row["name"] = process.name()
        row["user"] = process.username()
    return row


def recovery_action(nvml: Any, handle: Any) -> int | None:
    (field,) = nvml.nvmlDeviceGetFieldValues(handle, [RECOVERY_ACTION])
    return None if field.nvmlReturn else int(field.value.uiVal)


def fabric(nvml: Any, handle: Any) -> tuple[int, int]:
    """State and status; this getter fills a structure that its caller passes by reference."""
    info = nvml.c_nvmlGpuFabricInfo_v2_t()
    nvml.nvmlDeviceGetGpuFabricInfoV(handle, ctypes.byref(info))
    return int(info.state), int(info.status)


def mig_instances(nvml: Any, handle: Any) -> list[str]:
    found = []
    for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instance = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
        except nvml.NVMLError:
            continue
        found.append(text(nvml.nvmlDeviceGetUUID(instance)))
    return found


def ask_nvml(failure: str | None) -> None:
    if failure:
        return tell({"status": "not-found" if is_missing(failure) else "error", "text": failure})
    import pynvml as nvml

    tell({"step": "nvmlInit"})
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return tell({"status": "error", "code": error.value, "text": str(error)})
    machine: dict[str, Any] = {}
    ask(nvml, "driver", lambda: text(nvml.nvmlSystemGetDriverVersion()), machine)
    ask(nvml, "cuda", nvml.nvmlSystemGetCudaDriverVersion, machine)
    ask(nvml, "count", nvml.nvmlDeviceGetCount, machine)
    tell(machine)
    for index in range(machine.get("count", 0)):
        tell({"step": f"NVML at GPU {index}"})
        tell({"device": describe_device(nvml, index)})
    tell({"status": "ok"})


def ask_cuda() -> None:
    """Whether CUDA starts with this environment, and how many GPUs it counts: as TensorFlow
    asks it. No context is made."""
    cuda, name, count = ctypes.CDLL(LIBCUDA), ctypes.c_char_p(), ctypes.c_int()
    tell({"step": "cuInit"})
    code = cuda.cuInit(0)
    cuda.cuGetErrorName(code, ctypes.byref(name))
    answer = {"code": code, "name": text(name.value or b"")}
    if code == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0:
        answer["devices"] = count.value
    tell({"cuda_init": {"status": "error" if code else "ok", **answer}})


def try_open(path: str) -> int | None:
    """The error's number. A GPU's own file is not opened: that would start the GPU."""
    if path[-1].isdigit():
        return None if os.access(path, os.R_OK | os.W_OK) else 13
    try:
        os.close(os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0)))
    except OSError as error:
        return error.errno
    return None


def main() -> None:
    failure = try_load(LIBRARY)
    tell({"library": mapped("libnvidia-ml.so")})
    without_cuda = try_load(LIBCUDA)
    tell({"libcuda": mapped("libcuda.so")})
    if without_cuda:
        missing = is_missing(without_cuda, LIBCUDA)
        tell({"libcuda_error": without_cuda, "libcuda_missing": missing})
    tell({"step": "opening the device files"})
    tell({"files": {path: try_open(path) for path in sys.argv[1:]}})
    ask_nvml(failure)
    if not without_cuda:
        ask_cuda()
    tell({"step": ""})


if __name__ == "__main__":
    main()
