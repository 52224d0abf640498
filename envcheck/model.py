"""The nouns of envcheck: frozen values that import nothing of ours.

The flow is ``Source -> Facts -> Finding* -> Report -> Verdict -> View -> text``; each
noun of it that is not knowledge (see :mod:`envcheck.matrix`) is defined here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Severity = Literal["error", "warning", "info"]
Confidence = Literal["certain", "likely", "possible"]
Safety = Literal["safe", "review", "manual"]
Status = Literal["pass", "warn", "fail", "inconclusive"]
Expect = Literal["gpu", "cpu"]
Layer = Literal[
    "driver", "gpu", "cuda", "cudnn", "python", "tensorflow", "keras", "imports", "smoke", "policy"
]
"""The policy is no layer of the stack: it is what findings about its own entries are about."""
LayerStatus = Literal["ok", "warning", "error", "unknown", "skipped", "not-applicable"]
State = Literal["known", "absent", "unknown", "not-applicable"]
Answer = Literal["found", "fine", "not-evaluated", "not-applicable"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
LAYERS: tuple[Layer, ...] = (
    "driver",
    "gpu",
    "cuda",
    "cudnn",
    "python",
    "tensorflow",
    "keras",
    "imports",
    "smoke",
)
GPU_LAYERS: frozenset[Layer] = frozenset(("driver", "gpu", "cuda", "cudnn"))


@dataclass(frozen=True, slots=True)
class Fact:
    """One observation. ``absent`` was looked for and is not there; ``unknown`` could not be
    looked at, ``reason`` says why; ``not-applicable`` has no meaning on this machine."""

    state: State
    value: Any = None
    source: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {"state": self.state}
        if self.state == "known":
            row["value"] = self.value
        if self.source:
            row["source"] = self.source
        if self.reason:
            row["reason"] = self.reason
        return row


def known(value: Any, source: str) -> Fact:
    return Fact("known", value, source)


def absent(source: str) -> Fact:
    return Fact("absent", source=source)


def unknown(reason: str, source: str = "") -> Fact:
    return Fact("unknown", source=source, reason=reason)


def not_applicable(reason: str) -> Fact:
    return Fact("not-applicable", reason=reason)


NOT_RECORDED = unknown("no probe has looked at it")


@dataclass(frozen=True, slots=True)
class Key(Generic[T_co]):
    """The name of a fact and the type that its JSON value is read as. ``otherwise`` is what it is
    where nothing was recorded."""

    name: str
    read: Callable[[Any], T_co]
    otherwise: Fact = NOT_RECORDED


class Facts(Mapping[str, Fact]):
    """All facts of one machine and one target, by name.

    ``facts.value(KEY)`` gives a typed value, or None where the fact is not known; the
    engine has by then turned away every rule whose needs are ``unknown``, so for a rule
    None means: looked, and not there.
    """

    __slots__ = ("_facts",)

    def __init__(self, facts: Mapping[str, Fact] | None = None) -> None:
        self._facts = dict(sorted((facts or {}).items()))

    def __getitem__(self, name: str) -> Fact:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def fact(self, key: Key[Any]) -> Fact:
        family = key.name.split(".")[0]
        return self._facts.get(key.name) or self._facts.get(f"{family}.probe") or key.otherwise

    def value(self, key: Key[T]) -> T | None:
        fact = self.fact(key)
        return key.read(fact.value) if fact.state == "known" else None

    def evidence(self, key: Key[Any], value: str | None = None, source: str = "") -> Evidence:
        fact = self.fact(key)
        if value is None:
            value = str(fact.value) if fact.state == "known" else fact.reason or "not found"
        return Evidence(key.name, value, source or fact.source)

    def merged(self, other: Mapping[str, Fact]) -> Facts:
        return Facts({**self._facts, **other})


@dataclass(frozen=True, slots=True)
class Evidence:
    fact: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A remedy as data.

    ``steps`` are argument vectors, never shell text. ``safe`` changes only packages of the
    target and can be undone; ``review`` deserves a look first; ``manual`` needs root, a
    reboot or a decision and is only ever printed. ``requirements`` are those that the last
    step installs, so that several such fixes can be run as one command.
    """

    id: str
    safety: Safety
    steps: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    needs_root: bool = False
    undo: tuple[tuple[str, ...], ...] = ()
    requirements: tuple[str, ...] = ()

    @property
    def stem(self) -> tuple[tuple[str, ...], ...]:
        """The steps without the requirements."""
        *before, last = self.steps
        return (*before, last[: len(last) - len(self.requirements)])


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the user's code, counted from 1. A cell of a notebook has no line of its file:
    ``line`` is None."""

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule says when it fires; the engine makes the :class:`Finding` of it. ``layer`` is
    given where it is not the rule's own."""

    subject: str
    params: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()
    rows: tuple[str, ...] = ()
    severity: Severity | None = None
    confidence: Confidence = "certain"
    why: str | None = None
    layer: Layer | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """``title`` and ``why`` are templates over ``params``: English, and the translation's key.
    ``caused_by`` names the finding (code, subject) that this one merely follows from."""

    code: str
    slug: str
    layer: Layer
    severity: Severity
    confidence: Confidence
    subject: str
    title: str
    why: str
    params: Mapping[str, str]
    evidence: tuple[Evidence, ...]
    rows: tuple[str, ...]
    fixes: tuple[Fix, ...]
    caused_by: tuple[str, str] | None = None
    place: Place | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.code, self.subject)

    @property
    def text(self) -> str:
        """The title in English, filled in."""
        return self.title.format_map(self.params)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that the policy ignores, and the entry that does: it does not count."""

    finding: Finding
    reason: str
    expires: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A rule that could not be judged, and what was missing for it."""

    code: str
    slug: str
    layer: Layer
    reason: str
    facts: tuple[str, ...] = ()
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule came to. ``about`` says what it looks for, ``reason`` why it was not
    evaluated or does not apply."""

    code: str
    slug: str
    layer: Layer
    severity: Severity
    about: str
    answer: Answer
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``status`` in words and the process's exit code: 0 passed, 1 findings at or above the
    threshold, 2 usage error, 3 could not assess."""

    status: Status
    exit_code: int
    fail_on: Severity = "error"
    """The threshold."""


@dataclass(frozen=True, slots=True)
class StackLayer:
    layer: Layer
    status: LayerStatus
    version: str = ""
    where: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    envcheck_version: str
    matrix_version: str
    matrix_overlay: str | None
    """The user's own additions to the matrix that were used, as a path."""
    expect: Expect
    facts: Facts
    stack: tuple[StackLayer, ...]
    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    checked: int
    """How many rules were evaluated to an answer."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per probe."""
    rules: tuple[RuleResult, ...] = ()
    """Every rule that there is, by code."""
    ignored: tuple[Ignored, ...] = ()


class EnvcheckError(Exception):
    """A sentence for the user; ``exit_code`` is 2 for what they gave wrong, else 3."""

    def __init__(self, message: str, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Unjudged(Exception):
    """Raised by a rule whose facts are there, but where the matrix does not know enough. A rule
    that judges several things yields one for each that it cannot judge, with its layer and the
    fact that is missing."""

    def __init__(self, reason: str, layer: Layer | None = None, fact: str = "") -> None:
        super().__init__(reason)
        self.layer, self.fact = layer, fact


class ParseError(ValueError):
    """A text is not what its parser reads."""
