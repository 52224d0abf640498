"""Report -> the JSON document of schema ``envcheck.report/1``."""

from __future__ import annotations

import json
from typing import Any

from envcheck import facts as F
from envcheck.model import (
    Evidence,
    Finding,
    Fix,
    Ignored,
    NotEvaluated,
    Report,
    StackLayer,
    Verdict,
)

SCHEMA = "envcheck.report/1"


def render(report: Report, verdict: Verdict) -> str:
    return dumps(document(report, verdict))


def dumps(document: Any) -> str:
    """``##[`` anywhere in a line of its log is a command to GitHub's runner."""
    text = json.dumps(document, indent=2, ensure_ascii=True)
    return text.replace("##[", "#\\u0023[") + "\n"


def document(report: Report, verdict: Verdict) -> dict[str, Any]:
    facts = report.facts
    return {
        "schema": SCHEMA,
        "envcheck_version": report.envcheck_version,
        "matrix_version": report.matrix_version,
        "matrix_overlay": report.matrix_overlay,
        "verdict": {"status": verdict.status, "exit_code": verdict.exit_code},
        "expect": report.expect,
        "target": {
            "python": facts.value(F.TARGET_EXECUTABLE),
            "version": facts.value(F.TARGET_PYTHON),
            "prefix": facts.value(F.TARGET_PREFIX),
            "kind": facts.value(F.TARGET_KIND),
            "chosen": facts.value(F.TARGET_CHOSEN),
        },
        "stack": [_layer(layer) for layer in report.stack],
        "findings": [_finding(finding) for finding in report.findings],
        "ignored": [_ignored(item) for item in report.ignored],
        "not_evaluated": [_not_evaluated(item) for item in report.not_evaluated],
        "checked": report.checked,
        "facts": {name: fact.to_json() for name, fact in facts.items()},
        "timings": {name: round(report.timings[name], 4) for name in sorted(report.timings)},
    }


def _layer(layer: StackLayer) -> dict[str, Any]:
    return {
        "layer": layer.layer,
        "status": layer.status,
        "version": layer.version or None,
        "where": layer.where or None,
        "note": layer.note or None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    cause = finding.caused_by
    return {
        "code": finding.code,
        "slug": finding.slug,
        "layer": finding.layer,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "subject": finding.subject,
        "title": finding.text,
        "why": finding.why.format_map(finding.params),
        "params": dict(finding.params),
        "evidence": [_evidence(item) for item in finding.evidence],
        "matrix_rows": list(finding.rows),
        "fixes": [fix_document(fix) for fix in finding.fixes],
        "caused_by": {"code": cause[0], "subject": cause[1]} if cause else None,
    }


def _ignored(item: Ignored) -> dict[str, Any]:
    return {
        "reason": item.reason,
        "expires": item.expires,
        "source": f"{item.file}:{item.line}",
        "finding": _finding(item.finding),
    }


def _evidence(item: Evidence) -> dict[str, str]:
    return {"fact": item.fact, "value": item.value, "source": item.source}


def fix_document(fix: Fix) -> dict[str, Any]:
    return {
        "id": fix.id,
        "safety": fix.safety,
        "note": fix.note.format_map(fix.params) or None,
        "steps": [list(step) for step in fix.steps],
        "platforms": list(fix.platforms),
        "needs_root": fix.needs_root,
        "undo": [list(step) for step in fix.undo],
    }


def _not_evaluated(item: NotEvaluated) -> dict[str, Any]:
    return {
        "code": item.code,
        "slug": item.slug,
        "layer": item.layer,
        "reason": item.reason,
        "facts": list(item.facts),
        "crashed": item.crashed,
    }
