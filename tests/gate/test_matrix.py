"""Situation x exit code x what GitHub shows. The table is matrix.md, made by table.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.nvidia import FakeMachine
from tests.gate import table
from tests.gate.situations import SITUATIONS

pytest_plugins = ("tests.fakes.plugin",)


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    def fake(description: str) -> FakeMachine:
        make: Callable[[str], FakeMachine] = request.getfixturevalue("fake_machine")
        return make(description)

    row = table.row_of(name, SITUATIONS[name], tmp_path, fake)
    assert row.line == table.golden()[name], "if it is meant: python -m tests.gate.table"


def test_the_table_has_these_situations_and_every_exit_code() -> None:
    golden = table.golden()
    assert list(golden) == list(SITUATIONS)
    assert len(golden) >= 12
    assert {line.split(" | ")[1] for line in golden.values()} == {"0", "1", "2", "3"}


def test_a_failure_is_annotated_and_a_pass_has_no_error() -> None:
    for line in table.golden().values():
        _, code, annotations, _ = line.strip("| ").split(" | ")
        if code == "0":
            assert "error: " not in annotations, line
        else:
            assert "error: " in annotations or "warning: " in annotations, line
