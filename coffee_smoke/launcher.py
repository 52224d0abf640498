"""`coffee-smoke` in the user's shell: runs this folder with another interpreter and reports."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from typing import IO, Any, Dict, List, NamedTuple, Optional, Tuple

from coffee_smoke import child, ladder, rungs, view

USAGE_ERROR = 2
STDERR_TAIL = 20
# What the child says before and after each rung.
ANNOUNCED = re.compile(r"coffee-smoke: (\w+) \.\.\.$", re.MULTILINE)
TOLD = re.compile(r"coffee-smoke: (\w+) (passed|failed|not-run): (.*)$", re.MULTILINE)


class Ended(NamedTuple):
    """How the child ended. `returncode` is negative for a signal, as in subprocess."""

    returncode: int
    timed_out: bool
    stdout: str
    stderr: str


def parse_options(argv: Optional[List[str]]) -> Tuple[argparse.Namespace, List[str]]:
    """Our own options, and those that go on to the child as they are."""
    parser = argparse.ArgumentParser(
        prog="coffee-smoke",
        description="Trains the coffee-roasting network in a Python environment, and says which "
        "rung broke. Other options (--quick, --device, --way, --faithful, --seed) are the "
        "child's: see `python -m coffee_smoke --help`.",
    )
    parser.add_argument("--python", metavar="TARGET", help="interpreter or virtual environment")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("-v", "--verbose", action="store_true")
    given, rest = parser.parse_known_args(argv)
    child.parse_options(rest)  # a wrong option ends here, with 2, and not in the child
    return given, rest


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


def kill_group(process: "subprocess.Popen[str]") -> None:
    """The child and all that it started; on Windows the child alone."""
    if os.name == "nt":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # nothing is left of the group


def pump(stream: IO[str], into: List[str], echo: bool) -> None:
    for line in stream:
        into.append(line)
        if echo:
            sys.stderr.write(line)
            sys.stderr.flush()


def spawn(argv: List[str], timeout: float, echo: bool) -> Ended:
    """Runs argv in a process group of its own, of which nothing is left at the end."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        encoding="utf-8",
        errors="backslashreplace",
        start_new_session=True,
    )
    out: List[str] = []
    err: List[str] = []
    assert process.stdout is not None and process.stderr is not None
    readers = [
        threading.Thread(target=pump, args=(process.stdout, out, False), daemon=True),
        threading.Thread(target=pump, args=(process.stderr, err, echo), daemon=True),
    ]
    for reader in readers:
        reader.start()
    timed_out = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        kill_group(process)  # a child of the child would keep the pipes open for ever
        process.wait()
    for reader in readers:
        reader.join(5)
    process.stdout.close()
    process.stderr.close()
    return Ended(process.returncode, timed_out, "".join(out), "".join(err))


def parse_document(stdout: str, nonce: str) -> Optional[Dict[str, Any]]:
    """The document after the nonce, or None when the child did not give a whole one."""
    for line in stdout.splitlines():
        if line.startswith(nonce):
            try:
                document = json.loads(line[len(nonce) :])
            except ValueError:
                return None
            return document if isinstance(document, dict) else None
    return None


def how_it_ended(ended: Ended) -> str:
    if ended.timed_out:
        return "hung until the deadline"
    if ended.returncode < 0:
        try:
            return "killed by " + signal.Signals(-ended.returncode).name
        except ValueError:
            return "killed by signal %d" % -ended.returncode
    return "exited with %d and gave no result" % ended.returncode


def document_of_the_dead(ended: Ended) -> Dict[str, Any]:
    """What is known when the child ended without a document: what it had said on stderr."""
    said = {name: (status, detail) for name, status, detail in TOLD.findall(ended.stderr)}
    announced = ANNOUNCED.findall(ended.stderr)
    broken = announced[-1] if announced else rungs.RUNGS[0].name
    results = []
    for rung in rungs.RUNGS:
        status, detail = said.get(rung.name, ("not-run", "the child ended in " + broken))
        if rung.name == broken and rung.name not in said:
            status, detail = "failed", how_it_ended(ended)
        results.append(ladder.result_of(rung.name, status, detail))
    return dict(ladder.empty_document(), schema=ladder.SCHEMA, ok=False, rungs=results)


def report(document: Dict[str, Any], ended: Ended, as_json: bool, verbose: bool) -> str:
    if as_json:
        return json.dumps(document, sort_keys=True) + "\n"
    text = view.text(document, verbose)
    if ended.returncode not in (0, 1) and not verbose:
        tail = ended.stderr.splitlines()[-STDERR_TAIL:]
        text = "\n".join(["its last words:"] + ["  " + line for line in tail] + [text])
    return text


def main(argv: Optional[List[str]] = None) -> int:
    """0 when every rung passed, 1 when one did not, 2 for what was asked wrongly."""
    given, rest = parse_options(argv)
    # The file and not the folder: for a folder Python would leave its bytecode there.
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    nonce = secrets.token_hex(8)
    try:
        python, why = find_target(given.python)
        command = [python, program, "--json", "--nonce", nonce, *rest]
        ended = spawn(command, given.timeout, given.verbose)
    except OSError as error:
        sys.stderr.write("coffee-smoke: %s\n" % error)
        return USAGE_ERROR
    if ended.returncode == USAGE_ERROR and not ANNOUNCED.search(ended.stderr):
        sys.stderr.write("".join(ended.stderr.splitlines(True)[-3:]))
        return USAGE_ERROR
    document = parse_document(ended.stdout, nonce)
    if document is None:
        document = document_of_the_dead(ended)
    document["target"] = {"python": python, "why": why}
    document["child"] = {
        "returncode": ended.returncode,
        "timed_out": ended.timed_out,
        "stderr_tail": ended.stderr.splitlines()[-STDERR_TAIL:],
    }
    sys.stdout.write(report(document, ended, given.json, given.verbose))
    return 0 if document["ok"] else 1
