"""Hits -> causes in their order: what ended the run, what only took the GPU away, what is noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from envcheck import facts as F
from envcheck.explain import logfacts
from envcheck.explain.causes._words import builds_opening
from envcheck.explain.match import Matched, Raised, match
from envcheck.explain.model import (
    TIERS,
    Cause,
    Explained,
    ExplainedAs,
    Explanation,
    Ground,
    Hit,
    Kind,
    Line,
    Means,
    Noise,
    Signature,
)
from envcheck.explain.reader import Reading
from envcheck.matrix import Matrix
from envcheck.model import Confidence, Expect, Facts, Finding, Fix
from envcheck.rules import Rule

MOST_CAUSES = 3
MOST_LINES = 6
SURE, POSSIBLE = 0.95, 0.7
"""From this prior on a cause is certain; below that one it is only possible."""
WARNINGS = ("warning", "info", "debug", "[warning", "[info", "userwarning")
CLEAR = 0.85
"""From this prior on a line needs no second explanation."""
LEAST = 0.5
"""A cause with less than this is not worth a line beside a better one."""
PROGRAM = frozenset(
    [
        "TypeError",
        "ValueError",
        "KeyError",
        "IndexError",
        "NameError",
        "UnboundLocalError",
        "FileNotFoundError",
        "AssertionError",
        "ZeroDivisionError",
        "SyntaxError",
        "IndentationError",
        "TabError",
        "NotADirectoryError",
        "IsADirectoryError",
        "PermissionError",
        "FileExistsError",
        "JSONDecodeError",
        "UnicodeDecodeError",
        "UnicodeEncodeError",
        "NotImplementedError",
        "OverflowError",
        "RecursionError",
        "KeyboardInterrupt",
        "InvalidArgumentError",
        "AttributeError",
        "FloatingPointError",
        "EOFError",
        "BrokenPipeError",
        "ParserError",
        "StopIteration",
        "SystemExit",
        "ArgumentError",
        "ValidationError",
        "OperatorNotAllowedInGraphError",
    ]
)
"""Exceptions that a program raises about itself or its data, where no signature knows better."""
RULES_OF_VERSIONS = frozenset(("DRV103", "GPU201", "KER201", "KER202", "TFX301", "TFX302"))
"""Rules that may speak though no line of the log does: versions alone decide them."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    signatures: Sequence[Signature]
    causes: Mapping[str, Cause]
    rules: Sequence[Rule]
    matrix: Matrix


@dataclass(slots=True)
class _Candidate:
    cause: Cause
    tier: int
    prior: float
    first: int
    lines: dict[int, Line] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, float, int]:
        """What ended the run first; of two that are equally probable the earlier one."""
        return (self.tier, -round(self.prior, 1), self.first)


def explain(
    reading: Reading, knowledge: Knowledge, live: Facts | None = None, expect: Expect = "gpu"
) -> Explanation:
    """Pure. ``live`` are the facts of the machine that the log is from, where it is this one."""
    known = {line.number for line in reading.lines}
    tail = tuple(line for line in reading.tail if line.number not in known)
    lines = sorted((*reading.lines, *tail), key=lambda line: line.number)
    matched = match(lines, knowledge.signatures)
    tags = _tags(matched, knowledge.matrix, live)
    facts = logfacts.collect(matched, tags)
    names = dict(matched.names)
    candidates = _candidates(matched.hits, tags, knowledge.causes)
    noise = _noise(matched.hits)
    own = _own_error(matched, candidates)
    if own:
        names["error"] = (own.text[:300],)
        names["frame"] = (own.frame,) if own.frame else ()
        names = {name: values for name, values in names.items() if values}
        cause = knowledge.causes["SMK901"]
        candidates.insert(
            0, _Candidate(cause, -1, 0.9, own.line.number, {own.line.number: own.line})
        )
    if (
        not candidates
        and not matched.raised
        and (noise or "training" in tags or "gpu-created" in tags)
    ):
        names["why"] = (
            (" ".join(dict.fromkeys(item.note for item in noise[:3])),)
            if noise
            else ("The run goes on and no line names an error.",)
        )
        candidates = [_Candidate(knowledge.causes["harmless"], 0, 0.9, 1, _lines(noise))]
    ground = Ground(facts if live is None else live.merged(facts), knowledge.matrix, names, tags)
    spoken = _Rules(knowledge, facts, live, expect)
    causes = _explained(candidates, ground, spoken)
    verdict: ExplainedAs = causes[0].verdict if causes else "unknown"
    return Explanation(verdict, causes, noise, facts, reading.total)


