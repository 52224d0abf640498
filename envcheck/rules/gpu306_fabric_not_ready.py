"""GPUs that NVSwitch joins wait for their fabric manager."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import cuda_code, join
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

SYSTEM_NOT_READY = 802
"""CUDA_ERROR_SYSTEM_NOT_READY in cuda.h."""
STATES = {1: "not started", 2: "in progress", 3: "completed with an error"}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    devices = facts.value(F.GPU_DEVICES) or ()
    waiting = [device for device in devices if _waits(device)]
    refused = cuda_code(facts) == SYSTEM_NOT_READY
    cuda = facts.value(F.DRIVER_CUDA_INIT)
    if not waiting and not refused:
        return
    numbers = [device.index for device in waiting] or [device.index for device in devices]
    states = sorted({STATES[device.fabric_state or 0] for device in waiting})
    yield Match(
        subject="fabric",
        params={"gpus": join(numbers), "state": ", ".join(states) or "not known"},
        severity="warning" if cuda and cuda.status == "ok" else None,
        evidence=(
            facts.evidence(F.GPU_DEVICES, f"fabric: {', '.join(states) or 'not told'}"),
            facts.evidence(F.DRIVER_CUDA_INIT, f"cuInit: {cuda.name}" if cuda else None),
        ),
        fixes=(
            manual(
                "start-fabric-manager",
                "Install nvidia-fabricmanager of exactly the driver's release {release}, and "
                "start it. In a virtual machine it is the host's.",
                ("sudo", "systemctl", "enable", "--now", "nvidia-fabricmanager"),
                root=True,
                release=str(facts.value(F.DRIVER_RELEASE) or ""),
            ),
        ),
    )


def _waits(device: F.GpuDevice) -> bool:
    return device.fabric_state in (1, 2) or (
        device.fabric_state == 3 and bool(device.fabric_status)
    )


def _with(state: int) -> list[dict[str, object]]:
    return [{"index": 0, "name": "NVIDIA H100 80GB HBM3", "fabric_state": state}]


REFUSES = {"status": "error", "code": 802, "name": "CUDA_ERROR_SYSTEM_NOT_READY"}
RULE = Rule(
    code="GPU306",
    slug="fabric-not-ready",
    layer="gpu",
    severity="error",
    title="The NVLink fabric of GPU {gpus} is not ready ({state}): the fabric manager does not run",
    why="GPUs that NVSwitch joins work only after nvidia-fabricmanager has set the switches up. "
    "Until then CUDA answers 802, system not yet initialized.",
    needs=(F.GPU_DEVICES, F.DRIVER_CUDA_INIT),
    judge=judge,
    explains=("DRV119", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "fabric",
            gpu__devices=_with(2),
            driver__cuda_init=REFUSES,
        ),
        fires("linux-rtx4090-tf220-wheels", "fabric", driver__cuda_init=REFUSES),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(3)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
