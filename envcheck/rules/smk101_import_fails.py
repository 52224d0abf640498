"""`import tensorflow` raises in the target."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import GONE, next_step
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    rung = next(iter(result.failed("import")), None) if result else None
    if rung is None or rung.name != "import" or rung.error_type in GONE:
        return
    lines = rung.error_message.strip().splitlines() or ["without a message"]
    yield Match(
        subject="tensorflow",
        params={"type": rung.error_type, "message": lines[0][:300]},
        evidence=(
            facts.evidence(F.SMOKE, f"{rung.error_type}: {lines[0]}"),
            facts.evidence(F.SMOKE, " | ".join(rung.traceback.splitlines()[-6:])),
        ),
        fixes=(next_step(facts, rung),),
    )


RULE = Rule(
    code="SMK101",
    slug="import-fails",
    layer="smoke",
    severity="error",
    title="`import tensorflow` fails: {type}: {message}",
    why="It was tried in a child process of the target's interpreter, from the current folder.",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires("linux-none-tf215-duplicate-keras", "tensorflow"),
        fires("linux-none-tf29-mixed", "tensorflow"),
        silent("linux-none-tf221"),
    ),
)
