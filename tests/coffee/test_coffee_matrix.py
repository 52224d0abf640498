"""The whole ladder on real TensorFlow, from 2.4 to 2.21, Python 3.7 to 3.13."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.coffee.documents import valid
from tests.conftest import plain_environment

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.heavy]

LEGACY = {"TF_USE_LEGACY_KERAS": "1"}
# Recipe, environment variables, TensorFlow, kind of Keras.
STACKS = (
    ("tf24", {}, "2.4.4", "keras2"),
    ("tf29-py37", {}, "2.9.1", "keras2"),
    ("tf29", {}, "2.9.1", "keras2"),
    ("tf210", {}, "2.10.1", "keras2"),
    ("tf212", {}, "2.12.1", "keras2"),
    ("tf215", {}, "2.15.1", "keras2"),
    ("tf216", {}, "2.16.2", "keras3"),
    ("tf216-legacy", LEGACY, "2.16.2", "tf-keras"),
    ("tf218", {}, "2.18.1", "keras3"),
    ("tf220", {}, "2.20.0", "keras3"),
    ("tf221", {}, "2.21.0", "keras3"),
)
NEEDS_A_GPU = ("driver", "context", "runtime", "gpu", "nccl", "speed", "mirrored")


@pytest.mark.parametrize(("recipe", "env", "version", "flavour"), STACKS, ids=lambda v: str(v))
def test_every_rung_passes_on_the_cpu(
    lab: Callable[[str], Path],
    tmp_path: Path,
    recipe: str,
    env: dict[str, str],
    version: str,
    flavour: str,
) -> None:
    argv = [sys.executable, "-m", "coffee_smoke", "--python", str(lab(recipe))]
    done = subprocess.run(
        [*argv, "--device", "cpu", "--json"],
        cwd=tmp_path,
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    document = valid(done.stdout)
    found = document["tensorflow"]
    assert (found["version"], found["keras_flavour"]) == (version, flavour)
    assert document["decisions"] == [1, 0]
    assert document["accuracy"] == {"correct": 200, "total": 200}
    assert document["steps"] == 62_500
    assert document["way"]["used"] == "xla-loop"
    skipped = {r["name"] for r in document["rungs"] if r["status"] == "skipped"}
    assert skipped == set(NEEDS_A_GPU)
    assert {r["device"] for r in document["rungs"]} == {None, "CPU:0"}
