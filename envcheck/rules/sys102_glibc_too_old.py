"""The C library is older than this TensorFlow's wheel needs."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "glibc")[:1]:
        yield Match(
            subject="glibc",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "glibc": facts.value(F.TARGET_GLIBC) or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.TARGET_GLIBC), facts.evidence(F.SYSTEM_DISTRIBUTION)),
            rows=reason.source,
            fixes=(
                manual(
                    "newer-system",
                    "Use a newer distribution or a container, or an older TensorFlow.",
                ),
            ),
        )


RULE = Rule(
    code="SYS102",
    slug="glibc-too-old",
    layer="tensorflow",
    severity="error",
    title="This system's C library {glibc} is too old for TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.TARGET_GLIBC, F.TF_VERSION, F.TF_PACKAGE, F.SYSTEM_OS, F.SYSTEM_ARCH),
    judge=judge,
    explains=("SMK1",),
    cases=(
        fires("linux-none-tf221", "glibc", target__glibc="2.17"),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116", target__glibc="2.17"),
    ),
)
