"""This TensorFlow has no GPU support on this operating system or architecture."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "os")[:1]:
        yield Match(
            subject="os",
            params={"tensorflow": facts.value(F.TF_VERSION) or "", "reason": reason.text},
            evidence=(facts.evidence(F.SYSTEM_OS), facts.evidence(F.TF_VERSION)),
            rows=reason.source,
            fixes=tuple(_fixes(facts)),
        )


def _fixes(facts: Facts) -> Iterator[Fix]:
    if facts.value(F.SYSTEM_OS) == "windows":
        note = "Install WSL2 and run TensorFlow inside it; there it finds the GPU of Windows."
        yield manual("use-wsl2", note, ("wsl.exe", "--install"))
        if (facts.value(F.TARGET_PYTHON) or "").startswith(("3.7.", "3.8.", "3.9.", "3.10.")):
            yield install(facts, "tensorflow<2.11", "numpy<2", safety="review")


RULE = Rule(
    code="SYS101",
    slug="platform-without-gpu",
    layer="tensorflow",
    severity="error",
    title="TensorFlow {tensorflow} has no GPU support on this system",
    why="{reason}",
    needs=(F.SYSTEM_OS, F.SYSTEM_ARCH, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=("TFX103", "SMK201"),
    gpu_only=True,
    cases=(
        fires("windows-rtx3060-tf211", "os"),
        silent(
            "windows-rtx3060-tf211", tensorflow__version="2.10.1", tensorflow__package="tensorflow"
        ),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-none-tf221"),
    ),
)
