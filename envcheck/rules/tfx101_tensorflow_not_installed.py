"""There is no TensorFlow in the environment that is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.fact(F.TF_IMPORT).state != "absent":
        return
    gpu = facts.value(F.DRIVER_RELEASE) and facts.value(F.SYSTEM_OS) in ("linux", "wsl2")
    yield Match(
        subject="tensorflow",
        params={"python": facts.value(F.TARGET_EXECUTABLE) or ""},
        evidence=(
            facts.evidence(F.TARGET_EXECUTABLE, source=facts.value(F.TARGET_CHOSEN) or ""),
            facts.evidence(F.TF_IMPORT),
        ),
        fixes=(install(facts, "tensorflow[and-cuda]" if gpu else "tensorflow"),),
    )


RULE = Rule(
    code="TFX101",
    slug="tensorflow-not-installed",
    layer="tensorflow",
    severity="error",
    title="TensorFlow is not installed in this environment",
    why="`import tensorflow` fails in {python}. If you did install it, it went into another "
    "environment: name that one with --python.",
    needs=(F.TF_IMPORT, F.TARGET_EXECUTABLE, F.SYSTEM_OS),
    judge=judge,
    explains=("KER", "SMK"),
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow",
            tensorflow__import=None,
            tensorflow__version=None,
            tensorflow__package=None,
        ),
        silent("linux-none-tf221"),
        silent("linux-none-tf221", tensorflow__import={"kind": "namespace", "folder": "/v"}),
    ),
)
