"""The driver's library on the disk and the kernel module that is loaded differ."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import cuda_code, one_driver
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent

IN_CONTAINER = (
    "The kernel module is the host's; the library {library} is of another release, installed in "
    "the image or left from before the host's update. No program can open the GPU."
)
LIB_RM_VERSION_MISMATCH = 18
"""NVML_ERROR_LIB_RM_VERSION_MISMATCH in nvml.h."""
SYSTEM_DRIVER_MISMATCH = 803
"""CUDA_ERROR_SYSTEM_DRIVER_MISMATCH in cuda.h."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    nvml = facts.value(F.DRIVER_NVML)
    module, library = facts.value(F.DRIVER_KERNEL_MODULE), facts.value(F.DRIVER_LIBRARY)
    if nvml is None or facts.value(F.SYSTEM_OS) == "wsl2":
        return
    told = nvml.code == LIB_RM_VERSION_MISMATCH or cuda_code(facts) == SYSTEM_DRIVER_MISMATCH
    if nvml.status == "ok" and not told:
        return  # a cuda-compat library may well be newer than the module
    if not told and (module is None or library is None or module == library):
        return
    inside = facts.value(F.SYSTEM_CONTAINER) is not None
    yield Match(
        subject="driver",
        params={
            "module": str(module) if module else "not known",
            "library": str(library) if library else "not known",
        },
        why=IN_CONTAINER if inside else None,
        evidence=(
            facts.evidence(F.DRIVER_KERNEL_MODULE),
            facts.evidence(F.DRIVER_LIBRARY),
            facts.evidence(F.DRIVER_NVML, nvml.text or None),
        ),
        fixes=(one_driver(inside, module, library),),
    )


RULE = Rule(
    code="DRV102",
    slug="driver-library-mismatch",
    layer="driver",
    severity="error",
    title="The driver's library ({library}) and its kernel module ({module}) are of two releases",
    why="The driver was updated, and the old module is still loaded, or two drivers are mixed. The "
    "library refuses to talk to a module of another release, so no program can open the GPU.",
    needs=(F.DRIVER_NVML, F.DRIVER_KERNEL_MODULE),
    judge=judge,
    explains=("DRV119", "GPU", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "driver",
            driver__library="535.183.01",
            driver__nvml={"status": "error", "code": 18, "text": "Driver/library mismatch"},
            gpu__devices=None,
        ),
        fires(
            "linux-rtx3080-tf29-cuda116",
            "driver",
            driver__library=None,
            driver__kernel_module=None,
            driver__nvml={"status": "error", "code": 18, "text": "Driver/library mismatch"},
        ),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-rtx3080-tf29-cuda116", driver__library="535.183.01"),
        silent("linux-none-tf221"),
    ),
)
