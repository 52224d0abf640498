"""The GPU computes, and takes longer than the CPU for work that it is made for."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    seconds = result.product_seconds if result else None
    if seconds is None or seconds.gpu < seconds.cpu:
        return
    shown = {"gpu": f"{seconds.gpu * 1000:.1f}", "cpu": f"{seconds.cpu * 1000:.1f}"}
    told = "a product of 2048 x 2048: {gpu} ms on the GPU, {cpu} ms on the CPU".format(**shown)
    yield Match(subject="GPU:0", params=shown, evidence=(facts.evidence(F.SMOKE, told),))


RULE = Rule(
    code="SMK205",
    slug="gpu-slower-than-cpu",
    layer="smoke",
    severity="warning",
    title="The GPU takes {gpu} ms for a large matrix product, the CPU {cpu} ms",
    why="For the coffee network itself a GPU is slower, as expected: a step has 13 parameters. A "
    "large product is what it is made for: another program uses it, its clock is held down, or "
    "its link is slow.",
    needs=(F.SMOKE,),
    judge=judge,
    gpu_only=True,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "GPU:0",
            smoke__result={
                "ended": "finished",
                "ok": True,
                "device": "GPU:0",
                "product_seconds": {"gpu": 0.31, "cpu": 0.12},
            },
        ),
        silent(
            "linux-rtx3080-tf29-cuda116",
            smoke__result={
                "ended": "finished",
                "ok": True,
                "device": "GPU:0",
                "product_seconds": {"gpu": 0.002, "cpu": 0.12},
            },
        ),
        silent("linux-none-tf221"),
    ),
)
