"""TensorFlow imports, and one step after it raises or gives a wrong result."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    rung = result.failed_rung() if result else None
    if rung is None or rung.name == "import":
        return
    message = (rung.error_message or rung.detail).strip().splitlines() or ["without a message"]
    said = f"{rung.error_type}: {message[0]}" if rung.error_type else message[0]
    yield Match(
        subject=rung.name,
        params={"rung": rung.name, "said": said[:300]},
        evidence=(
            facts.evidence(F.SMOKE, said),
            facts.evidence(F.SMOKE, " | ".join(rung.traceback.splitlines()[-6:]) or rung.detail),
        ),
    )


RULE = Rule(
    code="SMK103",
    slug="rung-fails",
    layer="smoke",
    severity="error",
    title="The coffee network fails in the step `{rung}`: {said}",
    why="The same few lines train everywhere where TensorFlow works: import, devices, a forward "
    "pass with known weights, training, and the decision on two beans.",
    needs=(F.SMOKE,),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "train",
            smoke__result={
                "ended": "finished",
                "rungs": [
                    {"name": "import", "status": "passed"},
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
