"""The GitHub Action, the pre-commit hook and the GitLab component: valid, and they work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, plain_environment

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def validate(schema: str, path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_is_one() -> None:
    validate("vendor.github-actions", ROOT / "action.yml")


def test_no_input_of_the_action_is_read_as_shell_text() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


def run_step(step: dict[str, Any], folder: Path, **inputs: str) -> tuple[int, str]:
    """A step's script as the runner runs it, with the inputs that it names."""
    env = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_ENV": str(folder / "env"), **inputs}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """An `envcheck` that says how it was called and ends as it is told."""
    path = tmp_path / "envcheck"
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit "$ENDS"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_action_ends_as_envcheck_ends(command: Path, tmp_path: Path, code: int) -> None:
    inputs = {
        "INPUT_POLICY": "gate $(touch injected).toml",
        "INPUT_EXPECT": "gpu",
        "INPUT_FAIL_ON": "warning",
        "INPUT_PYTHON": "a b/bin/python; touch injected",
        "INPUT_SMOKE": "false",
        "INPUT_OUTPUT": "envcheck.sarif\nenv check.html\n",
        "INPUT_ARGUMENTS": "--timeout\n20",
    }
    ended, text = run_step(
        ACTION["runs"]["steps"][1], tmp_path, ENVCHECK=str(command), ENDS=str(code), **inputs
    )
    assert ended == code
    called = " | ".join(text.splitlines())
    assert called == (
        "check | --policy | gate $(touch injected).toml | --expect | gpu | --fail-on | warning"
        " | --python | a b/bin/python; touch injected | --no-smoke | --output | envcheck.sarif"
        " | --output | env check.html | --timeout | 20"
    )
    assert (tmp_path / "output").read_text(encoding="utf-8") == f"exit-code={code}\n"
    assert not (tmp_path / "injected").exists()


@pytest.mark.parametrize(
    ("smoke", "called"), [("true", "--smoke"), ("quick", "--quick"), ("false", "--no-smoke")]
)
def test_the_training_as_an_input(command: Path, tmp_path: Path, smoke: str, called: str) -> None:
    inputs = dict.fromkeys(("PYTHON", "POLICY", "EXPECT", "FAIL_ON", "OUTPUT", "ARGUMENTS"), "")
    inputs = {f"INPUT_{name}": text for name, text in (inputs | {"SMOKE": smoke}).items()}
    step = ACTION["runs"]["steps"][1]
    _, text = run_step(step, tmp_path, ENVCHECK=str(command), ENDS="0", **inputs)
    assert text.splitlines() == ["check", called]
    wrong = inputs | {"INPUT_SMOKE": "on"}
    ended, text = run_step(step, tmp_path, ENVCHECK=str(command), ENDS="0", **wrong)
    assert (ended, text) == (2, "::error::smoke is one of true, quick, false\n")
    assert (tmp_path / "output").read_text(encoding="utf-8") == "exit-code=0\nexit-code=2\n"


def test_the_action_needs_no_input(command: Path, tmp_path: Path) -> None:
    names = {
        f"INPUT_{name.upper().replace('-', '_')}": item["default"]
        for name, item in (ACTION["inputs"].items())
    }
    _, text = run_step(
        ACTION["runs"]["steps"][1], tmp_path, ENVCHECK=str(command), ENDS="0", **names
    )
    # The policy of the repository decides.
    assert text.splitlines() == ["check"]


@pytest.mark.slow
def test_the_action_installs_envcheck_beside_the_target(
    lab: Callable[[str], Path], tmp_path: Path
) -> None:
    network = {name: value for name, value in os.environ.items() if re.match("PIP_|SSL_|UV_", name)}
    python = lab("empty311")
    path = f"{python.parent}:/usr/bin:/bin"
    ended, text = run_step(
        ACTION["runs"]["steps"][0],
        tmp_path,
        ACTION=str(ROOT),
        VENV=str(tmp_path / "venv"),
        PATH=path,
        **network,
    )
    assert ended == 0, text
    name, _, script = (tmp_path / "env").read_text(encoding="utf-8").strip().partition("=")
    assert name == "ENVCHECK"
    inputs = {"INPUT_EXPECT": "cpu", "INPUT_FAIL_ON": "error", "INPUT_SMOKE": "false"}
    inputs["INPUT_POLICY"] = ""
    ended, text = run_step(
        ACTION["runs"]["steps"][1],
        tmp_path,
        ENVCHECK=script,
        PATH=path,
        INPUT_PYTHON=str(python),
        INPUT_OUTPUT="a.json",
        INPUT_ARGUMENTS="",
        **inputs,
    )
    assert ended == 1, text
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert report["findings"][0]["code"] == "TFX101"


def interpolated(text: str, inputs: dict[str, Any]) -> str:
    """As GitLab fills in a component: a value alone keeps its type."""
    return re.sub(
        r"\$\[\[ inputs\.([\w-]+) \]\]",
        lambda found: (
            json.dumps(value) if isinstance(value := inputs[found[1]], list) else str(value)
        ),
        text,
    )


def test_the_component_for_gitlab_is_a_pipeline(tmp_path: Path) -> None:
    text = (ROOT / "templates/envcheck.yml").read_text(encoding="utf-8")
    head, _, body = text.partition("\n---\n")
    spec = yaml.safe_load(head)["spec"]["inputs"]
    inputs = {name: item.get("default") for name, item in spec.items()}
    # One has to be given: where envcheck comes from.
    assert [name for name, value in inputs.items() if value is None] == ["package"]
    inputs["package"] = "git+https://example.com/envcheck.git@v1"
    used = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", body))
    assert used == set(inputs)
    pipeline = tmp_path / "pipeline.gitlab-ci.yml"
    pipeline.write_text(interpolated(body, inputs), encoding="utf-8")
    validate("vendor.gitlab-ci", pipeline)
    job = yaml.safe_load(pipeline.read_text(encoding="utf-8"))["envcheck"]
    assert job["artifacts"]["reports"] == {
        "codequality": "gl-code-quality-report.json",
        "junit": "envcheck.xml",
    }
    # GitLab reads a report that fails the job, too.
    assert job["artifacts"]["when"] == "always"


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ({}, []),
        (
            {"policy": "a b.toml", "expect": "cpu", "fail-on": "warning"},
            ["--policy", "a b.toml", "--expect", "cpu", "--fail-on", "warning"],
        ),
    ],
    ids=["no input", "inputs"],
)
def test_what_the_component_for_gitlab_calls(
    tmp_path: Path, given: dict[str, str], called: list[str]
) -> None:
    head, _, body = (
        (ROOT / "templates/envcheck.yml").read_text(encoding="utf-8").partition("\n---\n")
    )
    spec = yaml.safe_load(head)["spec"]["inputs"]
    inputs = {name: item.get("default") for name, item in spec.items()} | given
    job = yaml.safe_load(interpolated(body, {**inputs, "package": "envcheck"}))["envcheck"]
    program = tmp_path / "envcheck"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = job["script"][-1].replace("/tmp/envcheck/bin/envcheck", str(program))
    env = plain_environment(**{name: text or "" for name, text in job["variables"].items()})
    done = subprocess.run(
        ["sh", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[:3] == ["check", "--python", "python3"]
    assert done.stdout.splitlines()[3 : 3 + len(called)] == called
    assert done.stdout.splitlines()[3 + len(called)] == "--output"


def test_the_hook_is_one() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"]
    env = plain_environment(HOME="/nonexistent")
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.slow
def test_the_hook_stops_a_commit(tmp_path: Path) -> None:
    """pre-commit installs envcheck from a repository and runs it on what is committed."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]

    def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")}
        return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)

    source, user = tmp_path / "envcheck", tmp_path / "user"
    user.mkdir()
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    files = run(*listed, cwd=ROOT).stdout.splitlines()
    for file in files:
        if not file.startswith("tests/") and (ROOT / file).is_file():
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).write_bytes((ROOT / file).read_bytes())
    for folder in (source, user):
        run(*git, "init", "--quiet", cwd=folder)
    run(*git, "add", ".", cwd=source)
    run(*git, "commit", "--quiet", "--message", "a", cwd=source)
    rev = run("git", "rev-parse", "HEAD", cwd=source).stdout.strip()
    hook = {"id": "envcheck-scan", "args": ["--tensorflow", "2.21"]}
    config = {"repos": [{"repo": str(source), "rev": rev, "hooks": [hook]}]}
    (user / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (user / "good.py").write_text("import keras\n", encoding="utf-8")
    run(*git, "add", ".", cwd=user)
    pre_commit = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    passed = run(*pre_commit, cwd=user)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    (user / "bad.py").write_text("import keras.layers.gone\n", encoding="utf-8")
    run(*git, "add", ".", cwd=user)
    failed = run(*pre_commit, cwd=user)
    assert failed.returncode == 1
    assert "bad.py:1" in failed.stdout
    assert "keras.layers.gone" in failed.stdout
