"""TensorFlow imports, and one step after it raises or gives a wrong result."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import GPU_ONLY, OWN_RULES, evidence, next_step, said
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    for rung in result.failed() if result else ():
        if rung.name in ("import", "gpu", *GPU_ONLY) or rung.error_type in OWN_RULES:
            continue
        yield Match(
            subject=rung.name,
            params={"rung": rung.name, "library": rung.library, "said": said(rung)[:300]},
            evidence=tuple(evidence(facts, rung)),
            fixes=(next_step(facts, rung),),
        )


RULE = Rule(
    code="SMK103",
    slug="rung-fails",
    layer="smoke",
    severity="error",
    title="The coffee network fails in the step `{rung}`: {said}",
    why="The same few lines run everywhere where TensorFlow works: import, devices, one operation "
    "for each library of the GPU, a forward pass, training, and the decision on two beans.",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "conv2d",
            "train",
            smoke__result={
                "ended": "finished",
                "rungs": [
                    {"name": "import", "status": "passed"},
                    {
                        "name": "conv2d",
                        "status": "failed",
                        "error_type": "UnimplementedError",
                        "error_message": "DNN library is not found.",
                        "library": "cuDNN",
                        "log": "E Could not create cudnn handle: CUDNN_STATUS_NOT_INITIALIZED",
                    },
                    {
                        "name": "train",
                        "status": "failed",
                        "error_type": "InternalError",
                        "error_message": "libdevice not found at ./libdevice.10.bc",
                    },
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-none-tf215-keras3"),
    ),
)
