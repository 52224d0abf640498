"""One machine in all formats, byte by byte, and each of them by a validator that is not ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cmarkgfm
import html5lib
import pytest

from envcheck.outputs import FORMATS
from tests.conftest import ROOT
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


def test_json() -> None:
    document = samples.check_json(text_of("json"))
    assert document["verdict"] == {"status": "fail", "exit_code": 1}


def test_sarif() -> None:
    (run,) = samples.check_sarif(text_of("sarif"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [result["ruleId"] for result in run["results"]] == (
        ["TFX301", "TFX302", "KER201", "GPU101", "SMK101"]
    )
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"].startswith(rule["shortDescription"]["text"])
    assert run["invocations"][0]["exitCode"] == 1


def test_sarif_by_the_command_line_validator() -> None:
    # One pattern in the schema has a bracket too many for the strict dialect.
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "python"]
    schema = ROOT / "tests/schemas/sarif-2.1.0-rtm.5.json"
    path = golden.path_of("sarif", 1)
    command += ["--schemafile", str(schema), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")


def test_junit() -> None:
    (suite,) = samples.check_junit(text_of("junit"))
    cases = suite.findall("testcase")
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == [
        "GPU101 no-nvidia-gpu",
        "KER201 keras-version-mismatch",
        "SMK101 import-fails",
        "TFX301 numpy-not-admitted",
        "TFX302 protobuf-not-admitted",
    ]
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(failed))
    for case in cases:
        skipped = case.find("skipped")
        assert skipped is None or skipped.get("message")


def test_gitlab() -> None:
    rows = samples.check_gitlab(text_of("gitlab"))
    assert [row["severity"] for row in rows] == ["critical"] * 5


def test_markdown() -> None:
    rendered = cmarkgfm.github_flavored_markdown_to_html(text_of("markdown"))
    assert rendered.count("<h3>") == 4
    assert "numpy 2.2.6 does not fit TensorFlow 2.9.1</h2>" in rendered
    assert "venv/bin/python -m pip install 'numpy&gt;=1.20,&lt;2'\n</code></pre>" in rendered


def test_html() -> None:
    html5lib.HTMLParser(strict=True).parse(text_of("html"))
