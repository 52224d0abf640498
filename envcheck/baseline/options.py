"""The options --locked and --lock-file, of check and replay."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from envcheck.baseline.lockfile import Lock


def lock_options(command: Callable[..., int]) -> Callable[..., int]:
    """``lock`` is what the command is given: the lock file, read before anything is looked at,
    since a check may take minutes."""

    @functools.wraps(command)
    def wrapped(*args: Any, locked: bool, lock_file: Path | None, **rest: Any) -> int:
        lock = _read(lock_file) if locked or lock_file else None
        return command(*args, lock=lock, **rest)

    flag = click.option(
        "--locked", is_flag=True, help="Fail where this is not as envcheck.lock.json says."
    )
    file = click.option(
        "--lock-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The same with another lock file (see `envcheck lock`).",
    )
    return flag(file(wrapped))


def _read(file: Path | None) -> Lock:
    from envcheck.baseline import lockfile

    return lockfile.read(file or Path(lockfile.NAME))
