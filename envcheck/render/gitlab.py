"""Report -> the JSON that GitLab shows as code quality in a merge request.

Source of the fields: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from envcheck.render.json import dumps
from envcheck.render.sheet import Sheet, fingerprints, lines_of, path_of
from envcheck.render.view import FindingView

SEVERITIES = {"error": "critical", "warning": "minor", "info": "info"}


def render(sheet: Sheet) -> str:
    findings = (*sheet.findings, *(item.finding for item in sheet.view.ignored))
    marks = fingerprints(findings)
    rows = [_row(finding, mark, sheet) for finding, mark in zip(findings, marks, strict=True)]
    for row, item in zip(rows[len(sheet.findings) :], sheet.view.ignored, strict=True):
        # GitLab has no word for it: the least severity, and a text that says it.
        row |= {"description": f"{item.finding.title}: {item.because}", "severity": "info"}
    return dumps([*rows, *_unknown(sheet)])


def _row(finding: FindingView, mark: str, sheet: Sheet) -> dict[str, Any]:
    line = finding.place.line if finding.place else None
    return {
        "type": "issue",
        "description": finding.title,
        "content": {"body": "\n".join(lines_of(finding, sheet.commands))},
        "check_name": f"{finding.code} {finding.slug}",
        "categories": ["Compatibility"],
        "fingerprint": mark,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": path_of(finding), "lines": {"begin": line or 1}},
    }


def _unknown(sheet: Sheet) -> list[dict[str, Any]]:
    """GitLab has no place for what could not be judged, and it must not look like a pass."""
    import hashlib

    seen: Counter[str] = Counter()

    def mark(code: str) -> str:
        """One rule may leave several questions open: they are told apart by their number."""
        seen[code] += 1
        number = f"\0{seen[code]}" if seen[code] > 1 else ""
        return hashlib.sha256(f"{code}\0not evaluated{number}".encode()).hexdigest()[:32]

    return [
        {
            "type": "issue",
            "description": f"Could not be judged: {text}",
            "check_name": f"{item.code} {item.slug}",
            "categories": ["Compatibility"],
            "fingerprint": mark(item.code),
            "severity": "major",
            "location": {"path": f"environment/{item.layer}", "lines": {"begin": 1}},
        }
        for item, text in zip(sheet.report.not_evaluated, sheet.view.unknown, strict=True)
    ]
