"""CUDA_VISIBLE_DEVICES lists a GPU that is not there, and CUDA stops reading at it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import listed
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

NAME = "CUDA_VISIBLE_DEVICES"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    visible, devices = facts.value(F.GPU_VISIBLE_DEVICES), facts.value(F.GPU_DEVICES)
    if visible is None or not devices:
        return
    count, stopped = listed(visible, devices)
    # -1 ends the list on purpose; where nothing is left, all GPUs are hidden (GPU102).
    if stopped is None or not count or stopped == "-1":
        return
    yield Match(
        subject=NAME,
        params={"value": visible, "entry": stopped, "count": str(count), "all": str(len(devices))},
        evidence=(
            facts.evidence(F.GPU_VISIBLE_DEVICES, repr(visible)),
            facts.evidence(F.GPU_DEVICES, f"{len(devices)} GPUs"),
        ),
        fixes=(
            manual(
                "list-existing",
                "List GPUs that exist; `nvidia-smi -L` names them, counted from 0:",
                ("nvidia-smi", "-L"),
            ),
        ),
    )


RULE = Rule(
    code="GPU103",
    slug="listed-gpu-not-there",
    layer="gpu",
    severity="warning",
    title="CUDA_VISIBLE_DEVICES={value!r} names {entry}, which is not there: {count} of {all} "
    "GPUs left",
    why="CUDA stops reading the list at the first entry that names no GPU and ignores the rest.",
    needs=(F.GPU_VISIBLE_DEVICES, F.GPU_DEVICES),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", NAME, gpu__visible_devices="0,1"),
        silent("linux-rtx4090-tf220-wheels", gpu__visible_devices="0"),
        silent("linux-rtx4090-tf220-wheels", gpu__visible_devices="0,-1"),
        silent("linux-rtx4090-tf220-wheels", gpu__visible_devices="1,0"),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
