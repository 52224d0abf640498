"""The nouns of ``envcheck explain``: frozen values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from envcheck.model import Confidence, Facts, Finding, Fix

if TYPE_CHECKING:
    from envcheck.matrix import Matrix

Kind = Literal["fatal", "error", "degraded", "noise", "context"]
"""What a line does to the run: ends it, breaks a part of it, takes the GPU away, nothing;
``context`` only tells something about the machine or the program."""
ExplainedAs = Literal["environment", "harmless", "not-environment", "unknown"]

TIERS: tuple[Kind, ...] = ("fatal", "error", "degraded")
"""Causes of the first kind rank before those of the next."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log without colours, prefixes and control characters. Numbered from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Means:
    """A cause that a line can have. ``prior`` is how often it is this one (0 to 1) where all of
    ``when`` hold: names of signatures that were seen and of tags, after ``!`` those that must
    not be."""

    cause: str
    prior: float
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A line that means something.

    A line shows it where it contains one of ``says`` and matches one of ``patterns``, if there
    are any. Named groups are captured; ``facts`` turns a capture into a fact of that name.
    ``note`` says, of noise, why nothing has to be done.
    """

    name: str
    kind: Kind
    says: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    means: tuple[Means, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    signature: Signature
    line: Line
    captures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a cause's words and fixes are made of. ``names`` are all values that were captured
    under one name, in their order; ``tags`` what is so in this log."""

    facts: Facts
    matrix: Matrix
    names: Mapping[str, tuple[str, ...]]
    tags: frozenset[str]

    def first(self, name: str, default: str = "") -> str:
        return self.names.get(name, (default,))[0]

    def every(self, name: str) -> tuple[str, ...]:
        return self.names.get(name, ())

    def has(self, *tags: str) -> bool:
        return all(
            (tag[1:] not in self.tags) if tag[0] == "!" else tag in self.tags for tag in tags
        )


def no_params(ground: Ground) -> Mapping[str, str]:
    del ground
    return {}


def no_fixes(ground: Ground) -> Iterable[Fix]:
    del ground
    return ()


@dataclass(frozen=True, slots=True)
class Cause:
    """What may be the case. ``title`` and ``summary`` are templates over ``params``.

    Its code is a rule's, whose words then win once the log names what the rule needs, or one
    of its own from 901 on. ``excluded``: what one might think and what is not so. ``check``:
    the command that shows whether the fix worked.
    """

    code: str
    slug: str
    title: str
    summary: str
    params: Callable[[Ground], Mapping[str, str]] = no_params
    fixes: Callable[[Ground], Iterable[Fix]] = no_fixes
    check: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    verdict: ExplainedAs = "environment"
    name: str = ""
    """Where several causes share a rule's code; the code itself otherwise."""

    @property
    def key(self) -> str:
        return self.name or self.code


@dataclass(frozen=True, slots=True)
class Explained:
    """One cause in this log's words. ``confirmed``: True where this machine shows it, False
    where it refutes it, None where it was not asked or cannot tell."""

    code: str
    slug: str
    verdict: ExplainedAs
    title: str
    summary: str
    params: Mapping[str, str]
    confidence: Confidence
    evidence: tuple[Line, ...]
    fixes: tuple[Fix, ...]
    excluded: tuple[str, ...]
    check: tuple[str, ...]
    confirmed: bool | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """A line that needs nothing, and why."""

    name: str
    note: str
    line: Line


@dataclass(frozen=True, slots=True)
class Explanation:
    verdict: ExplainedAs
    causes: tuple[Explained, ...]
    noise: tuple[Noise, ...]
    facts: Facts
    lines: int
    """How many lines the log has."""
