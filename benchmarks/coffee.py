"""How fast the coffee network is, as ratios measured in one run on one machine.

    .venv-dev/bin/python benchmarks/coffee.py [RUNS]           ratios: time and memory
    .venv-dev/bin/python benchmarks/coffee.py --losses [SEEDS] the same training as model.fit?

The processes are run in turn with each other, so that a machine that gets slower slows all of
them; each ratio is the median of the ratios run by run. The environment is TensorFlow 2.21.0
(CPU) on Python 3.13. With --losses, the mean loss of each epoch over SEEDS seeds is compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import lab  # noqa: E402

PROGRAM = ROOT / "coffee_smoke" / "__main__.py"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}
# The largest process below this one: getrusage of the children that were waited for.
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.stdout.write(done.stdout.decode())
"""


def run(argv: Sequence[str]) -> tuple[float, int, str]:
    """Wall seconds, peak MiB of the largest process, stdout."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *argv],
        capture_output=True,
        text=True,
        cwd="/",
        env={**env, **QUIET},
        check=True,
    )
    took = time.perf_counter() - began
    peak, _, out = done.stdout.partition("\n")
    return took, int(peak), out


def smoke(python: str, *options: str) -> list[str]:
    return [python, str(PROGRAM), "--json", "--device", "cpu", *options]


def document_of(out: str) -> Any:
    document = json.loads(out)
    assert document["ok"], document["rungs"]
    return document


def ratios(runs: int) -> None:
    python = str(lab.python_of("tf221"))
    bare = [python, "-c", "import tensorflow"]
    for argv in (bare, smoke(python)):  # one run each to warm the disk's cache
        run(argv)
    process, training, memory = [], [], []
    for number in range(runs):
        import_seconds, import_peak, _ = run(bare)
        seconds, peak, out = run(smoke(python))
        _, _, plain = run(smoke(python, "--faithful"))
        fast = document_of(out)["training_seconds"]
        slow = document_of(plain)["training_seconds"]
        process.append(seconds / import_seconds)
        training.append(slow / fast)
        memory.append(peak - 1.3 * import_peak)
        print(
            f"{number + 1}: import {import_seconds:.1f} s {import_peak} MiB; coffee-smoke"
            f" {seconds:.1f} s {peak} MiB, trains {fast:.1f} s; model.fit trains {slow:.1f} s"
        )
    print(f"model.fit / our training     {statistics.median(training):6.1f}   (at least 12)")
    print(f"coffee-smoke / bare import   {statistics.median(process):6.2f}   (at most 3)")
    print(f"peak - 1.3 x import's, MiB   {statistics.median(memory):6.0f}   (at most 100)")


LOSSES = """
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
real_compile, real_fit = tf.keras.Model.compile, tf.keras.Model.fit
tf.keras.Model.compile = lambda self, **given: real_compile(self, steps_per_execution=250, **given)
def shuffled_otherwise(self, *args, **given):
    tf.random.set_seed(7)
    return real_fit(self, *args, **given)
for seed in range(1234, 1234 + int(sys.argv[2])):
    found = []
    for way, fit in (("xla-loop", real_fit), ("fit", real_fit), ("fit", shuffled_otherwise)):
        tf.keras.Model.fit = fit
        trained = network.train(tf, way, "/CPU:0", x, y, 10, seed, lambda *_: None)
        found.append(trained.losses)
    print(json.dumps([seed, *found]), flush=True)
"""


def losses(seeds: int) -> None:
    """Our losses and model.fit's for the same seeds. With steps_per_execution=250 model.fit leaves
    out most of the Python between the batches and changes no bit of the weights. A start that
    stays on a plateau leaves it sooner or later by the luck of the order of the batches, so a
    second model.fit, from the same weights with other shuffles, shows how far chance goes."""
    argv = [str(lab.python_of("tf221")), "-c", LOSSES, str(PROGRAM.parent), str(seeds)]
    rows = [json.loads(line) for line in run(argv)[2].splitlines()]
    for seed, *ways in rows:
        print(f"seed {seed}: last losses", *(f"{way[-1]:.5f}" for way in ways))
    print("median over the seeds of the ratio to model.fit, per epoch")
    print(f"{'epoch':>5} {'ours':>6} {'model.fit, other shuffles':>26}")
    for epoch in range(len(rows[0][1])):
        ours, control = (
            statistics.median(row[which][epoch] / row[2][epoch] for row in rows) for which in (1, 3)
        )
        print(f"{epoch + 1:5} {ours:6.3f} {control:26.3f}")


def main() -> None:
    given = sys.argv[1:]
    if given[:1] == ["--losses"]:
        losses(int(given[1]) if given[1:] else 5)
    else:
        ratios(int(given[0]) if given else 3)


if __name__ == "__main__":
    main()
