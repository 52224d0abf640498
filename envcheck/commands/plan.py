"""`envcheck plan`: what to install on a machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from envcheck.commands.judge import _Version
from envcheck.commands.matrix import load
from envcheck.model import EnvcheckError

if TYPE_CHECKING:
    from envcheck.judge import System
    from envcheck.matrix import Matrix
    from envcheck.model import Facts
    from envcheck.plan import Demands, Plan

C = TypeVar("C", bound=Callable[..., Any])

MACHINE = ("os", "arch", "gpu", "compute_capability", "driver", "glibc")
"""Options that describe another machine than this one."""


def wish_options(command: C) -> C:
    """What is wished for, in `plan` and in `setup`."""
    for option in reversed(
        (
            click.option("--tensorflow", metavar="VERSION", help="2.15, 2.15.1 or '>=2.16'."),
            click.option("--keras", metavar="VERSION", help="2 for the old Keras, 3, 3.10 ..."),
            click.option("--python", metavar="VERSION", help="3.11."),
            click.option("--cuda", metavar="VERSION", help="11.6, 12 ..."),
            click.option("--cudnn", metavar="VERSION", help="8.9, 9 ..."),
            click.option(
                "--also",
                metavar="REQUIREMENT",
                multiple=True,
                help="Something more to install, such as torch (repeatable).",
            ),
            click.option(
                "--number",
                type=click.IntRange(min=1),
                default=1,
                show_default=True,
                help="Which of the plans that fit; 1 is the best.",
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@wish_options
@click.option(
    "--os",
    type=click.Choice(("linux", "windows", "wsl2", "macos")),
    help="Plan for a machine that you do not sit at.",
)
@click.option("--arch", metavar="NAME", help="x86_64, aarch64, arm64.")
@click.option("--gpu", metavar="NAME", help='"RTX 4090", or none for the CPU.')
@click.option("--compute-capability", type=_Version("ComputeCapability"), help="8.9, 12.0 ...")
@click.option("--driver", type=_Version("DriverRelease"), help="On WSL2 the Windows one.")
@click.option("--glibc", type=_Version("Version"), help="2.31; default: new enough.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "pip", "conda", "docker", "github", "script", "json")),
    default="table",
    show_default=True,
)
def plan(format_: str, number: int, **given: Any) -> int:
    """Say what to install, on this machine or on another.

    Nothing is installed. Exit codes: 0 there is a plan, 1 the wishes contradict each other.

    \b
    envcheck plan                                  for this machine
    envcheck plan --tensorflow 2.9.1 --cuda 11.6   with wishes
    envcheck plan --os windows --gpu "RTX 3080"    for another machine
    envcheck plan --gpu none --format pip          a requirements file
    """
    from envcheck.plan import answer
    from envcheck.plan.formats import Sheet, render

    known = load(None)
    here = not any(given[name] for name in MACHINE if not _no_gpu(name, given))
    demands = wished(here_or_described(here, given, known), given)
    found = answer(demands, known)
    chosen = choose(found.plans, number)
    sheet = Sheet(found, chosen, known, here, ("envcheck", "plan", *_typed(given)))
    click.echo(render(format_, sheet), nl=False)
    return 0 if chosen else 1


def choose(plans: tuple[Plan, ...], number: int) -> Plan | None:
    """Raises UsageError where there are not so many."""
    if plans and number > len(plans):
        raise click.UsageError(f"--number {number}: there are only {len(plans)} plans.")
    return plans[number - 1] if plans else None


def _no_gpu(name: str, given: dict[str, Any]) -> bool:
    return name == "gpu" and given["gpu"] in ("none", None)


def _typed(given: dict[str, Any]) -> list[str]:
    """The options as they were given."""
    words: list[str] = []
    for name, value in given.items():
        for item in value if isinstance(value, tuple) else (value,):
            if item is not None:
                words += [f"--{name.replace('_', '-')}", str(item)]
    return words


def wished(demands: Demands, given: dict[str, Any]) -> Demands:
    """With the wishes. Raises UsageError for what is no version."""
    names = ("tensorflow", "keras", "python", "cuda", "cudnn")
    wishes: dict[str, Any] = {n: check_wish(n, given[n]) for n in names if given[n]}
    demands = replace(demands, also=tuple(given["also"]), **wishes)
    if given.get("gpu") == "none":
        demands = replace(demands, gpu=False, card=None, capability=None, driver=None)
    return demands


def check_wish(name: str, text: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        if text[0] in "<>=!~":
            SpecifierSet(text)
        else:
            Version(text)
    except (InvalidSpecifier, InvalidVersion) as error:
        raise click.UsageError(f"--{name}: {text!r} is no version such as 2.15.") from error
    return text


def here_or_described(here: bool, given: dict[str, Any], known: Matrix) -> Demands:
    from envcheck.plan import Demands
    from envcheck.plan.here import demands_of

    if here:
        return demands_of(look())
    system: System = given["os"] or "linux"
    card = None if given["gpu"] == "none" else given["gpu"]
    capability = given["compute_capability"]
    if card and capability is None:
        capability = capability_of(card, known)
    return Demands(
        os=system,
        arch=given["arch"],
        glibc=given["glibc"],
        gpu=bool(card or capability) or (given["gpu"] is None and system != "macos"),
        card=card,
        capability=capability,
        driver=given["driver"],
    )


def capability_of(card: str, known: Matrix) -> str:
    """Raises EnvcheckError where the name is not known or means several."""
    product = known.gpu(card)
    if product is not None:
        return str(product.compute_capability)
    several = known.gpu_capabilities(card)
    if several:
        text = " or ".join(map(str, several))
        raise EnvcheckError(f"{card!r} can be of compute capability {text}: give the full name.", 2)
    raise EnvcheckError(
        f"The matrix {known.version} does not know the GPU {card!r}: say --compute-capability.", 2
    )


def look() -> Facts:
    """This machine, and the Python that is active here, else the one that runs envcheck."""
    import sys

    from envcheck.cli import no_child_left
    from envcheck.collect import Collector, Wishes
    from envcheck.probes.source import Live

    with no_child_left():
        try:
            collector = Collector(Live(), Wishes(smoke=False))
            collector.start()
        except EnvcheckError:
            collector = Collector(Live(), Wishes(sys.executable, smoke=False))
            collector.start()
        return collector.finish()
