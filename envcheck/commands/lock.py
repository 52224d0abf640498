"""`envcheck lock`: writes down what a good machine is, for `envcheck --locked`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envcheck.cli import effort_options, expect_option, python_option
from envcheck.outputs import fail_on_option
from envcheck.policy import Resolved, governed

if TYPE_CHECKING:
    from envcheck.model import Expect, Report


def _writable(context: click.Context, option: click.Parameter, path: Path) -> Path:
    from envcheck.outputs import refuse_what_cannot_be_written

    refuse_what_cannot_be_written(path)
    return path


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    default="envcheck.lock.json",
    show_default=True,
    callback=_writable,
    help="Where to write it.",
)
@click.option("--force", is_flag=True, help="Lock a machine that fails, too.")
@python_option
@expect_option
@fail_on_option
@effort_options
@governed
def lock(
    settled: Resolved, folder: Path | None, output: Path, force: bool, python: str | None
) -> int:
    """Write down what this machine is, once it is found good.

    The machine is checked first, or the recorded one in FOLDER. The file holds what is the same
    every day: versions, GPUs, which libraries win. Commit it; `envcheck --locked` then fails
    where something has drifted, and says what.

    \b
    envcheck lock                     envcheck.lock.json, if the check passes
    envcheck lock --expect cpu        on a machine without a GPU
    envcheck --locked                 is this still what was locked?

    Exit codes: those of the check; 0 locked, 2 the file cannot be written.
    """
    from envcheck import __version__
    from envcheck.baseline import lockfile
    from envcheck.baseline.drift import snapshot
    from envcheck.baseline.reduce import Ask
    from envcheck.cli import write
    from envcheck.outputs import Delivery, deliver
    from envcheck.render.view import clean
    from envcheck.verdict import judge_report

    expect: Expect = settled.setting("expect")
    report = look(folder, python, settled)
    verdict = judge_report(report, settled.setting("fail-on"))
    if verdict.exit_code and not force:
        code = deliver(report, verdict, Delivery())
        click.echo(f"envcheck: {output} was not written: {refusal(verdict.status)}", err=True)
        return code
    taken = snapshot(report.facts, Ask(expect))
    lockfile.write(output, lockfile.render(taken, expect, __version__))
    words = ["--locked"] if str(output) == lockfile.NAME else ["--lock-file", str(output)]
    words += ["--expect", "cpu"] if expect == "cpu" else []
    said = f"Locked {len(taken.values)} facts in {output}. Commit it; then: "
    said += shlex.join(["envcheck", *words])
    unknown = (f"Not locked: {name}: {why}" for name, why in sorted(taken.unknown.items()))
    write("".join(f"{clean(line)}\n" for line in (said, *unknown)))
    return 0


def look(folder: Path | None, python: str | None, settled: Resolved) -> Report:
    """The check of this machine, or of a recorded one."""
    from envcheck import machines, report
    from envcheck.cli import gather, load_knowledge, wishes_of
    from envcheck.probes.source import Live

    expect: Expect = settled.setting("expect")
    if folder is None:
        facts, knowledge, timings = gather(Live(), wishes_of(python, settled), None, expect)
    else:
        facts, knowledge, timings = machines.load(folder), load_knowledge(expect), {}
    return report.judged(settled.added(facts), knowledge, expect, timings)


def refusal(status: str) -> str:
    reason = {
        "fail": "this machine fails. Mend it first",
        "inconclusive": "not everything could be looked at. See above",
    }[status]
    return f"{reason}, or lock it as it is with --force."
