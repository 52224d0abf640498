"""What is ignored is listed in every format, with its reason and its last day."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MACHINES, Run
from tests.formats import runner, samples

POLICY = """\
expect = "cpu"
[[ignore]]
code = "KER201"
reason = "the course pins it"
expires = 2999-12-31
"""
BECAUSE = "ignored until 2999-12-31, because: the course pins it (envcheck.toml:2)"
TITLE = "Keras 3.15.1 does not fit TensorFlow 2.15.1"
FILES = ("a.txt", "a.json", "a.xml", "a.sarif", "code-quality.json", "a.md", "a.html")


@pytest.fixture
def texts(envcheck: Run, tmp_path: Path) -> dict[str, str]:
    """Each format of one run, by its file; on stdout the annotations."""
    (tmp_path / "envcheck.toml").write_text(POLICY)
    outputs = [word for file in FILES for word in ("--output", file)]
    machine = str(MACHINES / "linux-none-tf215-keras3")
    completed = envcheck("replay", machine, "--format", "github", *outputs)
    assert (completed.returncode, completed.stderr) == (0, "")
    files = {file: (tmp_path / file).read_text(encoding="utf-8") for file in FILES}
    return {**files, "github": completed.stdout}


def test_for_people(texts: dict[str, str]) -> None:
    first, *_ = texts["a.txt"].splitlines()
    assert first == "✓ PASS: all that does not fit is ignored by the policy"
    assert f"Ignored by the policy: - KER201 {TITLE}: {BECAUSE}" in " ".join(texts["a.txt"].split())
    assert texts["a.txt"].splitlines()[-1].endswith("not evaluated: 0, ignored: 1")
    assert f"### Ignored by the policy\n\n- KER201 {TITLE}: {BECAUSE}\n" in texts["a.md"]
    assert f"<li>KER201 {TITLE}: {BECAUSE}</li>" in texts["a.html"]
    (notice,) = runner.commands(texts["github"])
    assert (notice.name, notice.message) == ("notice", f"KER201 {TITLE}: {BECAUSE}")


def test_for_programs(texts: dict[str, str]) -> None:
    report = samples.check_json(texts["a.json"])
    assert report["verdict"] == {"status": "pass", "exit_code": 0}
    assert report["findings"] == []
    (item,) = report["ignored"]
    assert (item["reason"], item["expires"], item["source"]) == (
        "the course pins it",
        "2999-12-31",
        "envcheck.toml:2",
    )
    assert (item["finding"]["code"], item["finding"]["title"]) == ("KER201", TITLE)


def test_for_code_scanning(texts: dict[str, str]) -> None:
    (result,) = samples.check_sarif(texts["a.sarif"])["runs"][0]["results"]
    assert result["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": BECAUSE}
    ]
    assert result["ruleId"] == "KER201"


def test_for_junit_and_gitlab(texts: dict[str, str]) -> None:
    suite = samples.check_junit(texts["a.xml"])[0]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    case = next(case for case in suite if str(case.get("name")).startswith("KER201"))
    assert [(item.tag, item.get("message")) for item in case] == [
        ("skipped", f"KER201 {TITLE}: {BECAUSE}")
    ]
    (row,) = samples.check_gitlab(texts["code-quality.json"])
    assert (row["severity"], row["description"]) == ("info", f"{TITLE}: {BECAUSE}")
