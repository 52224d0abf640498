"""A 32-bit Python: no TensorFlow was built for it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.value(F.TARGET_BITS) != 32:
        return
    yield Match(
        subject="python",
        params={"python": facts.value(F.TARGET_PYTHON) or ""},
        evidence=(facts.evidence(F.TARGET_BITS),),
        fixes=(manual("python-64", "Install the 64-bit Python and make a new environment of it."),),
    )


RULE = Rule(
    code="PYE103",
    slug="python-is-32-bit",
    layer="python",
    severity="error",
    title="This Python {python} is a 32-bit one",
    why="TensorFlow has wheels for 64-bit Python only. On Windows the default download was the "
    "32-bit one up to Python 3.8.",
    needs=(F.TARGET_BITS,),
    judge=judge,
    explains=("TFX101", "PYE101", "SMK"),
    cases=(
        fires("windows-rtx3060-tf211", "python", target__bits=32),
        silent("windows-rtx3060-tf211"),
    ),
)
