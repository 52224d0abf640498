"""The Keras that would be imported is not one that this TensorFlow admits."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "keras")[:1]:
        found = facts.value(F.KERAS_IMPORT)
        yield Match(
            subject="keras",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "keras": facts.value(F.KERAS_VERSION) or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.KERAS_VERSION, source=found.file if found else ""),),
            rows=reason.source,
            fixes=(install(facts, f"keras{reason.wanted}"),) if reason.wanted else (),
        )


RULE = Rule(
    code="KER201",
    slug="keras-version-mismatch",
    layer="keras",
    severity="error",
    title="Keras {keras} does not fit TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.KERAS_VERSION, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=("SMK1",),
    signs=("keras", "Keras"),
    cases=(
        fires("linux-none-tf215-keras3", "keras"),
        fires("linux-none-tf29-mixed", "keras"),
        fires("linux-none-tf221", "keras", keras__version="2.15.0"),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
