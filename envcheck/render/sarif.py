"""Report -> SARIF 2.1.0, for GitHub's code scanning and everything else that reads it."""

from __future__ import annotations

from typing import Any

from envcheck.model import RuleResult
from envcheck.render.json import dumps
from envcheck.render.sheet import Sheet, command_lines, fingerprints, lines_of, path_of, rules_of
from envcheck.render.view import FindingView

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
RANKS = {"certain": 100.0, "likely": 70.0, "possible": 40.0}
FINGERPRINT = "envcheck/v1"


def render(sheet: Sheet) -> str:
    rules, view = rules_of(sheet), sheet.view
    index = {rule.code: number for number, rule in enumerate(rules)}
    suppressed = {len(sheet.findings) + at: row.because for at, row in enumerate(view.ignored)}
    findings = (*sheet.findings, *(item.finding for item in view.ignored))
    results = [
        _result(finding, index[finding.code], mark, sheet) | _suppressions(suppressed.get(number))
        for number, (finding, mark) in enumerate(zip(findings, fingerprints(findings), strict=True))
    ]
    run = {
        "tool": {
            "driver": {
                "name": "envcheck",
                "semanticVersion": sheet.report.envcheck_version,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [_invocation(sheet)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: RuleResult) -> dict[str, Any]:
    name = "".join(word.capitalize() for word in rule.slug.split("-"))
    help_ = f"{rule.about} `envcheck explain {rule.code}` says what mends it."
    return {
        "id": rule.code,
        "name": name,
        "shortDescription": {"text": rule.about},
        "fullDescription": {"text": rule.about},
        "help": {"text": help_, "markdown": help_},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.layer]},
    }


def _result(finding: FindingView, index: int, mark: str, sheet: Sheet) -> dict[str, Any]:
    text = "\n".join((finding.title, *lines_of(finding, sheet.commands)))
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "rank": RANKS[finding.confidence],
        "message": {"text": text},
        "locations": [_location(finding)],
        "partialFingerprints": {FINGERPRINT: mark},
        "properties": {
            "subject": finding.subject,
            "confidence": finding.confidence,
            "commands": [
                line for fix in finding.fixes for line in command_lines(fix, sheet.commands)
            ],
        },
    }


def _suppressions(because: str | None) -> dict[str, Any]:
    if because is None:
        return {}
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": because}]}


def _location(finding: FindingView) -> dict[str, Any]:
    # GitHub refuses a result without a line, also where it means a whole file or a machine.
    region: dict[str, Any] = {"startLine": 1}
    if finding.place and finding.place.line:
        region = {"startLine": finding.place.line, "startColumn": finding.place.column}
    file = {"uri": _uri(path_of(finding))}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": file, "region": region}}
    if not finding.place:
        location["logicalLocations"] = [
            {"name": finding.layer, "fullyQualifiedName": f"environment.{finding.layer}"}
        ]
    return location


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path if not path.startswith("/") else f"file://{path}", safe="/:")


def _invocation(sheet: Sheet) -> dict[str, Any]:
    """What could not be judged stands beside the results: none of it is a pass."""
    notes = [
        {
            "level": "error" if item.crashed else "warning",
            "message": {"text": text},
            "descriptor": {"id": item.code},
        }
        for item, text in zip(sheet.report.not_evaluated, sheet.view.unknown, strict=True)
    ]
    return {
        "executionSuccessful": sheet.verdict.status != "inconclusive",
        "exitCode": sheet.verdict.exit_code,
        "exitCodeDescription": sheet.headline,
        "toolExecutionNotifications": notes,
    }
