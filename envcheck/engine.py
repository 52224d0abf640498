"""Runs the rules over the facts: findings, what could not be judged, and what caused what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

from envcheck.model import (
    GPU_LAYERS,
    LAYERS,
    SEVERITIES,
    Answer,
    Expect,
    Facts,
    Finding,
    Ignored,
    Match,
    NotEvaluated,
    RuleResult,
    Unjudged,
)
from envcheck.remedies import with_pip

if TYPE_CHECKING:
    from envcheck.matrix import Matrix
    from envcheck.rules import Rule

P = ParamSpec("P")
T = TypeVar("T")


class Crashed(NamedTuple):
    """An error of our own: its one-line description and where it happened."""

    summary: str
    details: str


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Crashed:
    """Call, and turn any error of ours into a value: the one broad ``except`` there is.

    One rule or probe that breaks must not take the rest of the report with it.
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001
        import traceback

        return Crashed(f"{type(error).__name__}: {error}", traceback.format_exc())


class Outcome(NamedTuple):
    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    checked: int
    rules: tuple[RuleResult, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    code: tuple[Finding, ...] = ()
    """Findings in the user's code, as the policy leaves them; not yet among ``findings``."""

    def joined(self, code: Sequence[Finding]) -> Outcome:
        """With the findings in the user's code, each behind the environment's of its severity."""
        roots = [finding for finding in self.findings if finding.caused_by is None]
        roots = sorted((*roots, *code), key=lambda finding: SEVERITIES.index(finding.severity))
        follow = (finding for finding in self.findings if finding.caused_by is not None)
        return self._replace(findings=(*roots, *follow))


def run_rules(
    rules: Sequence[Rule],
    facts: Facts,
    matrix: Matrix,
    expect: Expect,
    code: Sequence[Finding] | None = None,
) -> Outcome:
    """Judge every rule that applies. Its ``needs`` decide: an unknown one leaves the rule not
    evaluated, a not-applicable one leaves it out, an absent one is the rule's own business.

    What the policy ignores is taken out before causes are linked: what merely followed from it
    then stands on its own. ``code`` are findings in the user's code; None: it was not read."""
    early = [_judged(rule, facts, matrix, expect) for rule in rules if not _is_last(rule)]
    found = _found(early)
    ignored: tuple[Ignored, ...] = ()
    if "policy.file" in facts:
        from envcheck.policy import apply

        judged = frozenset(row.result.code for row in early if row.result.answer in DECIDED)
        settled = apply.settle(found, code, judged, facts)
        code, ignored = settled.code, settled.ignored
        facts = facts.merged({"policy.unused": settled.unused})
        late = [_judged(rule, facts, matrix, expect) for rule in rules if _is_last(rule)]
        found = [*settled.findings, *apply.weighed(_found(late), facts)]
    else:
        late = [_judged(rule, facts, matrix, expect) for rule in rules if _is_last(rule)]
        found = [*found, *_found(late)]
    rows = sorted((*early, *late), key=lambda row: row.result.code)
    return Outcome(
        link_causes(found, rules),
        tuple(item for row in rows for item in row.skipped),
        sum(row.result.answer in DECIDED for row in rows),
        tuple(row.result for row in rows),
        ignored,
        tuple(code or ()),
    )


DECIDED = ("found", "fine")


def _found(rows: Sequence[Judged]) -> list[Finding]:
    return [finding for row in rows for finding in row.findings]


def _is_last(rule: Rule) -> bool:
    """Whether it is about what all others found."""
    return any(key.name == "policy.unused" for key in rule.needs)


class Judged(NamedTuple):
    """What became of one rule."""

    result: RuleResult
    findings: tuple[Finding, ...] = ()
    skipped: tuple[NotEvaluated, ...] = ()


def _judged(rule: Rule, facts: Facts, matrix: Matrix, expect: Expect) -> Judged:
    reason = why_not(rule, facts, expect)
    if reason:
        return Judged(result_of(rule, "not-applicable", reason))
    found = judge_rule(rule, facts, matrix)
    findings = tuple(item for item in found if isinstance(item, Finding))
    skipped = tuple(item for item in found if isinstance(item, NotEvaluated))
    if skipped and not findings:
        reason = "; ".join(item.reason for item in skipped)
        return Judged(result_of(rule, "not-evaluated", reason), (), skipped)
    return Judged(result_of(rule, "found" if findings else "fine"), findings, skipped)


def why_not(rule: Rule, facts: Facts, expect: Expect) -> str:
    """Why a rule does not apply; empty where it does."""
    if expect == "cpu" and (rule.gpu_only or rule.layer in GPU_LAYERS):
        return "no GPU is expected"
    needed = [facts.fact(key) for key in rule.needs]
    reasons = {fact.reason for fact in needed if fact.state == "not-applicable"}
    return "; ".join(sorted(reasons)) or ("it does not apply here" if reasons else "")


def applies(rule: Rule, facts: Facts, expect: Expect) -> bool:
    return not why_not(rule, facts, expect)


def judge_rule(rule: Rule, facts: Facts, matrix: Matrix) -> list[Finding | NotEvaluated]:
    def skipped(reason: str, names: Sequence[str] = (), crashed: bool = False) -> NotEvaluated:
        return NotEvaluated(rule.code, rule.slug, rule.layer, reason, tuple(names), crashed)

    missing = [key for key in rule.needs if facts.fact(key).state == "unknown"]
    if missing:
        reasons = sorted({facts.fact(key).reason for key in missing})
        return [skipped("; ".join(reasons), [key.name for key in missing])]
    matches = attempt(_judge, rule, facts, matrix)
    if isinstance(matches, Unjudged):
        return [skipped(str(matches))]
    if isinstance(matches, Crashed):
        return [skipped(matches.summary, crashed=True)]
    return [
        make_finding(rule, replace(match, fixes=tuple(with_pip(facts, fix) for fix in match.fixes)))
        if isinstance(match, Match)
        else replace(
            skipped(str(match), [match.fact] if match.fact else []), layer=match.layer or rule.layer
        )
        for match in matches
    ]


def result_of(rule: Rule, answer: Answer, reason: str = "") -> RuleResult:
    return RuleResult(rule.code, rule.slug, rule.layer, rule.severity, rule.about, answer, reason)


def _judge(rule: Rule, facts: Facts, matrix: Matrix) -> tuple[Match | Unjudged, ...] | Unjudged:
    try:
        return tuple(rule.judge(facts, matrix))
    except Unjudged as unjudged:
        return unjudged


def make_finding(rule: Rule, match: Match) -> Finding:
    return Finding(
        code=rule.code,
        slug=rule.slug,
        layer=match.layer or rule.layer,
        severity=match.severity or rule.severity,
        confidence=match.confidence,
        subject=match.subject,
        title=rule.title,
        why=match.why or rule.why,
        params=match.params,
        evidence=match.evidence,
        rows=match.rows,
        fixes=match.fixes,
        place=match.place,
    )


def link_causes(findings: Iterable[Finding], rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """Hang each finding on the root that explains it, and put roots first, worst first."""
    by_code = {rule.code: rule for rule in rules}
    ordered = sorted(findings, key=lambda finding: _rank(finding, by_code[finding.code]))
    linked = []
    for finding in ordered:
        candidates = [
            other
            for other in ordered
            if other.code != finding.code
            and other.severity == "error"
            and f"{finding.code} {finding.subject}".startswith(by_code[other.code].explains)
        ]
        # A rule with signs is the cause only where one of them stands in the evidence.
        text = " ".join((*finding.params.values(), *(item.value for item in finding.evidence)))
        cause = next(
            (other for other in candidates if _shows(by_code[other.code].signs, text)), None
        )
        linked.append(replace(finding, caused_by=cause.key if cause else None))
    return tuple(_flattened(linked))


def _shows(signs: Sequence[str], text: str) -> bool:
    return not signs or any(sign in text for sign in signs)


def _flattened(linked: Sequence[Finding]) -> Iterable[Finding]:
    """Causes of causes are followed to the root, so that the tree has two levels. Where two
    explain each other, the one that ranks first is the root."""
    parent = {finding.key: finding.caused_by for finding in linked}
    order = [finding.key for finding in linked]
    flat = []
    for finding in linked:
        chain = [finding.key]
        while (cause := parent.get(chain[-1])) and cause not in chain:
            chain.append(cause)
        cycle = chain[chain.index(cause) :] if cause else chain[-1:]
        root = min(cycle, key=order.index)
        flat.append(replace(finding, caused_by=root if root != finding.key else None))
    return sorted(flat, key=lambda finding: finding.caused_by is not None)


def _rank(finding: Finding, rule: Rule) -> tuple[int, bool, int, bool, str, str]:
    """The worst first; what keeps TensorFlow from being imported before what it would find, and
    in a layer what keeps it from any GPU before what it would meet there."""
    return (
        SEVERITIES.index(finding.severity),
        not any("SMK101".startswith(start) for start in rule.explains),
        (*LAYERS, "policy").index(finding.layer),
        not any("SMK201".startswith(start) for start in rule.explains),
        finding.code,
        finding.subject,
    )
