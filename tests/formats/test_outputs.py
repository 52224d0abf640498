"""Where reports go: files by their names, what cannot be written, and GitHub."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.matrix import Matrix
from envcheck.model import Facts, unknown
from envcheck.outputs import parse_output
from envcheck.render import github
from tests.conftest import MACHINES, Run
from tests.formats import runner, samples

BROKEN = str(MACHINES / "linux-none-tf29-mixed")
HEALTHY = str(MACHINES / "linux-none-tf221")
FIRST_LINE = "✗ FAIL: numpy 2.2.6 does not fit TensorFlow 2.9.1"


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("report.html", "html", "report.html"),
        ("a/b.htm", "html", "a/b.htm"),
        ("bug.md", "markdown", "bug.md"),
        ("envcheck.sarif", "sarif", "envcheck.sarif"),
        ("envcheck.sarif.json", "sarif", "envcheck.sarif.json"),
        ("gl-code-quality-report.json", "gitlab", "gl-code-quality-report.json"),
        ("report.json", "json", "report.json"),
        ("TEST-envcheck.xml", "junit", "TEST-envcheck.xml"),
        ("out.txt", "terminal", "out.txt"),
        ("github=out.txt", "github", "out.txt"),
        ("json=no-ending", "json", "no-ending"),
        ("a=b.html", "html", "a=b.html"),
    ],
)
def test_the_name_says_the_format(text: str, name: str, path: str) -> None:
    output = parse_output(text)
    assert (output.format, output.path) == (name, Path(path))


def test_several_at_once_and_the_terminal_stays(envcheck: Run, tmp_path: Path) -> None:
    files = ["a.html", "a.sarif", "a.xml", "a.json", "a.md", "a.txt", "gl-code-quality.json"]
    options = [word for file in files for word in ("--output", file)]
    completed = envcheck("replay", BROKEN, *options, "--output", "github=annotations")
    assert (completed.returncode, completed.stderr) == (1, "")
    assert completed.stdout == envcheck("replay", BROKEN).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*files, "annotations"])
    for file, name in (("a.html", "html"), ("a.xml", "junit"), ("a.json", "json")):
        printed = envcheck("replay", BROKEN, "--format", name).stdout
        assert (tmp_path / file).read_text(encoding="utf-8") == printed
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").startswith(FIRST_LINE)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("no/such/folder/a.html", "no/such/folder/a.html: there is no folder no/such/folder."),
        ("folder.html", "folder.html: this is a folder."),
        ("report", "the name of report says no format. Write FORMAT=FILE, such as html=report"),
        ("html=", "the file has no name."),
        ("", "the file has no name."),
        ("json=-", "a report goes to standard output with --format, such as json."),
        ("-", "a report goes to standard output with --format, such as json."),
        ("/proc/version.html", "it could not be written: No such file or directory."),
    ],
)
def test_what_cannot_be_written_is_2_and_a_line(
    envcheck: Run, tmp_path: Path, output: str, says: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    completed = envcheck("replay", HEALTHY, "--expect", "cpu", "--output", output)
    assert completed.returncode == 2
    assert says in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_one_file_for_two_formats_is_refused(envcheck: Run, tmp_path: Path) -> None:
    given = ("--output", "html=a.json", "--output", "./a.json")
    completed = envcheck("replay", HEALTHY, "--expect", "cpu", *given)
    assert completed.returncode == 2
    assert "a.json is named twice: each file holds one format." in completed.stderr
    assert not (tmp_path / "a.json").exists()


def test_the_others_are_written_all_the_same(envcheck: Run, tmp_path: Path) -> None:
    options = ("--output", "html=/dev/full", "--output", "good.json")
    completed = envcheck("replay", BROKEN, *options)
    assert completed.returncode == 2
    assert completed.stderr == (
        "envcheck: /dev/full: it could not be written: No space left on device.\n"
    )
    assert completed.stdout.startswith(FIRST_LINE)
    samples.check_json((tmp_path / "good.json").read_text(encoding="utf-8"))


def test_github_is_detected(envcheck: Run, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before\n", encoding="utf-8")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    completed = envcheck("replay", BROKEN, **env)
    assert completed.returncode == 1
    found = list(runner.commands(completed.stdout))
    titles = [item.properties["title"] for item in found if item.name == "error"]
    assert titles[:2] == ["TFX301 numpy-not-admitted", "TFX302 protobuf-not-admitted"]
    assert "GPU101 no-nvidia-gpu" in titles
    assert completed.stdout.splitlines()[1] == FIRST_LINE
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## ❌ envcheck: FAIL: numpy 2.2.6")


def test_a_pass_on_github_annotates_nothing(envcheck: Run) -> None:
    completed = envcheck("replay", HEALTHY, "--expect", "cpu", GITHUB_ACTIONS="true")
    assert completed.returncode == 0
    assert list(runner.commands(completed.stdout)) == []


def test_terminal_asked_for_on_github_is_the_terminal(envcheck: Run, tmp_path: Path) -> None:
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    asked = envcheck("replay", BROKEN, "--format", "terminal", **env)
    assert asked.stdout == envcheck("replay", BROKEN).stdout
    assert list(tmp_path.iterdir()) == []


def test_a_summary_that_cannot_be_written_changes_no_verdict(envcheck: Run) -> None:
    completed = envcheck(
        "replay", BROKEN, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY="/no/such/file"
    )
    assert completed.returncode == 1
    assert completed.stderr == (
        "envcheck: the step summary could not be written: No such file or directory.\n"
    )


def write_code(folder: Path, name: str, count: int) -> None:
    lines = [f"import keras.layers.gone{number}" for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n" + "\n".join(lines) + "\n", encoding="utf-8")


def test_a_scan_annotates_the_place_in_the_repository(envcheck: Run, tmp_path: Path) -> None:
    write_code(tmp_path / "app", "train.py", 1)
    env = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    completed = envcheck("scan", "--tensorflow", "2.21", cwd=tmp_path / "app", **env)
    assert completed.returncode == 1
    (found,) = runner.commands(completed.stdout)
    assert found.name == "error"
    place = {name: found.properties[name] for name in ("file", "line", "col")}
    assert place == {"file": "app/train.py", "line": "2", "col": "8"}


def test_ten_of_a_kind_and_the_last_says_how_many_more(envcheck: Run, tmp_path: Path) -> None:
    write_code(tmp_path, "ten.py", 10)
    ten = envcheck("scan", "--tensorflow", "2.21", "--format", "github", "ten.py")
    assert [found.properties.get("file") for found in runner.commands(ten.stdout)] == (
        ["ten.py"] * 10
    )
    write_code(tmp_path, "many.py", 25)
    many = list(
        runner.commands(
            envcheck("scan", "--tensorflow", "2.21", "--format", "github", "many.py").stdout
        )
    )
    assert len(many) == 10
    assert many[-1].message == (
        "16 more of this kind: the step's summary and log have all of them."
    )


def test_a_notebook_has_no_line(envcheck: Run, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["import keras.layers.gone\n"], "metadata": {}}
    notebook = {"cells": [cell], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    completed = envcheck("scan", "--tensorflow", "2.21", "--format", "github")
    (found,) = runner.commands(completed.stdout)
    assert found.properties["file"] == "a.ipynb"
    assert "line" not in found.properties


def test_what_could_not_be_judged_is_an_error_of_its_own(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    edits = {"keras.version": unknown("the folder may not be read")}
    healthy = machine("linux-rtx3080-tf29-cuda116", edits)
    sheet = samples.sheet_of(samples.report_of(healthy, matrix))
    assert sheet.verdict.exit_code == 3
    (found,) = runner.commands(github.render(sheet))
    assert (found.name, found.properties["title"]) == ("error", "envcheck: could not be judged")
    assert "the folder may not be read" in found.message


def test_markdown_is_redacted_unless_that_is_refused(envcheck: Run, tmp_path: Path) -> None:
    facts = json.loads((Path(BROKEN) / "facts.json").read_text(encoding="utf-8"))
    text = json.dumps(facts).replace("/home/user", "/home/alice")
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "facts.json").write_text(text, encoding="utf-8")
    options = ("--format", "markdown")
    redacted = envcheck("replay", "machine", *options).stdout
    path = "/home/alice/coffee/venv/lib/python3.10/site-packages/numpy"
    assert "alice" not in redacted
    assert path.replace("alice", "user") in redacted
    assert path in envcheck("replay", "machine", *options, "--no-redact").stdout
    assert path in envcheck("replay", "machine", "--format", "junit").stdout
    for name in ("junit", "json", "html", "terminal"):
        text = envcheck("replay", "machine", "--format", name, "--redact").stdout
        assert "alice" not in text


def test_no_output_changes_the_folder(envcheck: Run, tmp_path: Path) -> None:
    envcheck("replay", HEALTHY, "--format", "html")
    assert os.listdir(tmp_path) == []
