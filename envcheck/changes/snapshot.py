"""A copy of folders that costs no space: hard links, since installers replace files and never
write into them. Restoring makes the folders again what they were, file by file, and may be
interrupted and begun anew at any point."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from envcheck.changes.store import Change

IN_PLACE = (".pth", ".egg-link")
"""Files that pip edits where they are."""


def take(change: Change, roots: Sequence[Path]) -> None:
    """``roots`` are folders, files, or paths where there is nothing yet."""
    listed = _outermost(roots)
    change.files.mkdir()
    for number, root in enumerate(listed):
        if os.path.lexists(root):
            _copy(root, change.files / str(number))
    change.write(roots=[str(root) for root in listed], state="applying")


def _outermost(roots: Sequence[Path]) -> list[Path]:
    """Without those that lie in another one."""
    found = sorted(dict.fromkeys(Path(os.path.abspath(root)) for root in roots))
    return [root for root in found if not any(other in root.parents for other in found)]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        target.mkdir()
        with os.scandir(source) as entries:
            for entry in entries:
                _copy(Path(entry.path), target / entry.name)
        shutil.copystat(source, target)
    else:
        _link(source, target)


def _link(source: Path, target: Path) -> None:
    if source.suffix in IN_PLACE:
        shutil.copy2(source, target, follow_symlinks=False)
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):  # another file system, or one without hard links
        shutil.copy2(source, target, follow_symlinks=False)


def close(change: Change) -> None:
    """The change is done: keep what is there now, to notice later that others changed it too."""
    change.write(
        state="applied", after={root: sorted(_names(Path(root))) for root in roots(change)}
    )


def roots(change: Change) -> list[str]:
    listed: list[str] = change.read().get("roots", [])
    return listed


def _names(root: Path) -> list[str]:
    return os.listdir(root) if root.is_dir() else []


def later_installs(change: Change) -> list[str]:
    """Metadata folders that came or went since the change was done."""
    found = set()
    for root, names in change.read().get("after", {}).items():
        found |= set(names) ^ set(_names(Path(root)))
    return sorted(name for name in found if name.endswith((".dist-info", ".egg-info")))


def restore(change: Change) -> None:
    change.write(state="restoring")
    journal = change.read()
    for number, root in enumerate(journal.get("roots", [])):
        # A command that someone else put beside them later is not ours to remove.
        ours = journal.get("after", {}).get(root)
        _restore(change.files / str(number), Path(root), ours)


def _restore(saved: Path, place: Path, ours: list[str] | None) -> None:
    if not os.path.lexists(saved):
        _remove(place)
    elif saved.is_dir() and not saved.is_symlink():
        if not place.is_dir() or place.is_symlink():
            _remove(place)
            place.mkdir(parents=True)
        names = set(os.listdir(saved))
        for name in set(os.listdir(place)) - names:
            if ours is None or name in ours or name.endswith((".dist-info", ".egg-info")):
                _remove(place / name)
        for name in sorted(names):
            _restore(saved / name, place / name, None)
        shutil.copystat(saved, place)
    elif not _same(saved, place):
        part = place.with_name(f".{place.name}.envcheck-part")
        _remove(part)
        place.parent.mkdir(parents=True, exist_ok=True)
        _link(saved, part)
        if place.is_dir() and not place.is_symlink():
            _remove(place)
        os.replace(part, place)


def _same(saved: Path, place: Path) -> bool:
    """The same file, or where it had to be copied, one of the same size and time."""
    if not os.path.lexists(place):
        return False
    first, second = os.lstat(saved), os.lstat(place)
    if os.path.samestat(first, second):
        return True
    return first.st_nlink == 1 and (first.st_size, first.st_mtime_ns, first.st_mode) == (
        second.st_size,
        second.st_mtime_ns,
        second.st_mode,
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def interrupted(changes: Sequence[Change]) -> Iterator[Change]:
    """Those that were not brought to their end, the newest first."""
    for change in reversed(changes):
        if change.read()["state"] != "applied":
            yield change
