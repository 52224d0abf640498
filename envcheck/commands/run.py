"""`envcheck run`: run a program, pass everything through, and explain when it fails."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from envcheck.model import EnvcheckError, Facts
from envcheck.verdict import USAGE

if TYPE_CHECKING:
    from envcheck.explain.model import Explanation
    from envcheck.explain.reader import Reading
    from envcheck.explain.reason import Knowledge

GPU_FAMILIES = ("LIB", "DRV", "GPU", "CUD", "DNN", "SYS101")
"""Causes that take the GPU away and let the program go on."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--python",
    metavar="PATH",
    help="The environment of the program. Default: the Python that is run, else the active one.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(python: str | None, command: tuple[str, ...]) -> int:
    """Run COMMAND, and explain its output when it fails.

    Or when it leaves the GPU unused. The explanation goes to stderr; the program's output, its
    input, its signals and its exit code are passed on unchanged.

    \b
    envcheck run -- python train.py
    envcheck run -- python -c "import tensorflow"
    """
    from envcheck.commands.explain import load
    from envcheck.explain import child, reader
    from envcheck.explain.knowledge import gates

    if command[0] == "--":
        command = command[1:]
    if not command:
        raise EnvcheckError("Name the program: envcheck run -- python train.py", USAGE)
    knowledge = load()
    sieve = reader.Sieve(gates(knowledge))
    status = child.run(command, sieve)
    reading = sieve.finish()
    target = python or _python_of(command[0])
    explanation = _explanation(reading, knowledge, status, target)
    if explanation is not None:
        _print(explanation, status)
    return status


def _python_of(program: str) -> str | None:
    name = os.path.basename(program)
    return shutil.which(program) if name.startswith("python") else None


def _explanation(
    reading: Reading, knowledge: Knowledge, status: int, python: str | None
) -> Explanation | None:
    """None where there is nothing to say: it went well, and the GPU was used or there is none."""
    from envcheck import facts as F
    from envcheck.commands.explain import reasoned

    if status == 0:
        said = reasoned(reading, knowledge, None)
        if not said.causes or not said.causes[0].code.startswith(GPU_FAMILIES):
            return None
    live = _look(python)
    if status == 0 and (live is None or live.fact(F.GPU_HARDWARE).state != "known"):
        return None
    return reasoned(reading, knowledge, live)


def _look(python: str | None) -> Facts | None:
    """None where there is no Python to look at: the program was not one of Python's."""
    from envcheck.commands.explain import look

    try:
        return look(python)
    except EnvcheckError:
        return None


def _print(explanation: Explanation, status: int) -> None:
    from envcheck.commands.explain import shown

    what = f"the program ended with {status}" if status else "the program left the GPU unused"
    text = f"\nenvcheck: {what}.\n{shown(explanation)}"
    if sys.stderr is not None:
        click.echo(text, err=True, nl=False)
