"""A step that only a GPU has: the driver, a context, the CUDA runtime, several GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import GPU_ONLY, OWN_RULES, evidence, next_step, said
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent

WHY = {
    "driver": "No framework was involved: the driver's own library was opened and asked to start.",
    "context": "The driver starts, and a GPU gave no context or did not give its memory back as "
    "it was: another program holds it, its compute mode forbids it, or it is faulty.",
    "runtime": "The driver works, and the CUDA runtime of this TensorFlow's release does not.",
    "speed": "It computes, and the time of a large product, there or on the CPU, cannot be taken.",
}
NCCL = "Each GPU works alone; together they do not: NCCL, or the links between the GPUs."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    for rung in result.failed(*GPU_ONLY) if result else ():
        if rung.error_type in OWN_RULES:
            continue
        yield Match(
            subject=rung.name,
            params={"rung": rung.name, "library": rung.library, "said": said(rung)[:300]},
            why=WHY.get(rung.name, NCCL),
            evidence=tuple(evidence(facts, rung)),
            fixes=(next_step(facts, rung),),
        )


RULE = Rule(
    code="SMK202",
    slug="gpu-step-fails",
    layer="smoke",
    severity="error",
    title="The GPU fails in the step `{rung}` ({library}): {said}",
    why=NCCL,
    needs=(F.SMOKE,),
    judge=judge,
    gpu_only=True,
    cases=(
        fires(
            "linux-none-tf221",
            "context",
            smoke__result={
                "ended": "finished",
                "rungs": [
                    {"name": "driver", "status": "passed"},
                    {
                        "name": "context",
                        "status": "failed",
                        "error_type": "Wrong",
                        "error_message": "cuDevicePrimaryCtxRetain answers "
                        "CUDA_ERROR_DEVICE_UNAVAILABLE (46): CUDA-capable device(s) is/are busy",
                        "library": "NVIDIA driver (libcuda)",
                    },
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
