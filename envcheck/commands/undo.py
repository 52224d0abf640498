"""`envcheck undo`: takes the last change of `fix` or `setup` back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envcheck.model import EnvcheckError

if TYPE_CHECKING:
    from envcheck.changes.store import Store


@click.command()
@click.option(
    "--python",
    metavar="PATH",
    help="The environment. Default: the active one, else `python` on PATH.",
)
@click.option("--force", is_flag=True, help="Even where packages were installed since then.")
@click.option("--wait/--no-wait", default=True, help="Wait for another envcheck at work here.")
def undo(python: str | None, force: bool, wait: bool) -> int:
    """Take the last change of `fix` or `setup` back.

    `fix`: every file of the environment is again what it was. `setup`: the links to CUDA
    libraries go. What was interrupted is taken back, too.

    \b
    envcheck undo
    envcheck undo --python .venv
    """
    from envcheck.changes import session, site
    from envcheck.changes.store import Store
    from envcheck.cli import no_child_left
    from envcheck.commands.fix import say
    from envcheck.probes.source import Live
    from envcheck.probes.target import choose

    here = site.ask(choose(Live(), python).python)
    store = Store(here.prefix)
    if not store.folder.exists():
        raise EnvcheckError(f"envcheck has changed nothing in {here.prefix}.", 1)
    with no_child_left(), store.locked(wait, say):
        if session.recover(store, say):
            click.echo(f"{here.prefix} is again as it was before the interrupted change.")
            return 0
        click.echo(_last(store, force))
    return 0


def _last(store: Store, force: bool) -> str:
    from envcheck.changes import session, snapshot

    changes = store.changes()
    if not changes:
        raise EnvcheckError(f"There is nothing left to undo in {store.prefix}.", 1)
    change = changes[-1]
    journal = change.read()
    later = snapshot.later_installs(change)
    if later and not force:
        names = ", ".join(name.rsplit(".", 1)[0] for name in later)
        raise EnvcheckError(
            f"Packages came or went since that fix ({names}): undo would take them back, too. "
            "Where you want that: envcheck undo --force",
            1,
        )
    session.take_back(change)
    left = f" {len(changes) - 1} earlier left." if len(changes) > 1 else ""
    if journal["kind"] == "links":
        return f"The links to CUDA libraries in {store.prefix} are gone.{left}"
    return f"{store.prefix} is again as it was before the fix.{left}"
