"""CUDA_VISIBLE_DEVICES hides every GPU from the program."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import listed
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

NAME = "CUDA_VISIBLE_DEVICES"
SCHEDULER = "Slurm sets it so for a job that asked for no GPU: ask for one with --gres=gpu:1."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    visible, devices = facts.value(F.GPU_VISIBLE_DEVICES), facts.value(F.GPU_DEVICES)
    if visible is None or devices is None or listed(visible, devices)[0]:
        return
    windows = facts.value(F.SYSTEM_OS) == "windows"
    unset = ("Remove-Item", "Env:CUDA_VISIBLE_DEVICES") if windows else ("unset", NAME)
    yield Match(
        subject=NAME,
        params={"value": visible, "count": str(len(devices))},
        why=SCHEDULER if visible == "NoDevFiles" else None,
        evidence=(facts.evidence(F.GPU_VISIBLE_DEVICES, repr(visible)),),
        fixes=(
            manual(
                "unset-variable",
                "Unset it in this shell, and find the profile, IDE or job that sets it.",
                unset,
            ),
        ),
    )


RULE = Rule(
    code="GPU102",
    slug="gpus-hidden",
    layer="gpu",
    severity="error",
    title="CUDA_VISIBLE_DEVICES={value!r} hides every GPU ({count})",
    why="CUDA programs see only the devices that this variable lists; the driver sees them all.",
    needs=(F.GPU_VISIBLE_DEVICES, F.GPU_DEVICES),
    judge=judge,
    explains=("DRV119", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx3080-tf29-cuda116", "CUDA_VISIBLE_DEVICES", gpu__visible_devices="-1"),
        fires("linux-rtx3080-tf29-cuda116", "CUDA_VISIBLE_DEVICES", gpu__visible_devices=""),
        fires("linux-rtx3080-tf29-cuda116", "CUDA_VISIBLE_DEVICES", gpu__visible_devices="1,0"),
        fires("linux-rtx3080-tf29-cuda116", NAME, gpu__visible_devices="NoDevFiles"),
        fires("linux-rtx3080-tf29-cuda116", NAME, gpu__visible_devices="GPU-0f0f"),
        fires("linux-rtx3080-tf29-cuda116", NAME, gpu__visible_devices="MIG-GPU-8f2a"),
        silent("linux-rtx3080-tf29-cuda116", gpu__visible_devices="GPU-8f2a"),
        silent("linux-rtx3080-tf29-cuda116", gpu__visible_devices="0"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
