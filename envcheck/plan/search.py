"""Finds the stacks that hold together; where there is none, what stands in the way."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from itertools import combinations

from envcheck.judge import Judgement, Reason, Stack, judge
from envcheck.matrix import Matrix, platform_key
from envcheck.matrix.specs import parse_version, python_range
from envcheck.plan.candidates import Candidate, candidates, packages, wished
from envcheck.plan.compose import compose
from envcheck.plan.model import Answer, Conflict, Demands, Nearest, Plan
from envcheck.plan.remarks import remarks

GOOD = ("tested", "compatible")
REFUSED = ("unsupported", "broken")
GROUPS = {"cpu": 0, "wheels": 0, "links": 1, "system": 2, "path": 2}
"""What works by itself before what needs help."""
SHOWN = 8
"""Plans that are worked out; those behind them are older and older."""
PYTHONS = tuple(f"3.{minor}" for minor in range(5, 15))


def answer(demands: Demands, matrix: Matrix) -> Answer:
    plans = tuple(plans_for(demands, matrix))
    conflict = None if plans else find_conflict(demands, matrix)
    return Answer(demands, plans, conflict, remarks(demands, plans, matrix, first_plan))


def plans_for(demands: Demands, matrix: Matrix, limit: int = SHOWN) -> list[Plan]:
    """The best ones, best first."""
    found = sorted(_fitting(demands, matrix), key=lambda item: _rank(*item))
    by_themselves = {_minor(c) for c, _ in found if GROUPS[c.cuda.way] == 0}
    asked = demands.cuda is not None or demands.cudnn is not None
    kept = [
        (candidate, judgement)
        for candidate, judgement in found
        if asked or GROUPS[candidate.cuda.way] == 0 or _minor(candidate) not in by_themselves
    ]
    return [compose(candidate, judgement, demands, matrix) for candidate, judgement in kept[:limit]]


def first_plan(demands: Demands, matrix: Matrix) -> Plan | None:
    return next(iter(plans_for(demands, matrix, 1)), None)


def _minor(candidate: Candidate) -> str:
    return ".".join(candidate.build.version.split(".")[:2])


def _fitting(demands: Demands, matrix: Matrix) -> Iterator[tuple[Candidate, Judgement]]:
    """Of each minor of TensorFlow and each way to CUDA the first that the judge lets pass."""
    done: set[tuple[str, str, bool]] = set()
    for candidate, judgement in _judged(demands, matrix, done):
        done.add(_kind(candidate))
        yield candidate, judgement


def _kind(candidate: Candidate) -> tuple[str, str, bool]:
    return _minor(candidate), candidate.cuda.way, bool(candidate.cuda.known_good)


def _judged(
    demands: Demands, matrix: Matrix, done: Container[tuple[str, str, bool]] = ()
) -> Iterator[tuple[Candidate, Judgement]]:
    for candidate in candidates(demands, matrix):
        if _kind(candidate) in done:
            continue
        judgement = judge(candidate.stack, matrix)
        if judgement.verdict in GOOD:
            yield candidate, judgement


def feasible(demands: Demands, matrix: Matrix) -> bool:
    return next(_judged(demands, matrix), None) is not None


def _rank(candidate: Candidate, judgement: Judgement) -> tuple[object, ...]:
    version = parse_version(candidate.build.version)
    return (
        GROUPS[candidate.cuda.way],
        [-number for number in version.release[:2]],
        GOOD.index(judgement.verdict),
        not candidate.cuda.known_good,
        candidate.cuda.way != "system",
        candidate.tf_keras is not None,
    )


# --- where nothing fits


def find_conflict(demands: Demands, matrix: Matrix) -> Conflict:
    smallest = _smallest(demands, matrix)
    reason = _why(demands.only(smallest), matrix)
    nearest = []
    for name in smallest:
        rest = demands.without(name)
        plan = first_plan(rest, matrix)
        if plan is not None:
            nearest.append(Nearest(name, plan, _range(name, plan, rest, matrix)))
    text = reason.text if reason else _unknown_wish(demands, matrix)
    nearest.sort(key=lambda item: item.dropped == "gpu")  # to do without comes last
    return Conflict(smallest, text, reason.source if reason else (), tuple(nearest))


def _unknown_wish(demands: Demands, matrix: Matrix) -> str:
    newest = [v for v in matrix.releases("tensorflow") if not v.is_prerelease][-1]
    wish = f"TensorFlow {demands.tensorflow}" if demands.tensorflow else "release that fits"
    return f"The matrix {matrix.version} knows no {wish}; the newest it has is {newest}."


def _smallest(demands: Demands, matrix: Matrix) -> tuple[str, ...]:
    """The fewest demands that are refused already when they stand alone."""
    given = demands.given
    for size in range(1, len(given)):
        for names in combinations(given, size):
            if not feasible(demands.only(names), matrix):
                return names
    return given


def _why(demands: Demands, matrix: Matrix) -> Reason | None:
    """The judge's first objection to the release that comes nearest."""
    best: tuple[int, list[Reason]] | None = None
    for stack in _as_asked(demands, matrix):
        reasons = [r for r in judge(stack, matrix).reasons if r.verdict in REFUSED]
        if reasons and (best is None or len(reasons) < best[0]):
            best = (len(reasons), reasons)
    return best[1][0] if best else None


def _as_asked(demands: Demands, matrix: Matrix) -> Iterator[Stack]:
    """The demands as they stand, with every release that was asked for, the newest first."""
    package = packages(demands, platform_key(demands.os, demands.arch))[0]
    for version in reversed(matrix.releases(package)):
        if version.is_prerelease or not wished(demands.tensorflow, str(version)):
            continue
        yield Stack(
            package=package,
            tensorflow=str(version),
            python=_plain(demands.python),
            keras=_plain(demands.keras),
            cuda=_plain(demands.cuda),
            cudnn=_plain(demands.cudnn),
            driver=demands.driver,
            gpu=demands.card or ("NVIDIA GPU" if demands.uses_gpu else None),
            compute_capability=demands.capability,
            os=demands.os,
            arch=demands.arch,
            glibc=demands.glibc,
        )


def _plain(wish: str | None) -> str | None:
    return wish if wish and wish[0].isdigit() else None


def _range(name: str, plan: Plan, rest: Demands, matrix: Matrix) -> str:
    """What the dropped demand may be in its place."""
    if name == "tensorflow":
        found = {_minor(candidate) for candidate, _ in _fitting(rest, matrix)}
        first, last = min(found, key=parse_version), max(found, key=parse_version)
        return f"TensorFlow {first}" if first == last else f"TensorFlow {first} to {last}"
    if name == "python":
        fitting = [python for python in PYTHONS if feasible(replace(rest, python=python), matrix)]
        return f"Python {python_range(fitting)}"
    if name == "driver":
        return f"driver {plan.least_driver}" if plan.least_driver else "another driver"
    if name == "keras" and parse_version(plan.tensorflow).release >= (2, 16):
        return f"Keras {plan.keras} (or the old Keras: --keras 2)"
    if name == "keras":
        return (
            f"Keras {plan.tf_keras or plan.keras}" if plan.keras else "the Keras inside TensorFlow"
        )
    if name in ("cuda", "cudnn"):
        label = "CUDA" if name == "cuda" else "cuDNN"
        return f"{label} {getattr(plan, name)}"
    return "WSL2 on the same Windows" if name == "os" else "the CPU"
