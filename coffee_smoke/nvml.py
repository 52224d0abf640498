"""Who holds how much of each GPU's memory, from NVML by ctypes; getters only.

nvidia-ml-py cannot be expected in the target. None wherever NVML is not there or does not answer.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Dict, List, Optional

MIB = 1 << 20
MAX_PROCESSES = 128
NOT_AVAILABLE = 2**64 - 1  # NVML_VALUE_NOT_AVAILABLE, for instance on Windows


class Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_uint64), ("free", ctypes.c_uint64), ("used", ctypes.c_uint64)]


class ProcessV1(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_uint), ("used", ctypes.c_uint64)]


class ProcessV2(ctypes.Structure):
    """Since driver 510 (function names with _v2 and _v3)."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("used", ctypes.c_uint64),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


def sample() -> Optional[List[Dict[str, Any]]]:
    """A row per GPU: index, total_mib, free_mib, used_mib, processes [{pid, mib, self}].

    A container sees other process ids than NVML does, so `self` may be missing everywhere.
    """
    try:
        library = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
        if library.nvmlInit_v2():
            return None
        try:
            count = ctypes.c_uint()
            if library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
                return None
            rows = [_row(library, index) for index in range(count.value)]
        finally:
            library.nvmlShutdown()
    except (OSError, AttributeError):
        return None
    return [row for row in rows if row]


def _row(library: Any, index: int) -> Optional[Dict[str, Any]]:
    device, memory = ctypes.c_void_p(), Memory()
    if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)):
        return None
    if library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)):
        return None
    return {
        "index": index,
        "total_mib": memory.total // MIB,
        "free_mib": memory.free // MIB,
        "used_mib": memory.used // MIB,
        "processes": _processes(library, device),
    }


def _processes(library: Any, device: Any) -> List[Dict[str, Any]]:
    name = "nvmlDeviceGetComputeRunningProcesses"
    for suffix, kind in (("_v3", ProcessV2), ("_v2", ProcessV2), ("", ProcessV1)):
        function = getattr(library, name + suffix, None)
        if function is None:
            continue
        count, rows = ctypes.c_uint(MAX_PROCESSES), (kind * MAX_PROCESSES)()
        if function(device, ctypes.byref(count), rows):
            return []
        return sorted(map(_process, rows[: count.value]), key=lambda row: -(row["mib"] or 0))
    return []


def _process(row: Any) -> Dict[str, Any]:
    mib = None if row.used == NOT_AVAILABLE else row.used // MIB
    return {"pid": row.pid, "mib": mib, "self": row.pid == os.getpid()}


def held_by_us(rows: Optional[List[Dict[str, Any]]]) -> Optional[int]:
    """MiB that this process holds on all cards; None where NVML does not tell."""
    ours = [p["mib"] for row in rows or () for p in row["processes"] if p["self"]]
    return sum(mib or 0 for mib in ours) if ours else None
