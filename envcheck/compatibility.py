"""Facts -> the judge's question, for rules: nothing else here decides compatibility."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envcheck import facts as F
from envcheck.judge import Reason, Stack, System, judge
from envcheck.judge.kernels import Way, ways_to_run
from envcheck.judge.model import open_case
from envcheck.matrix.specs import parse_version
from envcheck.model import Facts, Unjudged

if TYPE_CHECKING:
    from envcheck.matrix import Matrix
    from envcheck.versions import ComputeCapability

REFUSED = ("unsupported", "broken")


SYSTEMS: dict[str, System] = {
    "linux": "linux",
    "wsl1": "linux",
    "wsl2": "wsl2",
    "windows": "windows",
    "macos": "macos",
}


def stack_of(facts: Facts) -> Stack:
    """The stack of the target and this machine, as far as it is known."""
    return Stack(
        package=facts.value(F.TF_PACKAGE),
        tensorflow=facts.value(F.TF_VERSION),
        python=facts.value(F.TARGET_PYTHON),
        keras=facts.value(F.KERAS_VERSION),
        tf_keras=facts.value(F.TF_KERAS_VERSION),
        numpy=facts.value(F.NUMPY_VERSION),
        protobuf=facts.value(F.PROTOBUF_VERSION),
        os=SYSTEMS.get(facts.value(F.SYSTEM_OS) or ""),
        arch=facts.value(F.SYSTEM_ARCH),
        glibc=facts.value(F.TARGET_GLIBC),
        driver=facts.value(F.DRIVER_RELEASE),
        pins=pins(facts),
    )


def pins(facts: Facts) -> dict[str, str]:
    """What the installed TensorFlow's own metadata requires: name to specifier."""
    found: dict[str, str] = {}
    for line in facts.value(F.TF_REQUIRES) or ():
        requirement, _, marker = line.partition(";")
        if "extra" in marker:
            continue
        name = requirement.strip()
        for index, char in enumerate(name):
            if char in "<>=!~ ([":
                name, specifier = name[:index], requirement.strip()[index:].strip(" ()")
                found.setdefault(name.lower().replace("_", "-"), specifier)
                break
    return found


def refusals(facts: Facts, matrix: Matrix, subject: str) -> tuple[Reason, ...]:
    """The judge's reasons against this stack that concern one subject."""
    return refused(stack_of(facts), matrix, subject)


def refused(stack: Stack, matrix: Matrix, subject: str) -> tuple[Reason, ...]:
    """The judge's reasons against. Raises Unjudged where the matrix does not know this
    TensorFlow, and its own pins, which stand in for a row, do not speak either."""
    reasons = judge(stack, matrix).about(subject)
    found = tuple(reason for reason in reasons if reason.verdict in REFUSED)
    if found or stack.package is None or stack.tensorflow is None:
        return found
    if any(reason.verdict == "unverified" for reason in reasons) and not is_known(stack, matrix):
        raise Unjudged(f"{stack.package} {stack.tensorflow} is not in the compatibility matrix")
    return ()


def wanted(stack: Stack, matrix: Matrix, subject: str) -> str | None:
    """What all rules on one subject admit together, as a specifier; None where none says."""
    from envcheck.matrix.specs import intersect

    found = None
    for reason in judge(stack, matrix).about(subject):
        if reason.wanted and reason.wanted[0] in "<>=!~":
            found = intersect(found, reason.wanted)
    return found


def ways(stack: Stack, matrix: Matrix) -> tuple[Way, ...]:
    """How the stack's GPU runs each kind of kernel in TensorFlow's wheel; empty: not known."""
    case = open_case(stack, matrix)
    if case.wheel is None or not case.wheel.is_cuda or case.capability is None:
        return ()
    return ways_to_run(case.wheel, case.capability)


def release_for(facts: Facts, matrix: Matrix, capability: ComputeCapability) -> str | None:
    """The nearest final release of `tensorflow` with a CUDA build for this Python and system that
    has code for the GPU and suits this driver: the next one, else the last one before."""
    own = stack_of(facts)
    python, current = (
        ".".join((own.python or "").split(".")[:2]),
        parse_version(own.tensorflow or "0"),
    )
    if own.os not in ("linux", "wsl2") or own.arch != "x86_64":
        return None
    before = None
    for version in matrix.releases("tensorflow"):
        build = matrix.build_of("tensorflow", version)
        if version.is_prerelease or build is None or build.cuda is None:
            continue
        stack = Stack(
            tensorflow=str(version),
            compute_capability=capability,
            driver=own.driver,
            os=own.os,
            glibc=own.glibc,
        )
        said = judge(stack, matrix)
        reasons = (*said.about("gpu"), *said.about("driver"))
        if python in build.pythons and not any(row.verdict in REFUSED for row in reasons):
            if version > current:
                return str(version)
            before = str(version) if version < current else before
    return before


def is_known(stack: Stack, matrix: Matrix) -> bool:
    try:
        return matrix.build_of(stack.package or "", stack.tensorflow or "") is not None
    except ValueError:
        return False
