"""Runs the steps of a change: shown first, without a shell, their output in a log."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from envcheck.changes.store import MARK
from envcheck.model import EnvcheckError

QUIET = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_PROGRESS": "1"}


class StepFailed(EnvcheckError):
    """A step ended with another status than 0."""


def run_step(
    argv: Sequence[str],
    log: Path,
    say: Callable[[str], None],
    *,
    mark: Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> None:
    """Raises StepFailed with the last lines of the log. Whatever ends us, the step ends too."""
    say("$ " + shlex.join(argv))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        stream.write(f"$ {shlex.join(argv)}\n".encode())
        stream.flush()
        began = stream.tell()
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **QUIET, **(env or {}), MARK: str(mark)},
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise StepFailed(f"{argv[0]} cannot be started: {error.strerror}.") from error
        try:
            code = process.wait()
        finally:
            end(process)
    if code:
        tail = _tail(log, began)
        raise StepFailed(f"{shlex.join(argv)} ended with status {code}: {tail} (log: {log})")


def end(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    import contextlib
    import signal

    import psutil

    if process.poll() is not None:
        return
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path, began: int) -> str:
    with log.open("rb") as stream:
        stream.seek(began)
        lines = stream.read().decode("utf-8", "replace").strip().splitlines()
    errors = [line for line in lines if line.upper().startswith(("ERROR", "  ×", "×"))]
    return " ".join((errors or lines or ["it printed nothing"])[-2:]).strip()
