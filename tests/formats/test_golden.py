"""One machine in all formats, byte by byte, and each of them by a validator that is not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cmarkgfm
import html5lib
import pytest

from envcheck import rules
from envcheck.outputs import FORMATS
from tests.conftest import MACHINES, ROOT, Run
from tests.formats import golden, samples


def test_every_format_is_there() -> None:
    assert tuple(golden.ENDINGS) == FORMATS
    assert len(list(golden.FOLDER.iterdir())) == len(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_golden(name: str, tmp_path: Path) -> None:
    code, text = golden.replay(name, str(tmp_path))
    assert code == 1
    assert text == golden.path_of(name, code).read_bytes(), "if it is meant: make golden"


def text_of(name: str) -> str:
    return golden.path_of(name, 1).read_text(encoding="utf-8")


def found() -> list[dict[str, str]]:
    """The findings as the JSON report has them, in its order."""
    document = json.loads(text_of("json"))
    findings: list[dict[str, str]] = document["findings"]
    return findings


def test_json() -> None:
    document = samples.check_json(text_of("json"))
    assert document["verdict"] == {"status": "fail", "exit_code": 1}
    codes = {finding["code"] for finding in found()}
    assert {"TFX301", "TFX302", "KER201", "GPU101", "SMK101"} <= codes


def test_sarif() -> None:
    (run,) = samples.check_sarif(text_of("sarif"))["runs"]
    described = run["tool"]["driver"]["rules"]
    assert sorted(result["ruleId"] for result in run["results"]) == (
        sorted(finding["code"] for finding in found())
    )
    for result in run["results"]:
        rule = described[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"].startswith(rule["shortDescription"]["text"])
    assert run["invocations"][0]["exitCode"] == 1


def test_sarif_by_the_command_line_validator() -> None:
    # One pattern in the schema has a bracket too many for the strict dialect.
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "python"]
    schema = ROOT / "tests/schemas/sarif-2.1.0-rtm.5.json"
    command += ["--schemafile", str(schema), str(golden.path_of("sarif", 1))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")


def test_junit() -> None:
    (suite,) = samples.check_junit(text_of("junit"))
    cases = suite.findall("testcase")
    failed = [case.get("name").split()[0] for case in cases if case.find("failure") is not None]
    assert failed == sorted({row["code"] for row in found() if row["severity"] == "error"})
    names = [case.get("name").split()[0] for case in cases]
    assert names == [*(rule.code for rule in rules.discover()), "verdict"]
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(failed))
    for case in cases:
        skipped = case.find("skipped")
        assert skipped is None or skipped.get("message")


def test_junit_has_the_rules_that_are_left_out_where_no_gpu_is_expected(envcheck: Run) -> None:
    replayed = str(MACHINES / golden.MACHINE)
    text = envcheck("replay", replayed, "--expect", "cpu", "--format", "junit").stdout
    (suite,) = samples.check_junit(text)
    cases = suite.findall("testcase")
    assert len(cases) == len(rules.discover()) + 1
    (skipped,) = suite.findall("testcase[@name='GPU101 no-nvidia-gpu']/skipped")
    assert skipped.get("message") == "does not apply: no GPU is expected"


def test_gitlab() -> None:
    rows = samples.check_gitlab(text_of("gitlab"))
    judged = [row["check_name"].split()[0] for row in rows if row["severity"] != "major"]
    assert sorted(judged) == sorted(finding["code"] for finding in found())


def test_markdown() -> None:
    rendered = cmarkgfm.github_flavored_markdown_to_html(text_of("markdown"))
    assert "numpy 2.2.6 does not fit TensorFlow 2.9.1</h2>" in rendered
    assert "venv/bin/python -m pip install 'numpy&gt;=1.20,&lt;2'\n</code></pre>" in rendered


def test_html() -> None:
    html5lib.HTMLParser(strict=True).parse(text_of("html"))
