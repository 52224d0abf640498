"""Report -> JUnit XML: one case per rule, and one for the verdict.

Readers of it colour a run by its failures and errors, so that only findings at or above the
threshold are failures, and a verdict that could not be reached is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from envcheck.model import RuleResult
from envcheck.render.sheet import Sheet, lines_of, rules_of
from envcheck.render.view import FindingView

WORST = {"failure": 0, "error": 1, "skipped": 2}


def render(sheet: Sheet) -> str:
    suite = Element("testsuite", name="envcheck")
    for rule in rules_of(sheet):
        found = [finding for finding in sheet.findings if finding.code == rule.code]
        _case(suite, rule, found, sheet)
    _verdict(suite, sheet)
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    # Required by the schema; a rule takes no time worth telling.
    suite.set("time", f"{sum(sheet.report.timings.values()):.3f}")
    top = Element("testsuites")
    top.append(suite)
    indent(top)
    text = tostring(top, encoding="unicode")
    # In a log on GitHub these would be commands.
    text = re.sub(r"(?m)^(\s*):(?=:)", r"\1&#58;", text.replace("##[", "#&#35;["))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: Element, rule: RuleResult, found: Sequence[FindingView], sheet: Sheet) -> None:
    name = f"{rule.code} {rule.slug}"
    case = SubElement(suite, "testcase", classname=f"envcheck.{rule.layer}", name=name)
    crashed = {item.code for item in sheet.report.not_evaluated if item.crashed}
    if rule.code in crashed:
        error = SubElement(case, "error", message=rule.reason, type="crashed")
        error.text = f"envcheck itself failed here: {rule.reason}"
    elif rule.answer == "not-evaluated":
        SubElement(case, "skipped", message=f"not evaluated: {rule.reason}")
    elif rule.answer == "not-applicable":
        SubElement(case, "skipped", message=f"does not apply: {rule.reason}")
    ignored = [item for item in sheet.view.ignored if item.finding.code == rule.code]
    if ignored and not found:
        SubElement(case, "skipped", message="; ".join(item.line for item in ignored)[:1000])
    failing = [finding for finding in found if finding.fails]
    if failing:
        message = "; ".join(finding.title for finding in failing)[:1000]
        failure = SubElement(case, "failure", message=message, type=failing[0].severity)
        failure.text = _text(failing, sheet)
    others = [finding for finding in found if not finding.fails]
    told = [_text(others, sheet)] if others else []
    told += [item.line for item in ignored] if found else []
    if told:
        SubElement(case, "system-out").text = "\n\n".join(told)


def _text(findings: Sequence[FindingView], sheet: Sheet) -> str:
    blocks = [
        "\n".join((f"{finding.severity}: {finding.title}", *lines_of(finding, sheet.commands)))
        for finding in findings
    ]
    return "\n\n".join(blocks)


def _verdict(suite: Element, sheet: Sheet) -> None:
    case = SubElement(suite, "testcase", classname="envcheck", name="verdict")
    if sheet.verdict.status == "inconclusive":
        error = SubElement(case, "error", message=sheet.headline, type="inconclusive")
        error.text = "\n".join(sheet.view.unknown)
    else:
        SubElement(case, "system-out").text = sheet.headline
