"""Workers under a deadline per rung: one that dies or hangs costs its rung, not the rest."""

from __future__ import annotations

import json
import os
import queue
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import (
    IO,
    Any,
    Callable,
    Deque,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from coffee_smoke import ladder, network
from coffee_smoke.ladder import Result, Rung
from coffee_smoke.leash import leash, tie

LOG_LINES = 20
LONGEST_DETAIL = 300  # of an earlier rung, on a command line
# What the worker says before and after each rung, and before each way of training.
ANNOUNCED = re.compile(r"coffee-smoke: (\w+) \.\.\.$")
TOLD = re.compile(r"coffee-smoke: (\w+) (passed|failed|skipped|not-run): ")
TRYING = re.compile(r"coffee-smoke: train: trying (\S+)$")
STARTING = 60.0  # seconds until the first rung is announced, and between two rungs
TO_DIE = 5.0
LONGEST_LINE = 1 << 20
TEMPORARY = ("TMPDIR", "TEMP", "TMP")  # what tempfile reads, in this order
# The logs of these are kept even when they pass: TensorFlow says there which libraries it missed.
ALWAYS_LOGGED = ("devices",)

Line = Callable[[str], None]


class Refused(Exception):
    """The target's interpreter does not want to be a worker: too old, or no Python."""


class Ended(NamedTuple):
    """How a worker ended. `returncode` is negative for a signal, as in subprocess; `late` is
    the deadline in seconds that it missed."""

    returncode: int
    late: Optional[float]
    document: Optional[Dict[str, Any]]
    rung: str  # announced and not finished, or empty
    way: str
    log: Tuple[str, ...]  # stderr since that rung was announced
    logs: Dict[str, Tuple[str, ...]]


def how_it_ended(ended: Ended) -> str:
    if ended.late is not None:
        return "ended after %g s without an answer" % ended.late
    if ended.returncode < 0:
        try:
            name = signal.Signals(-ended.returncode).name
        except ValueError:
            name = "signal %d" % -ended.returncode
        out_of_memory = ", as the kernel does when memory runs out"
        return "killed by " + name + (out_of_memory if name == "SIGKILL" else "")
    return "exited with %d and gave no result" % ended.returncode


@contextmanager
def scratch() -> Iterator[Dict[str, str]]:
    """Variables that name a folder for a worker's temporary files, which goes with it: TensorFlow
    leaves generated code where its process is cut off. None where there can be no such folder."""
    try:
        folder = tempfile.mkdtemp(prefix="coffee-smoke-")
    except OSError:
        yield {}
        return
    try:
        yield dict.fromkeys(TEMPORARY, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Worker:
    """One process in a group of its own, of which nothing is left at the end."""

    def __init__(
        self, argv: Sequence[str], nonce: str, variables: Dict[str, str], on_line: Line
    ) -> None:
        self._nonce, self._on_line = nonce, on_line
        self._events: "queue.Queue[Tuple[str, str]]" = queue.Queue()
        self._document: Optional[Dict[str, Any]] = None
        self._rung = self._way = ""
        self._log: Deque[str] = deque(maxlen=LOG_LINES)
        self._logs: Dict[str, Tuple[str, ...]] = {}
        ends = leash()
        self._process = subprocess.Popen(
            list(argv),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
            pass_fds=ends[:1],
        )
        self._leash = ends[1:]
        if ends:
            tie(ends[0], self._process.pid)

    def run(self, deadlines: Dict[str, float], until: float) -> Ended:
        """Reads to the end, or to the deadline of a rung, or to `until` (of time.monotonic)."""
        assert self._process.stdout is not None and self._process.stderr is not None
        readers = [
            threading.Thread(target=self._pump, args=(stream, name), daemon=True)
            for stream, name in ((self._process.stdout, "out"), (self._process.stderr, "err"))
        ]
        late = None
        try:
            for reader in readers:
                reader.start()
            late = self._follow(deadlines, until)
        finally:
            self._kill()
            for reader, stream in zip(readers, (self._process.stdout, self._process.stderr)):
                reader.join(TO_DIE)
                if not reader.is_alive():
                    stream.close()
        for end in self._leash:
            os.close(end)
        self._drain()
        return Ended(
            self._process.returncode,
            late,
            self._document,
            self._rung,
            self._way,
            tuple(self._log),
            self._logs,
        )

    def _pump(self, stream: IO[str], name: str) -> None:
        for line in iter(lambda: stream.readline(LONGEST_LINE), ""):
            self._events.put((name, line.rstrip("\n")))
        self._events.put(("end", name))

    def _follow(self, deadlines: Dict[str, float], until: float) -> Optional[float]:
        """None when the process has ended, the deadline when one was missed."""
        open_streams = 2
        began, current = time.monotonic(), ""
        while True:
            if self._rung != current:
                began, current = time.monotonic(), self._rung
            allowed = deadlines.get(current, STARTING)
            left = min(began + allowed, until) - time.monotonic()
            if left <= 0:
                return round(time.monotonic() - began, 1)
            try:
                name, line = self._events.get(timeout=min(left, 0.2))
            except queue.Empty:
                if self._process.poll() is not None:
                    return None  # something that it started holds its pipes open
                continue
            open_streams -= name == "end"
            if not open_streams:
                return self._wait(left)
            self._take(name, line)

    def _wait(self, seconds: float) -> Optional[float]:
        """Both streams are closed: the end is near, or a process that has closed them hangs."""
        try:
            self._process.wait(min(seconds, TO_DIE))
        except subprocess.TimeoutExpired:
            return TO_DIE
        return None

    def _drain(self) -> None:
        while True:
            try:
                self._take(*self._events.get_nowait())
            except queue.Empty:
                return

    def _take(self, name: str, line: str) -> None:
        if name == "out" and line.startswith(self._nonce):
            try:
                self._document = json.loads(line[len(self._nonce) :])
            except ValueError:
                pass  # cut off in the middle; the one before it is whole
        elif name == "err":
            self._hear(line)
            self._on_line(line)

    def _hear(self, line: str) -> None:
        announced, told = ANNOUNCED.match(line), TOLD.match(line)
        trying = TRYING.match(line)
        if announced:
            self._rung, self._way = announced.group(1), ""
            self._log.clear()
        elif told:
            self._logs[told.group(1)] = tuple(self._log)
            self._rung = ""
            self._log.clear()
        elif trying:
            self._way = trying.group(1)
        if not line.startswith("coffee-smoke: "):
            self._log.append(line)

    def _kill(self) -> None:
        """The worker and all that it started; on Windows the worker alone."""
        if os.name == "nt":
            self._process.kill()
        else:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # nothing is left of the group
        try:
            self._process.wait(TO_DIE)
        except subprocess.TimeoutExpired:
            # A process in an uninterruptible sleep of a broken driver outlives even SIGKILL.
            self._process.returncode = -signal.SIGKILL


class Supervision:
    """All rungs of one target, in as many workers as it takes."""

    def __init__(
        self,
        command: Sequence[str],
        rungs: Sequence[Rung],
        options: ladder.Options,
        on_line: Line,
        timeout: float,
        rung_timeout: Optional[float] = None,
    ) -> None:
        self._command, self._rungs, self._on_line = list(command), rungs, on_line
        self._options, self._timeout = options, timeout
        self._deadlines = {rung.name: rung_timeout or rung.deadline for rung in rungs}
        self._results: Dict[str, Result] = {}
        self._document: Dict[str, Any] = ladder.empty_document()
        self._without: List[str] = []
        self._lost: List[Dict[str, Any]] = []  # ways that took their worker with them
        self.workers: List[Dict[str, Any]] = []

    def run(self) -> Dict[str, Any]:
        """The document; Refused where the target cannot be a worker at all."""
        until = time.monotonic() + self._timeout
        while True:
            todo = self._runnable()
            if not todo:
                return self._finished()
            if time.monotonic() >= until:
                self._give_up(todo, "the time of %g s was over" % self._timeout)
            else:
                self._absorb(self._work(todo, until), todo)

    def _runnable(self) -> List[Rung]:
        """The next rungs that one worker can try: those apart from TensorFlow go first. With one
        that cannot be tried the worker would run again what that one stands on, and has failed."""
        self._block_the_rest()
        left = [r for r in self._rungs if r.name not in self._results]
        return [r for r in left if r.apart == left[0].apart]

    def _work(self, todo: Sequence[Rung], until: float) -> Ended:
        nonce = secrets.token_hex(8)
        done = [
            {"name": r["name"], "status": r["status"], "detail": r["detail"][:LONGEST_DETAIL]}
            for r in self._results.values()
        ]
        argv = [*self._command, "--worker", "--nonce", nonce, "--done", json.dumps(done)]
        argv += ["--rungs", ",".join(rung.name for rung in todo)]
        for way in self._without:
            argv += ["--without", way]
        with scratch() as variables:
            ended = Worker(argv, nonce, variables, self._on_line).run(self._deadlines, until)
        self.workers.append({"returncode": ended.returncode, "late": ended.late})
        if ended.returncode == 2 and not (ended.document or ended.rung):
            raise Refused("\n".join(list(ended.log)[-3:]))
        return ended

    def _absorb(self, ended: Ended, todo: Sequence[Rung]) -> None:
        names = [rung.name for rung in todo]
        document = ended.document or {}
        self._merge(document)
        for result in document.get("rungs", ()):
            if result["name"] in names:
                self._keep(result, ended.logs.get(result["name"], ()))
        left = [rung for rung in todo if rung.name not in self._results]
        if document.get("complete") or not left:
            return
        kind = "Hung" if ended.late is not None else "Died"
        error = {"type": kind, "message": how_it_ended(ended), "traceback": [], "causes": []}
        broken = next((rung for rung in left if rung.name == ended.rung), None)
        if broken is None:
            self._lost_between(left, ended, error)
        elif ended.way and self._ways_left(ended.way):
            self._without.append(ended.way)
            self._lost.append({"way": ended.way, "ok": False, "seconds": None, "error": error})
        else:
            self._fail(broken, error, ended.log)

    def _ways_left(self, way: str) -> bool:
        return self._options.way == "auto" and way != network.WAYS[-1]

    def _lost_between(self, left: Sequence[Rung], ended: Ended, error: Dict[str, Any]) -> None:
        """The worker ended outside of every rung that it was to try."""
        if ended.rung:
            again = "%s broke when it was run again: %s"
            self._give_up(left, again % (ended.rung, error["message"]))
        elif ended.document is None and not ended.logs:
            self._fail(Rung("start", (), no_run, "Python"), error, ended.log)
            self._give_up(left, "the interpreter did not start")
        else:
            self._fail(left[0], error, ended.log)

    def _keep(self, result: Result, log: Sequence[str]) -> None:
        if log and (result["status"] == "failed" or result["name"] in ALWAYS_LOGGED):
            result = dict(result, log=list(log))
        self._results[result["name"]] = result

    def _fail(self, rung: Rung, error: Dict[str, Any], log: Sequence[str]) -> None:
        result = dict(ladder.result_of(rung, "failed", error["message"]), error=error)
        on_gpu = any(device["type"] == "GPU" for device in self._document["devices"])
        self._keep(dict(result, library=ladder.library_of(rung, on_gpu)), log)

    def _give_up(self, left: Sequence[Rung], reason: str) -> None:
        for rung in left:
            blocked = ladder.why_not(rung, self._results) or ("not-run", reason)
            self._results[rung.name] = ladder.result_of(rung, *blocked)

    def _block_the_rest(self) -> None:
        for rung in self._rungs:
            blocked = ladder.why_not(rung, self._results)
            if rung.name not in self._results and blocked:
                self._results[rung.name] = ladder.result_of(rung, *blocked)

    def _merge(self, document: Dict[str, Any]) -> None:
        """What a later worker did not get to does not wipe out what an earlier one found."""
        for key, value in document.items():
            if value or key not in self._document:
                self._document[key] = value

    def _finished(self) -> Dict[str, Any]:
        order = ["start"] + [rung.name for rung in self._rungs]
        results = [self._results[name] for name in order if name in self._results]
        document = {k: v for k, v in self._document.items() if k != "complete"}
        if self._lost:
            way = document["way"] or {"used": None, "tried": []}
            document["way"] = dict(way, tried=self._lost + way["tried"])
        fixed = {"schema": ladder.SCHEMA, "rungs": results, "ok": ladder.all_passed(results)}
        fixed["mode"] = "quick" if self._options.quick else "full"
        return dict(document, seed=self._options.seed, **fixed)


def no_run(climb: ladder.Climb) -> ladder.Note:
    raise NotImplementedError("`start` is a name for what happens before the first rung")
