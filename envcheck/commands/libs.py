"""`envcheck libs`: which files the dynamic loader gives to this TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from envcheck.model import EnvcheckError, Facts

if TYPE_CHECKING:
    from envcheck import facts as F
    from envcheck.probes.source import Source

SCHEMA = "envcheck.libs/1"
MARKS = {True: ("✓", "+"), False: ("✗", "x")}
WHY = {
    "unreached": "not searched",
    "passed": "passed over",
    "broken": "the loader stops there",
    "": "loses",
}


@click.command()
@click.option(
    "--python",
    metavar="PATH",
    help="The environment to look at. Default: the active one, else `python` on PATH.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Deadline of each probe.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
@click.option("-v", "--verbose", is_flag=True, help="Show cuDNN's parts and the searched folders.")
def libs(python: str | None, timeout: float, format_: str, verbose: bool) -> int:
    """Show which files TensorFlow gets for its CUDA libraries.

    The loader's order is followed as it is for the file of TensorFlow that opens them, then each
    library is opened in a child of that Python. No GPU is needed for it.

    \b
    envcheck libs
    envcheck libs --python .venv -v      cuDNN's parts and the folders, too

    Exit codes: 0 all are found and open, 1 not all, 3 could not be looked at.
    """
    from envcheck.cli import can_encode, no_child_left, write
    from envcheck.probes.source import Live
    from envcheck.render.view import clean

    source = Live()
    if source.platform != "linux":
        raise EnvcheckError("`envcheck libs` follows the loader of Linux only.")
    with no_child_left():
        facts = look(source, python, timeout)
    if format_ == "json":
        write(json.dumps(document(facts), indent=1, ensure_ascii=False) + "\n")
    else:
        ascii_only = not can_encode("✓✗")
        lines = terminal(facts, verbose, ascii_only)
        write("".join(f"{clean(line).rstrip()}\n" for line in lines))
    return exit_code(facts)


def look(source: Source, python: str | None, timeout: float) -> Facts:
    """Raises EnvcheckError where there is no target to look at."""
    from envcheck.probes import libraries, loader, opened, target

    chosen = target.choose(source, python)
    inside = target.spawn(source, chosen, timeout)
    cache = libraries.spawn(source)
    found = target.collect(source, chosen, inside, given=python is not None)
    found.update(loader.collect(source, found, cache.result()))
    opening = opened.spawn(source, found, timeout)
    found["loader.opened"] = opened.confirmed(opening, found)
    found.update(libraries.library_path(source))
    return Facts(found)


def document(facts: Facts) -> dict[str, Any]:
    from envcheck import __version__

    names = ("opener", "libraries", "driver_libraries", "cudnn_parts", "opened", "ld_library_path")
    return {
        "schema": SCHEMA,
        "envcheck_version": __version__,
        "python": facts["target.executable"].to_json(),
        "tensorflow": facts["tensorflow.version"].to_json(),
        **{name: facts[f"loader.{name}"].to_json() for name in names},
        "exit_code": exit_code(facts),
    }


def exit_code(facts: Facts) -> int:
    from envcheck import facts as F

    fact = facts.fact(F.LIBRARIES)
    if fact.state in ("unknown", "absent"):
        return 3
    rows = facts.value(F.LIBRARIES) or ()
    return 0 if all(problem(facts, row) == "" for row in rows) else 1


def problem(facts: Facts, library: F.Library) -> str:
    """Why TensorFlow does not get this library; empty where it does."""
    from envcheck import facts as F

    place = library.winner
    if place is None:
        return "not found"
    if place.status:
        return place.detail
    if place.missing:
        return f"needs {', '.join(place.missing)}, which nothing has"
    for row in facts.value(F.OPENED) or ():
        if row.soname == library.soname and row.path == place.path and row.status != "ok":
            return f"{row.status}: {row.detail}"
    return ""


def terminal(facts: Facts, verbose: bool, ascii_only: bool) -> Iterator[str]:
    from envcheck import facts as F

    version = facts.value(F.TF_VERSION)
    yield f"{facts.value(F.TARGET_EXECUTABLE)}, TensorFlow {version or 'is not installed'}"
    fact = facts.fact(F.LIBRARIES)
    if fact.state != "known":
        yield fact.reason or "There is no CUDA build of TensorFlow here."
        return
    opener = facts.value(F.OPENER)
    if opener is not None:
        yield f"opens these libraries from {opener.path}:"
    groups = [facts.value(F.LIBRARIES) or (), facts.value(F.DRIVER_LIBRARIES) or ()]
    if verbose:
        groups.append(facts.value(F.CUDNN_PARTS) or ())
    width = max(len(row.soname) for group in groups for row in group)
    for group in groups:
        yield ""
        for library in group:
            yield from lines(facts, library, width, ascii_only)
    if verbose and opener is not None:
        yield from searched(facts, opener)
    if exit_code(facts):
        yield from ("", "`envcheck --no-smoke` says what to do.")


def lines(facts: Facts, library: F.Library, width: int, ascii_only: bool) -> Iterator[str]:
    from envcheck.library_path import version_of

    place, wrong = library.winner, problem(facts, library)
    mark = MARKS[not wrong][ascii_only]
    if place is None:
        yield f"{mark} {library.soname:<{width}}  {wrong}"
    else:
        version = place.version or version_of(facts, library.soname, place) or "-"
        yield f"{mark} {library.soname:<{width}}  {version:<12}  by {place.via}" + (
            f": {wrong}" if wrong else ""
        )
        yield f"    {place.path}"
    for other in library.found:
        if other is not place:
            why = WHY[other.status] + (f", {other.detail}" if other.detail else "")
            yield f"    {why}: {other.title}, {other.via}"


def searched(facts: Facts, opener: F.Opener) -> Iterator[str]:
    from envcheck import facts as F

    yield ""
    for name, text in (
        ("RPATH", opener.rpath),
        ("LD_LIBRARY_PATH", facts.value(F.LD_LIBRARY_PATH) or ""),
        ("RUNPATH", opener.runpath),
    ):
        folders = dict.fromkeys(folder for folder in text.split(":") if folder)
        yield f"{name}: {'' if folders else 'none'}"
        yield from (f"    {folder}" for folder in folders)
    yield "then ld.so.cache and the default folders"
