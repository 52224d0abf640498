"""The driver does not support the CUDA that this TensorFlow was built with."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "driver")[:1]:
        wanted = (reason.wanted or "").lstrip(">=")
        yield Match(
            subject="driver",
            params={
                "driver": str(facts.value(F.DRIVER_RELEASE)),
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.DRIVER_RELEASE), facts.evidence(F.TF_CUDA)),
            rows=reason.source,
            fixes=(
                manual(
                    "update-driver",
                    "Install the NVIDIA driver {wanted} or newer "
                    "(https://www.nvidia.com/drivers), then reboot.",
                    root=True,
                    wanted=wanted,
                ),
            ),
        )


RULE = Rule(
    code="DRV103",
    slug="driver-too-old",
    layer="driver",
    severity="error",
    title="The NVIDIA driver {driver} is too old for TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.DRIVER_RELEASE, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA, F.SYSTEM_OS),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "driver", driver__release="470.82.01"),
        fires("linux-rtx3080-tf29-cuda116", "driver", driver__release="440.33.01"),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116", driver__release="610.12"),
        silent("linux-rtx3080-tf29-cuda116", driver__release=None),
    ),
)
