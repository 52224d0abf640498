"""This TensorFlow was not built for this Python."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "python")[:1]:
        wanted = reason.wanted or ""
        yield Match(
            subject="python",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "python": facts.value(F.TARGET_PYTHON) or "",
                "reason": reason.text,
            },
            evidence=(
                facts.evidence(F.TARGET_PYTHON, source=facts.value(F.TARGET_EXECUTABLE) or ""),
                facts.evidence(F.TF_VERSION),
            ),
            rows=reason.source,
            fixes=(
                manual(
                    "other-python",
                    "Make a new environment with Python {wanted}, and install TensorFlow there.",
                    wanted=wanted,
                ),
            ),
        )


RULE = Rule(
    code="PYE101",
    slug="python-not-supported",
    layer="python",
    severity="error",
    title="TensorFlow {tensorflow} has no build for Python {python}",
    why="{reason}",
    needs=(F.TARGET_PYTHON, F.TF_VERSION, F.TF_PACKAGE, F.SYSTEM_OS, F.SYSTEM_ARCH),
    judge=judge,
    explains=("SMK1",),
    cases=(
        fires("linux-none-tf221", "python", target__python="3.14.0"),
        fires("linux-rtx3080-tf29-cuda116", "python", target__python="3.11.7"),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
