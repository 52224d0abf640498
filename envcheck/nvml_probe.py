"""Asks NVML (nvidia-ml-py) for driver and devices and prints what it hears as JSON.

Run in a child, because nvmlInit can hang or crash with a broken driver. Each answer is printed
as soon as it is there, one marked line each, so that what was heard before a crash is kept.
Getters only.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from collections.abc import Callable
from typing import Any

MARKER = "envcheck-nvml-probe:"
LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
NOT_THERE = (
    f"{LIBRARY}: cannot open shared object file: No such file or directory",
    f"Error loading shared library {LIBRARY}: No such file or directory",
)
"""What dlerror of glibc and of musl says of a library that is nowhere."""
MEMORY_WITHHELD = (3, 4)
"""NVML_ERROR_NOT_SUPPORTED: a GPU that shares the machine's memory (GB10); and
NVML_ERROR_NO_PERMISSION: a container with a MIG instance (nvidia-container-toolkit#842)."""


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


def is_missing(failure: str) -> bool:
    """Whether dlerror means the library itself, not one that it needs in turn."""
    return failure in NOT_THERE or "Could not find module" in failure


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
    return row


def main() -> None:
    failure = try_load(LIBRARY)
    tell({"library": mapped("libnvidia-ml.so")})
    try_load("libcuda.so.1")
    tell({"libcuda": mapped("libcuda.so")})
    if failure:
        return tell({"status": "not-found" if is_missing(failure) else "error", "text": failure})
    import pynvml as nvml

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
        tell({"device": describe_device(nvml, index)})
    tell({"status": "ok"})


if __name__ == "__main__":
    main()