def _lines(noise: Iterable[Noise]) -> dict[int, Line]:
    return {item.line.number: item.line for item in noise}


def _tags(matched: Matched, matrix: Matrix, live: Facts | None) -> frozenset[str]:
    """Names of the signatures that were seen, and what several of them say together."""
    seen = {hit.signature.name for hit in matched.hits}
    names = matched.names
    missing = names.get("soname", ())
    others = [name for name in missing if "cudart" not in name]
    third = names.get("third", ())
    derived = {
        "wsl": bool(seen & {"wsl-libcuda", "wsl-host"}),
        "libcuda-opened": "libcuda" in names,
        "one-missing": len(missing) == 1,
        "built-for-no-index-release": any(
            "cudart" in name and not builds_opening(matrix, (name,)) for name in missing
        ),
        "named-a-cuda-library": bool(missing),
        "only-cusolver": len(missing) == 1 and "cusolver" in missing[0],
        "ld-library-path": "ld_library_path" in names,
        "named-besides-cudart": bool(others),
        "nothing-fails": not matched.raised,
        "gpu-here": live is not None and live.value(F.GPU_HARDWARE) is not None,
        "oom-on-cpu": "oom-cpu-allocator" in seen and "GPU" not in names.get("allocator", ("",))[0],
        "created-after-allocation-failure": "gpu-created" in seen,
        "transformers": "transformers" in third
        or any("transformers" in e.message for e in matched.raised),
    }
    return frozenset(seen | {name for name, holds in derived.items() if holds})


def _candidates(
    hits: Iterable[Hit], tags: frozenset[str], causes: Mapping[str, Cause]
) -> list[_Candidate]:
    found: dict[str, _Candidate] = {}
    for hit in hits:
        if _only_warned(hit, tags):
            continue
        tier = _tier(hit.signature.kind)
        for means in _holding(hit.signature.means, tags):
            candidate = found.get(means.cause)
            if candidate is None:
                candidate = _Candidate(causes[means.cause], tier, means.prior, hit.line.number)
                found[means.cause] = candidate
            better = (tier, -means.prior) < (candidate.tier, -candidate.prior)
            if better:
                candidate.tier, candidate.prior = tier, means.prior
            candidate.first = min(candidate.first, hit.line.number)
            candidate.lines.setdefault(hit.line.number, hit.line)
    return sorted(found.values(), key=lambda candidate: candidate.rank)


def _only_warned(hit: Hit, tags: frozenset[str]) -> bool:
    """A program that says why it does without something, and then trains."""
    warned = hit.line.text.lower().startswith(WARNINGS)
    return hit.signature.kind == "fatal" and warned and {"training", "nothing-fails"} <= tags


def _holding(means: Iterable[Means], tags: frozenset[str]) -> Iterable[Means]:
    for one in means:
        if all((tag[1:] not in tags) if tag[0] == "!" else tag in tags for tag in one.when):
            yield one


def _tier(kind: Kind) -> int:
    return TIERS.index(kind) if kind in TIERS else TIERS.index("error")


def _noise(hits: Iterable[Hit]) -> tuple[Noise, ...]:
    found: dict[str, Noise] = {}
    for hit in hits:
        if hit.signature.kind == "noise":
            found.setdefault(
                hit.signature.name, Noise(hit.signature.name, hit.signature.note, hit.line)
            )
    return tuple(sorted(found.values(), key=lambda item: item.line.number))


def _own_error(matched: Matched, candidates: Sequence[_Candidate]) -> Raised | None:
    """The program's own error: the last exception, where nothing that ends a run explains one."""
    if not matched.raised:
        return None
    last = matched.raised[-1]
    fatal = [candidate for candidate in candidates if candidate.tier == 0]
    if fatal or last.type not in PROGRAM:
        return None
    explained = {number for candidate in candidates for number in candidate.lines}
    return None if last.line.number in explained else last


