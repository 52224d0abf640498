"""Recorded machines: each gives exactly what its expected.json says, and is what it claims."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli

from envcheck import engine, rules
from envcheck.collect import Collector, Wishes
from envcheck.machines import Redaction, dump
from envcheck.matrix import Matrix
from envcheck.model import Facts
from envcheck.probes import target
from envcheck.probes.source import Recorded
from envcheck.verdict import decide
from tests.conftest import MACHINES, ROOT, Run, plain_environment

NAMES = sorted(path.name for path in MACHINES.iterdir() if path.is_dir())
REAL = [name for name in NAMES if (MACHINES / name / "raw").exists()]
SCHEMA = json.loads((ROOT / "envcheck/schemas/facts.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_expected_is_found_and_nothing_more(
    name: str, machine: Callable[..., Facts], matrix: Matrix
) -> None:
    expected = json.loads((MACHINES / name / "expected.json").read_text(encoding="utf-8"))
    outcome = engine.run_rules(rules.discover(), machine(name), matrix, expected["expect"])
    found = [finding.code for finding in outcome.findings]
    verdict = decide(outcome.findings, outcome.not_evaluated, outcome.checked)
    assert (found, outcome.not_evaluated) == (expected["findings"], ())
    assert verdict.exit_code == expected["exit_code"]


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_named_after_what_it_is_and_says_where_it_comes_from(name: str) -> None:
    assert re.fullmatch(r"(linux|windows|wsl2|macos)-[a-z0-9]+-[a-z0-9-]+", name)
    folder = MACHINES / name
    jsonschema.validate(json.loads((folder / "facts.json").read_text(encoding="utf-8")), SCHEMA)
    provenance = tomli.loads((folder / "PROVENANCE.toml").read_text(encoding="utf-8"))
    assert provenance["synthetic"] is not (folder / "raw").exists()
    if provenance["synthetic"]:
        assert provenance["about"]


@pytest.mark.parametrize("name", REAL)
def test_the_raw_answers_give_the_recorded_facts(name: str) -> None:
    """The parsers of today on what the probes were told then."""
    collector = Collector(Recorded(MACHINES / name / "raw"), Wishes(python="venv"))
    collector.start(target.Target("venv", "--python"))
    facts = collector.finish()
    recorded = json.loads((MACHINES / name / "facts.json").read_text(encoding="utf-8"))["facts"]
    assert json.loads(dump(facts))["facts"] == recorded


@pytest.mark.parametrize("name", REAL)
def test_a_recorded_machine_names_nobody(name: str) -> None:
    for path in (MACHINES / name).rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"/(?:home|Users)/(\w+)", text)) <= {"user"}
        assert "/root" not in text


def test_redaction() -> None:
    redact = Redaction("/home/alice", "lab-7")
    assert redact.text("/home/alice/x lab-7 lab-70 /home/alice2 /data/home/alice/y") == (
        "/home/user/x host lab-70 /home/alice2 /data/home/user/y"
    )
    assert Redaction("/root", "").text("/root/x /rootfs/y") == "/home/user/x /rootfs/y"
    windows = Redaction("C:\\Users\\bob", "pc")
    assert windows.text(json.dumps({"a": "C:\\Users\\bob\\venv"})) == (
        '{"a": "/home/user\\\\venv"}'
    )


def record(folder: Path, cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envcheck", "record", str(folder), *args]
    env = plain_environment(HOME=str(cwd), SECRET_TOKEN="hunter2", CUDA_VISIBLE_DEVICES="0")
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def test_a_replayed_machine_is_judged_as_the_live_one(
    lab: Callable[[str], Path], envcheck: Run, tmp_path: Path
) -> None:
    """Live report and replay of the same machine, without the training, differ in timings only."""
    python = str(lab("empty311"))
    completed = record(tmp_path / "machine", tmp_path, "--python", python, "--no-smoke")
    assert (completed.returncode, completed.stderr) == (0, "")

    def report(*args: str) -> Any:
        env = {"HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": "0"}
        document = json.loads(envcheck(*args, "--format", "json", **env).stdout)
        document["timings"] = {}
        return document

    live = report("check", "--no-smoke", "--no-scan", "--python", python)
    replayed = report("replay", str(tmp_path / "machine"))
    text = json.dumps(live).replace(str(tmp_path), "/home/user")
    assert replayed == json.loads(text)


def test_what_is_recorded_is_redacted(lab: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "machine"
    record(folder, tmp_path, "--python", str(lab("empty311")), "--no-smoke")
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.*")]
    assert len(texts) == 4
    for text in texts:
        assert str(tmp_path) not in text
        assert "hunter2" not in text


def test_a_folder_with_something_in_it_is_never_written_to(
    lab: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    completed = record(tmp_path, tmp_path, "--python", str(lab("empty311")), "--no-smoke")
    assert completed.returncode == 2
    assert completed.stderr == f"envcheck: {tmp_path}: this is not a new or empty folder.\n"
