"""Ignores and severities: what counts, what is listed, and what an ignored cause uncovers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envcheck import engine, rules
from envcheck.facts import Ignore
from envcheck.matrix import Matrix
from envcheck.model import Facts, Finding, known
from envcheck.policy.apply import is_meant
from envcheck.verdict import decide
from tests.formats.samples import in_code

MIXED = "linux-none-tf29-mixed"
CPU = "linux-none-tf221"
RULES = rules.discover()
TODAY = "2026-11-23"

Run = Callable[..., engine.Outcome]


def entry(code: str, subject: str | None = None, expires: str = TODAY) -> dict[str, Any]:
    where = {"file": "envcheck.toml", "line": 7}
    return {"code": code, "subject": subject, "reason": "why", "expires": expires, **where}


@pytest.fixture
def judged(machine: Callable[..., Facts], matrix: Matrix) -> Run:
    def run(
        name: str,
        *entries: dict[str, Any],
        code: list[Finding] | None = None,
        severity: dict[str, str] | None = None,
        file: str = "envcheck.toml",
        edits: dict[str, Any] | None = None,
    ) -> engine.Outcome:
        policy = {"policy.file": file, "policy.today": TODAY, "policy.ignores": list(entries)}
        policy |= {"policy.severity": severity} if severity else {}
        facts = machine(name, {**policy, **(edits or {})})
        return engine.run_rules(RULES, facts, matrix, "gpu", code)

    return run


def found(outcome: engine.Outcome) -> list[tuple[str, str, str | None]]:
    """(code, severity, code of the cause)"""
    return [
        (row.code, row.severity, row.caused_by[0] if row.caused_by else None)
        for row in outcome.findings
    ]


def test_without_entries_nothing_is_ignored(judged: Run) -> None:
    assert found(judged(MIXED)) == [
        ("TFX301", "error", None),
        ("TFX302", "error", None),
        ("KER201", "error", None),
        ("GPU101", "error", None),
        ("SMK101", "error", "TFX302"),
    ]


def test_an_ignored_finding_is_listed_and_does_not_count(judged: Run) -> None:
    outcome = judged(MIXED, entry("TFX301"), entry("GPU101", "gpu"))
    assert [row[0] for row in found(outcome)] == ["TFX302", "KER201", "SMK101"]
    assert [(row.finding.code, row.reason, row.expires, row.line) for row in outcome.ignored] == [
        ("GPU101", "why", TODAY, 7),
        ("TFX301", "why", TODAY, 7),
    ]


def test_what_followed_from_an_ignored_cause_stands_on_its_own(judged: Run) -> None:
    """TFX302 explains SMK101; ignored it no longer does, and the import still fails."""
    outcome = judged(MIXED, *(entry(code) for code in ("TFX301", "TFX302", "GPU101", "KER201")))
    assert found(outcome) == [("SMK101", "error", None)]
    assert decide(outcome.findings, outcome.not_evaluated, outcome.checked).exit_code == 1
    both = judged(MIXED, *(entry(row[0]) for row in found(judged(MIXED))))
    assert found(both) == []
    assert decide(both.findings, both.not_evaluated, both.checked).status == "pass"


def test_a_cause_that_is_only_a_warning_hides_no_error(judged: Run) -> None:
    outcome = judged(MIXED, severity={"TFX301": "warning", "TFX302": "info", "KER201": "warning"})
    assert found(outcome) == [
        ("GPU101", "error", None),
        ("SMK101", "error", None),
        ("TFX301", "warning", None),
        ("KER201", "warning", None),
        ("TFX302", "info", None),
    ]


def test_a_severity_is_given_before_the_verdict(judged: Run) -> None:
    outcome = judged(CPU, severity={"GPU101": "info", "SMK201": "warning"})
    assert found(outcome) == [("SMK201", "warning", None), ("GPU101", "info", None)]
    assert decide(outcome.findings, outcome.not_evaluated, outcome.checked).status == "warn"
    strict = decide(outcome.findings, outcome.not_evaluated, outcome.checked, "warning")
    assert strict.exit_code == 1


def test_an_expired_entry_ignores_nothing_and_is_told(judged: Run) -> None:
    outcome = judged(MIXED, entry("KER201", expires="2026-11-22"))
    assert outcome.ignored == ()
    assert ("KER201", "error", None) in found(outcome)
    assert found(outcome)[-2] == ("POL102", "warning", None)


def test_an_unused_entry_is_told(judged: Run) -> None:
    outcome = judged(MIXED, entry("TFX301", "nothing of it"), entry("PYE101"))
    told = [row for row in outcome.findings if row.code == "POL103"]
    assert [row.subject for row in told] == ["PYE101", "TFX301 nothing of it"]
    assert {row.severity for row in told} == {"info"}
    raised = judged(MIXED, entry("PYE101"), severity={"POL103": "error"})
    assert ("POL103", "error", None) in found(raised)


def test_what_was_not_judged_is_not_called_unused(judged: Run, machine: Any, matrix: Any) -> None:
    # A build without CUDA has no such libraries; SMK205 needs a training.
    outcome = judged(CPU, entry("LIB101"), entry("POL101"), entry("IMP301"))
    assert "POL103" not in [row[0] for row in found(outcome)]


def test_two_entries_for_one_finding_are_both_used(judged: Run) -> None:
    later = entry("KER201", "ker*", "2027-01-01")
    outcome = judged(MIXED, entry("KER201"), later)
    assert "POL103" not in [row[0] for row in found(outcome)]
    assert [row.expires for row in outcome.ignored] == ["2027-01-01"]


@pytest.mark.parametrize(
    ("subject", "meant"),
    [
        (None, True),
        ("src/train.py:3:1 keras.layers.core", True),
        ("src/train.py:* keras.layers.core", True),
        ("src/*", True),
        ("src/train.py:?:1 *", True),
        ("src/train.py", False),
        ("src/train[.]py*", False),
        ("SRC/*", False),
        ("", False),
    ],
)
def test_subjects(subject: str | None, meant: bool) -> None:
    row = Ignore("IMP301", "why", TODAY, "envcheck.toml", 7, subject)
    assert is_meant(row, in_code(3)) is meant
    assert not is_meant(row._replace(code="IMP302"), in_code(3))


def test_a_subject_with_brackets_means_itself() -> None:
    from dataclasses import replace

    row = Ignore("IMP301", "why", TODAY, "envcheck.toml", 7, "a[0]*.py")
    assert is_meant(row, replace(in_code(1), subject="a[0]*.py"))
    assert is_meant(row, replace(in_code(1), subject="a[0]\nb.py"))
    assert not is_meant(row, replace(in_code(1), subject="a0b.py"))


def read(stopped: bool = False) -> dict[str, Any]:
    return {"code.scan": known({"files": 2, "stopped": stopped, "findings": {}}, "/project")}


def test_code_obeys_as_well(judged: Run) -> None:
    code = [in_code(3), in_code(9), in_code(5, file="old/a.py")]
    entries = entry("IMP301", "src/*"), entry("IMP302")
    outcome = judged(CPU, *entries, code=code, severity={"IMP301": "warning"}, edits=read())
    assert [(row.subject, row.severity) for row in outcome.code] == [
        ("old/a.py:5:1 keras.layers.core", "warning")
    ]
    assert [row.finding.subject for row in outcome.ignored] == [
        "src/train.py:3:1 keras.layers.core",
        "src/train.py:9:1 keras.layers.core",
    ]
    told = [row.subject for row in outcome.findings if row.code == "POL103"]
    assert told == ["IMP302"]


@pytest.mark.parametrize(
    ("code", "edits", "file"),
    [
        (None, read(), "envcheck.toml"),
        ([], read(stopped=True), "envcheck.toml"),
        ([], {}, "envcheck.toml"),
        ([], read(), "../envcheck.toml"),
    ],
    ids=["not read", "not to the end", "no project", "another folder"],
)
def test_an_entry_for_code_that_was_not_all_read_is_not_unused(
    judged: Run, code: Any, edits: Any, file: str
) -> None:
    outcome = judged(CPU, entry("IMP301"), code=code, edits=edits, file=file)
    assert "POL103" not in [row[0] for row in found(outcome)]


def test_the_policys_own_findings_can_be_weighed_but_its_entries_do_not_end(judged: Run) -> None:
    outcome = judged(CPU, entry("KER201", expires="2020-01-01"), severity={"POL102": "error"})
    assert ("POL102", "error", None) in found(outcome)


def test_where_the_policy_requires_a_gpu_nothing_says_to_expect_none(judged: Run) -> None:
    required = {"key": "gpus", "wanted": ["1"], "file": "envcheck.toml", "line": 2}
    for edits, fixes in (({}, ["expect-cpu"]), ({"policy.require": [required]}, ["other-machine"])):
        outcome = judged(CPU, edits=edits)
        (row,) = [row for row in outcome.findings if row.code == "GPU101"]
        assert [fix.id for fix in row.fixes] == fixes
