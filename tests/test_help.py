"""`--help` of every command: it has examples, they are of this command line, and it can be read."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from envcheck.cli import cli

COLUMNS = 80
# A shell's own words: what stands behind them is not for envcheck.
SHELL = ("|", ">", ">>", "2>&1", "&&")


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


ALL = dict(commands(cli))


def examples(command: click.Command) -> list[str]:
    """The lines that begin with a command, without what is said of them."""
    text = re.sub(r"\\\n\s*", " ", inspect.cleandoc(command.help or ""))
    lines = re.findall(r"^(?:.* \| )?(envcheck\b.*)$", text, re.M)
    return [re.split(r"\s{2,}", line)[0] for line in lines]


def words(example: str) -> list[str]:
    argv = shlex.split(example)[1:]
    ends = [argv.index(word) for word in SHELL if word in argv]
    return argv[: min(ends, default=len(argv))]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[list[str]], str]:
    """The command that these words would run, which is not run. Raises ClickException."""
    reached: list[str] = []
    monkeypatch.setattr(click.Command, "invoke", lambda _, ctx: reached.append(ctx.command_path))
    monkeypatch.chdir(tmp_path)

    def parse(argv: list[str]) -> str:
        cli.main(argv, prog_name="envcheck", standalone_mode=False)
        return reached[-1]

    return parse


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_examples_are_there_and_can_be_typed(
    path: tuple[str, ...], parsed: Callable[[list[str]], str]
) -> None:
    name = " ".join(("envcheck", *path))
    reached = [parsed(words(example)) for example in examples(ALL[path])]
    # Others may stand beside its own: what is to be done before or after.
    own = [command for command in reached if f"{command} ".startswith(f"{name} ")]
    assert own, f"`{name} --help` has no example"


def test_words_that_do_not_parse_are_seen(parsed: Callable[[list[str]], str]) -> None:
    assert parsed(words("envcheck --expect cpu")) == "envcheck check"
    for wrong in ("envcheck --expect tpu", "envcheck nothing", "envcheck matrix show --all"):
        with pytest.raises(click.ClickException):
            parsed(words(wrong))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_it_fits_a_terminal(path: tuple[str, ...]) -> None:
    """click leaves two columns free."""
    name = " ".join(("envcheck", *path))
    text = click.Context(ALL[path], info_name=name, terminal_width=COLUMNS - 2).get_help()
    assert [line for line in text.splitlines() if len(line) > COLUMNS] == []
    # A first sentence that is too long for the list of commands is cut.
    _, _, listed = text.partition("\nCommands:\n")
    assert [line for line in listed.splitlines() if line.endswith("...")] == []
    assert "\b" not in text