class _Rules:
    """What the rules say about the log's facts, and about those of this machine."""

    def __init__(
        self, knowledge: Knowledge, facts: Facts, live: Facts | None, expect: Expect
    ) -> None:
        from envcheck.engine import run_rules

        outcome = run_rules(knowledge.rules, facts, knowledge.matrix, expect)
        self.of_log = {finding.code: finding for finding in reversed(outcome.findings)}
        self.here: dict[str, Finding] = {}
        self.silent: frozenset[str] = frozenset()
        if live is not None:
            answer = run_rules(knowledge.rules, live, knowledge.matrix, expect)
            self.here = {finding.code: finding for finding in reversed(answer.findings)}
            unasked = {item.code for item in answer.not_evaluated}
            self.silent = (
                frozenset(rule.code for rule in knowledge.rules) - unasked - set(self.here)
            )

    def confirmed(self, code: str) -> bool | None:
        if code in self.here:
            return True
        return False if code in self.silent else None


def _explained(
    candidates: Sequence[_Candidate], ground: Ground, rules: _Rules
) -> tuple[Explained, ...]:
    """At most three, each code once. What this machine refutes goes behind what it does not."""
    best: dict[str, _Candidate] = {}
    for candidate in candidates:
        best.setdefault(candidate.cause.code, candidate)
    ordered = sorted(best.values(), key=lambda item: rules.confirmed(item.cause.code) is False)
    worth = [item for item in ordered if item.prior >= LEAST] or ordered[:1]
    answers: list[Explained] = []
    shown: set[int] = set()
    for item in worth:
        if answers and (item.cause.verdict == "harmless" or shown >= set(item.lines)):
            continue  # its lines are explained by a better one
        answers.append(_answer(item, ground, rules))
        if item.prior >= CLEAR:
            shown |= set(item.lines)
    said = {answer.code for answer in answers}
    harmless = bool(answers) and answers[0].verdict == "harmless"
    for code in sorted(RULES_OF_VERSIONS - said):
        finding = rules.of_log.get(code)
        if finding is not None and finding.severity == "error" and not harmless:
            answers.append(_of_rule(finding))
    return tuple(answers[:1] if harmless else answers[:MOST_CAUSES])


def _answer(candidate: _Candidate, ground: Ground, rules: _Rules) -> Explained:
    """The cause's words; the rule's title, reason and fixes before them where it fired."""
    cause = candidate.cause
    finding = rules.here.get(cause.code) or rules.of_log.get(cause.code)
    params = dict(cause.params(ground))
    title, summary, fixes = cause.title, cause.summary, tuple(cause.fixes(ground))
    if finding is not None:
        params = {**params, **finding.params}
        title = finding.title
        summary = f"{finding.why} {cause.summary}" if finding.why != cause.summary else summary
        fixes = _without_twins((*finding.fixes, *fixes))
    confirmed = rules.confirmed(cause.code)
    lines = sorted(candidate.lines.values(), key=lambda line: line.number)
    return Explained(
        code=cause.code,
        slug=cause.slug,
        verdict=cause.verdict,
        title=title,
        summary=summary,
        params=params,
        confidence=_confidence(candidate.prior, confirmed),
        evidence=tuple(lines[:MOST_LINES]),
        fixes=fixes,
        excluded=cause.excluded,
        check=cause.check,
        confirmed=confirmed,
        finding=finding,
    )


def _of_rule(finding: Finding) -> Explained:
    return Explained(
        code=finding.code,
        slug=finding.slug,
        verdict="environment",
        title=finding.title,
        summary=finding.why,
        params=finding.params,
        confidence="likely",
        evidence=(),
        fixes=finding.fixes,
        excluded=(),
        check=("envcheck", "check", "--no-smoke"),
        finding=finding,
    )


def _without_twins(fixes: Iterable[Fix]) -> tuple[Fix, ...]:
    found: dict[object, Fix] = {}
    for fix in fixes:
        found.setdefault(fix.steps or fix.note, fix)
    return tuple(found.values())


def _confidence(prior: float, confirmed: bool | None) -> Confidence:
    if confirmed or (prior >= SURE and confirmed is None):
        return "certain"
    return "likely" if prior >= POSSIBLE and confirmed is not False else "possible"
