"""TF_USE_LEGACY_KERAS asks for tf-keras, and it is not installed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.matrix.specs import parse_version
from envcheck.model import Facts, Match
from envcheck.remedies import install_beside, manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    value = (facts.value(F.TARGET_VARIABLES) or {}).get("TF_USE_LEGACY_KERAS")
    version = facts.value(F.TF_VERSION)
    if value not in ("1", "true", "True") or version is None:
        return
    major, minor = parse_version(version).release[:2]
    if (major, minor) < (2, 14) or facts.value(F.TF_KERAS_VERSION) is not None:
        return
    wanted = f"tf-keras=={major}.{minor}.*"
    yield Match(
        subject="tf-keras",
        params={"tensorflow": version, "value": value, "wanted": wanted},
        evidence=(
            facts.evidence(F.TARGET_VARIABLES, f"TF_USE_LEGACY_KERAS={value}"),
            facts.evidence(F.TF_KERAS_VERSION),
        ),
        fixes=(
            install_beside(facts, wanted),
            manual("unset", "Or unset TF_USE_LEGACY_KERAS, and tf.keras is the keras package."),
        ),
    )


RULE = Rule(
    code="KER302",
    slug="legacy-keras-without-tf-keras",
    layer="keras",
    severity="error",
    title="TF_USE_LEGACY_KERAS={value} asks for tf-keras, and it is not installed",
    why="With that variable `tensorflow.keras` is the package tf_keras. TensorFlow {tensorflow} "
    "goes with {wanted}; without it every use of tf.keras fails.",
    needs=(F.TARGET_VARIABLES, F.TF_VERSION, F.TF_KERAS_VERSION),
    judge=judge,
    explains=("SMK1",),
    signs=("tf_keras", "tf-keras", "LEGACY_KERAS", "keras"),
    cases=(
        fires(
            "linux-none-tf221",
            "tf-keras",
            target__variables={"TF_USE_LEGACY_KERAS": "1"},
        ),
        silent("linux-none-tf221", target__variables={"TF_USE_LEGACY_KERAS": "0"}),
        silent(
            "linux-none-tf221",
            target__variables={"TF_USE_LEGACY_KERAS": "1"},
            tf_keras__version="2.21.0",
        ),
        silent("linux-none-tf221"),
    ),
)
