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
    smoke = facts.value(F.SMOKE)
    rung = smoke.failed_rung() if smoke else None
    # A neighbouring minor was seen to train (tf-keras 2.17 on TensorFlow 2.16).
    breaks = rung is not None and "tf_keras" in rung.error_message + rung.traceback
    for reason in refusals(facts, matrix, "tf-keras")[:1]:
        yield Match(
            subject="tf-keras",
            severity="error" if breaks else "warning",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "tf_keras": facts.value(F.TF_KERAS_VERSION) or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.TF_KERAS_VERSION),),
            rows=reason.source,
            fixes=(install_beside(facts, f"tf-keras{reason.wanted}"),) if reason.wanted else (),
        )


RULE = Rule(
    code="KER202",
    slug="tf-keras-of-another-minor",
    layer="keras",
    severity="warning",
    title="tf-keras {tf_keras} does not go with TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.TF_KERAS_VERSION, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=("SMK1", "TFX304"),
    signs=("tf-keras", "tf_keras"),
    cases=(
        fires("linux-none-tf221", "tf-keras", tf_keras__version="2.16.0"),
        silent("linux-none-tf221", tf_keras__version="2.21.0"),
        silent("linux-none-tf221"),
    ),
)
