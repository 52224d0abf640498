"""Other programs hold most of a GPU's memory."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import processes_of
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

NEEDED_MIB = 1024
"""TensorFlow with cuDNN and cuBLAS takes about this before the first layer."""
UNSEEN = (
    "{holders}. A process that is not visible here is dead, or in another container: only the host "
    "can name it."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        used, total = device.used_mib, device.memory_mib
        if not used or not total or device.mig or used * 2 < total:
            continue
        unseen = not device.processes or any(row.name is None for row in device.processes)
        holders = processes_of(device) or "NVML names no process that holds it"
        yield Match(
            subject=device.number,
            params={
                "gpu": device.number,
                "name": device.title,
                "used": str(used),
                "total": str(total),
                "holders": holders,
            },
            why=UNSEEN if unseen else None,
            severity="error" if total - used < NEEDED_MIB else None,
            evidence=(facts.evidence(F.GPU_DEVICES, f"{device.number}: {used} of {total} MiB"),),
            fixes=(_fix(facts, device),),
        )


def _fix(facts: Facts, device: F.GpuDevice) -> Fix:
    known = tuple(row for row in device.processes or () if row.name)
    note = "Wait for it, or end it if it is yours:"
    if known:
        return manual("end-process", note, *(("kill", str(row.pid)) for row in known))
    note = "Find what has the device open, on the host, and end it if it is yours:"
    step = ("sudo", "fuser", "-v", f"/dev/nvidia{device.index}")
    if facts.value(F.SYSTEM_OS) != "linux":
        return manual("find-process", note, ("nvidia-smi",))
    return manual("find-process", note, step, root=True)


def _with(used: int, *processes: dict[str, object]) -> list[dict[str, object]]:
    row = {"index": 0, "name": "Tesla T4", "compute_capability": "7.5", "memory_mib": 15360}
    return [{**row, "used_mib": used, "processes": list(processes)}]


MINE = {"pid": 7, "mib": 9000, "name": "python3", "user": "anna"}
RULE = Rule(
    code="GPU308",
    slug="memory-held",
    layer="gpu",
    severity="warning",
    title="{used} of {total} MiB on {gpu} ({name}) are taken by other programs",
    why="{holders}. TensorFlow takes what is left, and ends with out of memory, or with a cuDNN "
    "or cuBLAS that does not start, when that is too little.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    explains=("SMK103", "SMK302"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(9000, MINE)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(15000, {"pid": 7})),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(15000)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(900, MINE)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
