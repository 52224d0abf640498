"""The process that imports TensorFlow and trains does not live to the end."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.ladder import evidence, next_step
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent

SILENT = (
    "It ended without a result, as if something had called exit() in the middle: a package that "
    "does so at import, or a child that was ended from outside."
)
GARBLED = (
    "The program that ran there ships with envcheck and prints one document. Something in the "
    "target's environment replaced it or printed in its place."
)
HUNG = "It was ended at the deadline. A deadline of its own can be set with --smoke-timeout."
WHY = {"silent": SILENT, "timeout": HUNG, "garbled": GARBLED}
GONE = {
    "Hung": "It did not come back within the time that this step gets, and was ended.",
    "Died": "A crash there is a fault of {library}, of the driver's, or the machine's: an illegal "
    "instruction (a CPU without AVX), a clash of two libraries, or too little memory.",
}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    if result is None:
        return
    for rung in result.failed(error=tuple(GONE)):
        how = rung.error_message
        how = how if how.startswith("exited") else f"was {how}"
        yield Match(
            subject=rung.name,
            params={"rung": rung.name, "how": how, "library": rung.library},
            why=GONE[rung.error_type],
            evidence=tuple(evidence(facts, rung)),
            fixes=(next_step(facts, rung),),
        )
    if result.ended == "finished":
        return
    kind = "Hung" if result.ended == "timeout" else "Died"
    tail = " | ".join(result.stderr_tail.splitlines()[-6:]) or "it wrote nothing to stderr"
    yield Match(
        subject=result.rung,
        params={"rung": result.rung, "how": result.describe},
        why=WHY.get(result.ended),
        evidence=(facts.evidence(F.SMOKE, tail, "stderr of the child"),),
        fixes=(next_step(facts, F.SmokeRung(result.rung, "failed", error_type=kind)),),
    )


RULE = Rule(
    code="SMK102",
    slug="child-died",
    layer="smoke",
    severity="error",
    title="The coffee network's process {how} in the step `{rung}`",
    why="A crash there is one of TensorFlow's own libraries, the driver's, or the machine's: an "
    "illegal instruction (a CPU without AVX), a clash of two libraries, or too little memory.",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "import",
            smoke__result={
                "ended": "signal",
                "rung": "import",
                "describe": "was killed by SIGILL",
                "stderr_tail": "coffee-smoke: import ...",
            },
        ),
        fires(
            "linux-none-tf221",
            "train",
            smoke__result={"ended": "timeout", "rung": "train", "describe": "did not answer"},
        ),
        fires(
            "linux-none-tf221",
            "fft",
            smoke__result={
                "ended": "finished",
                "rungs": [
                    {
                        "name": "fft",
                        "status": "failed",
                        "error_type": "Died",
                        "error_message": "killed by SIGSEGV",
                        "library": "cuFFT",
                    }
                ],
            },
        ),
        silent("linux-none-tf221"),
        silent("linux-none-tf215-keras3"),
    ),
)
