"""Asks NVML (nvidia-ml-py) for driver and devices and prints one JSON document.

Run in a child, because nvmlInit can hang or crash with a broken driver. Getters only.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from typing import Any

MARKER = "envcheck-nvml-probe:"
LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"


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


def describe_devices(nvml: Any) -> list[dict[str, Any]]:
    devices = []
    for index in range(nvml.nvmlDeviceGetCount()):
        row: dict[str, Any] = {"index": index, "name": f"GPU {index}"}
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            name = nvml.nvmlDeviceGetName(handle)
            row["name"] = name.decode() if isinstance(name, bytes) else name
            row["memory_mib"] = nvml.nvmlDeviceGetMemoryInfo(handle).total // 2**20
            major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
            row["compute_capability"] = f"{major}.{minor}"
        except nvml.NVMLError as error:
            row["error"] = str(error)
        devices.append(row)
    return devices


def ask() -> dict[str, Any]:
    failure = try_load(LIBRARY)
    document: dict[str, Any] = {"library": mapped("libnvidia-ml.so")}
    try_load("libcuda.so.1")
    document["libcuda"] = mapped("libcuda.so")
    if failure:
        missing = "No such file" in failure or "Could not find" in failure
        return {**document, "status": "not-found" if missing else "error", "text": failure}
    import pynvml as nvml

    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return {**document, "status": "error", "code": error.value, "text": str(error)}
    try:
        driver = nvml.nvmlSystemGetDriverVersion()
        document["driver"] = driver.decode() if isinstance(driver, bytes) else driver
        document["cuda"] = nvml.nvmlSystemGetCudaDriverVersion()
        document["devices"] = describe_devices(nvml)
    except nvml.NVMLError as error:
        return {**document, "status": "error", "code": error.value, "text": str(error)}
    return {**document, "status": "ok"}


if __name__ == "__main__":
    print(f"\n{MARKER}{json.dumps(ask())}", flush=True)
