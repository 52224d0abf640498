"""Runs the situations as a job on GitHub would, and writes what it shows: matrix.md.

python -m tests.gate.table
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from envcheck import machines
from envcheck.model import Fact, Facts, absent, known
from tests.conftest import MACHINES, plain_environment
from tests.fakes.host import Host, collect
from tests.fakes.nvidia import FakeMachine, compile_libraries
from tests.formats.runner import commands
from tests.gate.situations import SITUATIONS, Situation

GOLDEN = Path(__file__).parent / "matrix.md"
DEADLINE = 2.6
HEAD = """\
# The gate: what happens in each situation

Made by `python -m tests.gate.table` from real runs, and held by `test_matrix.py`. *Annotations* and
*summary* are what GitHub shows: the annotations of the step, and the heading of its summary.

| situation | exit code | annotations | summary |
| --- | --- | --- | --- |
"""


class Row(NamedTuple):
    situation: str
    exit_code: int
    annotations: str
    summary: str

    @property
    def line(self) -> str:
        cells = (self.situation, str(self.exit_code), self.annotations, self.summary)
        return f"| {' | '.join(cell.replace('|', '&#124;') or 'none' for cell in cells)} |"


Fake = Callable[[str], FakeMachine]


def row_of(name: str, situation: Situation, folder: Path, fake: Fake) -> Row:
    """``folder`` is empty and is where envcheck runs."""
    files = dict(situation.files)
    if situation.policy:
        files["envcheck.toml"] = situation.policy
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
        (folder / file).chmod(0o755)
    machine = folder / "machine"
    machine.mkdir()
    if situation.locked:
        write_facts(machine, facts_of(situation._replace(edits={}), fake))
        assert envcheck(folder, "lock machine").returncode == 0
    write_facts(machine, facts_of(situation, fake))
    summary = folder / "summary.md"
    summary.touch()
    on_github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    completed = envcheck(folder, situation.call.replace("{machine}", "machine"), **on_github)
    log = (completed.stdout + completed.stderr).replace(str(folder), "FOLDER")
    assert "Traceback" not in log
    headings = summary.read_text(encoding="utf-8").splitlines()
    return Row(
        name,
        completed.returncode,
        annotations(log),
        re.sub(r"\\(.)", r"\1", headings[0].removeprefix("## ")) if headings else "",
    )


def write_facts(machine: Path, facts: Facts) -> None:
    (machine / "facts.json").write_text(machines.dump(facts), encoding="utf-8")


def envcheck(folder: Path, call: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envcheck", *call.split()],
        cwd=folder,
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        timeout=120,
    )


def annotations(log: str) -> str:
    """The kind and the title of each; of those without a report the text."""
    found: Counter[str] = Counter()
    for command in commands(log):
        title = command.properties["title"]
        text = command.message.splitlines()[0] if title == "envcheck" else title
        found[f"{command.name}: {text}"] += 1
    return "<br>".join(f"{count} x {text}" if count > 1 else text for text, count in found.items())


def facts_of(situation: Situation, fake: Fake) -> Facts:
    if not situation.machine:
        return Facts()
    facts = machines.load(MACHINES / situation.machine)
    if situation.fake:
        facts = facts.merged(collect(Host(fake(situation.fake)), DEADLINE))
    return facts.merged({key: _fact(value) for key, value in situation.edits.items()})


def _fact(value: object) -> Fact:
    if isinstance(value, Fact):
        return value
    return absent("edited") if value is None else known(value, "edited")


def golden() -> Mapping[str, str]:
    """Each situation's line."""
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ")][2:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in rows}


def write() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        compiler = shutil.which("cc") or shutil.which("gcc")
        assert compiler, "the fake driver needs a C compiler"
        (top / "libraries").mkdir()
        libraries = compile_libraries(compiler, top / "libraries")

        def fake(description: str) -> FakeMachine:
            return libraries.machine(description, Path(tempfile.mkdtemp(dir=top)))

        lines = []
        for number, (situation, how) in enumerate(SITUATIONS.items()):
            folder = top / str(number)
            folder.mkdir()
            lines.append(row_of(situation, how, folder, fake).line)
            print(lines[-1])
    GOLDEN.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    write()
