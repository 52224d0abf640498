"""A container on a machine with an NVIDIA GPU was started without it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, left_outside, start_with_gpu
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent

HIDES = (
    "NVIDIA_VISIBLE_DEVICES={devices!r} tells the NVIDIA Container Toolkit to bring in no GPU, so "
    "the driver's libraries and device files stay outside."
)
NO_GPU = ("", "void", "none")
"""Values by which the toolkit brings in no device (NVIDIA Container Toolkit, documentation)."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    container = facts.value(F.SYSTEM_CONTAINER)
    if container is None or not left_outside(facts):
        return
    asked = facts.value(F.GPU_CONTAINER_DEVICES)
    hides = asked is not None and asked.strip().lower() in NO_GPU
    yield Match(
        subject=container,
        params={"container": container, "devices": asked or ""},
        why=HIDES if hides else None,
        evidence=(
            facts.evidence(F.SYSTEM_CONTAINER),
            facts.evidence(F.DRIVER_FILES, "no /dev/nvidia*"),
            facts.evidence(F.GPU_CONTAINER_DEVICES),
        ),
        fixes=(start_with_gpu(container),),
    )


OUTSIDE = {
    "system__container": "docker",
    "driver__device_files": None,
    "driver__nvml": {"status": "not-found"},
}
RULE = Rule(
    code="DRV109",
    slug="container-without-gpu",
    layer="driver",
    severity="error",
    title="The GPU is on the host, but this {container} container was started without it",
    why="A container sees the driver's libraries and device files only where it is given them.",
    needs=(F.SYSTEM_CONTAINER, F.DRIVER_NVML, F.GPU_HARDWARE, F.DRIVER_FILES),
    judge=judge,
    explains=WITHOUT_GPU,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "docker", **OUTSIDE),
        fires("linux-rtx4090-tf220-wheels", "docker", gpu__container_devices="void", **OUTSIDE),
        fires(
            "linux-rtx4090-tf220-wheels",
            "kubernetes",
            **{**OUTSIDE, "system__container": "kubernetes"},
        ),
        silent("linux-rtx4090-tf220-wheels", system__container="docker"),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
