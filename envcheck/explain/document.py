"""Explanation -> the JSON document of schema ``envcheck.explanation/1``."""

from __future__ import annotations

import json
from typing import Any

from envcheck.explain.model import Explained, Explanation, Line
from envcheck.render.json import fix_document

SCHEMA = "envcheck.explanation/1"


def render(explanation: Explanation) -> str:
    return json.dumps(document(explanation), indent=2, ensure_ascii=True) + "\n"


def document(explanation: Explanation) -> dict[str, Any]:
    facts = {name: fact.value for name, fact in explanation.facts.items() if fact.state == "known"}
    return {
        "schema": SCHEMA,
        "verdict": explanation.verdict,
        "lines": explanation.lines,
        "causes": [_cause(cause, facts) for cause in explanation.causes],
        "noise": [
            {"name": item.name, "note": item.note, **_line(item.line)} for item in explanation.noise
        ],
    }


def _cause(cause: Explained, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": cause.code,
        "slug": cause.slug,
        "title": cause.title.format_map(cause.params),
        "summary": cause.summary.format_map(cause.params),
        "confidence": cause.confidence,
        "confirmed": cause.confirmed,
        "evidence": [_line(line) for line in cause.evidence],
        "facts": facts,
        "fixes": [fix_document(fix) for fix in cause.fixes],
        "excluded": list(cause.excluded),
        "check": list(cause.check) or None,
    }


def _line(line: Line) -> dict[str, Any]:
    return {"line": line.number, "text": line.text}
