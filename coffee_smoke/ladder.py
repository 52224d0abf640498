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
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

SCHEMA = "coffee.smoke/1"

TRACEBACK_LINES = 30
MESSAGE_CHARACTERS = 4000

Say = Callable[[str], None]
Result = Dict[str, Any]
Emit = Callable[[Dict[str, Any]], None]


class Options(NamedTuple):
    quick: bool
    device: str  # auto | cpu | gpu
    way: str  # auto | one of network.WAYS
    seed: int
    without: Tuple[str, ...] = ()  # ways that have taken a process with them already


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

    def __init__(self, options: Options, say: Say, done: Sequence[Result] = ()) -> None:
        self.options = options
        self.say = say
        self.results: Dict[str, Result] = {r["name"]: r for r in done}
        self.document: Dict[str, Any] = empty_document()
        self.tf: Any = None
        self.keras: Any = None
        self.device = ""
        self.gpus: Tuple[str, ...] = ()  # as TensorFlow names them: /GPU:0
        self.beans: Any = None  # normalised by Keras, (200, 2) float32
        self.test_beans: Any = None
        self.labels: Any = None
        self.trained: Any = None


class Note(NamedTuple):
    """What a rung that passed says: a sentence, and the device its numbers came from."""

    detail: str
    device: Optional[str] = None


class Skipped(NamedTuple):
    """What a rung says that has nothing to try here, and rightly so."""

    reason: str


class Rung(NamedTuple):
    """`library` is what a broken rung points at. `deadline` in seconds. A rung `apart` runs in
    a process that never imports TensorFlow: what it loads must not help TensorFlow's loader."""

    name: str
    needs: Tuple[str, ...]
    run: Callable[[Climb], Union[Note, Skipped]]
    library: str = ""
    deadline: float = 120.0
    apart: bool = False
    on_cpu: str = ""  # instead of `library`, where there is no GPU


def empty_document() -> Dict[str, Any]:
    """Every field that a rung fills: a document has them all, however early it ended."""
    return {
        "driver": None,
        "tensorflow": None,
        "devices": [],
        "gpu_memory": None,
        "device": None,
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
        "weights": None,
        "normalisation": None,
        "field": None,
        "speed": None,
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


def climb(
    options: Options,
    rungs: Sequence[Rung],
    say: Say,
    todo: Optional[Sequence[str]] = None,
    done: Sequence[Result] = (),
    emit: Optional[Emit] = None,
) -> Dict[str, Any]:
    """Every rung of `todo` (default: all) that can be tried, as the document of schema SCHEMA.

    What they need is run again where `done` says that it passed in another process. `emit` gets
    the document after every rung.
    """
    state = Climb(options, say, done)
    wanted = [rung.name for rung in rungs] if todo is None else list(todo)
    climbed = with_needs(wanted, rungs)
    results: List[Result] = []
    interrupted = ""
    for rung in (r for r in rungs if r.name in climbed):
        blocked = why_not(rung, state.results, interrupted)
        if blocked:
            result = result_of(rung, *blocked)
        else:
            say(rung.name + " ...")
            tried = attempt(partial(rung.run, state))
            result = result_of_attempt(rung, tried)
            if tried.failure and tried.failure.interrupted:
                interrupted = rung.name
        result["library"] = library_of(rung, bool(state.gpus))
        state.results[rung.name] = result
        results.append(result)
        first_line = (result["detail"].splitlines() or [""])[0]
        say("%s %s: %s" % (rung.name, result["status"], first_line))
        if emit:
            emit(document_of(state, results))
    return document_of(state, results)


def document_of(state: Climb, results: Sequence[Result]) -> Dict[str, Any]:
    options = state.options
    return dict(
        state.document,
        schema=SCHEMA,
        mode="quick" if options.quick else "full",
        seed=options.seed,
        rungs=list(results),
        ok=all_passed(results),
        python={"version": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable},
    )


def all_passed(results: Sequence[Result]) -> bool:
    return all(r["status"] in ("passed", "skipped") for r in results)


def with_needs(names: Sequence[str], rungs: Sequence[Rung]) -> Tuple[str, ...]:
    """The names and all that they stand on, which the order of `rungs` puts before them."""
    needed = set(names)
    for rung in reversed(rungs):
        if rung.name in needed:
            needed.update(rung.needs)
    return tuple(rung.name for rung in rungs if rung.name in needed)


def why_not(
    rung: Rung, results: Dict[str, Result], interrupted: str = ""
) -> Optional[Tuple[str, str]]:
    """(status, reason) of a rung that cannot be tried, None for one that can."""
    if interrupted:
        return "not-run", "interrupted in %s" % interrupted
    for name in rung.needs:
        status = results[name]["status"] if name in results else "passed"
        if status == "failed":
            return "not-run", "needs %s, which failed" % name
        if status != "passed":
            return status, results[name]["detail"]  # the first cause, however far down
    return None


def library_of(rung: Rung, on_gpu: bool) -> str:
    return rung.library if on_gpu else rung.on_cpu or rung.library


def result_of(rung: Rung, status: str, detail: str) -> Result:
    return {
        "name": rung.name,
        "library": rung.library,
        "status": status,
        "detail": detail,
        "device": None,
        "seconds": None,
    }


def result_of_attempt(rung: Rung, tried: Attempt) -> Result:
    failure = tried.failure
    if failure:
        failed = result_of(rung, "failed", failure.message or failure.type)
        return dict(failed, seconds=tried.seconds, error=error_field(failure))
    if isinstance(tried.value, Skipped):
        return result_of(rung, "skipped", tried.value.reason)
    note: Note = tried.value
    passed = result_of(rung, "passed", note.detail)
    return dict(passed, seconds=tried.seconds, device=note.device)
