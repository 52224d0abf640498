"""CUDA_VISIBLE_DEVICES hides every GPU from the program."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

NAME = "CUDA_VISIBLE_DEVICES"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    visible, devices = facts.value(F.GPU_VISIBLE_DEVICES), facts.value(F.GPU_DEVICES)
    if visible is None or devices is None or _first_visible(visible, len(devices)):
        return
    windows = facts.value(F.SYSTEM_OS) == "windows"
    unset = ("Remove-Item", "Env:CUDA_VISIBLE_DEVICES") if windows else ("unset", NAME)
    yield Match(
        subject=NAME,
        params={"value": visible, "count": str(len(devices))},
        evidence=(facts.evidence(F.GPU_VISIBLE_DEVICES, repr(visible)),),
        fixes=(
            manual(
                "unset-variable",
                "Unset it in this shell, and find the profile, IDE or job that sets it.",
                unset,
            ),
        ),
    )


def _first_visible(visible: str, count: int) -> bool:
    """CUDA stops reading the list at the first entry that names no device."""
    first = visible.split(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return True
    return first.isdigit() and int(first) < count


RULE = Rule(
    code="GPU102",
    slug="gpus-hidden",
    layer="gpu",
    severity="error",
    title="CUDA_VISIBLE_DEVICES={value!r} hides all {count} GPUs",
    why="CUDA programs see only the devices that this variable lists; the driver sees them all.",
    needs=(F.GPU_VISIBLE_DEVICES, F.GPU_DEVICES),
    judge=judge,
    explains=(
        "SMK201",
        "SMK202",
    ),
    cases=(
        fires("linux-rtx3080-tf29-cuda116", "CUDA_VISIBLE_DEVICES", gpu__visible_devices="-1"),
        fires("linux-rtx3080-tf29-cuda116", "CUDA_VISIBLE_DEVICES", gpu__visible_devices=""),
        fires("linux-rtx3080-tf29-cuda116", "CUDA_VISIBLE_DEVICES", gpu__visible_devices="1,0"),
        silent("linux-rtx3080-tf29-cuda116", gpu__visible_devices="0"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
