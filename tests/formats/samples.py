"""Reports for the tests of the formats, and how each of them is read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import jsonschema
import xmlschema

from envcheck import engine, report, rules
from envcheck.facts import LIBRARIES, SMOKE
from envcheck.matrix import Matrix
from envcheck.model import (
    Evidence,
    Facts,
    Finding,
    Fix,
    Ignored,
    NotEvaluated,
    Place,
    Report,
    Severity,
    known,
    unknown,
)
from envcheck.outputs import commands_for
from envcheck.render.i18n import english
from envcheck.render.sheet import Sheet
from envcheck.render.view import build_view
from envcheck.verdict import judge_report
from tests.conftest import ROOT

SCHEMAS = ROOT / "tests" / "schemas"
JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def schema(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


SARIF = schema("tests/schemas/sarif-2.1.0-rtm.5.json")
GITLAB = schema("tests/schemas/gitlab-code-quality.schema.json")
REPORT = schema("envcheck/schemas/report.schema.json")


def sheet_of(built: Report, fail_on: Severity = "error") -> Sheet:
    verdict = judge_report(built, fail_on)
    commands = commands_for(built, "/home/user")
    return Sheet(built, verdict, build_view(built, verdict, english, commands), commands)


def report_of(facts: Facts, matrix: Matrix, code: Sequence[Finding] = ()) -> Report:
    outcome = engine.run_rules(rules.discover(), facts, matrix, "gpu").joined(code)
    return report.build(facts, outcome, matrix, "gpu")


def in_code(line: int, path: str = "keras.layers.core", file: str = "src/train.py") -> Finding:
    """What the scanner says of one line."""
    return Finding(
        code="IMP301",
        slug="module-not-there",
        layer="imports",
        severity="error",
        confidence="certain",
        subject=f"{file}:{line}:1 {path}",
        title="{file}:{line}: Keras 3.15 has no module `{path}`",
        why="It is gone.",
        params={"file": file, "line": str(line), "path": path},
        evidence=(Evidence("code", f"import {path}", f"{file}:{line}:1"),),
        rows=(),
        fixes=(),
        place=Place(file, line, 1),
    )


def hostile(built: Report, text: str) -> Report:
    """The report with that text wherever a machine can put text."""
    from dataclasses import replace

    finding = Finding(
        code="TFX303",
        slug="requirement-missing",
        layer="tensorflow",
        severity="error",
        confidence="likely",
        subject=text,
        title="{name} is not installed",
        why="{name} is asked for by {name}.",
        params={"name": text},
        evidence=(Evidence("target.distributions", text, text),),
        rows=(text,),
        fixes=(
            Fix("install", "safe", (("python", "-m", "pip", "install", text),)),
            Fix("advice", "manual", note="Look at {name}.", params={"name": text}),
        ),
    )
    follows = replace(finding, code="SMK101", subject="x" + text, caused_by=finding.key)
    entry = {"code": "TFX303", "reason": text, "expires": "2999-12-31", "file": text, "line": 3}
    ignored = replace(finding, subject=text + "y")
    facts = built.facts.merged(
        {
            "policy.file": known(text, text),
            "policy.ignores": known([{**entry, "subject": text}], text),
            f"loader.{text[:50]}": known([{text: text, "rows": [{"a": text}]}], text),
            SMOKE.name: known({"ended": "finished", "rung": text, "describe": text}, text),
            LIBRARIES.name: known([{"name": text, "soname": text, "found": []}], text),
            "target.executable": known(text, text),
            "target.chosen": known(text, text),
            "system.distribution": known(text, text),
            "target.kind": unknown(text, text),
        }
    )
    return replace(
        built,
        facts=facts,
        matrix_overlay=text,
        stack=tuple(replace(layer, version=text, where=text, note=text) for layer in built.stack),
        findings=(finding, in_code(3, text, text), *built.findings, follows),
        not_evaluated=(
            NotEvaluated("DRV101", "no-driver", "driver", text, (), True),
            NotEvaluated("POL101", "requirement-not-met", "driver", text),
            NotEvaluated("POL101", "requirement-not-met", "gpu", text),
        ),
        ignored=(
            Ignored(ignored, text, "2999-12-31", text, 3),
            Ignored(in_code(4, text + "y", text), text, "2999-12-31", text, 9),
        ),
    )


def check_json(text: str) -> Any:
    document = json.loads(text)
    jsonschema.validate(document, REPORT)
    return document


def check_sarif(text: str) -> Any:
    document = json.loads(text)
    jsonschema.validate(document, SARIF, cls=jsonschema.Draft4Validator)
    return document


def check_gitlab(text: str) -> Any:
    document = json.loads(text)
    jsonschema.validate(document, GITLAB)
    marks = [row["fingerprint"] for row in document]
    assert len(set(marks)) == len(marks)
    return document


def check_junit(text: str) -> Any:
    JUNIT.validate(text)
    from xml.etree import ElementTree

    return ElementTree.fromstring(text)
