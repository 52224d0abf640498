"""The command line: the only file that writes to stdout or exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from envcheck import __version__
from envcheck.baseline.options import lock_options
from envcheck.engine import Crashed, attempt
from envcheck.model import EnvcheckError, Expect, Fact, Facts, Finding
from envcheck.outputs import Delivery, deliver, output_options
from envcheck.policy import COMMAND_LINE, Resolved, governed
from envcheck.verdict import COULD_NOT_ASSESS, USAGE, judge_report

if TYPE_CHECKING:
    from envcheck.baseline.lockfile import Lock
    from envcheck.collect import Wishes
    from envcheck.matrix import Matrix
    from envcheck.probes.source import Source
    from envcheck.render.terminal import Style
    from envcheck.rules import Rule

C = TypeVar("C", bound=Callable[..., Any])


NAMES: tuple[str, ...] = ("completion", "diff", "explain", "fix", "judge", "libs", "lock")
NAMES += ("matrix", "plan", "policy", "run", "scan", "setup", "undo")
ELSEWHERE = {name: f"envcheck.commands.{name}" for name in NAMES}
"""Commands that are imported when they are called: module, and in it a command of that name."""


class DefaultGroup(click.Group):
    """Bare ``envcheck`` and ``envcheck --options`` mean ``envcheck check``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(ELSEWHERE[cmd_name]), cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["check", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="envcheck %(version)s")
def cli() -> None:
    """Say why TensorFlow cannot see the GPU, or will not import, and what mends it.

    Without a command: check the active Python environment and this machine, then train a
    small network as proof.

    \b
    envcheck                      the whole check, a GPU is expected
    envcheck --expect cpu         on a machine without one
    envcheck --python .venv       another environment
    envcheck --no-smoke           without training: a fraction of a second

    Exit codes: 0 passed, 1 findings, 2 wrong usage, 3 could not assess.
    """


python_option = click.option(
    "--python",
    metavar="PATH",
    help="The environment to look at: an interpreter, a virtual environment or a conda prefix. "
    "Default: the active one, else `python` on PATH.",
)


def target_options(command: C) -> C:
    return python_option(effort_options(command))


def effort_options(command: C) -> C:
    for option in reversed(
        (
            click.option(
                "--smoke/--no-smoke",
                default=True,
                help="Train the coffee network at the end (default), or leave it out.",
            ),
            click.option("--quick", is_flag=True, help="Train for one epoch only."),
            click.option(
                "--timeout",
                type=click.FloatRange(min=0.1),
                default=10.0,
                show_default=True,
                metavar="SECONDS",
                help="Deadline of each probe.",
            ),
            click.option(
                "--smoke-timeout",
                type=click.FloatRange(min=0.1),
                default=300.0,
                show_default=True,
                metavar="SECONDS",
                help="Deadline of the training.",
            ),
        )
    ):
        command = option(command)
    return command


expect_option = click.option(
    "--expect",
    type=click.Choice(["gpu", "cpu"]),
    default="gpu",
    show_default=True,
    help="What the machine is for. With gpu, no usable NVIDIA GPU is an error.",
)


def report_options(command: C) -> C:
    return expect_option(output_options(command))


@cli.command()
@target_options
@report_options
@click.option(
    "--scan/--no-scan",
    default=True,
    help="Judge the imports of the current folder's code, too (default, where it is a project: "
    "at most 2,000 files and 2 seconds), or leave that out.",
)
@lock_options
@governed
def check(settled: Resolved, python: str | None, scan: bool, **asked: Any) -> int:
    """Check the machine and the environment (the default command).

    \b
    envcheck check --python .venv --expect cpu
    envcheck check --output envcheck.html --output envcheck.sarif
    envcheck check --no-smoke --fail-on warning

    Exit codes: 0 passed, 1 findings, 2 wrong usage, 3 could not assess.
    """
    from envcheck.probes.source import Live

    code = CodeScan(python) if scan else None
    expect: Expect = settled.setting("expect")
    facts, knowledge, timings = gather(Live(), wishes_of(python, settled), code, expect)
    return finish(facts, knowledge, timings, code.findings if code else None, settled, **asked)


def wishes_of(python: str | None, settled: Resolved) -> Wishes:
    from envcheck.collect import Wishes

    smoke, timeout = settled.values["smoke"], settled.setting("timeout")
    deadlines = (timeout, timeout, settled.setting("smoke-timeout"))
    wishes = Wishes(python, smoke.value != "off", *deadlines, smoke.value == "quick")
    typed = smoke.origin == COMMAND_LINE
    return wishes if typed else wishes._replace(no_smoke=smoke.origin)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@target_options
def record(
    folder: Path,
    python: str | None,
    smoke: bool,
    quick: bool,
    timeout: float,
    smoke_timeout: float,
) -> int:
    """Write this machine into FOLDER, redacted, for `replay`.

    \b
    envcheck record my-machine
    envcheck record my-machine --python .venv --no-smoke
    """
    import socket

    from envcheck import machines
    from envcheck.collect import Wishes
    from envcheck.probes.source import Live, Recording

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EnvcheckError(f"{folder}: this is not a new or empty folder.", 2)
    recording = Recording(Live())
    wishes = Wishes(python, smoke, timeout, timeout, smoke_timeout, quick)
    facts, _, _ = gather(recording, wishes, None, "cpu")
    machines.save(folder, facts, recording, str(Path("~").expanduser()), socket.gethostname())
    write(f"Recorded {len(facts)} facts in {folder}. Judge them: envcheck replay {folder}\n")
    return 0


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@report_options
@lock_options
@governed
def replay(settled: Resolved, folder: Path, **asked: Any) -> int:
    """Judge a recorded machine exactly as if it were this one.

    \b
    envcheck replay my-machine
    envcheck replay my-machine --format json

    Exit codes: 0 passed, 1 findings, 2 wrong usage, 3 could not assess.
    """
    from envcheck import machines

    facts = machines.load(folder)
    return finish(facts, load_knowledge(settled.setting("expect")), {}, None, settled, **asked)


