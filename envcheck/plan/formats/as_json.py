"""The whole answer for programs: schema envcheck.plan/1."""

from __future__ import annotations

import json
from typing import Any

from envcheck.plan.formats.sheet import Sheet
from envcheck.plan.model import Answer, Conflict, Demands, Plan

SCHEMA = "envcheck.plan/1"


def render(sheet: Sheet) -> str:
    return json.dumps(_document(sheet), indent=2, ensure_ascii=False) + "\n"


def _document(sheet: Sheet) -> dict[str, Any]:
    answer = sheet.answer
    sources = dict.fromkeys(
        source for plan in answer.plans for choice in plan.choices for source in choice.sources
    )
    if answer.conflict:
        sources.update(dict.fromkeys(answer.conflict.sources))
    return {
        "schema": SCHEMA,
        "matrix_version": sheet.matrix.version,
        "for_this_machine": sheet.here,
        "demands": _demands(answer),
        "remarks": list(answer.remarks),
        "plans": [_plan(plan) for plan in answer.plans],
        "conflict": _conflict(answer.conflict, answer.demands) if answer.conflict else None,
        "sources": {name: sheet.matrix.source(name) for name in sources},
    }


def _demands(answer: Answer) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(answer.demands).items()
        if value not in (None, ())
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "verdict": plan.judgement.verdict,
        "title": plan.title,
        "cuda_from": plan.way,
        "tensorflow": {"package": plan.package, "version": plan.tensorflow},
        "python": plan.python,
        "keras": plan.keras,
        "tf_keras": plan.tf_keras,
        "cuda": plan.cuda,
        "cudnn": plan.cudnn,
        "driver": plan.least_driver,
        "choices": [
            {
                "name": choice.name,
                "version": choice.version,
                "reason": choice.reason,
                "sources": list(choice.sources),
            }
            for choice in plan.choices
        ],
        "requirements": list(plan.requirements),
        "constraints": list(plan.constraints),
        "variables": dict(plan.variables),
        "links": list(plan.links),
        "notes": list(plan.notes),
    }


def _conflict(conflict: Conflict, demands: Demands) -> dict[str, Any]:
    return {
        "demands": [{"name": name, "text": demands.words(name)} for name in conflict.demands],
        "reason": conflict.reason,
        "sources": list(conflict.sources),
        "nearest": [
            {"without": item.dropped, "fits": item.fits, "plan": _plan(item.plan)}
            for item in conflict.nearest
        ],
    }
