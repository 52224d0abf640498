"""`pip` or `python` on PATH is not that of the environment which is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.places import prefix_of, same_folder
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    prefix, chosen = facts.value(F.TARGET_PREFIX) or "", facts.value(F.TARGET_CHOSEN)
    if chosen == "--python":
        return  # who names an environment knows that it is not the one on PATH
    python = facts.value(F.TARGET_EXECUTABLE) or ""
    commands = {row.name: row for row in facts.value(F.COMMANDS) or ()}
    if "python" in commands:
        commands.pop("python3", None)
    if "pip" in commands:
        commands.pop("pip3", None)
    for name, row in commands.items():
        other = prefix_of(row.python)
        # /bin/python is no environment of its own, and pip of Debian names /usr/bin/python3.
        if same_folder(other, prefix) or same_folder(prefix_of(row.path), prefix):
            continue
        if same_folder(other, prefix_of(python)):
            continue
        yield Match(
            subject=name,
            params={"name": name, "path": row.path, "other": row.python, "python": python},
            evidence=(facts.evidence(F.COMMANDS, f"{name} runs {row.python}", row.path),),
            fixes=(
                manual(
                    "run-target",
                    "Name the interpreter: {python} -m pip in place of pip, {python} in place of "
                    "python; or activate the environment again in a new shell.",
                    python=python,
                ),
            ),
        )


RULE = Rule(
    code="PYE201",
    slug="command-of-another-environment",
    layer="python",
    severity="warning",
    title="`{name}` on PATH is not this environment's: it runs {other}",
    why="What is installed or run with `{name}` ({path}) goes there, while TensorFlow is looked "
    "for in {python}.",
    needs=(F.COMMANDS, F.TARGET_PREFIX, F.TARGET_CHOSEN),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "pip",
            target__chosen="`python` on PATH",
            interpreters__commands=[
                {
                    "name": "python",
                    "path": "/home/user/coffee/venv/bin/python",
                    "python": "/home/user/coffee/venv/bin/python",
                },
                {
                    "name": "pip",
                    "path": "/home/user/.local/bin/pip",
                    "python": "/usr/bin/python3",
                },
            ],
        ),
        silent("linux-none-tf221"),
    ),
)
