"""Climbing: each rung that can be tried is tried, and the document says what each gave.

A rung is a function of the climb so far that returns what there is to say about it, or raises.
"""

from __future__ import annotations

# Not used here: `traceback` imports it only when it formats, by then from the user's path.
import linecache  # noqa: F401
import sys
import time
import tokenize  # noqa: F401
import traceback
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

SCHEMA = "coffee.smoke/1"

TRACEBACK_LINES = 30
MESSAGE_CHARACTERS = 4000

Say = Callable[[str], None]


class Options(NamedTuple):
    quick: bool
    device: str  # auto | cpu | gpu
    way: str  # auto | one of network.WAYS
    seed: int


class Wrong(Exception):
    """A rung ran to its end and what it gave is not right."""


class Failure(NamedTuple):
    type: str
    message: str
    traceback: Tuple[str, ...]
    causes: Tuple[str, ...]
    interrupted: bool


class Attempt(NamedTuple):
    value: Any
    failure: Optional[Failure]
    seconds: float


class Climb:
    """What the rungs have found so far: later ones stand on it."""

    def __init__(self, options: Options, say: Say) -> None:
        self.options = options
        self.say = say
        self.document: Dict[str, Any] = empty_document()
        self.tf: Any = None
        self.keras: Any = None
        self.device = ""
        self.beans: Any = None  # normalised by Keras, (200, 2) float32
        self.test_beans: Any = None
        self.labels: Any = None
        self.trained: Any = None


class Note(NamedTuple):
    """What a rung that passed says: a sentence, and the device its numbers came from."""

    detail: str
    device: Optional[str] = None


class Rung(NamedTuple):
    name: str
    needs: Tuple[str, ...]
    run: Callable[[Climb], Note]


def empty_document() -> Dict[str, Any]:
    """Every field that a rung fills: a document has them all, however early it ended."""
    return {
        "tensorflow": None,
        "devices": [],
        "placement": None,
        "way": None,
        "steps": 0,
        "training_seconds": None,
        "epoch_seconds": [],
        "losses": [],
        "loss_untrained": None,
        "loss_trained": None,
        "probabilities": None,
        "decisions": None,
        "accuracy": None,
        "shapes": None,
        "parameters": None,
        "summary": None,
    }


def attempt(action: Callable[[], Any]) -> Attempt:
    """Runs what may fail in any way at all.

    The one broad except of this package: a broken TensorFlow raises SystemExit, SyntaxError,
    or classes of its own, and each is a result here.
    """
    start = time.perf_counter()
    value, failure = None, None
    try:
        value = action()
    except BaseException as error:  # noqa: BLE001
        failure = failure_of(error)
    return Attempt(value, failure, round(time.perf_counter() - start, 4))


def failure_of(error: BaseException) -> Failure:
    lines: List[str] = []
    if not isinstance(error, Wrong):
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        lines = text.splitlines()[-TRACEBACK_LINES:]
    causes = []
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        causes.append(type(cause).__name__ + ": " + message_of(cause))
        cause = cause.__cause__ or cause.__context__
    return Failure(
        type(error).__name__,
        message_of(error),
        tuple(lines),
        tuple(causes),
        isinstance(error, KeyboardInterrupt),
    )


def message_of(error: BaseException) -> str:
    """Without the type. `traceback` also survives a __str__ that raises."""
    if isinstance(error, SyntaxError):
        return str(error)
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    message = text.partition(": ")[2]
    if len(message) > MESSAGE_CHARACTERS:
        half = MESSAGE_CHARACTERS // 2
        message = message[:half] + " [...] " + message[-half:]
    return message


def error_field(failure: Failure) -> Dict[str, Any]:
    return {
        "type": failure.type,
        "message": failure.message,
        "traceback": list(failure.traceback),
        "causes": list(failure.causes),
    }


def climb(options: Options, rungs: Sequence[Rung], say: Say) -> Dict[str, Any]:
    """Every rung that can be tried, and the document of schema SCHEMA."""
    state = Climb(options, say)
    results: List[Dict[str, Any]] = []
    interrupted = ""
    for rung in rungs:
        blocked = reason_not_to_run(rung, results, interrupted)
        if blocked:
            result = result_of(rung.name, "not-run", blocked)
        else:
            say(rung.name + " ...")
            tried = attempt(partial(rung.run, state))
            result = result_of_attempt(rung.name, tried)
            if tried.failure and tried.failure.interrupted:
                interrupted = rung.name
        results.append(result)
        first_line = (result["detail"].splitlines() or [""])[0]
        say("%s %s: %s" % (rung.name, result["status"], first_line))
    return dict(
        state.document,
        schema=SCHEMA,
        mode="quick" if options.quick else "full",
        seed=options.seed,
        rungs=results,
        ok=all(r["status"] == "passed" for r in results),
        python={"version": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable},
    )


def reason_not_to_run(rung: Rung, results: List[Dict[str, Any]], interrupted: str) -> str:
    if interrupted:
        return "interrupted in %s" % interrupted
    for result in results:
        if result["name"] in rung.needs and result["status"] != "passed":
            verb = "failed" if result["status"] == "failed" else "did not run"
            return "needs %s, which %s" % (result["name"], verb)
    return ""


def result_of(name: str, status: str, detail: str) -> Dict[str, Any]:
    return {"name": name, "status": status, "detail": detail, "device": None, "seconds": None}


def result_of_attempt(name: str, tried: Attempt) -> Dict[str, Any]:
    failure = tried.failure
    if failure:
        failed = result_of(name, "failed", failure.message or failure.type)
        return dict(failed, seconds=tried.seconds, error=error_field(failure))
    note: Note = tried.value
    passed = result_of(name, "passed", note.detail)
    return dict(passed, seconds=tried.seconds, device=note.device)
