"""A change from its snapshot to its end, or back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from envcheck.changes import snapshot
from envcheck.changes.run import run_step
from envcheck.changes.store import Change, Store, kill_leftovers

Say = Callable[[str], None]


def recover(store: Store, say: Say) -> bool:
    """Take back what an envcheck that was killed left half done. True where there was such."""
    found = False
    for change in snapshot.interrupted(store.changes()):
        found = True
        state = change.read()["state"]
        kill_leftovers(change)
        if state in ("applying", "restoring"):
            say("An earlier envcheck was interrupted while it changed this: taking that back.")
            take_back(change)
        else:
            change.delete()
    return found


def take_back(change: Change) -> None:
    from envcheck.changes import links

    if change.read()["kind"] == "links":
        links.remove(change)
    else:
        snapshot.restore(change)
    change.delete()


@contextlib.contextmanager
def changing(store: Store, roots: Sequence[Path], say: Say) -> Iterator[Change]:
    """Within, the environment may be changed; whatever is raised takes everything back."""
    change = store.begin("fix")
    try:
        snapshot.take(change, roots)
        yield change
    except BaseException:
        say("Taking everything back.")
        take_back(change)
        raise
    snapshot.close(change)


def run_steps(
    change: Change, steps: Sequence[tuple[str, ...]], prefix: Path, cwd: Path, say: Say
) -> None:
    """pip and ensurepip run outside of the user's folder, where a file of theirs could stand in
    for a module of their own."""
    change.write(steps=[list(step) for step in steps])
    for step in steps:
        module = step[1:2] == ("-m",)
        run_step(step, change.log, say, mark=change.folder, cwd=prefix if module else cwd)
