"""Every fake machine gives exactly the findings that its file expects: the compiled driver, the
real nvidia-ml-py, the probes and all rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck import engine, rules
from envcheck.machines import dump
from envcheck.matrix import Matrix
from envcheck.model import Facts
from envcheck.verdict import decide
from tests.conftest import Run
from tests.fakes.host import Host, collect
from tests.fakes.nvidia import HERE, FakeMachine

pytest_plugins = ("tests.fakes.plugin",)

Machines = Callable[[str], FakeMachine]

NAMES = sorted(path.stem for path in (HERE / "machines").glob("*.ini"))
DEADLINE = {name: 2.6 for name in NAMES if "hangs" in name}
CHILDREN = {"DRV118", "DRV119"}
"""Codes that always follow from another finding on these machines, but for one."""


def all_facts(host: Host, machine: Callable[..., Facts], timeout: float = 60.0) -> Facts:
    return machine(host.expected.target).merged(collect(host, timeout))


@pytest.mark.parametrize("name", NAMES)
def test_what_the_file_expects_is_found_and_nothing_more(
    name: str, fake_machine: Machines, machine: Callable[..., Facts], matrix: Matrix
) -> None:
    fake = fake_machine(name)
    host = Host(fake)
    facts = all_facts(host, machine, DEADLINE.get(name, 60.0))
    outcome = engine.run_rules(rules.discover(), facts, matrix, "gpu")
    found = tuple(finding.key for finding in outcome.findings)
    assert sorted(found) == sorted(host.expected.findings)
    assert not any(item.crashed for item in outcome.not_evaluated)
    if found:
        assert found[0] == host.expected.findings[0]
    roots = {finding.code for finding in outcome.findings if finding.caused_by is None}
    assert not roots & CHILDREN or name == "uvm_after_suspend"
    verdict = decide(outcome.findings, outcome.not_evaluated, outcome.checked)
    assert (verdict.status == "pass") is (not found or name == "server_idle")
    assert [call for call in fake.calls() if call.changes] == []


def test_there_are_enough_machines() -> None:
    assert len(NAMES) >= 15


@pytest.mark.parametrize(
    ("name", "status", "first"),
    [("rtx3080", 0, None), ("ecc_remap_pending", 1, "GPU302"), ("device_cgroup", 1, "DRV112")],
)
def test_a_fake_machine_at_the_command_line(
    fake_machine: Machines,
    machine: Callable[..., Facts],
    envcheck: Run,
    tmp_path: Path,
    name: str,
    status: int,
    first: str | None,
) -> None:
    """What the probes heard there, replayed: the report has the same, its texts filled in."""
    facts = all_facts(Host(fake_machine(name)), machine)
    (tmp_path / "facts.json").write_text(dump(facts), encoding="utf-8")
    completed = envcheck("replay", str(tmp_path), "--format", "json")
    assert (completed.returncode, completed.stderr) == (status, "")
    codes = [row["code"] for row in json.loads(completed.stdout)["findings"]]
    assert (codes or [None])[0] == first
