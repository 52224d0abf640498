"""The command line: exit codes, formats, and outputs that cannot take everything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import MACHINES, ROOT, Run, plain_environment, report_of

SCHEMA = json.loads((ROOT / "envcheck/schemas/report.schema.json").read_text(encoding="utf-8"))
HEALTHY = MACHINES / "linux-none-tf221"
BROKEN = MACHINES / "linux-none-tf29-mixed"


def test_version(envcheck: Run) -> None:
    completed = envcheck("--version")
    assert (completed.returncode, completed.stdout) == (0, "envcheck 0.1.0\n")


@pytest.mark.parametrize("args", [("--help",), ("check", "-h"), ("replay", "--help")])
def test_help_is_help(envcheck: Run, args: tuple[str, ...]) -> None:
    completed = envcheck(*args)
    assert completed.returncode == 0
    assert completed.stdout.startswith("Usage: envcheck")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--no-such-option",), "No such option"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("--expect", "tpu"), "'tpu' is not one of 'gpu', 'cpu'"),
        (("--timeout", "soon"), "'soon' is not a valid float"),
        (("--timeout", "-1"), "-1.0 is not in the range"),
        (("replay",), "Missing argument 'FOLDER'"),
        (("replay", "/no/such/folder"), "/no/such/folder: No such file or directory."),
    ],
)
def test_wrong_usage_is_2(envcheck: Run, args: tuple[str, ...], says: str) -> None:
    completed = envcheck(*args)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr.startswith("envcheck: ")
    assert says in completed.stderr
    assert "Traceback" not in completed.stderr


@pytest.mark.parametrize(
    ("machine", "args", "code", "status"),
    [
        (HEALTHY, ("--expect", "cpu"), 0, "pass"),
        (HEALTHY, (), 1, "fail"),
        (BROKEN, ("--expect", "cpu"), 1, "fail"),
    ],
)
def test_exit_code_and_json_say_the_same(
    envcheck: Run, machine: Path, args: tuple[str, ...], code: int, status: str
) -> None:
    completed = envcheck("replay", str(machine), "--format", "json", *args)
    report = report_of(completed)
    jsonschema.validate(report, SCHEMA)
    assert completed.returncode == code
    assert report["verdict"] == {"status": status, "exit_code": code}
    assert [row["layer"] for row in report["stack"]] == (
        ["driver", "gpu", "cuda", "cudnn", "python", "tensorflow", "keras", "imports", "smoke"]
    )
    assert envcheck("replay", str(machine), *args).returncode == code
    assert envcheck("replay", str(machine), "-q", *args).returncode == code


def test_an_empty_machine_is_never_a_pass(envcheck: Run, tmp_path: Path) -> None:
    document = {"schema": "envcheck.facts/1", "facts": {}}
    (tmp_path / "facts.json").write_text(json.dumps(document), encoding="utf-8")
    completed = envcheck("replay", str(tmp_path), "--expect", "cpu", "--format", "json")
    report = report_of(completed)
    assert completed.returncode == 3
    assert report["verdict"]["status"] == "inconclusive"
    assert report["checked"] == 0
    text = envcheck("replay", str(tmp_path), "--expect", "cpu").stdout
    assert text.splitlines()[0] == "? INCONCLUSIVE: nothing could be checked"


def fact(name: str, state: str = "known", **more: object) -> str:
    return json.dumps({"schema": "envcheck.facts/1", "facts": {name: {"state": state, **more}}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this is not JSON"),
        ("[]", "not a recorded machine of schema"),
        ('{"schema": "envcheck.facts/9", "facts": {}}', "not a recorded machine of schema"),
        ('{"schema": "envcheck.facts/1"}', "a fact is not what a fact must be"),
        ('{"schema": "envcheck.facts/1", "facts": {"a": 1}}', "a fact is not what a fact must be"),
        ("[" * 100_000, "this is not JSON"),
        (fact("target.python", state="bogus"), "its state is 'bogus'"),
        (fact("target.python", state="absent", reason=5), "must be text"),
        (fact("driver.cuda_supported", value=7), "its value is not of the kind"),
        (fact("smoke.result", value=[]), "its value is not of the kind"),
        (fact("gpu.devices", value="x"), "its value is not of the kind"),
        (fact("target.path", value=[{"path": 7, "origin": "cwd"}]), "path is '7'"),
    ],
)
def test_a_machine_that_is_none(envcheck: Run, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "facts.json").write_text(text, encoding="utf-8")
    completed = envcheck("replay", str(tmp_path))
    assert completed.returncode == 2
    assert says in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_the_first_line_is_the_cause_and_the_second_the_command(envcheck: Run) -> None:
    lines = envcheck("replay", str(BROKEN)).stdout.splitlines()
    # No GPU is there either, but first of all TensorFlow has to be importable.
    assert lines[0] == "✗ FAIL: numpy 2.2.6 does not fit TensorFlow 2.9.1"
    assert lines[1].startswith("  First: ")
    first = " ".join(lines).split("Do this first: ")[1]
    for wanted in ("keras", "numpy", "protobuf"):
        assert f"'{wanted}" in first, "one command mends all three"


def test_quiet_is_the_verdict_line(envcheck: Run) -> None:
    text = envcheck("replay", str(HEALTHY), "--expect", "cpu", "-q").stdout
    assert text == "✓ PASS: everything fits together\n"
    text = envcheck("replay", str(BROKEN), "--expect", "cpu", "-q").stdout
    assert text == "✗ FAIL: numpy 2.2.6 does not fit TensorFlow 2.9.1\n"


def test_verbose_shows_more(envcheck: Run) -> None:
    plain = envcheck("replay", str(BROKEN), "--expect", "cpu").stdout
    verbose = envcheck("replay", str(BROKEN), "--expect", "cpu", "-v").stdout
    assert "confidence: certain" in verbose
    assert "confidence" not in plain
    assert len(verbose.splitlines()) > len(plain.splitlines())


@pytest.mark.parametrize("machine", [HEALTHY, BROKEN])
@pytest.mark.parametrize("args", [(), ("-v",), ("-q",)])
def test_plain_output_is_80_columns_without_colour(
    envcheck: Run, machine: Path, args: tuple[str, ...]
) -> None:
    completed = envcheck("replay", str(machine), *args)
    assert "\x1b" not in completed.stdout
    # A single word (a path, a requirement) may be longer than the line; nothing else may.
    long = [line for line in completed.stdout.splitlines() if len(line) > 80]
    assert [line for line in long if len(line.split()) > 2] == []


def test_ascii_terminals_get_ascii(envcheck: Run) -> None:
    completed = envcheck("replay", str(BROKEN), PYTHONIOENCODING="ascii")
    assert completed.returncode == 1
    assert completed.stdout.isascii()
    assert completed.stdout.startswith("x FAIL: ")


def test_the_language_is_the_users(envcheck: Run) -> None:
    text = envcheck("replay", str(BROKEN), "--expect", "cpu", LANG="zh_CN.UTF-8").stdout
    assert "numpy 2.2.6" in text.splitlines()[0]
    assert re.search(r"[\u4e00-\u9fff]", text.splitlines()[0])
    assert (
        envcheck("replay", str(BROKEN), "--expect", "cpu", LANG="xx_XX.UTF-8").stdout.isprintable()
        is False
    )


@pytest.mark.parametrize("language", [":", "", "C", "de:fr"])
def test_no_language_of_ours_is_english(envcheck: Run, language: str) -> None:
    text = envcheck("replay", str(HEALTHY), "--expect", "cpu", "-q", LANGUAGE=language).stdout
    assert text == "✓ PASS: everything fits together\n"


def test_a_language_that_stdout_cannot_write_is_english(envcheck: Run) -> None:
    env = {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "ascii"}
    text = envcheck("replay", str(BROKEN), "--expect", "cpu", "-q", **env).stdout
    assert text == "x FAIL: numpy 2.2.6 does not fit TensorFlow 2.9.1\n"


def test_json_is_the_same_in_every_language(envcheck: Run) -> None:
    args = ("replay", str(BROKEN), "--expect", "cpu", "--format", "json")
    assert envcheck(*args).stdout == envcheck(*args, LANG="zh_CN.UTF-8").stdout


def test_a_reader_that_goes_away_does_not_change_the_verdict(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "envcheck", "replay", str(BROKEN), "-v"],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=plain_environment(),
        text=True,
        check=False,
    )
    os.close(writing)
    assert (process.returncode, process.stderr) == (1, "")


@pytest.mark.parametrize("words", ["policy", "explain KER201", "completion bash"])
def test_what_could_not_be_printed_is_no_success(tmp_path: Path, words: str) -> None:
    command = f"{sys.executable} -m envcheck {words} >/dev/full"
    completed = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
    )
    said = "envcheck: the report could not be written: No space left on device.\n"
    assert (completed.returncode, completed.stderr) == (3, said)


def test_a_group_without_a_command_shows_its_help(envcheck: Run) -> None:
    completed = envcheck("matrix")
    assert completed.returncode == 2
    assert completed.stderr.startswith("Usage: envcheck matrix [OPTIONS] COMMAND [ARGS]...\n")
    completed = envcheck("completion")
    assert completed.stderr == (
        "envcheck: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish\n"
    )


@pytest.mark.parametrize(
    ("machine", "redirect", "code"),
    [
        (BROKEN, ">&-", 1),
        (BROKEN, ">/dev/full", 1),
        (BROKEN, "2>&-", 1),
        (HEALTHY, ">&-", 0),
        # A report that nobody can have read is no pass.
        (HEALTHY, ">/dev/full", 3),
    ],
)
def test_streams_that_are_closed_or_full(
    tmp_path: Path, machine: Path, redirect: str, code: int
) -> None:
    command = f"{sys.executable} -m envcheck replay {machine} --expect cpu {redirect}"
    completed = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == code
    assert "Traceback" not in completed.stderr


def test_no_home_at_all(envcheck: Run, tmp_path: Path) -> None:
    env = plain_environment()
    del env["HOME"]
    completed = subprocess.run(
        [sys.executable, "-m", "envcheck", "replay", str(BROKEN)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 1
    assert completed.stderr == ""


def test_an_error_of_our_own_is_one_line_and_3(tmp_path: Path) -> None:
    code = (
        "import sys, envcheck.machines\n"
        "def load(folder): raise ZeroDivisionError('planted')\n"
        "envcheck.machines.load = load\n"
        f"sys.argv = ['envcheck', 'replay', {str(BROKEN)!r}]\n"
        "from envcheck.cli import main; main()\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=plain_environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 3
    (line,) = completed.stderr.splitlines()
    found = re.fullmatch(
        r"envcheck: internal error: ZeroDivisionError: planted\. Details: (\S+)", line
    )
    assert found
    assert "planted" in Path(found[1]).read_text(encoding="utf-8")
