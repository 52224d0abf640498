"""This TensorFlow needs the keras package, and there is none."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import pins
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install
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
        fixes=(install(facts, f"keras{wanted}"),),
    )


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
