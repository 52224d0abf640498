"""What a person gets to see: the verdict, the field in characters, the drawn picture."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from coffee_smoke import data, ladder, launcher, picture, plot, reference, rungs, view


@pytest.fixture
def document():
    """Of a run with the shipped weights as its result, on a CPU."""
    x, y = data.beans()
    scale = {"mean": x.mean(axis=0).tolist(), "deviation": x.std(axis=0).tolist()}
    weights = reference.shipped_weights()
    answers = reference.forward(weights, reference.normalise(x, x))
    passed = {"status": "passed", "detail": "fine", "device": "CPU:0", "seconds": 0.25}
    gpu_only = ("driver", "context", "runtime", "gpu")
    results = [dict(ladder.result_of(r, "passed", ""), **passed) for r in rungs.RUNGS]
    for result in results:
        if result["name"] in gpu_only:
            result.update(status="skipped", detail="no driver", seconds=None, device=None)
    return dict(
        ladder.empty_document(),
        rungs=results,
        ok=True,
        tensorflow={"version": "2.21.0", "keras_version": "3.15.1"},
        device="CPU:0",
        steps=62_500,
        training_seconds=1.25,
        losses=[0.25, 0.1, 0.003],
        decisions=[1, 0],
        accuracy={"correct": 200, "total": 200},
        weights={n: w.tolist() for n, w in zip(("W1", "b1", "W2", "b2"), weights, strict=True)},
        normalisation=scale,
        field=picture.field(weights, scale, answers, y),
        target={"python": "/venv/bin/python", "why": "--python"},
    )


def broken(document, name, kind, message, **more):
    changed = copy.deepcopy(document)
    changed["ok"] = False
    for result in changed["rungs"]:
        if result["name"] == name:
            error = {"type": kind, "message": message, "traceback": ["trace"], "causes": []}
            result.update(status="failed", detail=message, error=error, **more)
    return changed


def test_the_field_shows_every_bean_and_the_learned_region(document):
    lines = document["field"]
    assert [len(line) for line in lines] == [picture.COLUMNS] * picture.ROWS
    text = "".join(lines)
    assert set(text) == {" ", ".", "o", "x"}
    # 43 good beans, of which some share a cell.
    x, y = data.beans()
    cells = {
        (int((t - 150) / 135 * 60), int((15.5 - d) / 4 * 18))
        for (t, d), good in zip(x, y.ravel(), strict=True)
        if good
    }
    assert len(cells) - 3 <= text.count("o") <= len(cells)
    # A good roast in the middle, and none in the corners.
    assert lines[14][30] in ".o"
    assert {lines[0][0], lines[0][-1], lines[-1][0], lines[-1][-1]} <= {" ", "x"}


def test_a_bean_that_is_decided_wrongly_stands_out():
    x, y = data.beans()
    scale = {"mean": x.mean(axis=0), "deviation": x.std(axis=0)}
    lines = picture.field(reference.shipped_weights(), scale, 1 - y, y)
    assert set("".join(lines)) == {" ", ".", "G", "B"}
    assert "G, B decided wrongly" in picture.draw(lines, unicode=False)


def test_the_field_in_characters(document):
    ascii_text = picture.draw(document["field"], unicode=False)
    assert ascii_text.isascii()
    assert "o good   x bad   . the network says good   none decided wrongly" in ascii_text
    unicode_text = picture.draw(document["field"], unicode=True)
    assert len(unicode_text.splitlines()) == len(ascii_text.splitlines()) == picture.ROWS + 4
    good = "".join(document["field"]).count("o")
    assert unicode_text.count("●") == good + 1  # and the legend's
    assert picture.can_encode("utf-8")
    assert not picture.can_encode("ascii")
    assert not picture.can_encode(None)


def test_the_first_lines_are_the_verdict(document):
    lines = view.text(document, verbose=False, unicode=True).splitlines()
    assert lines[:3] == [
        "coffee-smoke: passed on the CPU: 62500 steps in 1.2 s, decides [1, 0], 200 of 200 beans "
        "right",
        "  No GPU was tested: no driver",
        "  Target: /venv/bin/python, chosen by --python",
    ]
    assert lines[3] == ""
    assert lines[4].split() == ["import", "ok", "0.2", "s", "fine", "on", "CPU:0"]
    assert lines[-1] == "  skipped   driver, context, runtime, gpu: no driver"


def test_a_gpu_that_passed_is_named(document):
    details = {"device_name": "Tesla T4", "compute_capability": "7.5"}
    on_gpu = dict(
        document,
        device="GPU:0",
        devices=[{"type": "CPU", "details": {}}, {"type": "GPU", "details": details}],
    )
    first = view.text(on_gpu, verbose=False, unicode=True).splitlines()[0]
    assert first.startswith("coffee-smoke: passed on GPU:0 (Tesla T4): 62500 steps in 1.2 s")


@pytest.mark.parametrize(
    ("name", "kind", "message", "first", "do"),
    [
        (
            "conv2d",
            "UnimplementedError",
            "DNN library is not found.",
            "coffee-smoke: FAILED in conv2d (cuDNN): DNN library is not found.",
            "  Do: cuDNN, as this TensorFlow loads it, does not work on this machine: run "
            "`envcheck --python /venv/bin/python`: it names",
        ),
        (
            "fft",
            "WrongNumbers",
            "off by nan",
            "coffee-smoke: FAILED in fft (cuFFT): off by nan",
            "  Do: this machine computes wrong numbers: do not trust its results",
        ),
        (
            "matmul",
            "Hung",
            "ended after 300 s without an answer",
            "coffee-smoke: FAILED in matmul (cuBLAS): ended after 300 s without an answer",
            "  Do: look in the log below",
        ),
        (
            "driver",
            "Wrong",
            "cuInit answers 803",
            "coffee-smoke: FAILED in driver (NVIDIA driver (libcuda)): cuInit answers 803",
            "  Do: repair the NVIDIA driver first",
        ),
    ],
)
def test_the_rung_that_broke_and_what_to_do(document, name, kind, message, first, do):
    changed = broken(document, name, kind, message, log=["a log line"])
    lines = view.text(changed, verbose=False, unicode=True).splitlines()
    assert lines[0] == first
    assert lines[1].startswith(do)
    assert lines[-2:] == [f"the log of {name}", "  a log line"]


def test_a_full_card_is_told_apart(document):
    changed = broken(document, "context", "Wrong", "CUDA_ERROR_OUT_OF_MEMORY (2)")
    changed["gpu_memory"] = [{"index": 0, "total_mib": 8, "free_mib": 1, "used_mib": 7}]
    text = view.text(changed, verbose=True, unicode=False)
    assert text.splitlines()[1].startswith("  Do: free memory of the GPU")
    assert "GPU 0: 7 of 8 MiB in use" in text


def test_several_broken_rungs(document):
    changed = broken(broken(document, "fft", "Died", "killed"), "solver", "Died", "killed")
    lines = view.text(changed, verbose=False, unicode=True).splitlines()
    assert lines[2] == "  Broken as well: solver (cuSOLVER)"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_picture(document, tmp_path: Path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"roast.{suffix}"
    assert plot.draw(document, str(path)) is None
    head = path.read_bytes()[:400]
    assert head.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in head
    if suffix == "png":
        from matplotlib import image

        pixels = image.imread(path)[..., :3]
        assert pixels.shape[:2] == (912, 1440)
        # Beans, and the learned region: both fill a stated part of it.
        region = np.abs(pixels - np.array([254, 183, 70]) / 255).max(axis=-1) < 0.05
        assert 0.05 < region.mean() < 0.3


def test_no_picture_without_training(document, tmp_path: Path):
    pytest.importorskip("matplotlib")
    untrained = dict(document, weights=None, losses=[])
    assert plot.draw(untrained, str(tmp_path / "x.png")) == (
        "no picture: the network was not trained"
    )
    assert not (tmp_path / "x.png").exists()


def test_a_picture_that_cannot_be_drawn_is_refused_at_once(tmp_path: Path, monkeypatch, capsys):
    assert plot.why_not(str(tmp_path / "x.gif")) == (
        f"--plot draws .png and .svg: {tmp_path / 'x.gif'} is neither"
    )
    missing = tmp_path / "no" / "x.png"
    assert plot.why_not(str(missing)) == f"--plot: there is no folder {missing.parent}"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert launcher.main(["--plot", str(tmp_path / "x.png")]) == 2
    assert capsys.readouterr().err == (
        "coffee-smoke: --plot needs matplotlib beside coffee-smoke: pip install 'envcheck[plot]'\n"
    )


def test_a_document_is_strict_json(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document
