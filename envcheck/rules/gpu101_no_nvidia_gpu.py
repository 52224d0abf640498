"""A GPU is expected, and this machine has none that NVIDIA made."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

OF_A_GPU = ("gpus", "gpu", "compute-capability", "driver")


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.value(F.GPU_HARDWARE) or facts.value(F.GPU_DEVICES):
        return
    # A driver may be installed and find no card.
    release, devices = facts.value(F.DRIVER_RELEASE), facts.fact(F.GPU_DEVICES)
    if release is not None and devices.state != "absent":
        return
    yield Match(
        subject="gpu",
        evidence=(facts.evidence(F.GPU_HARDWARE), facts.evidence(F.DRIVER_RELEASE)),
        fixes=(_fix(facts),),
    )


def _fix(facts: Facts) -> Fix:
    for demand in facts.value(F.POLICY_REQUIRE) or ():
        if demand.key in OF_A_GPU:
            note = "Use a machine or a job with a GPU: {where} requires one."
            return manual("other-machine", note, where=f"{demand.file}:{demand.line}")
    if facts.value(F.TARGET_CHOSEN) == F.BY_ITSELF:
        note = "Use a machine or a job with a GPU. If this one is meant to have none, say so in "
        note += 'the call or in the policy: expect = "cpu"'
        return manual("expect-cpu", note)
    python = facts.value(F.TARGET_EXECUTABLE)
    given = ("--python", python) if python and facts.value(F.TARGET_CHOSEN) == "--python" else ()
    return manual(
        "expect-cpu",
        "Use a machine or a job with a GPU. If this one is meant to have none, say so:",
        ("envcheck", "--expect", "cpu", *given),
    )


RULE = Rule(
    code="GPU101",
    slug="no-nvidia-gpu",
    layer="gpu",
    severity="error",
    title="This machine has no NVIDIA GPU",
    why="No device of NVIDIA is on the PCI bus and no driver lists one: "
    "TensorFlow runs on the CPU.",
    needs=(F.GPU_HARDWARE, F.DRIVER_RELEASE),
    judge=judge,
    explains=("SMK201", "SMK202", "POL101 gpu", "POL101 compute-capability", "POL101 driver"),
    cases=(
        fires("linux-none-tf221", "gpu"),
        fires("linux-none-tf221", "gpu", target__chosen=F.BY_ITSELF),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-rtx3080-tf29-cuda116", driver__release=None),
        fires("linux-rtx3080-tf29-cuda116", "gpu", gpu__hardware=None, gpu__devices=None),
        silent("linux-rtx3080-tf29-cuda116", gpu__hardware=None),
    ),
)
