"""`.envcheck` in an environment: the lock, and one folder with a journal for each change."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from envcheck.model import EnvcheckError

State = Literal["snapshot", "applying", "applied", "restoring", "spent"]
"""snapshot: nothing has been changed yet. spent: taken back, about to be deleted."""
MARK = "ENVCHECK_CHANGE"
"""Environment variable of every process that works on a change: its folder."""


@dataclass(frozen=True)
class Change:
    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def log(self) -> Path:
        return self.folder.parent.parent / "logs" / f"{self.folder.name}.log"

    def read(self) -> dict[str, Any]:
        journal: dict[str, Any] = json.loads(
            (self.folder / "journal.json").read_text(encoding="utf-8")
        )
        return journal

    def write(self, **entries: Any) -> None:
        """In one step, on the disk before it returns: a journal is never half of one."""
        path = self.folder / "journal.json"
        journal = {**(self.read() if path.exists() else {}), **entries}
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as stream:
            json.dump(journal, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)

    def delete(self) -> None:
        self.write(state="spent")
        shutil.rmtree(self.folder)


@dataclass(frozen=True)
class Store:
    prefix: Path

    @property
    def folder(self) -> Path:
        return self.prefix / ".envcheck"

    def changes(self) -> list[Change]:
        """Oldest first. A folder without a journal is one that was only just begun."""
        found = sorted((self.folder / "changes").glob("[0-9]*"), key=lambda path: int(path.name))
        for path in found:
            if not (path / "journal.json").exists():
                shutil.rmtree(path)
        return [Change(path) for path in found if path.exists()]

    def begin(self, kind: str) -> Change:
        """A new change, in state snapshot."""
        numbers = [int(change.folder.name) for change in self.changes()]
        change = Change(self.folder / "changes" / f"{max(numbers, default=0) + 1:04}")
        change.folder.mkdir(parents=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        ignored = self.folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        change.write(kind=kind, state="snapshot")
        return change

    @contextlib.contextmanager
    def locked(self, wait: bool, say: Callable[[str], None]) -> Iterator[None]:
        """One at a time. The system lets go of the lock when its holder dies, however it dies.
        Raises EnvcheckError where it is held and ``wait`` is false."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "lock"
        with path.open("a+", encoding="utf-8") as stream:
            told = False
            while not _take(stream.fileno()):
                holder = _holder(path)
                if not wait:
                    text = f"Another envcheck{holder} is changing {self.prefix}: try again later."
                    raise EnvcheckError(text)
                if not told:
                    say(f"Another envcheck{holder} is changing {self.prefix}: waiting for it.")
                    told = True
                time.sleep(0.2)
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield


def _take(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            # Far behind the text, which the others have to read.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        number = path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f" (process {number})" if number else ""


def kill_leftovers(change: Change) -> None:
    """End what an envcheck that was killed left running on this change."""
    import psutil

    mine = str(change.folder)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mine:
                process.kill()
                process.wait(10)
