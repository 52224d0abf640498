"""Report -> status and exit code: the one place."""

from __future__ import annotations

from envcheck.model import SEVERITIES, Finding, NotEvaluated, Report, Severity, Verdict

PASSED, FINDINGS, USAGE, COULD_NOT_ASSESS = 0, 1, 2, 3


def judge_report(report: Report, fail_on: Severity = "error") -> Verdict:
    return decide(report.findings, report.not_evaluated, report.checked, fail_on)


def decide(
    findings: tuple[Finding, ...],
    not_evaluated: tuple[NotEvaluated, ...],
    checked: int,
    fail_on: Severity = "error",
) -> Verdict:
    """Findings at or above the threshold fail (1) even where other things are unknown;
    otherwise anything unknown, or nothing checked at all, is inconclusive (3)."""
    threshold = SEVERITIES.index(fail_on)
    if any(SEVERITIES.index(finding.severity) <= threshold for finding in findings):
        return Verdict("fail", FINDINGS, fail_on)
    if not_evaluated or not checked:
        return Verdict("inconclusive", COULD_NOT_ASSESS, fail_on)
    if any(finding.severity == "warning" for finding in findings):
        return Verdict("warn", PASSED, fail_on)
    return Verdict("pass", PASSED, fail_on)
