"""A step found no room on the card, and NVML says who holds it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import MEMORY_SIGNS, said, short_of_memory
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent

NOBODY = "a process that NVML does not name (of another container, or of another user)"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    if result is None or not result.gpu_memory:
        return
    short = next((rung for rung in result.failed() if short_of_memory(rung)), None)
    if short is None:
        return
    # The fullest card: which one was meant, the message seldom says.
    card = min(result.gpu_memory, key=lambda row: row.free_mib / max(row.total_mib, 1))
    holders = ", ".join(card.processes[:5]) or NOBODY
    free = f"GPU {card.gpu}: {card.free_mib} of {card.total_mib} MiB are free"
    yield Match(
        subject=f"GPU {card.gpu}",
        params={
            "holders": holders,
            "free": str(card.free_mib),
            "total": str(card.total_mib),
            "rung": short.name,
        },
        evidence=(
            facts.evidence(F.SMOKE, f"{free}, held by {holders}", "NVML"),
            facts.evidence(F.SMOKE, f"{short.name}: {said(short)}"),
        ),
    )


RULE = Rule(
    code="SMK302",
    slug="gpu-memory-held",
    layer="smoke",
    severity="error",
    title="No room on the GPU for the step `{rung}`: {free} of {total} MiB are free, memory held "
    "by {holders}",
    why="The test itself takes little: TensorFlow is told to grow as it needs. By default a "
    "TensorFlow program takes the whole card when it starts, and keeps it while it lives.",
    needs=(F.SMOKE,),
    judge=judge,
    gpu_only=True,
    explains=("SMK102", "SMK103", "SMK202"),
    signs=MEMORY_SIGNS,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "GPU 0",
            smoke__result={
                "ended": "finished",
                "gpu_memory": [
                    {
                        "gpu": 0,
                        "total_mib": 10240,
                        "free_mib": 61,
                        "processes": ["PID 4242 (9900 MiB)"],
                    }
                ],
                "rungs": [
                    {
                        "name": "context",
                        "status": "failed",
                        "error_type": "Wrong",
                        "error_message": "cuDevicePrimaryCtxRetain answers "
                        "CUDA_ERROR_OUT_OF_MEMORY (2): out of memory",
                    }
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
