"""The coffee network on real TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import coffee_smoke
from tests.coffee.documents import SCHEMA, valid

pytestmark = pytest.mark.lab

FOLDER = Path(coffee_smoke.__file__).parent

# Two epochs by each way: the batches and their order are the same in all.
SAME_TRAINING = """
import importlib.util, json, os, sys
spec = importlib.util.spec_from_file_location(
    "coffee_smoke", os.path.join(sys.argv[1], "__init__.py"),
    submodule_search_locations=[sys.argv[1]])
sys.modules["coffee_smoke"] = importlib.util.module_from_spec(spec)
from coffee_smoke import data, network
import tensorflow as tf
rows, labels = data.beans()
layer = network.normaliser(tf, network.keras_of(tf), rows)
x, y = data.tile(network.normalised(layer, rows)), data.tile(labels)
found = {}
for way in network.WAYS:
    t = network.train(tf, way, "/CPU:0", x, y, 2, 1234, lambda *_: None)
    weights = [float(v) for w in t.model.get_weights() for v in w.ravel()]
    found[way] = [t.losses, weights]
print(json.dumps(found))
"""


def climbed(python: Path, cwd: Path, *options: str, **env: str):
    done = subprocess.run(
        [str(python), str(FOLDER), "--json", "--device", "cpu", *options],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return valid(done.stdout.decode())


@pytest.fixture(scope="module")
def document(lab, tmp_path_factory):
    return climbed(lab("tf221"), tmp_path_factory.mktemp("coffee"))


def test_the_schema_names_every_field(document):
    assert set(document) == set(SCHEMA["properties"])


@pytest.mark.slow
def test_an_older_tensorflow_gives_the_same_document(lab, tmp_path):
    found = climbed(lab("tf215"), tmp_path, "--quick")
    assert found["tensorflow"]["version"] == "2.15.1"
    assert set(found) == set(SCHEMA["properties"])


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["tf29", "tf221"])
def test_what_keras_json_asks_for_does_not_decide(lab, tmp_path, recipe):
    """Half precision does not learn this network, and TF 2.4's bias wants its channels last."""
    (tmp_path / ".keras").mkdir()
    settings = {"floatx": "float16", "image_data_format": "channels_first"}
    (tmp_path / ".keras/keras.json").write_text(json.dumps(settings), encoding="utf-8")
    found = climbed(lab(recipe), tmp_path, HOME=str(tmp_path))
    assert (found["ok"], found["decisions"]) == (True, [1, 0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "variable"),
    [("tf29", "TF_XLA_FLAGS"), ("tf215", "XLA_FLAGS"), ("tf221", "XLA_FLAGS")],
)
def test_a_flag_that_xla_does_not_know(lab, tmp_path, envcheck, recipe, variable):
    environment = {"HOME": str(tmp_path), variable: "--a=1 --xla_dump_to=out --b"}
    given = ("--expect", "cpu", "--python", str(lab(recipe)), "--quick")
    report = json.loads(envcheck(*given, "--format", "json", **environment).stdout)
    errors = [row for row in report["findings"] if row["severity"] != "info"]
    (root,) = [row for row in errors if row["caused_by"] is None]
    assert (root["code"], root["subject"]) == ("SMK303", variable)
    said = "--a=1 --b" if variable == "XLA_FLAGS" else "--a=1 --xla_dump_to=out --b"
    assert root["params"] == {"variable": variable, "flags": said}
    rest = ["export", "XLA_FLAGS=--xla_dump_to=out"]
    assert root["fixes"][0]["steps"] == [rest if variable == "XLA_FLAGS" else ["unset", variable]]


def test_the_network_learns_on_a_healthy_environment(document):
    assert document["ok"] is True
    states = {r["name"]: r["status"] for r in document["rungs"]}
    skipped = {"driver", "context", "runtime", "gpu", "nccl", "speed", "mirrored"}
    assert {name for name, status in states.items() if status == "skipped"} == skipped
    assert {status for name, status in states.items() if name not in skipped} == {"passed"}
    assert len(states) == 24
    assert document["decisions"] == [1, 0]
    assert document["accuracy"] == {"correct": 200, "total": 200}
    assert document["parameters"] == 13
    assert document["shapes"] == [[2, 3], [3], [3, 1], [1]]
    assert document["steps"] == 62_500
    assert document["way"]["used"] == "xla-loop"
    good, burnt = document["probabilities"]
    assert good > 0.95
    assert burnt < 1e-5


def test_the_losses_fall_epoch_by_epoch(document):
    losses = document["losses"]
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(0.25, abs=0.03)
    assert losses[-1] < 0.005


def test_everything_was_placed_on_the_cpu(document):
    cpu = "/job:localhost/replica:0/task:0/device:CPU:0"
    assert document["device"] == "CPU:0"
    assert document["placement"] == {
        "requested": "cpu",
        "chosen": "CPU:0",
        "variables": [cpu] * 4,
        "step": cpu,
    }


@pytest.mark.parametrize("recipe", ["tf221", pytest.param("tf215", marks=pytest.mark.slow)])
def test_the_fast_ways_are_the_same_training_as_model_fit(lab, tmp_path, recipe):
    """Keras 3 shuffles every epoch alike, Keras 2 does not; the loops follow both."""
    done = subprocess.run(
        [str(lab(recipe)), "-c", SAME_TRAINING, str(FOLDER)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    losses, weights = found["fit"]
    assert found["graph-loop"][0] == pytest.approx(losses, rel=1e-6)
    assert found["graph-loop"][1] == weights  # to the last bit
    assert found["xla-loop"][0] == pytest.approx(losses, rel=1e-4)
    # 12500 float32 steps; XLA orders additions in its own way.
    assert found["xla-loop"][1] == pytest.approx(weights, rel=1e-3, abs=1e-3)
