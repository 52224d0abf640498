"""A GPU is expected, and the network was trained on the CPU."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import evidence, next_step
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    if result is None or not (result.ok or result.learned) or "GPU" in result.device:
        return
    trained = facts.evidence(F.SMOKE, f"the training step ran on {result.device}")
    unlisted = [item for rung in result.failed("gpu") for item in evidence(facts, rung)]
    yield Match(
        subject="smoke",
        params={"device": result.place},
        evidence=(trained, *unlisted),
        fixes=tuple(next_step(facts, rung) for rung in result.failed("gpu")[:1]),
    )


RULE = Rule(
    code="SMK201",
    slug="trained-on-cpu",
    layer="smoke",
    severity="error",
    title="The coffee network was trained on {device}, not on a GPU",
    why="TensorFlow works but lists no GPU, and it says nothing when that is so.",
    needs=(F.SMOKE,),
    judge=judge,
    gpu_only=True,
    cases=(
        fires("linux-none-tf221", "smoke"),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-none-tf29-mixed"),
    ),
)
