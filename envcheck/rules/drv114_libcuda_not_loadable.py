"""The driver answers, and libcuda, which CUDA programs open, cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import left_outside
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, not_applicable
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

BROKEN = "A file of that name is there, but the loader refuses it: {text}"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.value(F.DRIVER_RELEASE) is None or facts.value(F.DRIVER_LIBCUDA) is not None:
        return
    if left_outside(facts):
        return
    answer = facts.value(F.DRIVER_CUDA_INIT)
    yield Match(
        subject="libcuda.so.1",
        params={"text": answer.name if answer else ""},
        why=BROKEN if answer else None,
        evidence=(
            facts.evidence(F.DRIVER_LIBCUDA, answer.name if answer else None),
            facts.evidence(F.GPU_CONTAINER_CAPABILITIES),
        ),
        fixes=(_fix(facts.value(F.SYSTEM_CONTAINER), facts.value(F.SYSTEM_OS) == "wsl2"),),
    )


def _fix(container: str | None, wsl: bool) -> Fix:
    if container:
        note = "Start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility, or `all`."
        return manual("add-capability", note)
    if wsl:
        note = "Let the loader find it: its folder belongs into ld.so.conf, and the cache renewed."
        step = ("export", "LD_LIBRARY_PATH=/usr/lib/wsl/lib")
        return manual("name-wsl-folder", note, step)
    note = (
        "Install libcuda of the driver's own release (Ubuntu: libnvidia-compute-N of the same N; "
        "the 64-bit one), or install the driver again as a whole."
    )
    return manual("complete-driver", note, root=True)


UTILITY = {"driver__libcuda": None, "driver__cuda_init": None}
RULE = Rule(
    code="DRV114",
    slug="libcuda-not-loadable",
    layer="driver",
    severity="error",
    title="The driver runs, but its library libcuda.so.1 cannot be loaded",
    why="nvidia-smi works without it, and no CUDA program does. In a container the capability "
    "`compute` brings it in; outside, the driver's compute package does.",
    needs=(F.DRIVER_RELEASE, F.DRIVER_LIBCUDA, F.SYSTEM_OS),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "libcuda.so.1", **UTILITY),
        fires(
            "linux-rtx4090-tf220-wheels",
            "libcuda.so.1",
            system__container="docker",
            gpu__container_capabilities="utility",
            **UTILITY,
        ),
        fires("linux-rtx4090-tf220-wheels", "libcuda.so.1", system__os="wsl2", **UTILITY),
        silent("linux-rtx4090-tf220-wheels", driver__libcuda=not_applicable("Windows")),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
