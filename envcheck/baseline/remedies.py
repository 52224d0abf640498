"""What brings a drifted fact back: a package of the locked version where TensorFlow admits it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from envcheck import facts as F
from envcheck.baseline.drift import Drift, package_of
from envcheck.baseline.lockfile import words_for
from envcheck.compatibility import is_known, pins, refused, stack_of
from envcheck.matrix.specs import admits
from envcheck.model import Facts, Fix, Unjudged
from envcheck.remedies import install, manual, uninstall_step
from envcheck.wheels import own_pins

if TYPE_CHECKING:
    from envcheck.judge import Stack
    from envcheck.matrix import Matrix

JUDGED = ("keras", "tf-keras", "numpy", "protobuf")
"""Packages of whose versions the matrix knows more than TensorFlow's pins."""
BY_HAND = {
    "driver.release": "Bring the NVIDIA driver {before} back. Where this one is meant: {anew}",
    "gpu.devices": "Give this machine the GPUs of the lock back. Where these are meant: {anew}",
}
OTHERWISE = "Set {what} as in the lock ({before}). Where this is meant: {anew}"


def fix_of(drifts: Sequence[Drift], facts: Facts, matrix: Matrix) -> Fix:
    """What brings these back, of which the first explains the others."""
    first, packages = drifts[0], {}
    for drift in drifts:
        package = package_of(drift, locked_package(facts))
        if package:
            packages[package] = drift.before
    if packages:
        return _packages(packages, facts, matrix)
    if first.fact == "target.python" and first.before:
        return _other_python(first.before, facts)
    before = first.before or "none"
    return _lock_anew(facts, BY_HAND.get(first.fact, OTHERWISE), what=first.what, before=before)


def _packages(packages: Mapping[str, str | None], facts: Facts, matrix: Matrix) -> Fix:
    """Install those of the lock that go together with its TensorFlow, and take away what was not
    there."""
    wanted, against = [], []
    for package, version in packages.items():
        why = refusal(package, version, facts, matrix) if version else ""
        if why:
            against.append(f"{package} {version}: {why}")
        elif version:
            wanted.append(f"{package}=={version}")
    if against and not wanted:
        note = "The lock is not for this environment ({why}). Change that first, or: {anew}"
        return _lock_anew(facts, note, why="; ".join(against))
    gone = [package for package, version in packages.items() if version is None]
    steps = [uninstall_step(facts, *gone)] if gone else []
    if not steps and not against:
        return install(facts, *wanted)
    if wanted:
        steps += install(facts, *wanted).steps
    note = "Without what is not for this environment ({why}):" if against else ""
    params = {"why": "; ".join(against)}
    return Fix("back-to-the-lock", "review", tuple(steps), note=note, params=params)


def _other_python(python: str, facts: Facts) -> Fix:
    tensorflow = _locked(facts, "tensorflow.version")
    words = ["envcheck", "setup", f".venv-{python}", "--python", python]
    words += ["--tensorflow", tensorflow] if tensorflow else []
    words += ["--gpu", "none"] if facts.value(F.LOCK_EXPECT) == "cpu" else []
    note = "Make an environment with the locked Python; where this one is meant: {anew}"
    return manual("other-python", note, tuple(words), anew=_anew(facts))


def locked_package(facts: Facts) -> str:
    """TensorFlow's, which has many names."""
    return _locked(facts, "tensorflow.package") or facts.value(F.TF_PACKAGE) or "tensorflow"


def refusal(package: str, version: str, facts: Facts, matrix: Matrix) -> str:
    """Why TensorFlow, brought back to its locked version where that has drifted, would not admit
    this; empty where it does."""
    stack = replace(
        stack_of(facts),
        package=_locked(facts, "tensorflow.package") or facts.value(F.TF_PACKAGE),
        tensorflow=_locked(facts, "tensorflow.version") or facts.value(F.TF_VERSION),
    )
    if stack.tensorflow != facts.value(F.TF_VERSION):
        stack = replace(stack, pins={})
    if package == stack.package:
        return _not_for(stack, matrix, "python")
    if package in JUDGED:
        return _not_for(_with(stack, package, version), matrix, package)
    specifier = _asked(stack, facts, matrix).get(package, "")
    if re.match(r"[<>=!~]", specifier) and not admits(specifier, version):
        return f"TensorFlow {stack.tensorflow} asks for {package}{specifier}"
    return ""


def _with(stack: Stack, package: str, version: str) -> Stack:
    if package == "keras":
        return replace(stack, keras=version)
    if package == "tf-keras":
        return replace(stack, tf_keras=version)
    return replace(stack, numpy=version) if package == "numpy" else replace(stack, protobuf=version)


def _not_for(stack: Stack, matrix: Matrix, subject: str) -> str:
    try:
        reasons = refused(stack, matrix, subject)
    except Unjudged:
        return ""  # neither the matrix nor its own pins speak against it
    return reasons[0].text.rstrip(".") if reasons else ""


def _asked(stack: Stack, facts: Facts, matrix: Matrix) -> dict[str, str]:
    """What that TensorFlow requires, its extra for CUDA included: name to specifier."""
    if stack.tensorflow == facts.value(F.TF_VERSION):
        return {**pins(facts), **own_pins(facts)}
    build = (
        matrix.build_of(stack.package or "", stack.tensorflow or "0")
        if is_known(stack, matrix)
        else None
    )
    return {**build.requires, **build.and_cuda} if build else {}


def _lock_anew(facts: Facts, note: str, **params: str) -> Fix:
    fix = manual("lock-anew", note)
    return replace(fix, params={**params, "anew": _anew(facts)})


def _anew(facts: Facts) -> str:
    expect = ("--expect", "cpu") if facts.value(F.LOCK_EXPECT) == "cpu" else ()
    return shlex.join((*words_for(facts.fact(F.LOCK).source), *expect))


def _locked(facts: Facts, name: str) -> str | None:
    value = (facts.value(F.LOCK) or {}).get(name)
    return value if isinstance(value, str) else None
