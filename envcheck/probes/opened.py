"""The CUDA libraries opened for real, in a child of the target that may crash or hang."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, known, not_applicable, unknown
from envcheck.probes.loader import winners
from envcheck.probes.source import signal_name
from envcheck.probes.target import unwriting

if TYPE_CHECKING:
    from envcheck.probes.source import Child, Completed, Source

MARKER = "envcheck-dlopen-probe:"
PROBE = Path(__file__).resolve().parent.parent / "dlopen_probe.py"


def spawn(source: Source, facts: Mapping[str, Fact], timeout: float) -> Child | None:
    """Open in a child what was found; None where there is nothing that would load."""
    wanted = [[name, path] for name, _, path in winners(facts)]
    if not wanted:
        return None
    argv = [facts["target.executable"].value, "-I", str(PROBE), json.dumps(wanted)]
    return source.spawn("dlopen_probe", argv, timeout, env=unwriting(source))


def confirmed(child: Child | None, facts: Mapping[str, Fact]) -> Fact:
    """``loader.opened``, however the child ended."""
    if child is None:
        return not_applicable("there is no driver, or no library that would load")
    completed = child.result()
    if completed.ended == "not-started":
        return unknown(f"the child that opens the libraries {completed.describe()}")
    answers = parse_opened(completed.stdout)
    rows = [
        opened_row(name, soname, path, answers.get(path, {}), completed)
        for name, soname, path in winners(facts)
    ]
    return known(rows, "dlopen in a child of the target")


def parse_opened(stdout: str) -> dict[str, dict[str, Any]]:
    """Path to all that was said of it."""
    found: dict[str, dict[str, Any]] = {}
    for line in stdout.splitlines():
        if line.startswith(MARKER):
            try:
                answer = json.loads(line[len(MARKER) :])
            except ValueError:
                continue
            if isinstance(answer, dict) and isinstance(answer.get("path"), str):
                found.setdefault(answer["path"], {}).update(answer)
    return found


def opened_row(
    name: str, soname: str, path: str, answer: Mapping[str, Any], completed: Completed
) -> dict[str, Any]:
    row: dict[str, Any] = {"soname": soname, "path": path, "status": "ok"}
    numbers = answer.get("numbers")
    if "error" in answer:
        return {**row, "status": "error", "detail": str(answer["error"])}
    # At the deadline all of them are killed, and the parent may still see one die of it.
    killed = completed.ended == "timeout" and answer.get("signal") == signal.SIGKILL
    if "signal" in answer and not killed:
        return {**row, "status": "crashed", "detail": signal_name(answer["signal"])}
    if "exit" in answer:
        return {**row, "status": "crashed", "detail": f"exit status {answer['exit']}"}
    if numbers is None:
        return {**row, "status": "silent", "detail": completed.describe()}
    version = decode_version(name, numbers)
    return {**row, "version": version} if version else row


def decode_version(name: str, numbers: Sequence[int]) -> str | None:
    """cuDNN up to 8 counts 1000 to the major (8907 is 8.9.7), from 9 on 10000 (90300 is 9.3.0);
    the CUDA runtime 12050 is 12.5; the others give three numbers."""
    if not numbers:
        return None
    if name == "cudnn":
        major = 10000 if numbers[0] >= 90000 else 1000
        return f"{numbers[0] // major}.{numbers[0] % major // 100}.{numbers[0] % 100}"
    if name == "cudart":
        return f"{numbers[0] // 1000}.{numbers[0] % 1000 // 10}"
    return ".".join(map(str, numbers))
