"""An Intel Python on an Apple silicon Mac."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.value(F.SYSTEM_OS) != "macos" or facts.value(F.TARGET_MACHINE) != "x86_64":
        return
    if facts.value(F.SYSTEM_ARCH) != "arm64":
        return
    yield Match(
        subject="python",
        params={"python": facts.value(F.TARGET_EXECUTABLE) or ""},
        evidence=(facts.evidence(F.TARGET_MACHINE), facts.evidence(F.SYSTEM_ARCH)),
        fixes=(manual("native-python", "Install an arm64 Python and make a new environment."),),
    )


RULE = Rule(
    code="PYE105",
    slug="python-under-rosetta",
    layer="python",
    severity="error",
    title="{python} is an Intel Python that runs under Rosetta",
    why="It takes the Intel wheels of TensorFlow, which use AVX; Rosetta has none up to macOS 14, "
    "so the import dies with an illegal instruction.",
    needs=(F.SYSTEM_OS, F.SYSTEM_ARCH, F.TARGET_MACHINE),
    judge=judge,
    explains=("SMK", "TFX101"),
    cases=(
        fires(
            "linux-none-tf221",
            "python",
            system__os="macos",
            system__arch="arm64",
            target__machine="x86_64",
        ),
        silent("linux-none-tf221"),
    ),
)
