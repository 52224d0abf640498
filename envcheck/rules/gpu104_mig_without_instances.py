"""MIG is on and nobody has made an instance: CUDA does not see the card."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import join
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    devices = facts.value(F.GPU_DEVICES) or ()
    empty = [device.index for device in devices if device.mig and device.mig_instances == ()]
    if not empty:
        return
    numbers = ",".join(map(str, empty))
    yield Match(
        subject=f"GPU {join(empty)}",
        params={"gpus": join(empty)},
        severity="error" if len(empty) == len(devices) else "warning",
        evidence=(facts.evidence(F.GPU_DEVICES, f"GPU {join(empty)}: MIG on, no instance"),),
        fixes=(
            manual(
                "make-instances",
                "Make instances: the first command lists the profiles, the second makes one of "
                "the whole card, as an example.",
                ("nvidia-smi", "mig", "-lgip"),
                ("sudo", "nvidia-smi", "mig", "-i", numbers, "-cgi", "0", "-C"),
                root=True,
            ),
            manual(
                "mig-off",
                "Switch MIG off:",
                ("sudo", "nvidia-smi", "-i", numbers, "-mig", "0"),
                root=True,
            ),
        ),
    )


def _mig(*instances: str) -> dict[str, object]:
    row = {"name": "NVIDIA A100-SXM4-40GB", "compute_capability": "8.0"}
    return {**row, "index": 0, "mig": True, "mig_instances": list(instances)}


RULE = Rule(
    code="GPU104",
    slug="mig-without-instances",
    layer="gpu",
    severity="error",
    title="GPU {gpus} is in MIG mode and has no instance",
    why="A card in MIG mode is used through its instances only. nvidia-smi lists it, CUDA does "
    "not.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    explains=("DRV119", "GPU102", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=[_mig()]),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=[_mig("MIG-1b2c")]),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
