"""`coffee-smoke` in the user's shell: which interpreter, under which deadlines, and the report."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from coffee_smoke import child, ladder, picture, rungs, view
from coffee_smoke.supervisor import Refused, Supervision

USAGE_ERROR = 2
INTERRUPTED = 130

DESCRIPTION = """\
Trains the coffee-roasting network in a Python environment, tries every GPU
library on the way, and says which rung broke. Full length (62,500 steps) takes
a few seconds beyond the import of TensorFlow.
"""
RUNGS = textwrap.fill("Rungs: " + ", ".join(rung.name for rung in rungs.RUNGS) + ".", width=78)
EPILOG = (
    RUNGS
    + """
On a machine without a GPU the same rungs run on the CPU and are reported as
such; those that need a GPU, or several, are skipped.

Exit codes: 0 every rung passed, 1 one did not, 2 wrong usage.
"""
)


class Target(NamedTuple):
    """`command` starts a worker there; `why` says what chose this interpreter."""

    python: str
    why: str
    command: Tuple[str, ...]


def parse_options(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="coffee-smoke",
        description=DESCRIPTION,
        epilog=EPILOG,
        parents=[child.training_options()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--python", metavar="TARGET", help="interpreter or virtual environment")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--nonce", default="", help=argparse.SUPPRESS)
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw beans, learned regions and losses into a .png or .svg (needs matplotlib here)",
    )
    parser.add_argument(
        "--timeout", type=seconds, default=600.0, metavar="SECONDS", help="for all of it (600)"
    )
    parser.add_argument(
        "--rung-timeout",
        type=seconds,
        metavar="SECONDS",
        help="for each rung, instead of its own deadline (60 to 300)",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="all that the worker says, and a picture"
    )
    return parser.parse_args(argv)


def seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value


def find_target(asked: Optional[str]) -> Tuple[str, str]:
    """(interpreter, why that one); FileNotFoundError when `asked` leads to none."""
    inside = os.path.join("Scripts", "python.exe") if os.name == "nt" else "bin/python"
    if asked:
        found = os.path.join(asked, inside) if os.path.isdir(asked) else shutil.which(asked)
        if not found or not os.path.isfile(found):
            raise FileNotFoundError("no Python interpreter at " + asked)
        return found, "--python"
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = os.environ.get(variable)
        for place in (inside, "python.exe"):
            if prefix and os.path.isfile(os.path.join(prefix, place)):
                return os.path.join(prefix, place), variable
    found = shutil.which("python") or shutil.which("python3")
    return (found, "PATH") if found else (sys.executable, "the Python of coffee-smoke itself")


def choose_target(asked: Optional[str], own: Optional[str]) -> Target:
    # The file and not the folder: for a folder Python would leave its bytecode there.
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    if own and not asked:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        return Target(own, "the interpreter that runs this", (own, *flags, program))
    python, why = find_target(asked)
    return Target(python, why, (python, program))


def pass_on(given: argparse.Namespace) -> Tuple[str, ...]:
    same = ("--device", given.device, "--way", given.way, "--seed", str(given.seed))
    return (*same, "--quick") if given.quick else same


class Progress:
    """What of the worker's stderr is shown: all of it, its own lines, or on a terminal the last."""

    def __init__(self, verbose: bool, lines: bool) -> None:
        self._verbose, self._lines = verbose, lines
        stderr = sys.stderr
        self._status = not (verbose or lines) and stderr is not None and stderr.isatty()

    def __call__(self, line: str) -> None:
        ours = line.startswith("coffee-smoke: ")
        if self._verbose or (self._lines and ours):
            self._write(line + "\n")
        elif self._status and ours:
            width = shutil.get_terminal_size().columns - 1
            self._write("\r\033[K" + line[:width])

    def clear(self) -> None:
        if self._status:
            self._write("\r\033[K")

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, AttributeError, ValueError):
            pass  # nobody reads the progress; the document still matters


def climb(target: Target, given: argparse.Namespace) -> Dict[str, Any]:
    """Raises OSError where the target does not start and Refused where it will not work."""
    options = ladder.Options(given.quick, given.device, given.way, given.seed)
    progress = Progress(given.verbose, bool(given.nonce))
    supervision = Supervision(
        [*target.command, *pass_on(given)],
        rungs.RUNGS,
        options,
        progress,
        given.timeout,
        given.rung_timeout,
    )
    try:
        document = supervision.run()
    finally:
        progress.clear()
    document["target"] = {"python": target.python, "why": target.why}
    document["workers"] = supervision.workers
    return document


def interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def complain(text: str) -> int:
    if sys.stderr is not None:
        sys.stderr.write("coffee-smoke: %s\n" % text)
    return USAGE_ERROR


def main(argv: Optional[List[str]] = None, own: Optional[str] = None) -> int:
    """0 when every rung passed, 1 when one did not, 2 for what was asked wrongly. `own` is the
    interpreter that is the target unless --python names another."""
    given = parse_options(argv)
    if given.plot:
        from coffee_smoke import plot

        problem = plot.why_not(given.plot)
        if problem:
            return complain(problem)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    try:
        target = choose_target(given.python, own)
        document = climb(target, given)
    except (OSError, Refused) as error:
        return complain(str(error).replace("coffee-smoke: ", ""))
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    return report(document, given)


def report(document: Dict[str, Any], given: argparse.Namespace) -> int:
    if given.json or given.nonce:
        text = child.encode(document, given.nonce)
    else:
        unicode = picture.can_encode(getattr(sys.stdout, "encoding", None))
        text = view.text(document, given.verbose, unicode)
    if sys.stdout is None:
        complain("the result cannot be written: stdout is closed")
        return child.CANNOT_WRITE
    try:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.buffer.write(text.encode(encoding, "backslashreplace"))
        sys.stdout.flush()
    except OSError as error:
        # What is still buffered would fail again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # a reader that has seen enough
            complain("the result cannot be written: %s" % error)
            return child.CANNOT_WRITE
    if given.plot:
        from coffee_smoke import plot

        problem = plot.draw(document, given.plot)
        if problem:
            complain(problem)
    return 0 if document["ok"] else 1
