"""The policy at the command line: precedence, `envcheck policy`, errors, and code."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import MACHINES, ROOT, Run, report_of
from tests.formats import runner
from tests.policy.documents import BROKEN

CPU = str(MACHINES / "linux-none-tf221")
MIXED = str(MACHINES / "linux-none-tf29-mixed")
SETTINGS = json.loads((ROOT / "envcheck/schemas/settings.schema.json").read_text(encoding="utf-8"))
POLICY = """\
expect = "cpu"
smoke = "quick"
timeout = 2.5

[severity]
SYS103 = "error"

[[ignore]]
code = "KER201"
subject = "keras"
reason = "the course pins it"
expires = 2999-12-31
"""


def settings(envcheck: Run, *args: str, cwd: Path | None = None) -> dict[str, tuple[Any, str]]:
    completed = envcheck("policy", "--format", "json", *args, cwd=cwd)
    assert (completed.returncode, completed.stderr) == (0, "")
    document = report_of(completed)
    jsonschema.validate(document, SETTINGS)
    return {row["name"]: (row["value"], row["origin"]) for row in document["values"]}


def test_the_command_line_wins_over_the_file_over_the_default(
    envcheck: Run, tmp_path: Path
) -> None:
    defaults = settings(envcheck)
    assert defaults == {
        "expect": ("gpu", "default"),
        "fail-on": ("error", "default"),
        "smoke": ("full", "default"),
        "timeout": (10.0, "default"),
        "smoke-timeout": (300.0, "default"),
    }
    (tmp_path / "envcheck.toml").write_text(POLICY)
    assert settings(envcheck) == defaults | {
        "expect": ("cpu", "envcheck.toml:1"),
        "smoke": ("quick", "envcheck.toml:2"),
        "timeout": (2.5, "envcheck.toml:3"),
        "severity.SYS103": ("error", "envcheck.toml:6"),
    }
    # What is typed wins even where it is the default.
    given = settings(envcheck, "--expect", "gpu", "--smoke", "--timeout", "10")
    assert given["expect"] == ("gpu", "command line")
    assert given["smoke"] == ("full", "command line")
    assert given["timeout"] == (10.0, "command line")
    assert settings(envcheck, "--no-smoke")["smoke"] == ("off", "command line")
    assert settings(envcheck, "--quick")["smoke"] == ("quick", "command line")
    assert settings(envcheck, "--no-policy") == defaults
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert settings(envcheck, cwd=below)["expect"] == ("cpu", "../../envcheck.toml:1")
    (below / "other.toml").write_text("fail-on = 'info'")
    named = settings(envcheck, "--policy", "other.toml", cwd=below)
    assert (named["fail-on"], named["expect"]) == (("info", "other.toml:1"), ("gpu", "default"))


def test_what_a_person_reads(envcheck: Run, tmp_path: Path) -> None:
    lines = envcheck("policy").stdout.splitlines()
    assert lines[0] == "Make a policy: envcheck policy --starter > envcheck.toml"
    (tmp_path / "envcheck.toml").write_text(POLICY + "\n[require]\n")
    lines = envcheck("policy").stdout.splitlines()
    assert lines[0] == "The policy is envcheck.toml; the command line wins over it."
    assert [re.sub(" +", " ", line.strip()) for line in lines[2:]] == [
        "expect cpu envcheck.toml:1",
        "fail-on error default",
        "smoke quick envcheck.toml:2",
        "timeout 2.5 envcheck.toml:3",
        "smoke-timeout 300 default",
        "severity.SYS103 error envcheck.toml:6",
        "ignore KER201 keras until 2999-12-31 envcheck.toml:8 (the course pins it)",
    ]
    text = POLICY.replace("2999", "2001").replace('"cpu"', '"gpu"')
    (tmp_path / "envcheck.toml").write_text(f"{text}[require]\ngpus = 2\n")
    shown = envcheck("policy", "--expect", "cpu").stdout
    assert "EXPIRED, was until 2001-12-31" in shown
    assert "(left out here: no GPU is expected (--expect cpu))" in shown
    lines = envcheck("policy", "--no-policy").stdout.splitlines()
    assert lines[0] == "No policy is used (--no-policy), so these values hold:"


def test_the_starter_is_made_and_used_as_it_is_said(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "envcheck.toml").write_text("broken")
    starter = envcheck("policy", "--starter")
    assert (starter.returncode, starter.stderr) == (0, "")
    (tmp_path / "envcheck.toml").write_text(starter.stdout)
    assert settings(envcheck)["smoke"] == ("full", "envcheck.toml:6")
    for option in ("--format=json", "--no-smoke", "--no-policy", "--expect=cpu"):
        refused = envcheck("policy", option, "--starter")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == "envcheck: --starter takes no other option.\n"


@pytest.mark.parametrize(
    "command",
    [("policy",), ("check", "--no-smoke"), ("replay", CPU), ("scan",)],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("name", ["unknown key", "a day that never is", "severity of nothing"])
def test_a_broken_policy_is_2_and_its_line(
    envcheck: Run, tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    text, line, says = BROKEN[name]
    (tmp_path / "envcheck.toml").write_text(text)
    completed = envcheck(*command)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr.startswith(f"envcheck: envcheck.toml:{line}: ")
    assert says in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--policy", "no.toml"), "no.toml: it cannot be read (No such file or directory)."),
        (("--policy", ""), "--policy: the path is empty."),
        (("--policy", "."), ".: it cannot be read (Is a directory)."),
        (("--policy", "pyproject.toml"), "pyproject.toml: there is no [tool.envcheck] in it."),
        (("--policy", "a.toml", "--no-policy"), "--policy and --no-policy exclude each other."),
        (("--quick", "--no-smoke"), "--quick and --no-smoke exclude each other."),
        (("--quick", "--smoke"), "--quick and --smoke exclude each other."),
    ],
    ids=" ".join,
)
def test_wrong_usage(envcheck: Run, tmp_path: Path, args: tuple[str, ...], says: str) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'envcheck'\n")
    completed = envcheck("policy", *args)
    assert (completed.returncode, completed.stderr) == (2, f"envcheck: {says}\n")


def test_information_that_fails_is_named(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "envcheck.toml").write_text("[require]\ngpus = 1\n")
    options = ("--expect", "cpu", "--fail-on", "info", "--output", "a.json")
    done = envcheck("replay", CPU, *options)
    assert (done.returncode, done.stderr) == (1, "")
    title = "What the policy requires of GPUs is left out: no GPU is expected (--expect cpu)"
    assert done.stdout.splitlines()[:2] == [
        f"✗ FAIL: {title}",
        "  First: Expect a GPU where the policy is to hold as a whole.",
    ]
    done = envcheck("diff", "a.json", CPU)
    shown = "  a.json            ✗ What the policy requires of GPUs is left out: no GPU is"
    assert shown in done.stdout.splitlines()


def test_what_several_requirements_need_is_printed_once(envcheck: Run, tmp_path: Path) -> None:
    text = 'expect = "cpu"\n[require]\ntensorflow = ">=2.99"\nkeras = "<3"\npython = "<3.10"\n'
    (tmp_path / "envcheck.toml").write_text(text)
    done = envcheck("replay", CPU)
    plan = "    envcheck plan --python '<3.10' --tensorflow '>=2.99' --keras '<3'"
    findings = done.stdout.partition("\n✗ POL101")[2].partition("\nerrors: ")[0].splitlines()
    assert (findings.count(plan), findings.count("  fix: as above")) == (1, 2)


def test_a_broken_pyproject_is_named_as_one_would_type_it(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.envcheck\n")
    below = tmp_path / "a"
    below.mkdir()
    for cwd, shown in ((tmp_path, "pyproject.toml"), (below, "../pyproject.toml")):
        done = envcheck("policy", cwd=cwd)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"envcheck: {shown}:1: this is not TOML: ")


def test_a_policy_that_is_a_link_to_nothing(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "envcheck.toml").symlink_to("gone.toml")
    completed = envcheck("policy")
    assert (completed.returncode, completed.stderr) == (
        2,
        "envcheck: envcheck.toml: it cannot be read (No such file or directory).\n",
    )


def test_a_pyproject_that_is_a_link_to_nothing(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").symlink_to("gone.toml")
    done = envcheck("replay", CPU)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "envcheck: pyproject.toml: it cannot be read (No such file or directory), and may hold the "
        "policy. Name one with --policy, or use --no-policy.\n"
    )
    assert envcheck("replay", CPU, "--no-policy").returncode == 1


def test_a_policy_that_may_not_be_read(envcheck: Run, tmp_path: Path) -> None:
    path = tmp_path / "envcheck.toml"
    path.write_text("")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    completed = envcheck("policy")
    assert completed.stderr == "envcheck: envcheck.toml: it cannot be read (Permission denied).\n"


@pytest.mark.parametrize("name", ["\\u001b[31mred", "\\u202etxt", "a\\nb\\u0000", "::error::x"])
def test_hostile_reasons_are_made_harmless(envcheck: Run, tmp_path: Path, name: str) -> None:
    entry = f'code = "KER201"\nsubject = "{name}"\nreason = "{name}"\nexpires = 2001-01-01\n'
    (tmp_path / "envcheck.toml").write_text(f"[[ignore]]\n{entry}")
    for command in (("policy",), ("replay", CPU, "--expect", "cpu")):
        completed = envcheck(*command, GITHUB_ACTIONS="true")
        assert completed.returncode == 0
        assert completed.stdout.replace("\n", "").isprintable()
        names = {found.name for found in runner.commands(completed.stdout)}
        assert names == ({"warning"} if command[0] == "replay" else set())
    broken = f'[[ignore]]\n{entry}"{name}" = 1\n'
    (tmp_path / "envcheck.toml").write_text(broken)
    completed = envcheck("policy", GITHUB_ACTIONS="true")
    assert completed.returncode == 2
    assert completed.stderr.replace("\n", "").isprintable()
    (error,) = runner.commands(completed.stderr)
    assert (error.name, error.properties) == ("error", {"title": "envcheck"})
    assert error.message.startswith("envcheck.toml:6: ")


def test_a_recorded_machine_brings_no_policy_of_its_own(envcheck: Run, tmp_path: Path) -> None:
    document = json.loads(Path(MIXED, "facts.json").read_text(encoding="utf-8"))
    ignore = {"code": "KER201", "reason": "", "expires": "2999-01-01", "file": "x", "line": 1}
    document["facts"]["policy.file"] = {"state": "known", "value": "x"}
    document["facts"]["policy.ignores"] = {"state": "known", "value": [ignore]}
    (tmp_path / "facts.json").write_text(json.dumps(document), encoding="utf-8")
    report = report_of(envcheck("replay", str(tmp_path), "--format", "json"))
    assert report["ignored"] == []
    assert "KER201" in [row["code"] for row in report["findings"]]
    assert not [name for name in report["facts"] if name.startswith("policy.")]


def test_the_verdict_obeys_threshold_and_ignores(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "envcheck.toml").write_text(
        "expect = 'cpu'\nfail-on = 'warning'\n[severity]\nPOL103 = 'warning'\n"
        "[[ignore]]\ncode = 'KER201'\nreason = 'a'\nexpires = 2999-01-01\n"
    )
    completed = envcheck("replay", CPU, "--format", "json")
    assert completed.returncode == 1
    report = report_of(completed)
    assert report["expect"] == "cpu"
    assert [(row["code"], row["severity"]) for row in report["findings"]] == [("POL103", "warning")]
    assert envcheck("replay", CPU, "--fail-on", "error").returncode == 0
    assert envcheck("replay", CPU, "--no-policy").returncode == 1


def test_a_scan_obeys_too(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import keras.layers.core\n")
    (tmp_path / "b.py").write_text("import keras.layers.core\n")

    def scan(policy: str, *args: str) -> tuple[int, Any]:
        (tmp_path / "envcheck.toml").write_text(policy)
        completed = envcheck("scan", "--tensorflow", "2.21", "--format", "json", *args)
        return completed.returncode, report_of(completed)

    entry = "reason = 'old'\nexpires = 2999-01-01\n"
    one = f"[[ignore]]\ncode = 'IMP301'\nsubject = 'a.py:*'\n{entry}"
    code, report = scan(one)
    assert code == 1
    assert [row["subject"] for row in report["findings"]] == ["b.py:1:8 keras.layers.core"]
    assert [row["finding"]["subject"] for row in report["ignored"]] == [
        "a.py:1:8 keras.layers.core"
    ]
    # What is required of the machine, and ignores of the machine's findings, are of no concern.
    machine = f"[require]\ngpus = 4\n[[ignore]]\ncode = 'GPU101'\n{entry}"
    code, report = scan(f"[severity]\nIMP301 = 'warning'\n{machine}{one}")
    assert (code, [row["code"] for row in report["findings"]]) == (0, ["IMP301"])
    # An entry that met nothing in the whole folder is unused, in one file it is not.
    unused = f"[[ignore]]\ncode = 'IMP302'\n{entry}"
    _, report = scan(one + unused)
    assert [row["code"] for row in report["findings"]] == ["IMP301", "POL103"]
    _, report = scan(one + unused, "b.py")
    assert [row["code"] for row in report["findings"]] == ["IMP301"]
    _, report = scan(one.replace("2999", "1999"))
    assert [row["code"] for row in report["findings"]] == ["IMP301", "IMP301", "POL102"]


def test_a_check_shows_the_first_finding_in_code_that_is_not_ignored(
    envcheck: Run, lab: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("import keras.layers.core\n")
    (tmp_path / "b.py").write_text("import keras.layers.core\nimport keras.layers.core\n")
    (tmp_path / "envcheck.toml").write_text(
        "expect = 'cpu'\nsmoke = 'off'\n"
        "[[ignore]]\ncode='IMP301'\nsubject='a.py:*'\nreason='old'\nexpires=2999-01-01\n"
    )
    report = report_of(envcheck("--python", str(lab("tf215")), "--format", "json"))
    assert [row["subject"] for row in report["findings"]] == ["b.py:1:8 keras.layers.core"]
    assert report["findings"][0]["evidence"][1]["value"] == "1 more like it"
    assert [row["finding"]["subject"] for row in report["ignored"]] == [
        "a.py:1:8 keras.layers.core"
    ]
    assert report["facts"]["smoke.result"]["reason"] == "left out by envcheck.toml:2"


@pytest.mark.slow
def test_one_epoch_is_trained_where_the_policy_says_so(
    envcheck: Run, lab: Any, tmp_path: Path
) -> None:
    (tmp_path / "envcheck.toml").write_text("expect = 'cpu'\nsmoke = 'quick'\n")
    completed = envcheck("--python", str(lab("tf221")), "--format", "json", "--no-scan")
    assert (completed.returncode, completed.stderr) == (0, "")
    report = report_of(completed)
    assert len(report["facts"]["smoke.result"]["value"]["losses"]) == 1
    (layer,) = [layer for layer in report["stack"] if layer["layer"] == "smoke"]
    assert layer["version"].startswith("trained for one epoch in ")


def test_a_file_without_an_end_is_no_policy(envcheck: Run) -> None:
    completed = envcheck("policy", "--policy", "/dev/zero")
    said = "envcheck: /dev/zero: it is larger than a policy can be.\n"
    assert (completed.returncode, completed.stderr) == (2, said)
