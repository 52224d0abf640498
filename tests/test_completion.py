"""`envcheck completion`: what a shell completes, asked of real shells."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.commands.completion import codes
from envcheck.commands.explain import shelf
from tests.conftest import Run, plain_environment

SCRIPTS = Path(sys.executable).parent
PROGRAM = SCRIPTS / "envcheck"
SHELLS = ("bash", "zsh", "fish")
BASH_OPTIONS = ("--norc", "--noprofile", "-i")

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(envcheck: Run) -> Ask:
    """What the script of bash would be told: the words, and `<files>` where it completes files."""

    def asked(*words: str) -> list[str]:
        done = envcheck(
            _ENVCHECK_COMPLETE="bash_complete",
            COMP_WORDS=" ".join(("envcheck", *words)),
            COMP_CWORD=str(len(words)),
        )
        assert (done.returncode, done.stderr) == (0, "")
        rows = [line.partition(",") for line in done.stdout.splitlines() if line]
        return [word if kind == "plain" else "<files>" for kind, _, word in rows]

    return asked


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("ex",), ["explain"]),
        (("--exp",), ["--expect"]),
        (("--expect", ""), ["gpu", "cpu"]),
        (("check", "--format", "j"), ["json", "junit"]),
        (("--format", "sa"), ["sarif"]),
        (("explain", "KER20"), ["KER201", "KER202"]),
        (("explain", "ker20"), ["KER201", "KER202"]),
        (("explain", "train."), ["<files>"]),
        (("explain", "--python", "K"), ["<files>"]),
        (("fix", "--apply", "KER30"), ["KER301", "KER302", "KER303"]),
        (("matrix", "u"), ["update"]),
        (("judge", "--tensorflow", "2.15"), ["2.15.1", "2.15.0.post1", "2.15.0"]),
        (("plan", "--format", "c"), ["conda"]),
        (("--python", ".v"), ["<files>"]),
        (("replay", "my"), ["<files>"]),
        (("run", "--", "python", "tr"), ["<files>"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("--nothing",), []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_words(ask: Ask, words: tuple[str, ...], found: list[str]) -> None:
    assert ask(*words) == found


def test_every_command_without_loading_one(ask: Ask) -> None:
    from envcheck.cli import cli

    assert ask("") == cli.list_commands(cli.make_context("envcheck", ["check"]))


def test_every_code_without_loading_a_rule() -> None:
    assert sorted(codes()) == list(shelf().codes)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_for_this_program(envcheck: Run, shell: str) -> None:
    done = envcheck("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_ENVCHECK_COMPLETE={shell}_complete" in done.stdout
    assert envcheck(_ENVCHECK_COMPLETE=f"{shell}_source").stdout == done.stdout


def test_a_variable_of_something_else(envcheck: Run) -> None:
    for value in ("bash", "tcsh_source", "bash_nothing"):
        done = envcheck(_ENVCHECK_COMPLETE=value)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_reads_the_script(envcheck: Run, tmp_path: Path, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not on this machine")
    script = tmp_path / "envcheck.script"
    script.write_text(envcheck("completion", shell).stdout, encoding="utf-8")
    done = subprocess.run([program, "-n", str(script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("compl", "envcheck completion"),
        ("explain ker20", "envcheck explain KER20"),
        ("explain DNN10", "envcheck explain DNN10"),
        ("explain trai", "envcheck explain train.log"),
        ("--expect c", "envcheck --expect cpu"),
    ],
)
def test_tab_in_a_real_bash(envcheck: Run, tmp_path: Path, typed: str, line: str) -> None:
    program = shutil.which("bash")
    if program is None or not PROGRAM.exists():
        pytest.skip("there is no bash, or envcheck is not installed as a program")
    (tmp_path / "train.log").touch()
    script = tmp_path / "envcheck.bash"
    script.write_text(envcheck("completion", "bash").stdout, encoding="utf-8")
    assert typed_line(program, tmp_path, script, typed) == line


def typed_line(program: str, folder: Path, script: Path, typed: str) -> str:
    """What stands in the line after Tab: instead of being run it is printed."""
    ours, theirs = os.openpty()
    env = plain_environment(TERM="dumb", PS1="", INPUTRC="/dev/null")
    env["PATH"] = f"{SCRIPTS}:{env['PATH']}"
    shell = subprocess.Popen(
        [program, *BASH_OPTIONS],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        os.write(ours, f"source {script}; bind 'set bell-style none'; echo re''ady\n".encode())
        read_until(ours, r"^ready\r?$")
        # Ctrl-A, and the line becomes an argument of echo.
        os.write(ours, f"envcheck {typed}\t".encode())
        os.write(ours, b"\x01echo 'line=<'\x05'>'\n")
        return read_until(ours, r"^line=<\s?(.*?)\s*>\r?$").strip()
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def read_until(stream: int, pattern: str) -> str:
    """The pattern's last group. Raises AssertionError after a minute."""
    text, until = "", time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([stream], [], [], 0.5)[0]:
            text += os.read(stream, 65536).decode("utf-8", "replace")
        found = re.search(pattern, text, re.M)
        if found:
            return found[found.lastindex or 0]
    raise AssertionError(text)
