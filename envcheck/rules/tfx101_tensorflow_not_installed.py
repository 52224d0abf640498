"""There is no TensorFlow in the environment that is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.demands import has_build, plan
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.places import is_users_folder
from envcheck.remedies import install, reinstall_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    if facts.fact(F.TF_IMPORT).state != "absent" and not is_users_folder(facts, F.TF_IMPORT):
        return
    if _has_own_backend(facts):
        return  # a Keras 3 that is meant to compute without TensorFlow
    gpu = facts.value(F.DRIVER_RELEASE) and facts.value(F.SYSTEM_OS) in ("linux", "wsl2")
    yield Match(
        subject="tensorflow",
        params={"python": facts.value(F.TARGET_EXECUTABLE) or ""},
        evidence=(
            facts.evidence(F.TARGET_EXECUTABLE, source=facts.value(F.TARGET_CHOSEN) or ""),
            facts.evidence(F.TF_IMPORT),
        ),
        fixes=(_fix(facts, matrix, gpu=bool(gpu)),),
    )


def _fix(facts: Facts, matrix: Matrix, *, gpu: bool) -> Fix:
    """Where pip's record of it is there without the folder, pip would not lift a finger."""
    package, version = facts.value(F.TF_PACKAGE), facts.value(F.TF_VERSION)
    if package and version:
        return Fix("reinstall", "safe", (reinstall_step(facts, f"{package}=={version}"),))
    demands = facts.value(F.POLICY_REQUIRE) or ()
    wanted = next((row.wanted[0] for row in demands if row.key == "tensorflow"), "")
    if wanted and not has_build(wanted, facts, matrix):
        return plan(demands)
    return install(facts, f"tensorflow{'[and-cuda]' if gpu else ''}{wanted}")


def _has_own_backend(facts: Facts) -> bool:
    backend = facts.value(F.KERAS_BACKEND)
    keras = facts.value(F.KERAS_VERSION) or ""
    installed = facts.value(F.TARGET_INSTALLED) or {}
    return bool(backend) and backend in installed and keras[:2] not in ("", "1.", "2.")


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
    explains=("KER", "SMK", "POL101 tensorflow"),
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow",
            tensorflow__import=None,
            tensorflow__version=None,
            tensorflow__package=None,
        ),
        silent("linux-none-tf221"),
        silent(
            "linux-none-tf221",
            tensorflow__import=None,
            keras__backend="jax",
            target__installed={"jax": "0.4.30"},
        ),
        silent("linux-none-tf221", tensorflow__import={"kind": "namespace", "folder": "/v"}),
    ),
)
