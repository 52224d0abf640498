"""tf-keras goes with the TensorFlow of its own number only."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install_beside
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    if facts.value(F.TF_KERAS_VERSION) is None:
        return
    used = (facts.value(F.TARGET_VARIABLES) or {}).get("TF_USE_LEGACY_KERAS") in LEGACY
    for reason in refusals(facts, matrix, "tf-keras")[:1]:
        yield Match(
            subject="tf-keras",
            severity="error" if used else "warning",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "tf_keras": facts.value(F.TF_KERAS_VERSION) or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.TF_KERAS_VERSION),),
            rows=reason.source,
            fixes=(install_beside(facts, f"tf-keras{reason.wanted}"),) if reason.wanted else (),
        )


LEGACY = ("1", "true", "True")
RULE = Rule(
    code="KER202",
    slug="tf-keras-of-another-minor",
    layer="keras",
    severity="warning",
    title="tf-keras {tf_keras} does not go with TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.TF_KERAS_VERSION, F.TF_VERSION, F.TF_PACKAGE, F.TARGET_VARIABLES),
    judge=judge,
    explains=("SMK1", "TFX304"),
    signs=("tf-keras", "tf_keras"),
    cases=(
        fires("linux-none-tf221", "tf-keras", tf_keras__version="2.16.0"),
        silent("linux-none-tf221", tf_keras__version="2.21.0"),
        silent("linux-none-tf221"),
    ),
)
