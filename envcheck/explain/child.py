"""A child whose output goes to our stdout and stderr byte for byte, and to the log reader."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Protocol

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""What a shell ends with where there is no such program, or it may not be run."""
FORWARDED = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")
LONGEST = 1 << 16
"""Bytes of an unfinished line that wait for the rest of it."""


class Sink(Protocol):
    def feed(self, chunk: bytes) -> None: ...


class _Whole:
    """Hands whole lines on, so that the lines of stdout and stderr are not mixed."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._rest = sink, b""

    def feed(self, chunk: bytes) -> None:
        data = self._rest + chunk
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > LONGEST:
            cut = len(data)
        if cut:
            self._sink.feed(data[:cut])
        self._rest = data[cut:]

    def end(self) -> None:
        if self._rest:
            self._sink.feed(self._rest + b"\n")
            self._rest = b""


def run(argv: Sequence[str], sink: Sink) -> int:
    """The exit status as a shell gives it: 128 and the number of the signal that ended it."""
    if os.name != "posix":
        return _run_simply(argv, sink)
    outputs = _Outputs()
    try:
        process = subprocess.Popen(list(argv), stdout=outputs.child[1], stderr=outputs.child[2])
    except OSError as error:
        outputs.close()
        return _refused(argv[0], error)
    outputs.started()
    with _signals_go_to(process):
        _pump(outputs.ours, sink)
        status = process.wait()
    return 128 - status if status < 0 else status


def _refused(program: str, error: OSError) -> int:
    from envcheck.cli import complain

    complain(f"{program}: it cannot be run ({error.strerror}).")
    return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE


class _Outputs:
    """For stdout and stderr a pseudo terminal where ours is a terminal, else a pipe: so the
    program draws its progress bars where it would without us, and nowhere else."""

    def __init__(self) -> None:
        self.ours: dict[int, int] = {}
        """What we read from -> where it goes."""
        self.child: dict[int, int] = {}
        terminal: int | None = None
        for number in (1, 2):
            if not os.isatty(number):
                reading, writing = os.pipe()
            elif terminal is None:
                reading, terminal = _pseudo_terminal(number)
                writing = terminal
            else:
                self.child[number] = terminal
                continue
            self.ours[reading] = number
            self.child[number] = writing

    def started(self) -> None:
        for descriptor in set(self.child.values()):
            os.close(descriptor)

    def close(self) -> None:
        self.started()
        for descriptor in self.ours:
            os.close(descriptor)


def _pseudo_terminal(like: int) -> tuple[int, int]:
    import fcntl
    import pty
    import termios

    ours, childs = pty.openpty()
    attributes = termios.tcgetattr(childs)
    attributes[1] &= ~termios.OPOST  # our terminal turns \n into \r\n itself
    termios.tcsetattr(childs, termios.TCSANOW, attributes)
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(like, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(childs, termios.TIOCSWINSZ, size)
    return ours, childs


def _pump(ours: Mapping[int, int], sink: Sink) -> None:
    lines = {descriptor: _Whole(sink) for descriptor in ours}
    with selectors.DefaultSelector() as selector:
        for descriptor in ours:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                chunk = _read(key.fd)
                if not chunk:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    lines[key.fd].end()
                    continue
                _write(ours[key.fd], chunk)
                lines[key.fd].feed(chunk)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # a pseudo terminal whose other end is closed
        return b""


def _write(descriptor: int, chunk: bytes) -> None:
    """A reader that has gone (`| head`) must not stop the program: it gets no SIGPIPE from us."""
    with contextlib.suppress(OSError):
        while chunk:
            chunk = chunk[os.write(descriptor, chunk) :]


@contextlib.contextmanager
def _signals_go_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What is sent to us is meant for the program. Ctrl-C reaches it by itself from a terminal."""

    def forward(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and _in_foreground():
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    names = [name for name in (*FORWARDED, "SIGINT") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), forward) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _in_foreground() -> bool:
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            if os.isatty(descriptor):
                return os.tcgetpgrp(descriptor) == os.getpgrp()
    return False


def _run_simply(argv: Sequence[str], sink: Sink) -> int:
    """Windows: pipes, read by a thread each."""
    import threading

    try:
        process = subprocess.Popen(list(argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        return _refused(argv[0], error)
    assert process.stdout and process.stderr
    lock = threading.Lock()

    def drain(stream: int, to: int) -> None:
        whole = _Whole(sink)
        while chunk := os.read(stream, 1 << 16):
            _write(to, chunk)
            with lock:
                whole.feed(chunk)
        with lock:
            whole.end()

    pairs = ((process.stdout.fileno(), 1), (process.stderr.fileno(), 2))
    threads = [threading.Thread(target=drain, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return process.wait() if sys.platform == "win32" else 0
