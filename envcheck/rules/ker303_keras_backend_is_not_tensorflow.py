"""Keras 3 is told to compute with something else than TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.matrix.specs import parse_version
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual, rename_step
from envcheck.rules import Rule, fires, silent

PACKAGES = {"jax": "jax", "torch": "torch", "openvino": "openvino", "numpy": "numpy"}
MISSING = (
    "Keras 3 imports its backend at once, and {backend} cannot be imported here: `import keras` "
    "fails, and with it tf.keras."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    backend, keras = facts.value(F.KERAS_BACKEND), facts.value(F.KERAS_VERSION)
    if backend in (None, "tensorflow") or keras is None or parse_version(keras).major < 3:
        return
    has = PACKAGES.get(backend or "") in (facts.value(F.TARGET_INSTALLED) or {})
    if has and facts.fact(F.TF_IMPORT).state == "absent":
        return  # a Keras that was never meant for TensorFlow
    yield Match(
        subject="keras",
        severity="warning" if has else "error",
        params={"backend": backend or "", "source": facts.fact(F.KERAS_BACKEND).source},
        why=None if has else MISSING,
        evidence=(facts.evidence(F.KERAS_BACKEND),),
        fixes=(_fix(facts),),
    )


def _fix(facts: Facts) -> Fix:
    source = facts.fact(F.KERAS_BACKEND).source
    if source.startswith("environment"):
        if facts.value(F.SYSTEM_OS) == "windows":
            return manual("backend", "Set the environment variable KERAS_BACKEND to tensorflow.")
        return manual(
            "backend",
            "And where your shell or your code sets it (before `import keras`).",
            ("export", "KERAS_BACKEND=tensorflow"),
        )
    return Fix("backend", "review", (rename_step(facts, source, source + ".old"),))


RULE = Rule(
    code="KER303",
    slug="keras-backend-is-not-tensorflow",
    layer="keras",
    severity="warning",
    title="Keras is told to use the backend {backend}, not TensorFlow ({source})",
    why="tf.keras is this Keras: its models then compute with {backend}, and TensorFlow code "
    "around them (tf.data aside: gradients, tf.function, saving) does not work with them.",
    needs=(F.KERAS_BACKEND, F.KERAS_VERSION, F.TF_IMPORT, F.TARGET_INSTALLED),
    judge=judge,
    explains=("SMK1",),
    signs=("jax", "torch", "backend", "keras"),
    cases=(
        fires("linux-none-tf221", "keras", keras__backend="jax"),
        silent("linux-none-tf221", keras__backend="tensorflow"),
        silent("linux-rtx3080-tf29-cuda116", keras__backend="theano"),
        silent("linux-none-tf221"),
        silent(
            "linux-none-tf221",
            keras__backend="jax",
            tensorflow__import=None,
            target__installed={"jax": "0.4.30"},
        ),
    ),
)
