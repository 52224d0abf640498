"""The compiled loop does not run; a slower way to train did."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    if result is None or not (result.ok or result.learned):
        return
    for lost in result.lost_ways:
        yield Match(
            subject=lost.way,
            params={"lost": lost.way, "used": result.way, "said": lost.error.splitlines()[0]},
            evidence=(facts.evidence(F.SMOKE, f"{lost.way}: {lost.error}"),),
        )


RULE = Rule(
    code="SMK204",
    slug="slower-way-of-training",
    layer="smoke",
    severity="warning",
    title="Training by `{lost}` does not work, `{used}` does: {said}",
    why="xla-loop compiles with XLA, which needs libdevice.10.bc, ptxas and, in newer releases, "
    "nvlink of TensorFlow's CUDA release; graph-loop compiles nothing, fit is Keras' own trainer. "
    "Whatever uses jit_compile=True fails here in the same way.",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "xla-loop",
            smoke__result={
                "ended": "finished",
                "ok": True,
                "device": "GPU:0",
                "way": "graph-loop",
                "lost_ways": [
                    {"way": "xla-loop", "error": "InternalError: libdevice not found at ./libd"}
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