class Knowledge(NamedTuple):
    rules: Sequence[Rule]
    matrix: Matrix


def load_knowledge(expect: Expect) -> Knowledge:
    from envcheck import rules
    from envcheck.commands.matrix import load

    return Knowledge(rules.discover(rules.GPU_FAMILIES if expect == "cpu" else ()), load(None))


class CodeScan:
    """The current folder's code, looked at while the network trains."""

    def __init__(self, python: str | None) -> None:
        self.python = python
        self.findings: tuple[Finding, ...] = ()

    def look(self, source: Source, facts: Facts) -> Fact:
        from envcheck.imports import here

        found = here.look(source, facts, self.python)
        self.findings = found.findings
        return found.fact


def gather(
    source: Source, wishes: Wishes, code: CodeScan | None, expect: Expect
) -> tuple[Facts, Knowledge, dict[str, float]]:
    """All facts. What judging and printing needs is loaded while the children work."""
    from envcheck.collect import Collector

    with progress() as show, no_child_left():
        collector = Collector(source, wishes, show)
        collector.start()
        knowledge = load_knowledge(expect)
        import packaging.requirements

        from envcheck import report
        from envcheck.render import terminal

        del packaging, report, terminal
        return collector.finish(code.look if code else None), knowledge, collector.timings


@contextmanager
def no_child_left() -> Iterator[None]:
    """Whatever ends us, a signal included, ends our children first."""
    import signal

    from envcheck.probes.source import RUNNING, end_all

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    try:
        yield
    finally:
        end_all(tuple(RUNNING))


@contextmanager
def progress() -> Iterator[Callable[[str], None] | None]:
    """A line on stderr that says what is going on, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    from envcheck.render.view import clean

    with Console(stderr=True).status("looking at the environment") as status:

        def show(text: str) -> None:
            lines = [line for line in text.splitlines() if line.startswith("coffee-smoke:")]
            if lines:
                status.update(escape(clean(lines[-1])))

        yield show


def finish(
    facts: Facts,
    knowledge: Knowledge,
    timings: dict[str, float],
    code: Sequence[Finding] | None,
    settled: Resolved,
    lock: Lock | None = None,
    **asked: Any,
) -> int:
    """Judge, print, and give the exit code. ``code`` are findings in the user's code."""
    from envcheck import report
    from envcheck.engine import run_rules

    facts, expect = settled.added(facts), settled.setting("expect")
    facts = lock.joined(facts, expect) if lock else facts
    outcome = run_rules(knowledge.rules, facts, knowledge.matrix, expect, code)
    if outcome.code:
        from envcheck.imports.here import shown

        outcome = outcome.joined(shown(outcome.code))
    built = report.build(facts, outcome, knowledge.matrix, expect, timings)
    return deliver(built, judge_report(built, settled.setting("fail-on")), Delivery(**asked))


def terminal_style(verbosity: int) -> Style:
    from envcheck.render.terminal import Style

    tty = bool(sys.stdout and sys.stdout.isatty())
    columns = terminal_width() if tty else 80
    return Style(
        width=max(20, min(columns, 100)),
        colour=tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        ascii=not can_encode("✓✗↳"),
        verbosity=verbosity,
    )


def terminal_width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def can_encode(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def write(text: str) -> None:
    """Write to stdout. Raises EnvcheckError where it takes nothing. A reader that has seen enough
    (`| head`) and a stdout that was closed on purpose are no failure."""
    if sys.stdout is None:
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.buffer.write(text.encode(encoding, "backslashreplace"))
        sys.stdout.flush()
    except OSError as error:
        # What is still buffered would fail again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise EnvcheckError(f"the report could not be written: {error.strerror}.") from error


def main() -> None:
    """The console script: every way out leads through here."""
    import gc

    gc.disable()  # a fifth of a short run's time, for memory that the exit frees anyway
    outcome = attempt(run, sys.argv[1:])
    if isinstance(outcome, Crashed):
        complain(f"internal error: {outcome.summary}. Details: {keep_details(outcome.details)}")
        sys.exit(COULD_NOT_ASSESS)
    sys.exit(outcome)


def run(argv: Sequence[str]) -> int:
    asked = os.environ.get("_ENVCHECK_COMPLETE")
    if asked:
        from envcheck.commands.completion import answer

        return answer(cli, asked)
    try:
        return int(cli.main(list(argv), prog_name="envcheck", standalone_mode=False) or 0)
    except EnvcheckError as error:
        complain(str(error), annotate=True)
        return error.exit_code
    except click.ClickException as error:
        # click breaks lines and indents; of a group without a command the message is its help.
        message = error.format_message()
        if message.startswith("Usage:"):
            click.echo(message, err=True)
        else:
            complain(" ".join(message.split()), annotate=True)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted.")
        return 130


def complain(text: str, annotate: bool = False) -> None:
    """On stderr; on GitHub as an annotation, too, where there is no report to have one."""
    from envcheck.render.view import clean

    if sys.stderr is None:
        return
    click.echo(f"envcheck: {clean(text)}", err=True)
    if annotate and os.environ.get("GITHUB_ACTIONS") == "true":
        from envcheck.render import github

        click.echo(github.command("error", clean(text), "envcheck"), err=True, nl=False)


def keep_details(details: str) -> str:
    """Where the traceback was written."""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="envcheck-", suffix=".log", delete=False, encoding="utf-8"
        ) as stream:
            stream.write(details)
    except OSError:
        return details.strip().splitlines()[-2].strip()
    return stream.name
