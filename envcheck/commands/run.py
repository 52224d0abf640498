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

GPU_FAMILIES = ("LIB", "DRV", "GPU", "CUD", "DNN", "TFX103", "SYS101")


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--python",
    metavar="PATH",
    help="The environment of the program. Default: the Python that is run, else the active one.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(python: str | None, command: tuple[str, ...]) -> int:
    """Run COMMAND and explain its output on stderr when it fails or leaves the GPU unused.

    Its output, its input, its signals and its exit code are passed on unchanged.

    \b
    envcheck run -- python train.py
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
    reading: Reading, knowledge: object, status: int, python: str | None
) -> Explanation | None:
    """None where there is nothing to say: it went well, and the GPU was used or there is none."""
    from envcheck import facts as F
    from envcheck.commands.explain import look, reasoned
    from envcheck.explain.reason import Knowledge

    assert isinstance(knowledge, Knowledge)
    said = reasoned(reading, knowledge, None) if reading.size else None
    if status == 0:
        unused = said is not None and said.causes and said.causes[0].code.startswith(GPU_FAMILIES)
        if not unused:
            return None
    live = _look(look, python)
    if status == 0 and (live is None or live.fact(F.GPU_HARDWARE).state != "known"):
        return None
    return reasoned(reading, knowledge, live)


def _look(look: object, python: str | None) -> Facts | None:
    from envcheck.commands import explain

    del look
    try:
        return explain.look(python)
    except EnvcheckError:
        return None


def _print(explanation: Explanation, status: int) -> None:
    from envcheck.commands.explain import shown

    what = f"the program ended with {status}" if status else "the program left the GPU unused"
    text = f"\nenvcheck: {what}.\n{shown(explanation)}"
    if sys.stderr is not None:
        click.echo(text, err=True, nl=False)
