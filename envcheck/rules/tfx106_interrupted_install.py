"""Folders that an interrupted pip left behind."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import remove_steps
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    paths = facts.value(F.TARGET_LEFTOVERS) or ()
    if not paths:
        return
    yield Match(
        subject="leftovers",
        params={"count": str(len(paths)), "example": paths[0]},
        evidence=tuple(facts.evidence(F.TARGET_LEFTOVERS, path, path) for path in paths[:5]),
        fixes=(Fix("remove-leftovers", "review", remove_steps(facts, *paths)),),
    )


RULE = Rule(
    code="TFX106",
    slug="interrupted-install",
    layer="tensorflow",
    severity="warning",
    title="An interrupted pip left {example} behind ({count} in all)",
    why="pip renames what it replaces to a name that begins with ~ and deletes it at the end. "
    "Nothing imports these; they take up room, and every pip command warns of them.",
    needs=(F.TARGET_LEFTOVERS,),
    judge=judge,
    cases=(
        fires("linux-none-tf221", "leftovers", target__leftovers=["/v/~ensorflow"]),
        silent("linux-none-tf221"),
    ),
)
