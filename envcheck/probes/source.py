"""Where probes look: a live machine, one being recorded, or one recorded earlier.

A probe asks a :class:`Source` and nothing else, so a recorded machine is judged by the very
code that judges a live one. A recorded source never falls back to the live machine: what was
not recorded is :class:`NotRecorded`.
"""

from __future__ import annotations

import contextlib
import glob as globbing
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

from coffee_smoke.leash import leash, tie

if TYPE_CHECKING:
    from envcheck.loader.elf import Elf

Ended = Literal["exit", "signal", "timeout", "flood", "not-started"]
MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes of one stream that are kept before a child counts as flooding and is killed."""

GRACE = 2.0
"""Seconds that a killed child gets to be gone."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child ended. ``code`` is the exit status, or the signal's number; ``error`` is set
    when the child could not be started at all. ``seconds`` is wall time."""

    ended: Ended
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.ended == "exit" and self.code == 0

    def describe(self) -> str:
        """One clause: "was killed by SIGSEGV", "did not answer in 10 s", …"""
        if self.ended == "signal":
            return f"was killed by {signal_name(self.code)}"
        if self.ended == "timeout":
            return f"did not answer in {self.seconds:g} s"
        if self.ended == "flood":
            return "printed without end"
        if self.ended == "not-started":
            return f"could not be started: {self.error}"
        return f"ended with exit status {self.code}"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class NotRecorded(OSError):
    """A recorded machine does not know; the live one is never asked instead."""


class Child(Protocol):
    def result(self) -> Completed: ...


class Source(Protocol):
    """All that a probe may ask of a machine. Paths are strings: the machine may be Windows."""

    env: Mapping[str, str]
    cwd: str
    platform: str
    """As sys.platform: linux, win32, darwin."""
    machine: str
    """As uname -m."""

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        """Start a child (``name`` is its stable name in recordings) and return at once."""

    def read(self, path: str) -> str:
        """The file's text, undecodable bytes replaced. Raises OSError."""

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The existing paths that match, sorted. Raises OSError where it cannot be known."""

    def exists(self, path: str) -> bool:
        """Whether there is anything of this name. Raises OSError where it cannot be known."""

    def realpath(self, path: str) -> str:
        """The path with links resolved."""

    def elf(self, path: str) -> Elf:
        """What the file tells the dynamic loader. Raises OSError."""


RUNNING: set[LiveChild] = set()
"""The children that nobody has asked for their result yet."""


def end_all(children: Sequence[LiveChild]) -> None:
    """Those that still run, of whose results nobody has need any more. They have a moment to tidy
    up: the network's keeps a folder of temporary files."""
    for child in children:
        child.terminate()
    until = time.monotonic() + GRACE
    try:
        for child in children:
            child.wait(until)
    finally:
        for child in children:
            child.give_up()


class LiveChild:
    """A process group with a deadline, read by two threads so that it can never block us."""

    def __init__(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Mapping[str, str],
        progress: Callable[[str], None] | None,
    ) -> None:
        self._started = time.monotonic()
        self._timeout = timeout
        self._progress = progress
        self._flooded = threading.Event()
        self._error = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._completed: Completed | None = None
        self._leash: int | None = None
        self._ended = self._started
        self._buffers: tuple[list[bytes], list[bytes]] = ([], [])
        ends: tuple[int, ...] = ()
        try:
            ends = leash()
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(env),
                start_new_session=os.name == "posix",
                pass_fds=ends[:1],
            )
        except (OSError, ValueError) as error:
            self._error = getattr(error, "strerror", None) or str(error)
            for end in ends:
                os.close(end)
            return
        if ends:
            self._leash = ends[1]
            tie(ends[0], self._process.pid)
        assert self._process.stdout and self._process.stderr
        RUNNING.add(self)
        self._threads = (
            threading.Thread(target=self._drain, args=(self._process.stdout, 0), daemon=True),
            threading.Thread(target=self._drain, args=(self._process.stderr, 1), daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def _drain(self, stream: IO[bytes], which: int) -> None:
        kept, size = self._buffers[which], 0
        with stream:
            while chunk := os.read(stream.fileno(), 65536):
                size += len(chunk)
                if size > MAX_OUTPUT:
                    self._flooded.set()
                    self.kill()
                    return
                kept.append(chunk)
                if which == 1 and self._progress:
                    self._progress(chunk.decode("utf-8", "replace"))
        self._ended = time.monotonic()

    def kill(self) -> None:
        """End the child and everything it started, in whatever session that is by now."""
        assert self._process
        if self._process.poll() is None:
            import psutil

            with contextlib.suppress(psutil.Error):
                for process in psutil.Process(self._process.pid).children(recursive=True):
                    process.kill()
            self._process.kill()
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def result(self) -> Completed:
        if self._completed is None:
            self._completed = self._finish()
            self._let_go()
        return self._completed

    def terminate(self) -> None:
        assert self._process
        self._process.terminate()

    def wait(self, until: float) -> None:
        """For its end, up to this time of the monotonic clock."""
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, until - time.monotonic()))

    def give_up(self) -> None:
        """End it; its result is of no interest any more."""
        self.kill()
        self._let_go()

    def _let_go(self) -> None:
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None
        RUNNING.discard(self)

    def _finish(self) -> Completed:
        if self._process is None:
            return Completed("not-started", error=self._error)
        ended: Ended = "exit"
        remaining = max(0.0, self._timeout - (time.monotonic() - self._started))
        try:
            self._process.wait(remaining)
        except subprocess.TimeoutExpired:
            ended = "timeout"
        # What the child left running holds its pipes open, and nothing of it may stay.
        self.kill()
        for thread in self._threads:
            thread.join(GRACE)
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            # A process in an uninterruptible sleep of a broken driver outlives even SIGKILL.
            code = -signal.SIGKILL
        if self._flooded.is_set():
            ended = "flood"
        elif ended == "exit" and code < 0:
            ended = "signal"
        seconds = self._timeout if ended == "timeout" else self._ended - self._started
        out, err = (b"".join(buffer).decode("utf-8", "replace") for buffer in self._buffers)
        return Completed(ended, abs(code), out, err, seconds=seconds)


