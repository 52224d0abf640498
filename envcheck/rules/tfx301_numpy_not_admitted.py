"""The installed numpy cannot be loaded by this TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "numpy")[:1]:
        yield Match(
            subject="numpy",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "numpy": facts.value(F.NUMPY_VERSION) or "",
                "wanted": reason.wanted or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.NUMPY_VERSION),),
            rows=reason.source,
            fixes=(install(facts, f"numpy{reason.wanted}"),) if reason.wanted else (),
        )


RULE = Rule(
    code="TFX301",
    slug="numpy-not-admitted",
    layer="tensorflow",
    severity="error",
    title="numpy {numpy} does not fit TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.NUMPY_VERSION, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=("SMK1",),
    signs=("numpy", "NumPy", "_ARRAY_API"),
    cases=(
        fires("linux-none-tf29-mixed", "numpy"),
        fires("linux-rtx3080-tf29-cuda116", "numpy", numpy__version="2.0.2"),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-none-tf221"),
    ),
)
