"""The coffee network: started in the target's interpreter, its ending turned into a fact."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, ParseError, known
from envcheck.probes.target import unwriting

if TYPE_CHECKING:
    from envcheck.probes.source import Child, Completed, Source

MARKER = "envcheck-coffee:"
SCHEMA = "coffee.smoke/1"
PROGRAM = Path(__file__).resolve().parent.parent.parent / "coffee_smoke" / "__main__.py"
RUNG_LINE = re.compile(r"^coffee-smoke: (\w[\w-]*) \.\.\.", re.M)
TAIL_LINES = 20
LAST_WORDS = 10.0
"""Seconds that the supervisor in the target gets to end its worker and to write its result."""
SOURCE = "coffee_smoke in the target's interpreter"


def spawn(
    source: Source,
    python: str,
    timeout: float,
    progress: Callable[[str], None] | None,
    quick: bool = False,
) -> Child:
    # It ends by itself in time to tell what it has found so far.
    inner = max(timeout - LAST_WORDS, timeout / 2)
    argv = [python, str(PROGRAM), "--json", "--nonce", MARKER, "--timeout", f"{inner:g}"]
    argv += ["--quick"] if quick else []
    env = unwriting(source)
    if "KERAS_HOME" not in env and not _has_keras_config(source):
        # Keras would write its default configuration into the user's home. It does without one
        # where it cannot make that folder.
        env["KERAS_HOME"] = f"{os.devnull}/keras"
    return source.spawn("coffee_smoke", argv, timeout, env=env, progress=progress)


def _has_keras_config(source: Source) -> bool:
    home = source.env.get("HOME") or source.env.get("USERPROFILE") or ""
    try:
        return source.exists(f"{home}/.keras/keras.json")
    except OSError:
        return True


def collect(child: Child) -> Fact:
    return known(parse_smoke(child.result()), SOURCE)


def parse_smoke(completed: Completed) -> dict[str, Any]:
    """The result as JSON (see ``facts.SmokeResult``), whatever became of the child."""
    rungs = RUNG_LINE.findall(completed.stderr)
    result: dict[str, Any] = {
        "ended": completed.ended,
        "rung": rungs[-1] if rungs else "start",
        "describe": completed.describe(),
        "stderr_tail": _tail(completed.stderr),
    }
    if completed.ended != "exit":
        return result
    printed = [line for line in completed.stdout.splitlines() if line.startswith(MARKER)]
    if not printed:
        return {**result, "ended": "silent"}
    try:
        return {**result, "ended": "finished", **_summary(_document(printed[-1]))}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"gave a result that cannot be read ({type(error).__name__}: {error})"
        return {**result, "ended": "garbled", "describe": said}


def _document(line: str) -> Mapping[str, Any]:
    """Raises ValueError. schemas/smoke.schema.json says what it must be; validating it in full
    would take a package that envcheck does not need otherwise."""
    document = json.loads(line[len(MARKER) :])
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ParseError(f"this is no document of {SCHEMA}")
    return document


def _summary(document: Mapping[str, Any]) -> dict[str, Any]:
    accuracy = document.get("accuracy") or {}
    rungs = [_rung(row) for row in document["rungs"]]
    trained = next((rung for rung in rungs if rung["name"] == "train"), {})
    way = document.get("way") or {}
    broken = next((rung for rung in rungs if rung["status"] == "failed"), None)
    return {
        **({"rung": broken["name"]} if broken else {}),
        "ok": bool(document.get("ok")),
        "device": trained.get("device") or "",
        "decisions": document.get("decisions") or [],
        "correct": accuracy.get("correct"),
        "total": accuracy.get("total"),
        "training_seconds": document.get("training_seconds"),
        "losses": document.get("losses") or [],
        "rungs": rungs,
        "way": str(way.get("used") or ""),
        **_given(
            lost_ways=[_lost(row) for row in way.get("tried") or () if row.get("error")],
            gpu_memory=[_memory(row) for row in document.get("gpu_memory") or ()],
            product_seconds=_product(document.get("speed") or {}),
            parameters=_parameters(document),
        ),
    }


def _given(**values: Any) -> dict[str, Any]:
    """Those that say something: most machines have nothing to say here."""
    return {name: value for name, value in values.items() if value}


def _lost(row: Mapping[str, Any]) -> dict[str, str]:
    error = row["error"]
    return {"way": str(row["way"]), "error": f"{error['type']}: {error['message']}"[:600]}


def _memory(row: Mapping[str, Any]) -> dict[str, Any]:
    others = [process for process in row["processes"] if not process["self"]]
    names = [
        f"PID {process['pid']}" + (f" ({process['mib']} MiB)" if process["mib"] else "")
        for process in others
    ]
    free, total = int(row["free_mib"]), int(row["total_mib"])
    return {"gpu": int(row["index"]), "total_mib": total, "free_mib": free, "processes": names}


def _product(speed: Mapping[str, Any]) -> dict[str, float] | None:
    seconds = speed.get("product") or {}
    gpu = next((value for device, value in seconds.items() if device.startswith("GPU")), None)
    return {"gpu": gpu, "cpu": seconds["CPU:0"]} if gpu else None


def _parameters(document: Mapping[str, Any]) -> list[float]:
    """See ``facts.SmokeResult``; none where one of them is no finite number."""
    weights, scale = document.get("weights") or {}, document.get("normalisation") or {}
    parts = [weights.get(name) for name in ("W1", "b1", "W2", "b2")]
    numbers = list(_flat([*parts, scale.get("mean"), scale.get("deviation")]))
    fits = len(numbers) == 17 and all(isinstance(number, (int, float)) for number in numbers)
    return numbers if fits else []


def _flat(item: Any) -> Iterator[Any]:
    if isinstance(item, list):
        for part in item:
            yield from _flat(part)
    else:
        yield item


def _rung(row: Mapping[str, Any]) -> dict[str, str]:
    error = row.get("error") or {}
    return {
        "name": str(row["name"]),
        "status": str(row["status"]),
        "device": str(row.get("device") or ""),
        "detail": str(row.get("detail") or ""),
        "error_type": str(error.get("type") or ""),
        "error_message": str(error.get("message") or ""),
        "traceback": _tail(_joined(error.get("traceback"))),
        **_given(library=str(row.get("library") or ""), log=_tail(_joined(row.get("log")))),
    }


def _joined(traceback: object) -> str:
    if isinstance(traceback, list):
        return "\n".join(str(line).rstrip("\n") for line in traceback)
    return str(traceback or "")


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])
