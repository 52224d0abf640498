"""The driver's library on the disk and the kernel module that is loaded differ."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

LIB_RM_VERSION_MISMATCH = 18
"""NVML_ERROR_LIB_RM_VERSION_MISMATCH in nvml.h."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    nvml = facts.value(F.DRIVER_NVML)
    module, library = facts.value(F.DRIVER_KERNEL_MODULE), facts.value(F.DRIVER_LIBRARY)
    if nvml is None or nvml.status == "ok":
        return  # a cuda-compat library may well be newer than the module
    told = nvml.code == LIB_RM_VERSION_MISMATCH
    if not told and (module is None or library is None or module == library):
        return
    yield Match(
        subject="driver",
        params={
            "module": str(module) if module else "of another release",
            "library": str(library) if library else "of another release",
        },
        evidence=(
            facts.evidence(F.DRIVER_KERNEL_MODULE),
            facts.evidence(F.DRIVER_LIBRARY),
            facts.evidence(F.DRIVER_NVML, nvml.text or None),
        ),
        fixes=(
            manual(
                "reboot",
                "Reboot: it loads the module that belongs to the new library. If that does not "
                "help, two driver packages are mixed: remove all of them and install one.",
                ("sudo", "reboot"),
                root=True,
            ),
        ),
    )


RULE = Rule(
    code="DRV102",
    slug="driver-library-mismatch",
    layer="driver",
    severity="error",
    title="The driver was updated, but the old kernel module {module} is still loaded",
    why="The driver's library is {library}. It refuses to talk to a kernel module of another "
    "release, so no program can open the GPU.",
    needs=(F.DRIVER_NVML, F.DRIVER_KERNEL_MODULE, F.DRIVER_LIBRARY),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
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
