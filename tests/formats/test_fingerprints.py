"""Fingerprints: stable where the same is wrong, different where something else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from envcheck.matrix import Matrix
from envcheck.model import Facts, Finding
from envcheck.render import formats
from envcheck.render.sheet import Sheet, fingerprints
from tests.formats import samples


@pytest.fixture(scope="module")
def sheet(machine: Callable[..., Facts], matrix: Matrix) -> Callable[..., Sheet]:
    def build(*code: Finding, **edits: str) -> Sheet:
        named = {name.replace("__", "."): value for name, value in edits.items()}
        facts = machine("linux-none-tf29-mixed", named)
        return samples.sheet_of(samples.report_of(facts, matrix, code))

    return build


def marks(sheet: Sheet) -> dict[str, str]:
    return dict(zip((f.code for f in sheet.findings), fingerprints(sheet.findings), strict=True))


def test_versions_and_paths_do_not_change_them(sheet: Callable[..., Sheet]) -> None:
    one = marks(sheet())
    other = marks(sheet(numpy__version="2.4.6", keras__version="2.7.0"))
    assert one["TFX301"] == other["TFX301"]
    assert one["KER201"] == other["KER201"]
    assert len(set(one.values())) == 5


def test_a_finding_in_code_keeps_its_own_when_its_line_moves(sheet: Callable[..., Sheet]) -> None:
    one = marks(sheet(samples.in_code(3)))["IMP301"]
    assert marks(sheet(samples.in_code(300)))["IMP301"] == one
    assert marks(sheet(samples.in_code(3, "keras.gone")))["IMP301"] != one
    assert marks(sheet(samples.in_code(3, file="src/test.py")))["IMP301"] != one


def test_the_same_twice_in_a_file_is_two(sheet: Callable[..., Sheet]) -> None:
    twice = sheet(samples.in_code(3), samples.in_code(9))
    found = [
        mark
        for finding, mark in zip(twice.findings, fingerprints(twice.findings), strict=True)
        if finding.code == "IMP301"
    ]
    assert len(set(found)) == 2
    assert marks(sheet(samples.in_code(5)))["IMP301"] == found[0]


def test_sarif_and_gitlab_carry_them(sheet: Callable[..., Sheet]) -> None:
    plain = sheet(samples.in_code(3))
    wanted = fingerprints(plain.findings)
    (run,) = json.loads(formats.render("sarif", plain))["runs"]
    assert [row["partialFingerprints"]["envcheck/v1"] for row in run["results"]] == wanted
    rows = json.loads(formats.render("gitlab", plain))
    # Behind them stands what could not be judged.
    assert [row["fingerprint"] for row in rows][: len(wanted)] == wanted
    (place,) = [row for row in run["results"] if row["ruleId"] == "IMP301"]
    physical = place["locations"][0]["physicalLocation"]
    assert physical == {
        "artifactLocation": {"uri": "src/train.py"},
        "region": {"startLine": 3, "startColumn": 1},
    }


def test_junit_is_red_only_from_the_threshold_on(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    warning = replace(samples.in_code(3), severity="warning")
    built = samples.report_of(machine("linux-rtx3080-tf29-cuda116"), matrix, [warning])
    passed = samples.check_junit(formats.render("junit", samples.sheet_of(built)))
    assert passed.findall(".//failure") == []
    (said,) = passed.findall(".//testcase[@name='IMP301 module-not-there']/system-out")
    assert said.text.startswith("warning: src/train.py:3: ")
    failed = samples.check_junit(formats.render("junit", samples.sheet_of(built, "warning")))
    assert len(failed.findall(".//failure")) == 1
