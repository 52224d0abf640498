"""Two sides -> what differs, what most likely explains a finding of one of them first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from envcheck.baseline.decisions import DECISIONS
from envcheck.baseline.drift import Drift, Snapshot, differences, leader
from envcheck.baseline.reduce import Ask, Value
from envcheck.baseline.sides import Found, Side
from envcheck.model import LAYERS

Likelihood = Literal["evidence", "needed", "none"]
LIKELIHOODS: tuple[Likelihood, ...] = ("evidence", "needed", "none")


class Difference(NamedTuple):
    """``likelihood``: named by the evidence of a finding that one side alone has, needed by its
    rule, or neither. ``explains`` are such findings' codes, ``follows`` the fact and item of the
    difference that this one merely follows from."""

    drift: Drift
    likelihood: Likelihood
    explains: tuple[str, ...] = ()
    follows: tuple[str, str] | None = None


class Comparison(NamedTuple):
    """``only`` are the root findings that one side alone has: (of the first, of the second).
    ``unknown`` are facts that neither side knows; where one knows it, it is a difference."""

    sides: tuple[Side, Side]
    only: tuple[tuple[Found, ...], tuple[Found, ...]]
    differences: tuple[Difference, ...]
    compared: int
    unknown: tuple[str, ...]

    @property
    def same(self) -> bool:
        first, second = self.sides
        return not (self.differences or any(self.only)) and (
            None in (first.status, second.status) or first.status == second.status
        )


def compare(first: Side, second: Side) -> Comparison:
    ask = Ask(
        "cpu" if "cpu" in (first.expect, second.expect) else "gpu",
        first.packages | second.packages,
    )
    before, now = first.taken(ask), second.taken(ask)
    drifts = differences(_all(before), _all(now))
    only = (_only(first, second), _only(second, first))
    found = [_judged(drift, drifts, (*only[0], *only[1])) for drift in drifts]
    shared = before.unknown.keys() & now.unknown.keys()
    compared = (before.values.keys() | before.unknown) & (now.values.keys() | now.unknown)
    return Comparison(
        (first, second),
        only,
        tuple(_ordered(found)),
        len(compared - shared),
        tuple(sorted(shared)),
    )


def _all(taken: Snapshot) -> dict[str, Value | None]:
    """What could not be looked at is a value of its own."""
    return {**taken.values, **{name: f"not known ({why})" for name, why in taken.unknown.items()}}


def _only(side: Side, other: Side) -> tuple[Found, ...]:
    theirs = {(row.code, row.subject) for row in other.findings}
    if other.kind == "lock":
        return tuple(row for row in side.findings if row.root)
    return tuple(row for row in side.findings if row.root and (row.code, row.subject) not in theirs)


def _judged(drift: Drift, drifts: tuple[Drift, ...], findings: Sequence[Found]) -> Difference:
    named = [row.code for row in findings if _is_named(drift, row)]
    needed = [row.code for row in findings if drift.fact in needs_of(row.code)]
    likelihood: Likelihood = "evidence" if named else "needed" if needed else "none"
    first = leader(drift, drifts)
    follows = (first.fact, first.item) if first != drift else None
    return Difference(drift, likelihood, tuple(dict.fromkeys(named or needed)), follows)


def _is_named(drift: Drift, finding: Found) -> bool:
    """Whether the evidence names this fact; of a mapping, this entry."""
    for fact, value in finding.facts:
        decision = DECISIONS.get(fact)
        same = decision.follows if decision and decision.kind == "left-out" else fact
        if drift.fact == same and (not drift.item or drift.item in f"{value} {finding.subject}"):
            return True
    return False


def needs_of(code: str) -> frozenset[str]:
    """The facts that the rule of this code needs; empty for a code that is no rule's."""
    from importlib import import_module
    from pathlib import Path

    from envcheck import rules

    folder = Path(rules.__file__).parent
    names = [path.stem for path in folder.glob(f"{code.lower()}_*.py")] if code.isalnum() else []
    if not names:
        return frozenset()
    rule = import_module(f"envcheck.rules.{names[0]}").RULE
    return frozenset(key.name for key in rule.needs)


def _ordered(found: Sequence[Difference]) -> Iterator[Difference]:
    """The likeliest first, and behind each what merely follows from it."""
    heads = [item for item in found if item.follows is None or item.likelihood == "evidence"]
    for head in sorted(heads, key=_rank):
        yield head
        for item in sorted(found, key=_rank):
            if item.follows == (head.drift.fact, head.drift.item) and item not in heads:
                yield item


def _rank(found: Difference) -> tuple[int, int, int, str]:
    return (
        LIKELIHOODS.index(found.likelihood),
        LAYERS.index(found.drift.layer),
        list(DECISIONS).index(found.drift.fact),
        found.drift.item,
    )
