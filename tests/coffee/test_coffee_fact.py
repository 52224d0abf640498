"""What the parent makes of whatever the coffee network's process printed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from coffee_smoke import ladder
from envcheck.matrix import Matrix
from envcheck.model import Facts
from envcheck.probes.smoke import MARKER, SCHEMA, parse_smoke
from envcheck.probes.source import Completed
from envcheck.rules.smk102_child_died import RULE

RUNG = {"name": "import", "status": "passed", "detail": "fine", "library": "TensorFlow"}


def parsed(printed: str) -> dict[str, object]:
    return parse_smoke(Completed("exit", 0, printed, "coffee-smoke: import ...\n"))


def document(**fields: object) -> str:
    return MARKER + json.dumps({"schema": SCHEMA, "rungs": [RUNG], **fields})


def test_both_sides_know_the_same_schema() -> None:
    assert SCHEMA == ladder.SCHEMA


def test_what_stands_around_the_document_is_not_read() -> None:
    found = parsed(f"hello\n{document(ok=True)}\nbye {MARKER}\n")
    assert (found["ended"], found["ok"]) == ("finished", True)


def test_nothing_was_printed() -> None:
    found = parsed("hello\n")
    assert (found["ended"], found["rung"]) == ("silent", "import")


@pytest.mark.parametrize(
    "printed",
    [
        MARKER,
        MARKER + "[]",
        MARKER + '{"rungs": []}',
        document(schema="coffee.smoke/9"),
        document()[:-9],
        document(rungs=None),
        document(rungs=[{"name": "import"}]),
        document(rungs=["import"]),
        document(accuracy=[1]),
        document(way={"tried": [{"error": "no"}]}),
        document(gpu_memory=[{"index": "first", "processes": []}]),
        document(speed={"product": {"GPU:0": 1.0}}),
    ],
)
def test_a_document_of_another_shape_is_a_finding(
    machine: Callable[..., Facts], matrix: Matrix, printed: str
) -> None:
    found = parsed(printed)
    assert (found["ended"], found["rung"]) == ("garbled", "import")
    facts = machine("linux-none-tf221", {"smoke.result": found})
    (match,) = RULE.judge(facts, matrix)
    assert match.subject == "import"
    assert match.params["how"].startswith("gave a result that cannot be read (")
    assert match.fixes[0].steps[0][:3] == ("envcheck", "run", "--")
