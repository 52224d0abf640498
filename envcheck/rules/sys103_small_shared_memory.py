"""A container with several GPUs and Docker's 64 MiB of shared memory."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

ENOUGH_MIB = 1024


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    size, devices = facts.value(F.SYSTEM_SHM), facts.value(F.GPU_DEVICES) or ()
    if size is None or size >= ENOUGH_MIB or len(devices) < 2:
        return
    note = "Give it more when it is started (Kubernetes: an emptyDir with medium Memory):"
    step = ("docker", "run", "--gpus", "all", "--shm-size=8g", "IMAGE")
    yield Match(
        subject="/dev/shm",
        params={"size": str(size), "count": str(len(devices))},
        evidence=(facts.evidence(F.SYSTEM_SHM, f"{size} MiB"),),
        fixes=(manual("more-shared-memory", note, step),),
    )


TWO = [{"index": 0, "name": "Tesla T4"}, {"index": 1, "name": "Tesla T4"}]
RULE = Rule(
    code="SYS103",
    slug="small-shared-memory",
    layer="gpu",
    severity="info",
    title="This container has {size} MiB of shared memory for {count} GPUs",
    why="NCCL, which joins the GPUs for training, and loaders with several processes pass their "
    "data through /dev/shm, and fail when it is full.",
    needs=(F.SYSTEM_SHM, F.GPU_DEVICES),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "/dev/shm", system__shm_mib=64, gpu__devices=TWO),
        silent("linux-rtx4090-tf220-wheels", system__shm_mib=64),
        silent("linux-rtx4090-tf220-wheels", system__shm_mib=None, gpu__devices=TWO),
    ),
)
