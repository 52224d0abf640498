"""The judge: which versions go together, and by which rule.

`judge()` is a pure function of a stack and the matrix, and the only place that
decides compatibility. Rules are R1 to R18 of the matrix's section `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from envcheck.judge.cuda import judge_cuda
from envcheck.judge.cudnn import judge_cudnn
from envcheck.judge.driver import judge_driver
from envcheck.judge.gpu import judge_gpu
from envcheck.judge.model import (
    SUBJECTS,
    VERDICTS,
    About,
    Case,
    CudaFrom,
    Judgement,
    Reason,
    Stack,
    System,
    Verdict,
    open_case,
)
from envcheck.judge.packages import judge_packages
from envcheck.matrix import Matrix
from envcheck.matrix.specs import admits, parse_version
from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease, DriverRelease

__all__ = [
    "SUBJECTS",
    "VERDICTS",
    "CudaFrom",
    "Judgement",
    "Reason",
    "Stack",
    "System",
    "Verdict",
    "judge",
]

_GOOD = ("tested", "compatible")
_NOT_IN_THE_TABLE = ("driver", "gpu")
_READERS: Mapping[str, tuple[str, str, Callable[[str], object]]] = {
    "python": ("R1", "python", parse_version),
    "glibc": ("R1", "glibc", parse_version),
    "cuda": ("R2", "cuda", CudaRelease.parse),
    "driver": ("R3", "driver", DriverRelease.parse),
    "cudnn": ("R6", "cudnn", CudnnRelease.parse),
    "compute_capability": ("R8", "gpu", ComputeCapability.parse),
    "keras": ("R13", "keras", parse_version),
    "tf_keras": ("R13", "tf-keras", parse_version),
    "numpy": ("R14", "numpy", parse_version),
    "protobuf": ("R15", "protobuf", parse_version),
}
"""Field to the rule and subject it belongs to, and what reads its text."""


def judge(stack: Stack, matrix: Matrix) -> Judgement:
    """Judges every pair that can be formed from what is given.

    The overall verdict is the worst one, with one exception: the official table
    names no driver and no GPU, so a rule that covers those does not take
    "tested" from a row of the table.
    """
    readable, unreadable = _without_unreadable(stack, matrix)
    case = open_case(readable, matrix)
    reasons = [
        *unreadable,
        *judge_packages(case),
        *judge_driver(case),
        *judge_cuda(case),
        *judge_cudnn(case),
        *judge_gpu(case),
        *_known_broken(case),
    ]
    reasons.sort(key=_order)
    return Judgement(overall(reasons), tuple(reasons))


def _order(reason: Reason) -> tuple[bool, int, int]:
    """The worst first; where all is well, what the verdict rests on before driver and GPU."""
    beside = reason.verdict in _GOOD and reason.subject in _NOT_IN_THE_TABLE
    return beside, -VERDICTS.index(reason.verdict), SUBJECTS.index(reason.subject)


def overall(reasons: list[Reason]) -> Verdict:
    """One verdict of many; unverified where there is nothing."""
    if not reasons:
        return "unverified"
    worst = max((reason.verdict for reason in reasons), key=VERDICTS.index)
    if worst == "compatible" and any(r.subject in ("cuda", "cudnn") for r in reasons):
        named = (r.verdict for r in reasons if r.subject not in _NOT_IN_THE_TABLE)
        return max(named, key=VERDICTS.index)
    return worst


def _without_unreadable(stack: Stack, matrix: Matrix) -> tuple[Stack, list[Reason]]:
    """Drops what is no version number, with a reason in its place."""
    reasons: list[Reason] = []
    dropped: dict[str, Any] = {} if stack.tensorflow else {"tensorflow": None}
    for name, (rule, subject, parse) in _READERS.items():
        text = getattr(stack, name)
        if not isinstance(text, str):
            continue
        try:
            parse(text)
        except ValueError:
            dropped[name] = None
            about = About(subject, None, {subject: text})
            sources = matrix.rule(rule).sources
            reasons.append(
                about.say(rule, "unverified", f"{text!r} is no version number.", sources)
            )
    return (replace(stack, **dropped) if dropped else stack), reasons


def _known_broken(case: Case) -> Iterator[Reason]:
    """Documented failures that no other rule derives."""
    for row in case.matrix.sections["known_broken"].values():
        if row.get("decides") and _matches(case, row["when"]):
            text = row["text"].format(tensorflow=case.stack.tensorflow)
            yield Reason(
                row["rule"],
                row["verdict"],
                row["subject"],
                text,
                row.get("wanted"),
                {"known": row["id"]},
                tuple(row["sources"]),
            )


def _matches(case: Case, when: dict[str, str]) -> bool:
    if case.package != "tensorflow" or case.asked is None:
        return False
    for name, wanted in when.items():
        value = getattr(case.stack, name)
        if value is None:
            return False
        if name in ("tensorflow", "python"):
            if not admits(wanted, value):
                return False
        elif value != wanted:
            return False
    return True
