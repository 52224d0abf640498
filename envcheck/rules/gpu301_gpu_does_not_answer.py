"""The driver lists a GPU and gets no answer from it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import address_of, reboot, reset
from envcheck.matrix import Matrix
from envcheck.model import Evidence, Facts, Fix, Match
from envcheck.rules import Rule, fires, silent

GPU_IS_LOST = 15
"""NVML_ERROR_GPU_IS_LOST in nvml.h."""
RESET_REQUIRED = 16
"""NVML_ERROR_RESET_REQUIRED."""
LOST = "It has fallen off the bus: power, temperature, seating or the card itself."

STUCK = "It met an error of its hardware and takes no work until it has been reset."
WHY = {GPU_IS_LOST: LOST, RESET_REQUIRED: STUCK}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        if not device.error:
            continue
        yield Match(
            subject=f"GPU {device.index}",
            params={"gpu": device.title, "index": str(device.index), "error": device.error},
            why=WHY.get(device.code or 0),
            evidence=(
                facts.evidence(F.GPU_DEVICES, f"GPU {device.index}: {device.error}"),
                *_xids(facts, device),
            ),
            fixes=(_fix(device),),
        )


def _xids(facts: Facts, device: F.GpuDevice) -> Iterator[Evidence]:
    for line in facts.value(F.KERNEL_LOG) or ():
        if line.kind == "xid" and line.bus_id == address_of(device):
            yield facts.evidence(F.KERNEL_LOG, line.text)


def _fix(device: F.GpuDevice) -> Fix:
    if device.code == RESET_REQUIRED:
        return reset(device, "End every program on it, then reset it; if that fails, reboot.")
    return reboot(
        "Look for NVRM and Xid lines in `dmesg`, then reboot; if it comes back, the card, its slot "
        "or its power supply needs care."
    )


RULE = Rule(
    code="GPU301",
    slug="gpu-does-not-answer",
    layer="gpu",
    severity="error",
    title="The driver lists GPU {index} and gets no answer from it: {error}",
    why="A program that opens it fails or hangs, and one that opens all GPUs does too.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    explains=("DRV119", "SMK102", "SMK103", "SMK2"),
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "GPU 1",
            gpu__devices=[
                {"index": 0, "name": "NVIDIA GeForce RTX 3080", "compute_capability": "8.6"},
                {"index": 1, "error": "GPU is lost", "code": 15},
            ],
        ),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
