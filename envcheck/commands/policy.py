"""`envcheck policy`: what holds for a check here, and who says so."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from envcheck import facts as F
from envcheck.cli import effort_options, expect_option
from envcheck.model import Facts
from envcheck.outputs import fail_on_option
from envcheck.policy import Resolved, governed

SCHEMA = "envcheck.settings/1"
MAKE_ONE = "envcheck policy --starter > envcheck.toml"
STARTER = """\
# What this project demands of a machine. `envcheck policy` shows what holds, and why.
# In pyproject.toml the same stands under [tool.envcheck], [tool.envcheck.require] and so on.

expect = "gpu"          # what the machine is for: gpu or cpu
fail-on = "error"       # the least severity that makes the exit code 1: error, warning or info
smoke = "full"          # the training at the end: full, quick (one epoch) or off
# timeout = 10          # seconds for each probe
# smoke-timeout = 300   # seconds for the training

[require]
# gpus = 1
# gpu = ["A100", "H100"]         # a word of its name; * and ? stand for anything
# compute-capability = ">=8.0"
# driver = ">=535"
# cuda = ">=12.2"                # the runtime and the cuDNN that TensorFlow really gets
# cudnn = ">=8.9"
# tensorflow = "~=2.20"
# keras = ">=3.10"
# python = "==3.12.*"

[severity]
# SYS103 = "error"               # `envcheck explain --list` names all codes

# [[ignore]]
# code = "GPU309"
# subject = "GPU 0"              # as in `--format json`, with * and ?; without it every subject
# reason = "the scheduler sets persistence mode"
# expires = {expires}           # the last day; the day after it counts again
"""


def or_starter(command: Callable[..., int]) -> Callable[..., int]:
    """With --starter, before any policy is read: the one that is here may be broken."""

    @functools.wraps(command)
    def wrapped(*, starter: bool, **given: Any) -> int:
        if not starter:
            return command(**given)
        from envcheck.cli import write

        context = click.get_current_context()
        source = map(context.get_parameter_source, context.params.keys() - {"starter"})
        if ParameterSource.COMMANDLINE in source:
            raise click.UsageError("--starter takes no other option.")
        write(STARTER.format(expires=date.today() + timedelta(days=90)))
        return 0

    return wrapped


@click.command()
@expect_option
@fail_on_option
@effort_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
@click.option(
    "--starter",
    is_flag=True,
    help="Print a policy to begin with, and nothing else.",
)
@or_starter
@governed
def policy(settled: Resolved, format_: str) -> int:
    """Show the policy that holds here, and where each value is from.

    The command line wins over the file, which is the nearest envcheck.toml, or pyproject.toml
    with [tool.envcheck], from this folder upwards. Exit code 2: the policy is broken.

    \b
    envcheck policy                            what holds here
    envcheck policy --fail-on warning          what would hold with this option
    envcheck policy --starter > envcheck.toml  make one
    """
    from envcheck.cli import write

    if format_ == "json":
        from envcheck.render.json import dumps

        write(dumps(document(settled)))
    else:
        write("".join(f"{line}\n" for line in terminal(settled)))
    return 0


class Row(NamedTuple):
    name: str
    value: Any
    origin: str
    note: str = ""


def rows(settled: Resolved) -> Iterator[Row]:
    for name, value in settled.values.items():
        yield Row(name, value.value, value.origin)
    facts = settled.added(Facts())
    for demand in facts.value(F.POLICY_REQUIRE) or ():
        note = f"left out here: {demand.left_out}" if demand.left_out else ""
        wanted = demand.wanted[0] if len(demand.wanted) == 1 else list(demand.wanted)
        yield Row(f"require.{demand.key}", wanted, f"{demand.file}:{demand.line}", note)
    if settled.policy is None:
        return
    for code, (severity, line) in settled.policy.severity.items():
        yield Row(f"severity.{code}", severity, f"{settled.policy.file}:{line}")


def ignores(settled: Resolved) -> Iterator[tuple[F.Ignore, bool]]:
    """Each with whether it has expired."""
    from envcheck.policy.apply import is_expired

    facts = settled.added(Facts())
    for entry in facts.value(F.POLICY_IGNORES) or ():
        yield entry, is_expired(entry, facts)


def document(settled: Resolved) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "file": settled.policy.file if settled.policy else None,
        "values": [
            {"name": row.name, "value": row.value, "origin": row.origin, "note": row.note or None}
            for row in rows(settled)
        ],
        "ignores": [
            {
                "code": entry.code,
                "subject": entry.subject,
                "reason": entry.reason,
                "expires": entry.expires,
                "expired": expired,
                "origin": f"{entry.file}:{entry.line}",
            }
            for entry, expired in ignores(settled)
        ],
    }


def terminal(settled: Resolved) -> Iterator[str]:
    from envcheck.render.view import clean

    if settled.policy:
        yield f"The policy is {clean(settled.policy.file)}; the command line wins over it."
    elif click.get_current_context().params["no_policy"]:
        yield "No policy is used (--no-policy), so these values hold:"
    else:
        yield f"Make a policy: {MAKE_ONE}"
        yield "There is none in this folder or above it, so these values hold:"
    yield ""
    table = [(row.name, _text(row.value), row.origin, row.note) for row in rows(settled)]
    for entry, expired in ignores(settled):
        subject = f" {entry.subject}" if entry.subject else ""
        until = f"{'EXPIRED, was' if expired else ''} until {entry.expires}".strip()
        origin = f"{entry.file}:{entry.line}"
        table.append((f"ignore {entry.code}{subject}", until, origin, entry.reason))
    cells = [tuple(map(clean, row)) for row in table]
    widths = [min(40, max(len(row[column]) for row in cells)) for column in (0, 1)]
    for name, value, origin, note in cells:
        line = f"  {name:{widths[0]}}  {value:{widths[1]}}  {origin}"
        yield f"{line}  ({note})" if note else line


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
