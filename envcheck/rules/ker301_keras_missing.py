"""This TensorFlow needs the keras package, and there is none."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import pins
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, reinstall_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    wanted = pins(facts).get("keras")
    if wanted is None or facts.fact(F.KERAS_IMPORT).state != "absent":
        return
    yield Match(
        subject="keras",
        params={"tensorflow": facts.value(F.TF_VERSION) or "", "wanted": wanted},
        evidence=(facts.evidence(F.KERAS_IMPORT), facts.evidence(F.TF_REQUIRES, f"keras{wanted}")),
        fixes=(_fix(facts, f"keras{wanted}"),),
    )


def _fix(facts: Facts, wanted: str) -> Fix:
    """Where pip's record of it is there without the folder, pip would not lift a finger."""
    if facts.value(F.KERAS_COPIES):
        return Fix("reinstall", "safe", (reinstall_step(facts, wanted),))
    return install(facts, wanted)


RULE = Rule(
    code="KER301",
    slug="keras-missing",
    layer="keras",
    severity="error",
    title="TensorFlow {tensorflow} needs the keras package, and it is not installed",
    why="From 2.6 on, tf.keras is the keras package (here: keras{wanted}). Without it "
    "`tensorflow.keras` is not there either.",
    needs=(F.KERAS_IMPORT, F.TF_REQUIRES, F.TF_VERSION),
    judge=judge,
    explains=("SMK1",),
    signs=("keras",),
    cases=(
        fires("linux-none-tf221", "keras", keras__import=None, keras__version=None),
        silent("linux-none-tf221"),
        silent("linux-none-tf221", tensorflow__requires=[], keras__import=None),
    ),
)
