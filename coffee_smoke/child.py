"""The child's side of the protocol: options in, progress on stderr, one document on stdout."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Dict, List, Optional

from coffee_smoke import ladder, network, rungs, view

CANNOT_WRITE = 3


def parse_options(argv: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="coffee-smoke", description="Trains the coffee-roasting network on this TensorFlow."
    )
    parser.add_argument("--quick", action="store_true", help="one epoch instead of ten")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument(
        "--way",
        choices=("auto", *network.WAYS),
        default="auto",
        help="how to train (default: the fastest that works)",
    )
    parser.add_argument(
        "--faithful",
        action="store_const",
        const="fit",
        dest="way",
        help="the course's plain model.fit, same as --way fit",
    )
    parser.add_argument("--seed", type=int, default=1234)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--nonce", default="", help="printed right before the JSON document")
    parser.add_argument("-v", "--verbose", action="store_true")
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
    options = ladder.Options(given.quick, given.device, given.way, given.seed)
    document = ladder.climb(options, rungs.RUNGS, say)
    document["acceptance"] = rungs.acceptance(given.quick)
    if given.json:
        result = encode(document, given.nonce).encode("ascii")
    else:
        coding = getattr(sys.stdout, "encoding", None) or "ascii"
        result = view.text(document, given.verbose).encode(coding, "replace")
    try:
        write_all(out, result)
    except OSError as error:
        say("the result cannot be written: " + str(error))
        return CANNOT_WRITE
    return 0 if document["ok"] else 1
