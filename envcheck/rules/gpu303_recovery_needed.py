"""The driver says that a GPU must be recovered before it is used again."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import reboot, reset
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.rules import Rule, fires, silent

ACTIONS = {
    1: "a reset of the GPU",
    2: "a reboot",
    3: "that its work is ended, and its peers' (P2P)",
    4: "that its work is ended, then a reset",
    5: "a recovery of its NVLink domain (IMEX)",
    6: "a reset of its bus",
    7: "a reboot",
}
"""nvmlDeviceGpuRecoveryAction_t in nvml.h, from driver 550 on."""
WORKS_ON = (3, 4)
RESETS = (1, 4)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        action = device.recovery_action
        # Where its memory is the reason, GPU302 says so, with the same remedy.
        if not action or device.ecc_uncorrected or device.remap_pending or device.remap_failed:
            continue
        yield Match(
            subject=device.number,
            params={
                "gpu": device.number,
                "name": device.title,
                "action": ACTIONS.get(action, f"the recovery action {action}"),
            },
            severity="warning" if action in WORKS_ON else None,
            evidence=(facts.evidence(F.GPU_DEVICES, f"{device.number}: recovery action {action}"),),
            fixes=(_fix(device, action),),
        )


def _fix(device: F.GpuDevice, action: int) -> Fix:
    if action in RESETS:
        return reset(device, "End every program on it, then reset it.")
    return reboot("Reboot; look in `sudo dmesg` for the Xid lines that led to it.")


def _with(action: int) -> list[dict[str, object]]:
    return [{"index": 0, "name": "NVIDIA H100 80GB HBM3", "recovery_action": action}]


RULE = Rule(
    code="GPU303",
    slug="recovery-needed",
    layer="gpu",
    severity="error",
    title="The driver asks for {action}, for {gpu} ({name})",
    why="After an error of the hardware the GPU stays out of use, or works without protection, "
    "until that is done.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    explains=("SMK102", "SMK103"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(1)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(2)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(0)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
