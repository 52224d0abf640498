"""Rules over facts: what is left out, what could not be judged, and what caused what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from envcheck.engine import link_causes, make_finding, run_rules
from envcheck.matrix import Matrix
from envcheck.model import (
    Fact,
    Facts,
    Finding,
    Key,
    Layer,
    Match,
    NotEvaluated,
    Severity,
    absent,
    known,
    not_applicable,
    unknown,
)
from envcheck.rules import Rule
from envcheck.verdict import decide

NUMBER = Key("some.number", int)


def over_nine(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    if (facts.value(NUMBER) or 0) > 9:
        yield Match(subject="number")


def crashing(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    raise ZeroDivisionError("a bug of ours")
    yield Match(subject="never")


def rule(
    code: str = "PYE901",
    judge: Any = over_nine,
    layer: Layer = "python",
    severity: Severity = "error",
    explains: tuple[str, ...] = (),
    gpu_only: bool = False,
) -> Rule:
    return Rule(
        code,
        "a-rule",
        layer,
        severity,
        "title",
        "why",
        (NUMBER,),
        judge,
        (),
        explains,
        (),
        gpu_only,
    )


@pytest.mark.parametrize(
    ("fact", "found", "skipped", "checked"),
    [
        (known(10, "t"), ["number"], [], 1),
        (known(9, "t"), [], [], 1),
        (absent("t"), [], [], 1),
        (not_applicable("no such thing here"), [], [], 0),
        (unknown("permission denied"), [], ["permission denied"], 0),
    ],
)
def test_the_state_of_a_need_decides(
    matrix: Matrix, fact: Fact, found: list[str], skipped: list[str], checked: int
) -> None:
    outcome = run_rules([rule()], Facts({"some.number": fact}), matrix, "gpu")
    assert [finding.subject for finding in outcome.findings] == found
    assert [item.reason for item in outcome.not_evaluated] == skipped
    assert outcome.checked == checked


def test_a_fact_that_no_probe_gave_is_unknown(matrix: Matrix) -> None:
    outcome = run_rules([rule()], Facts(), matrix, "gpu")
    assert [item.facts for item in outcome.not_evaluated] == [("some.number",)]


def test_a_crash_of_a_rule_is_a_value_and_the_others_go_on(matrix: Matrix) -> None:
    facts = Facts({"some.number": known(10, "t")})
    outcome = run_rules([rule("PYE902", crashing), rule()], facts, matrix, "gpu")
    assert outcome.not_evaluated == (
        NotEvaluated(
            "PYE902", "a-rule", "python", "ZeroDivisionError: a bug of ours", (), crashed=True
        ),
    )
    assert [finding.code for finding in outcome.findings] == ["PYE901"]


@pytest.mark.parametrize(
    ("layer", "gpu_only", "applies"),
    [("driver", False, False), ("tensorflow", True, False), ("tensorflow", False, True)],
)
def test_gpu_rules_do_not_apply_where_a_cpu_is_expected(
    matrix: Matrix, layer: Layer, gpu_only: bool, applies: bool
) -> None:
    facts = Facts({"some.number": known(10, "t")})
    outcome = run_rules([rule(layer=layer, gpu_only=gpu_only)], facts, matrix, "cpu")
    assert bool(outcome.findings) is applies
    assert outcome.checked == applies


def finding(code: str, layer: Layer = "python", severity: Severity = "error") -> Finding:
    return make_finding(rule(code, layer=layer, severity=severity), Match(subject=code))


def causes(findings: list[Finding], rules: list[Rule]) -> dict[str, str | None]:
    linked = link_causes(findings, rules)
    return {item.code: item.caused_by[0] if item.caused_by else None for item in linked}


def test_a_finding_hangs_on_the_root_that_explains_it() -> None:
    rules = [rule("DRV901", explains=("GPU", "SMK2")), rule("GPU901", explains=("SMK2",))]
    rules += [rule("SMK201"), rule("KER901")]
    findings = [finding(code) for code in ("SMK201", "KER901", "GPU901", "DRV901")]
    assert causes(findings, rules) == {
        "DRV901": None,
        "GPU901": "DRV901",
        "SMK201": "DRV901",
        "KER901": None,
    }


def test_a_warning_explains_no_error() -> None:
    rules = [rule("KER901", explains=("SMK",), severity="warning"), rule("SMK901")]
    findings = [finding("KER901", severity="warning"), finding("SMK901")]
    assert causes(findings, rules) == {"SMK901": None, "KER901": None}


def test_two_rules_that_explain_each_other_do_not_hang() -> None:
    rules = [rule("KER901", explains=("TFX",)), rule("TFX901", explains=("KER",))]
    linked = causes([finding("KER901"), finding("TFX901")], rules)
    assert list(linked.values()).count(None) >= 1


def test_roots_come_first_the_worst_first_in_the_order_of_the_layers() -> None:
    findings = [
        finding("KER901", "keras", "warning"),
        finding("SMK901", "smoke"),
        finding("DRV901", "driver"),
    ]
    rules = [rule(item.code) for item in findings]
    assert [item.code for item in link_causes(findings, rules)] == ["DRV901", "SMK901", "KER901"]


SKIPPED = (NotEvaluated("PYE901", "a-rule", "python", "why"),)


@pytest.mark.parametrize(
    ("severities", "skipped", "checked", "fail_on", "status", "code"),
    [
        ((), (), 1, "error", "pass", 0),
        ((), (), 0, "error", "inconclusive", 3),
        ((), SKIPPED, 1, "error", "inconclusive", 3),
        (("warning",), (), 1, "error", "warn", 0),
        (("warning",), SKIPPED, 1, "error", "inconclusive", 3),
        (("warning",), (), 1, "warning", "fail", 1),
        (("info",), (), 1, "error", "pass", 0),
        (("info",), (), 1, "info", "fail", 1),
        (("error",), (), 1, "error", "fail", 1),
        (("error",), SKIPPED, 1, "error", "fail", 1),
        (("error", "warning"), (), 0, "error", "fail", 1),
    ],
)
def test_verdict(
    severities: tuple[Severity, ...],
    skipped: tuple[NotEvaluated, ...],
    checked: int,
    fail_on: Severity,
    status: str,
    code: int,
) -> None:
    findings = tuple(finding("PYE901", severity=severity) for severity in severities)
    verdict = decide(findings, skipped, checked, fail_on)
    assert (verdict.status, verdict.exit_code) == (status, code)
