"""A step ran to its end, and its numbers are not those of the reference."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import NUMBERS, evidence, next_step, said
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    for rung in result.failed(error=(NUMBERS,)) if result else ():
        yield Match(
            subject=rung.name,
            params={"rung": rung.name, "library": rung.library, "said": said(rung)},
            evidence=tuple(evidence(facts, rung)),
            fixes=(next_step(facts, rung),),
        )


RULE = Rule(
    code="SMK301",
    slug="computes-wrongly",
    layer="smoke",
    severity="error",
    title="Wrong numbers in the step `{rung}` ({library}): {said}",
    why="The same computation was done in numpy with 64 bits. The tolerance leaves room for TF32 "
    "and another order of additions; this is more, or not a number at all. Do not trust results "
    "of this machine before it is found: a library that does not fit the GPU, unstable clocks, "
    "faulty memory (`nvidia-smi -q -d ECC`).",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "fft",
            smoke__result={
                "ended": "finished",
                "rungs": [
                    {
                        "name": "fft",
                        "status": "failed",
                        "library": "cuFFT",
                        "error_type": "WrongNumbers",
                        "error_message": "the Fourier transform is off by nan from the float64 "
                        "reference, 0.0001 is allowed",
                    }
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
