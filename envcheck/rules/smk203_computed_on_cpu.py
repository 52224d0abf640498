"""TensorFlow lists a GPU, and what was asked of it was computed on the CPU."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import DEVICE, evidence, next_step, said
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    for rung in result.failed(error=(DEVICE,)) if result else ():
        yield Match(
            subject=rung.name,
            params={"rung": rung.name, "said": said(rung)},
            evidence=tuple(evidence(facts, rung)),
            fixes=(next_step(facts, rung),),
        )


RULE = Rule(
    code="SMK203",
    slug="computed-on-cpu",
    layer="smoke",
    severity="error",
    title="TensorFlow lists a GPU and computes `{rung}` on the CPU: {said}",
    why="Where the GPU has no kernel for an operation, TensorFlow falls back to the CPU and says "
    "nothing. The device was read from the result itself.",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "train",
            smoke__result={
                "ended": "finished",
                "rungs": [
                    {
                        "name": "train",
                        "status": "failed",
                        "error_type": "WrongDevice",
                        "error_message": "the training was asked of GPU:0 and ran on CPU:0",
                    }
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
