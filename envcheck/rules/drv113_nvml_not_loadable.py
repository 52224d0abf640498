"""The driver's module runs, and its library NVML cannot be loaded: code 12, told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import left_outside
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

MISSING = (
    "It is in none of the loader's folders: the driver's user-space packages are not all here."
)
OTHER_CLASS = "The file of that name is for another architecture (32-bit, or another processor)."
NEEDS = "The file is there, but something that it needs in turn is not: {text}"
BROKEN = "The file is there, but the loader refuses it: {text}"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    nvml = facts.value(F.DRIVER_NVML)
    if nvml is None or nvml.code is not None or nvml.status not in ("not-found", "error"):
        return
    missing = nvml.status == "not-found"
    if missing and (facts.value(F.DRIVER_KERNEL_MODULE) is None or left_outside(facts)):
        return
    works = (cuda := facts.value(F.DRIVER_CUDA_INIT)) is not None and cuda.status == "ok"
    version = facts.value(F.TF_VERSION)
    yield Match(
        subject="libnvidia-ml.so.1",
        params={"text": nvml.text},
        why=_why(nvml),
        severity="warning" if works and not _asks_nvml(version) else None,
        evidence=(facts.evidence(F.DRIVER_NVML, nvml.text or None),),
        fixes=(_fix(facts.value(F.SYSTEM_CONTAINER)),),
    )


def _asks_nvml(tensorflow: str | None) -> bool:
    """From 2.21 on TensorFlow lists no GPU, and says nothing, where NVML is absent."""
    numbers = re.match(r"(\d+)\.(\d+)", tensorflow or "")
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= (2, 21)


def _why(nvml: F.NvmlAnswer) -> str:
    if nvml.status == "not-found":
        return MISSING
    if "ELF" in nvml.text:
        return OTHER_CLASS
    return NEEDS if "cannot open shared object" in nvml.text else BROKEN


def _fix(container: str | None) -> Fix:
    if container:
        note = "Start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility, or `all`."
        return manual("add-capability", note)
    note = (
        "Install the user-space packages of the driver's own release (Ubuntu: libnvidia-compute-N "
        "and nvidia-utils-N), or install the driver again as a whole."
    )
    return manual("complete-driver", note, root=True)


RULE = Rule(
    code="DRV113",
    slug="nvml-not-loadable",
    layer="driver",
    severity="error",
    title="The driver's library libnvidia-ml.so.1 cannot be loaded",
    why="nvidia-smi and TensorFlow 2.21 ask it for the GPUs; without it they list none.",
    needs=(F.DRIVER_NVML, F.DRIVER_KERNEL_MODULE),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels", "libnvidia-ml.so.1", driver__nvml={"status": "not-found"}
        ),
        fires(
            "linux-rtx4090-tf220-wheels",
            "libnvidia-ml.so.1",
            driver__nvml={"status": "error", "text": "wrong ELF class: ELFCLASS32"},
        ),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
