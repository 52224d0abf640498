"""`envcheck completion`: the shell completes commands, options, codes, versions and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

VARIABLE = "_ENVCHECK_COMPLETE"
"""Set by the script that the shell runs at every Tab."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the script that makes SHELL complete envcheck's words.

    Commands and options, codes of findings, versions of TensorFlow and Keras, formats and
    files. Keep it where the shell looks, and start a new shell:

    \b
    envcheck completion bash > ~/.local/share/bash-completion/completions/envcheck
    envcheck completion zsh > ~/.zfunc/_envcheck
    envcheck completion fish > ~/.config/fish/completions/envcheck.fish

    For zsh, ~/.zshrc needs `fpath+=~/.zfunc` before `compinit`. Without the package
    bash-completion, ~/.bashrc may have `eval "$(envcheck completion bash)"` instead.
    """
    from envcheck.cli import cli, write

    write(SHELLS[shell](cli, {}, "envcheck", VARIABLE).source())
    return 0


def answer(cli: click.Group, instruction: str) -> int:
    """What the script has asked for, such as bash_complete."""
    from envcheck.cli import write

    shell, _, what = instruction.partition("_")
    if shell not in SHELLS or what not in ("source", "complete"):
        return 1
    asked = SHELLS[shell](cli, {}, "envcheck", VARIABLE)
    write(asked.source() if what == "source" else asked.complete() + "\n")
    return 0


def codes() -> Iterable[str]:
    """Those of rules by their files' names, without importing a hundred of them."""
    from envcheck import rules
    from envcheck.explain import causes

    files = Path(next(iter(rules.__path__))).glob("[!_]*.py")
    return {path.stem[:6].upper() for path in files} | {c.code for c in causes.discover()}


def versions(package: str) -> Iterable[str]:
    """The releases that the matrix knows, newest first."""
    from packaging.version import Version

    from envcheck.matrix import load_matrix

    rows = (key.split() for key in load_matrix().sections[package])
    found = (row[1] for row in rows if len(row) == 2 and row[0] == package)
    return sorted(found, key=Version, reverse=True)


Words = Callable[[], Iterable[str]]
OF_OPTIONS: Mapping[str, Words] = {
    "--tensorflow": partial(versions, "tensorflow"),
    "--keras": partial(versions, "keras"),
}
OF_ARGUMENTS: Mapping[str, Words] = {"explain": codes, "fix": codes}
FILES = "file"
"""Makes the shell complete names of files."""


class Complete(ShellComplete):
    """Where click knows nothing to say: values of options that take a word, and files."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        option = incomplete.startswith("-")
        if not args and not option:  # without a command, `check` is meant
            assert isinstance(self.cli, click.Group)
            names = self.cli.list_commands(click.Context(self.cli))
            return items(names, incomplete)
        if args and args[-1] in OF_OPTIONS:
            return items(OF_OPTIONS[args[-1]](), incomplete)
        found = super().get_completions(args, incomplete)
        if not found and not option:
            if args[0] in OF_ARGUMENTS and args[-1] != "--python":
                found = items(sorted(OF_ARGUMENTS[args[0]]()), incomplete.upper())
            found = found or [CompletionItem(incomplete, type=FILES)]
        return found


def items(words: Iterable[str], start: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(start)]


class Bash(Complete, BashComplete):
    pass


class Zsh(Complete, ZshComplete):
    pass


class Fish(Complete, FishComplete):
    pass


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
