"""How rungs become a document, with rungs made for the purpose."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from coffee_smoke import checks, child, ladder, roast
from coffee_smoke.rungs import RUNGS
from tests.coffee.planted import PLANTINGS

OPTIONS = ladder.Options(quick=False, device="auto", way="auto", seed=1234)


@pytest.fixture
def climb():
    """Climbs the given (name, needs, error or None) and returns (document, what was said)."""

    def run(*given):
        def made(error):
            def rung(_):
                if error is not None:
                    raise error
                return ladder.Note("fine", "CPU:0")

            return rung

        made_rungs = [ladder.Rung(name, needs, made(error)) for name, needs, error in given]
        said = []
        return ladder.climb(OPTIONS, made_rungs, said.append), said

    return run


def statuses(document):
    return {r["name"]: (r["status"], r["detail"]) for r in document["rungs"]}


def test_all_rungs_passed(climb):
    document, said = climb(("a", (), None), ("b", ("a",), None))
    assert document["ok"] is True
    assert document["schema"] == "coffee.smoke/1"
    assert statuses(document) == {"a": ("passed", "fine"), "b": ("passed", "fine")}
    assert said == ["a ...", "a passed: fine", "b ...", "b passed: fine"]


def test_what_needs_a_failed_rung_does_not_run_and_the_rest_does(climb):
    document, _ = climb(
        ("a", (), None),
        ("b", ("a",), ValueError("bad")),
        ("c", ("b",), None),
        ("d", ("c",), None),
        ("e", ("a",), None),
    )
    assert document["ok"] is False
    assert statuses(document) == {
        "a": ("passed", "fine"),
        "b": ("failed", "bad"),
        "c": ("not-run", "needs b, which failed"),
        "d": ("not-run", "needs b, which failed"),
        "e": ("passed", "fine"),
    }


@pytest.mark.parametrize(
    ("error", "type_name", "message"),
    [
        (SystemExit(0), "SystemExit", "0"),
        (KeyError("x"), "KeyError", "'x'"),
        (ValueError("a: b\nc"), "ValueError", "a: b\nc"),
        (MemoryError(), "MemoryError", ""),
        (SyntaxError("odd"), "SyntaxError", "odd"),
    ],
)
def test_whatever_is_raised_is_the_rungs_error(climb, error, type_name, message):
    document, _ = climb(("a", (), error))
    found = document["rungs"][0]["error"]
    assert (found["type"], found["message"]) == (type_name, message)
    assert any("test_coffee_ladder.py" in line for line in found["traceback"])


def test_what_needs_a_skipped_rung_is_skipped_for_the_same_reason():
    made = (
        ladder.Rung("a", (), lambda _: ladder.Skipped("there is none")),
        ladder.Rung("b", ("a",), lambda _: ladder.Note("fine")),
    )
    document = ladder.climb(OPTIONS, made, lambda _: None)
    assert document["ok"] is True
    assert set(statuses(document).values()) == {("skipped", "there is none")}


def test_a_later_process_runs_again_what_its_rungs_stand_on():
    ran = []

    def rung(name, *needs):
        return ladder.Rung(name, needs, lambda _: ran.append(name) or ladder.Note("fine"))

    made = (rung("a"), rung("b", "a"), rung("c", "a"), rung("d", "b"), rung("e"))
    done = [{"name": n, "status": "passed", "detail": ""} for n in "abce"]
    document = ladder.climb(OPTIONS, made, lambda _: None, ["d"], done)
    assert ran == ["a", "b", "d"]
    assert [r["name"] for r in document["rungs"]] == ["a", "b", "d"]


def test_an_interrupt_stops_the_climb(climb):
    document, _ = climb(("a", (), KeyboardInterrupt()), ("b", (), None))
    assert statuses(document)["b"] == ("not-run", "interrupted in a")


def test_the_causes_of_an_error_are_kept(climb):
    error = ImportError("outer")
    error.__cause__ = OSError("libcudart.so.12: cannot open")
    document, _ = climb(("a", (), error))
    assert document["rungs"][0]["error"]["causes"] == ["OSError: libcudart.so.12: cannot open"]


def test_a_document_is_one_line_of_strict_json(climb):
    document, _ = climb(("a", (), ValueError("b\u00e4d \udcff\nline")))
    text = child.encode(document, "NONCE")
    assert text.startswith("NONCE{")
    assert text.count("\n") == 1
    assert text.isascii()
    assert json.loads(text[5:]) == document


def test_comparison_with_the_reference():
    one = np.array([[1.0]])
    checks.compare("x", one * 1.019, one, 0.02)
    with pytest.raises(checks.WrongNumbers) as raised:
        checks.compare("x", one * 1.03, one, 0.02)
    assert str(raised.value) == "x is off by 0.03 from the float64 reference, 0.02 is allowed"
    with pytest.raises(checks.WrongNumbers, match="off by nan"):
        checks.compare("x", one * math.nan, one, 0.02)
    with pytest.raises(checks.WrongNumbers, match=r"the shape is \(1,\), not \(1, 1\)"):
        checks.compare("x", one[0], one, 0.02)


@pytest.mark.parametrize(
    ("asked", "correct", "loss", "said"),
    [
        ((0.5, 0.0), 200, 0.003, "the good bean gets 0.5"),
        ((0.98, 0.1), 200, 0.003, "the burnt bean gets 0.1"),
        ((0.98, 0.0), 199, 0.003, "199 of 200 beans are right"),
        ((0.98, 0.0), 200, 0.2, "the final loss is 0.2000"),
        (
            (math.nan, math.nan),
            157,
            0.2,
            "the good bean gets nan; the burnt bean gets nan; 157 of 200 beans are right; "
            "the final loss is 0.2000",
        ),
    ],
)
def test_what_training_must_reach(asked, correct, loss, said):
    roast.judge_decisions(np.array([0.979, 4.7e-7]), 200, 0.0029)
    with pytest.raises(ladder.Wrong) as raised:
        roast.judge_decisions(np.array(asked), correct, loss)
    assert str(raised.value) == said


def test_numbers_from_the_wrong_device_are_wrong():
    cpu = "/job:localhost/replica:0/task:0/device:CPU:0"
    checks.require_device("/CPU:0", cpu, "the training")
    with pytest.raises(ladder.Wrong) as raised:
        checks.require_device("/GPU:0", cpu, "the training")
    assert str(raised.value) == "the training was asked of GPU:0 and ran on CPU:0"


class FakeTraining:
    """Stands for network.train: raises for the ways in `broken`, trains with the others."""

    def __init__(self, broken):
        self.broken = broken
        self.asked = []

    def __call__(self, tf, way, device, x, y, epochs, seed, on_epoch):
        self.asked.append((way, device, len(x), epochs, seed))
        if way in self.broken:
            raise self.broken[way]
        on_epoch(0, 0.25)
        cpu = "/job:localhost/replica:0/task:0/device:CPU:0"
        return roast.network.Trained(None, (0.25, 0.1), 3.0, (1.0, 2.0), (), (cpu,) * 4, cpu)


@pytest.fixture
def ready():
    said = []
    state = ladder.Climb(OPTIONS, said.append)
    state.device = "/CPU:0"
    state.beans, state.labels = np.zeros((200, 2)), np.zeros((200, 1))
    return state


def test_the_next_slower_way_is_tried_and_the_first_ones_failure_is_named(ready, monkeypatch):
    training = FakeTraining({"xla-loop": RuntimeError("libdevice not found")})
    monkeypatch.setattr(roast.network, "train", training)
    note = roast.train(ready)
    assert note == ladder.Note("62500 steps by graph-loop in 3.0 s, loss 0.2500 -> 0.1000", "CPU:0")
    way = ready.document["way"]
    assert way["used"] == "graph-loop"
    assert [(t["way"], t["ok"]) for t in way["tried"]] == [
        ("xla-loop", False),
        ("graph-loop", True),
    ]
    assert way["tried"][0]["error"]["message"] == "libdevice not found"
    assert training.asked == [
        ("xla-loop", "/CPU:0", 200_000, 10, 1234),
        ("graph-loop", "/CPU:0", 200_000, 10, 1234),
    ]


def test_no_way_left(ready, monkeypatch):
    broken = {way: ValueError(way) for way in roast.network.WAYS}
    monkeypatch.setattr(roast.network, "train", FakeTraining(broken))
    with pytest.raises(ladder.Wrong, match="xla-loop: ValueError; graph-loop: ValueError; fit"):
        roast.train(ready)


def test_an_interrupt_does_not_lead_to_the_next_way(ready, monkeypatch):
    training = FakeTraining({"xla-loop": KeyboardInterrupt()})
    monkeypatch.setattr(roast.network, "train", training)
    with pytest.raises(KeyboardInterrupt):
        roast.train(ready)
    assert [asked[0] for asked in training.asked] == ["xla-loop"]


def test_every_rung_has_a_planted_fault():
    """That each one is named is what test_coffee_faults.py shows, on a real TensorFlow."""
    broken = {rung for planting in PLANTINGS.values() for rung in planting.failed}
    assert [rung.name for rung in RUNGS if rung.name not in broken] == []
