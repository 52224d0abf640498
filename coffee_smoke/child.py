"""The worker: options in, progress on stderr, after every rung one document on stdout.

The supervisor starts it in the target's interpreter, and again after a rung that took it down.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Dict, List, Optional

from coffee_smoke import ladder, network, roast, rungs

CANNOT_WRITE = 3


def training_options() -> argparse.ArgumentParser:
    """What the supervisor's command line and the worker's have in common."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--quick", action="store_true", help="one epoch instead of ten")
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "gpu"),
        default="auto",
        help="auto: the first GPU where TensorFlow lists one, else the CPU",
    )
    parser.add_argument(
        "--way",
        choices=("auto", *network.WAYS),
        default="auto",
        help="how to train: one compiled loop per epoch (xla-loop), the same loop not compiled "
        "(graph-loop) or Keras' own (fit); auto: the first of them that works",
    )
    parser.add_argument(
        "--faithful",
        action="store_const",
        const="fit",
        dest="way",
        help="the course's plain model.fit: the same training, a minute or more",
    )
    parser.add_argument("--seed", type=int, default=1234, help="of the initial weights (1234)")
    return parser


def parse_options(argv: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="coffee-smoke --worker", parents=[training_options()])
    parser.add_argument("--worker", action="store_true", required=True)
    parser.add_argument("--nonce", default="", help="printed right before each document")
    parser.add_argument("--rungs", default="", help="names, with commas; default: all")
    parser.add_argument("--done", default="[]", help="JSON: name, status, detail of earlier rungs")
    parser.add_argument("--without", action="append", default=[], help="a way not to try again")
    return parser.parse_args(argv)


def claim_stdout() -> int:
    """A private copy of stdout; fd 1 then leads to stderr, for whatever TensorFlow prints."""
    private = os.dup(1)
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
    return private


def say(line: str) -> None:
    """One progress line straight to fd 2: a broken package may have replaced sys.stderr."""
    try:
        os.write(2, ("coffee-smoke: " + line + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # nobody reads the progress; the document still matters


def write_all(fd: int, rest: bytes) -> None:
    while rest:
        rest = rest[os.write(fd, rest) :]


def encode(document: Dict[str, Any], nonce: str) -> str:
    return nonce + json.dumps(document, sort_keys=True, allow_nan=False) + "\n"


def main(argv: Optional[List[str]] = None) -> int:
    """0 when every rung passed, 1 when one did not, 3 when the result cannot be written."""
    given = parse_options(sys.argv[1:] if argv is None else argv)
    try:
        out = claim_stdout()
    except OSError as error:
        say("stdout is closed, no result can be given: " + str(error))
        return CANNOT_WRITE

    def emit(document: Dict[str, Any]) -> None:
        document["acceptance"] = roast.acceptance(given.quick)
        write_all(out, encode(document, given.nonce).encode("ascii"))

    options = ladder.Options(given.quick, given.device, given.way, given.seed, tuple(given.without))
    todo = given.rungs.split(",") if given.rungs else None
    try:
        done = json.loads(given.done)
        document = ladder.climb(options, rungs.RUNGS, say, todo, done, emit)
        emit(dict(document, complete=True))
    except OSError as error:
        say("the result cannot be written: " + str(error))
        return CANNOT_WRITE
    return 0 if document["ok"] else 1