class Live:
    """This machine, now."""

    def __init__(self, env: Mapping[str, str] | None = None, cwd: str | None = None) -> None:
        self.env: Mapping[str, str] = dict(os.environ if env is None else env)
        self.cwd = cwd or current_folder()
        self.platform = sys.platform
        self.machine = os.uname().machine if os.name == "posix" else "AMD64"

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        del name
        return LiveChild(argv, timeout, self.env if env is None else env, progress)

    def read(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8", errors="replace")

    def glob(self, pattern: str) -> tuple[str, ...]:
        return tuple(sorted(globbing.glob(pattern)))

    def exists(self, path: str) -> bool:
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        return True

    def realpath(self, path: str) -> str:
        return os.path.realpath(path)

    def elf(self, path: str) -> Elf:
        from envcheck.loader.elf import read_elf

        return read_elf(path)


def current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was removed under us
        return os.sep


class _Done:
    def __init__(self, completed: Completed) -> None:
        self._completed = completed

    def result(self) -> Completed:
        return self._completed


class Recording:
    """A live source that keeps every answer, to be written as a recorded machine."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.env = live.env
        self.cwd = live.cwd
        self.platform = live.platform
        self.machine = live.machine
        self.calls: dict[str, dict[str, Any]] = {
            "spawn": {},
            "read": {},
            "glob": {},
            "exists": {},
            "realpath": {},
            "elf": {},
        }

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        child = self._live.spawn(name, argv, timeout, env=env, progress=progress)
        return _RecordedChild(child, self.calls["spawn"], name)

    def read(self, path: str) -> str:
        try:
            text = self._live.read(path)
        except OSError as error:
            self.calls["read"][path] = {"errno": error.errno, "strerror": error.strerror}
            raise
        self.calls["read"][path] = {"text": text}
        return text

    def glob(self, pattern: str) -> tuple[str, ...]:
        found = self._live.glob(pattern)
        self.calls["glob"][pattern] = list(found)
        return found

    def exists(self, path: str) -> bool:
        there = self._live.exists(path)
        self.calls["exists"][path] = there
        return there

    def realpath(self, path: str) -> str:
        real = self._live.realpath(path)
        if real != path:
            self.calls["realpath"][path] = real
        return real

    def elf(self, path: str) -> Elf:
        try:
            found = self._live.elf(path)
        except OSError as error:
            self.calls["elf"][path] = {"errno": error.errno, "strerror": error.strerror}
            raise
        self.calls["elf"][path] = found._asdict()
        return found


class _RecordedChild:
    def __init__(self, child: Child, calls: dict[str, Any], name: str) -> None:
        self._child, self._calls, self._name = child, calls, name

    def result(self) -> Completed:
        completed = self._child.result()
        self._calls[self._name] = asdict(completed)
        return completed


def _load(path: Path) -> Any:
    # Paths of a machine may hold bytes that are no UTF-8; machines.save keeps them likewise.
    return json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))


class Recorded:
    """A machine recorded earlier (``raw/calls.json``, ``raw/context.json``)."""

    def __init__(self, raw: Path) -> None:
        self._calls = _load(raw / "calls.json")
        context = _load(raw / "context.json")
        self.env: Mapping[str, str] = context["env"]
        self.cwd: str = context["cwd"]
        self.platform: str = context["platform"]
        self.machine: str = context["machine"]

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        del argv, timeout, env, progress
        if name not in self._calls["spawn"]:
            return _Done(Completed("not-started", error="not recorded"))
        return _Done(Completed(**self._calls["spawn"][name]))

    def read(self, path: str) -> str:
        if path not in self._calls["read"]:
            raise NotRecorded(0, "not recorded", path)
        answer = self._calls["read"][path]
        if "text" not in answer:
            raise OSError(answer["errno"], answer["strerror"], path)
        text: str = answer["text"]
        return text

    def glob(self, pattern: str) -> tuple[str, ...]:
        if pattern not in self._calls["glob"]:
            raise NotRecorded(0, "not recorded", pattern)
        return tuple(self._calls["glob"][pattern])

    def exists(self, path: str) -> bool:
        if path not in self._calls["exists"]:
            raise NotRecorded(0, "not recorded", path)
        there: bool = self._calls["exists"][path]
        return there

    def realpath(self, path: str) -> str:
        real: str = self._calls["realpath"].get(path, path)
        return real

    def elf(self, path: str) -> Elf:
        from envcheck.loader.elf import Elf

        answer = self._calls.get("elf", {}).get(path)
        if answer is None:
            raise NotRecorded(0, "not recorded", path)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["strerror"], path)
        return Elf(**{**answer, "needed": tuple(answer["needed"])})
