"""`envcheck matrix`: what is known, whether it still holds, and what is newer."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envcheck.commands import layout

if TYPE_CHECKING:
    from envcheck.commands.answer import Answer
    from envcheck.harvest.update import Additions
    from envcheck.harvest.verify import Verified
    from envcheck.matrix import Matrix

_FORMAT = click.option(
    "--format",
    "format_",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print the answer.",
)
_FILE = click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    help="Another compat_matrix.json than the shipped one.",
)


@click.group()
def matrix() -> None:
    """The compatibility matrix: show it, verify it, update it.

    \b
    envcheck matrix show tensorflow 2.12      which CUDA does it want?
    envcheck matrix show gpu "RTX 5080"       which TensorFlow runs on it?
    envcheck matrix show driver 470           which TensorFlow does it carry?
    envcheck matrix show cuda 11.6            which driver, which TensorFlow?
    """


def load(path: Path | None) -> Matrix:
    """The file asked for, or the shipped one with the user's overlay."""
    from envcheck.matrix import load_matrix
    from envcheck.matrix.overlay import overlay_in_force

    found = load_matrix(path, overlay=None if path else overlay_in_force(os.environ))
    if found.overlay_problem:
        click.echo(f"envcheck: {found.overlay_problem} The shipped matrix is used.", err=True)
    return found


@matrix.command()
@click.argument("topic", required=False)
@click.argument("what", nargs=-1)
@_FORMAT
@_FILE
def show(topic: str | None, what: tuple[str, ...], format_: str, path: Path | None) -> None:
    """Print what is known of TOPIC, with its sources.

    TOPIC is tensorflow (or -gpu, -cpu, -intel, -macos), keras, tf-keras, cuda,
    cudnn, driver, gpu, rule or source; without WHAT a list.

    \b
    envcheck matrix show                      what there is
    envcheck matrix show tensorflow 2.15
    envcheck matrix show gpu "RTX 5080"
    """
    from envcheck.commands import describe

    known = load(path)
    found = (
        describe.answer(known, topic, " ".join(what) or None)
        if topic
        else (describe.overview(known))
    )
    click.echo(_as_json(known, found) if format_ == "json" else _as_text(known, found))


def _as_text(known: Matrix, found: Answer) -> str:
    parts = [layout.paragraph(found.headline)]
    if found.facts:
        parts += ["", layout.table(found.facts)]
    sources = dict.fromkeys(found.sources)
    if sources:
        parts += ["", "Sources:"]
        parts += [layout.paragraph(known.source(s), "    ", "  - ") for s in sources]
    return "\n".join(parts)


def _as_json(known: Matrix, found: Answer) -> str:
    content: dict[str, Any] = {
        "schema": "envcheck.matrix-show/1",
        "matrix_version": known.version,
        "answer": found.headline,
        "facts": [{"label": label, "text": text} for label, text in found.facts],
        "rows": [dict(row) for row in found.rows],
        "sources": {s: known.source(s) for s in dict.fromkeys(found.sources)},
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


@matrix.command()
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every release, and of each platform the wheels for the newest and the oldest "
    "Python (minutes, about 1.3 GB).",
)
@click.option(
    "--sample",
    "size",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="How many releases to read again.",
)
@click.option("--package", multiple=True, help="Only this package (repeatable).")
@_FORMAT
@_FILE
def verify(
    everything: bool, size: int, package: tuple[str, ...], format_: str, path: Path | None
) -> int:
    """Read wheels again and report every cell that differs.

    Single members are read over the network; nothing is installed or executed.

    \b
    envcheck matrix verify                    a dozen releases
    envcheck matrix verify --package tensorflow-cpu --sample 3

    Exit codes: 0 all agree, 1 something differs, 3 the package index cannot be
    read.
    """
    from envcheck.harvest import verify as verifier
    from envcheck.harvest.index import find_index_url, open_session

    known = load(path)
    rows = [
        r
        for r in known.sections["tensorflow"].values()
        if r["kind"] == "release" and (not package or r["package"] in package)
    ]
    chosen = rows if everything else verifier.sample(rows, size)
    started = time.monotonic()
    result = verifier.verify(open_session(), find_index_url(), chosen, every_python=everything)
    seconds = time.monotonic() - started
    click.echo(
        _verified_json(known, result)
        if format_ == "json"
        else _verified_text(known, result, seconds)
    )
    return 1 if result.differences else 0


def _verified_text(known: Matrix, result: Verified, seconds: float) -> str:
    head = (
        f"{len(result.differences)} differences in {result.cells:,} cells of "
        f"{result.releases} releases ({result.wheels} wheels read in {seconds:.0f} s)."
    )
    lines = [head, f"Matrix {known.version}, {known.path}"]
    for found in result.differences:
        text = f"{found.row}: {found.cell} is {found.wheel!r} in the wheel, "
        lines.append(layout.paragraph(f"{text}{found.matrix!r} in the matrix.", "    ", "  - "))
    return "\n".join(lines)


def _verified_json(known: Matrix, result: Verified) -> str:
    return json.dumps(
        {
            "schema": "envcheck.matrix-verify/1",
            "matrix_version": known.version,
            "releases": result.releases,
            "wheels": result.wheels,
            "cells": result.cells,
            "differences": [
                {"row": d.row, "cell": d.cell, "matrix": d.matrix, "wheel": d.wheel}
                for d in result.differences
            ],
        },
        indent=2,
    )


@matrix.command()
@click.option("--dry-run", is_flag=True, help="Say what is new; write nothing.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write, instead of the user's own overlay.",
)
def update(dry_run: bool, output: Path | None) -> None:
    """Harvest releases that the shipped matrix does not know.

    They go into an overlay in the user's data folder, which later runs add to
    the shipped file. ENVCHECK_NO_OVERLAY=1 switches it off; deleting the file
    removes it. Wheels are read, never executed. Without network nothing changes
    (exit code 3).

    \b
    envcheck matrix update --dry-run          what is new?
    envcheck matrix update
    """
    from envcheck.harvest.index import HarvestError, find_index_url, open_session
    from envcheck.harvest.update import find_additions, overlay_text
    from envcheck.matrix import load_matrix
    from envcheck.matrix.overlay import OVERLAY_SCHEMA, overlay_path, write_overlay

    shipped = load_matrix()
    try:
        additions = find_additions(open_session(), find_index_url(), shipped.sections)
    except HarvestError as error:
        raise HarvestError(f"{error} The matrix {load(None).version} stays in use.") from error
    click.echo(_update_text(shipped, additions))
    if dry_run or not (additions.names or additions.nvidia):
        return
    target = output or overlay_path(os.environ)
    write_overlay(overlay_text(OVERLAY_SCHEMA, shipped.date, additions), target)
    click.echo(f"Written to {target}")


def _update_text(shipped: Matrix, additions: Additions) -> str:
    if not additions.names and not additions.nvidia:
        return f"The shipped matrix {shipped.version} knows every release on the package index."
    lines = [
        f"{len(additions.names)} releases and {len(additions.nvidia)} grown lists of nvidia "
        f"wheels are newer than the shipped matrix {shipped.version}."
    ]
    lines += [f"  + {name}" for name in additions.names]
    lines += [f"  + {row['id']} up to {row['versions'][-1]}" for row in additions.nvidia]
    return "\n".join(lines)
