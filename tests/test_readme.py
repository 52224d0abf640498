"""What the README shows is what envcheck prints: its console blocks are made again."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck import machines, rules
from envcheck.model import Facts

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (replay|explain) (.+?) -->\n```console\n(.+?)```\n", re.S)
BLOCKS = BLOCK.findall(README)


def printed(argv: list[str], text: str = "") -> tuple[str, int]:
    env = {"PATH": "", "HOME": "/home/user", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "envcheck", *argv],
        input=text,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env=env,
    )
    return done.stdout, done.returncode


def test_there_is_a_block_for_each_moment() -> None:
    assert [how for how, _, _ in BLOCKS].count("explain") == 1
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize(("how", "what", "block"), BLOCKS, ids=[what for _, what, _ in BLOCKS])
def test_the_readme_shows_what_is_printed(
    how: str, what: str, block: str, tmp_path: Path, machine: Callable[..., Facts]
) -> None:
    if how == "explain":
        output, code = printed(["explain"], f"{what}\n")
    else:
        folder = recorded(what, tmp_path, machine)
        options = shlex.split(block.splitlines()[0].removeprefix("$ envcheck"))
        output, code = printed(["replay", str(folder), *options])
    shown, _, status = block.partition("$ echo $?\n")
    assert_shown(shown.splitlines()[1:], output.splitlines())
    assert status in ("", f"{code}\n")


def recorded(what: str, tmp_path: Path, machine: Callable[..., Facts]) -> Path:
    """The folder of a machine, or of one that is `as` in the first case of a rule."""
    name, _, code = what.partition(" as ")
    if not code:
        return ROOT / "tests" / "machines" / name
    rule = next(rule for rule in rules.discover() if rule.code == code)
    case = next(case for case in rule.cases if case.subjects and case.machine == name)
    (tmp_path / "facts.json").write_text(machines.dump(machine(name, case.edits)))
    return tmp_path


def assert_shown(shown: list[str], output: list[str]) -> None:
    """Each run of lines stands in the output, in this order; ``...`` stands for others."""
    rest = output
    for left_out, run in itertools.groupby(shown, lambda line: line == "..."):
        lines = list(run)
        if left_out:
            continue
        starts = [at for at in range(len(rest)) if rest[at : at + len(lines)] == lines]
        assert starts, "\n".join(lines) + "\n--- is not in ---\n" + "\n".join(rest)
        assert starts[0] == 0 or rest is not output, "it does not begin like this"
        rest = rest[starts[0] + len(lines) :]
    assert not [line for line in rest if line] or shown[-1] == "..."
