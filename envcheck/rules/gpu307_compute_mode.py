"""A GPU admits no program, or only one."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import processes_of
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

PROHIBITED, EXCLUSIVE = 2, (1, 3)
"""nvmlComputeMode_t in nvml.h."""
TAKEN = "One program at a time may use it, and one does: {holders}."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        taken = device.compute_mode in EXCLUSIVE and device.processes
        if device.compute_mode != PROHIBITED and not taken:
            continue
        yield Match(
            subject=device.number,
            params={
                "gpu": device.number,
                "name": device.title,
                "mode": "exclusive" if taken else "prohibited",
                "holders": processes_of(device),
            },
            why=TAKEN if taken else None,
            evidence=(
                facts.evidence(F.GPU_DEVICES, f"{device.number}: mode {device.compute_mode}"),
            ),
            fixes=(
                manual(
                    "default-mode",
                    "Let programs share it again. A scheduler may have set it on purpose.",
                    ("sudo", "nvidia-smi", "-i", str(device.index), "-c", "DEFAULT"),
                    root=True,
                ),
            ),
        )


def _with(mode: int, *processes: dict[str, object]) -> list[dict[str, object]]:
    row = {"index": 0, "name": "Tesla T4", "compute_capability": "7.5"}
    return [{**row, "compute_mode": mode, "processes": list(processes)}]


RULE = Rule(
    code="GPU307",
    slug="compute-mode",
    layer="gpu",
    severity="error",
    title="{gpu} ({name}) is in the compute mode {mode}: another program cannot use it",
    why="In this mode the driver lets no CUDA program use the card.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    explains=("DRV119", "SMK103", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(2)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(3, {"pid": 7, "mib": 300})),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(3)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(0, {"pid": 7, "mib": 300})),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
