"""`envcheck explain`: from an error or a log to the cause and the command."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from envcheck.model import EnvcheckError, Facts
from envcheck.verdict import COULD_NOT_ASSESS, FINDINGS, PASSED, USAGE

if TYPE_CHECKING:
    from envcheck.explain.codes import Shelf
    from envcheck.explain.model import Explanation
    from envcheck.explain.reader import Reading
    from envcheck.explain.reason import Knowledge
    from envcheck.render.i18n import Translator
    from envcheck.render.view import Commands

CODE = re.compile(r"[A-Za-z]{3}\d{3}")
EXIT = {
    "harmless": PASSED,
    "environment": FINDINGS,
    "not-environment": FINDINGS,
    "unknown": COULD_NOT_ASSESS,
}


@click.command()
@click.argument("source", required=False)
@click.option("--list", "listed", is_flag=True, help="List every code that can be explained.")
@click.option(
    "--here/--elsewhere",
    default=None,
    help="The log is from this machine: look at it to confirm or refute each cause. Default: "
    "where the answer "
    "goes to a terminal.",
)
@click.option("--python", metavar="PATH", help="With --here: the environment that the log is from.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def explain(
    source: str | None, listed: bool, here: bool | None, python: str | None, format_: str
) -> int:
    """Say what an error or a log means, and what mends it.

    SOURCE is a file, - for what is piped in, or the code of a finding.

    \b
    python train.py 2>&1 | envcheck explain
    envcheck explain train.log
    envcheck explain KER201
    envcheck explain --list

    Exit codes: 0 harmless, 1 a cause was found, 2 wrong usage, 3 it could not be explained.
    """
    from envcheck.cli import write

    if listed:
        return write_list()
    if source is not None and CODE.fullmatch(source) and not Path(source).exists():
        return write_page(source.upper())
    knowledge = load()
    reading = read(source, knowledge)
    if here is None:
        here = bool(sys.stdout and sys.stdout.isatty())
    live = look(python) if here else None
    explanation = reasoned(reading, knowledge, live)
    if format_ == "json":
        from envcheck.explain import document

        write(document.render(explanation))
    else:
        write(shown(explanation))
    return EXIT[explanation.verdict]


def load() -> Knowledge:
    from envcheck.cli import load_knowledge
    from envcheck.explain import knowledge

    base = load_knowledge("gpu")
    return knowledge.load(tuple(base.rules), base.matrix)


def read(source: str | None, knowledge: Knowledge) -> Reading:
    """Raises EnvcheckError: 2 where there is no such log, 3 where it is none."""
    from envcheck.explain import reader
    from envcheck.explain.knowledge import gates

    name = "standard input" if source in (None, "-") else str(source)
    try:
        if source in (None, "-"):
            reading = reader.read(_standard_input(), gates(knowledge))
        else:
            with Path(str(source)).open("rb") as stream:
                reading = reader.read(stream, gates(knowledge))
    except IsADirectoryError:
        raise EnvcheckError(f"{name}: this is a folder, not a log.", USAGE) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EnvcheckError(f"{name}: it cannot be read ({reason}).", USAGE) from None
    if not reading.size:
        raise EnvcheckError(f"{name}: it is empty, so there is nothing to explain.")
    if reading.binary:
        raise EnvcheckError(f"{name}: this is no text, so there is nothing to explain.")
    return reading


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise EnvcheckError(
            "Name a log or a code, or pipe a log in: python train.py 2>&1 | envcheck explain", USAGE
        )
    return sys.stdin.buffer


def look(python: str | None) -> Facts:
    """The facts of this machine and the target, without training."""
    from envcheck.cli import gather
    from envcheck.collect import Wishes
    from envcheck.probes.source import Live

    facts, _, _ = gather(Live(), Wishes(python, smoke=False), None, "gpu")
    return facts


def reasoned(reading: Reading, knowledge: Knowledge, live: Facts | None) -> Explanation:
    from envcheck import facts as F
    from envcheck.explain import reason

    no_gpu = live is not None and live.fact(F.GPU_HARDWARE).state == "absent"
    return reason.explain(reading, knowledge, live, "cpu" if no_gpu else "gpu")


def shown(explanation: Explanation) -> str:
    from envcheck.cli import terminal_style
    from envcheck.explain import page

    translate, commands = words(explanation)
    return page.render(explanation, translate, commands, terminal_style(0).width)


def words(explanation: Explanation | None = None) -> tuple[Translator, Commands]:
    """The user's language, and commands as the log's platform writes them."""
    from envcheck import facts as F
    from envcheck.cli import can_encode
    from envcheck.render import i18n
    from envcheck.render.view import Commands

    translate = i18n.translator(os.environ) if can_encode("✓✗↳") else i18n.english
    system = explanation.facts.value(F.SYSTEM_OS) if explanation else None
    windows = system == "windows" if system else os.name == "nt"
    home = os.environ.get("USERPROFILE" if os.name == "nt" else "HOME", "")
    return translate, Commands(windows=windows, cwd="", home=home)


def shelf() -> Shelf:
    from envcheck.explain.codes import Shelf

    knowledge = load()
    causes = tuple(knowledge.causes.values())
    return Shelf(tuple(knowledge.rules), causes, tuple(knowledge.signatures))


def write_list() -> int:
    from envcheck.cli import write
    from envcheck.explain import codes

    translate, _ = words()
    write(codes.listing(shelf(), translate))
    return PASSED


def write_page(code: str) -> int:
    from envcheck.cli import write
    from envcheck.explain import codes

    translate, _ = words()
    page = shelf().page(code, translate)
    if page is None:
        raise EnvcheckError(
            f"{code}: there is no such code; envcheck explain --list names all.", USAGE
        )
    write(codes.text_of(page, translate))
    return PASSED
