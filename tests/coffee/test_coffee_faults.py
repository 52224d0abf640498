"""A fault planted in each rung of a real TensorFlow is named as that rung, and stops no other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coffee_smoke
from tests.conftest import Run, plain_environment, report_of
from tests.fakes.nvidia import FakeMachine

pytest_plugins = ("tests.fakes.plugin",)
pytestmark = [pytest.mark.lab, pytest.mark.slow]

FOLDER = Path(coffee_smoke.__file__).parent

# Python runs sitecustomize before everything else; here it changes tensorflow when that has been
# imported. A replaced function does harm only where it is called from the named one of ours.
HOOK = """
import importlib.abc, importlib.machinery, os, sys, time

class Hook(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def execute(module):
            run(module)
            plant(module)
        spec.loader.exec_module = execute
        return spec

sys.meta_path.insert(0, Hook())

def replace(place, name, harm, *callers):
    real = getattr(place, name)
    def changed(*args, **kwargs):
        frame = sys._getframe(1)
        while frame.f_globals is globals():  # replaced twice
            frame = frame.f_back
        names = {frame.f_code.co_name, frame.f_back.f_code.co_name}
        ours = frame.f_globals.get("__name__", "").startswith("coffee_smoke")
        if ours and (not callers or names & set(callers)):
            return harm(real, *args, **kwargs)
        return real(*args, **kwargs)
    setattr(place, name, changed)

def raising(error):
    def harm(real, *args, **kwargs):
        raise error
    return harm

def scaled(by):
    return lambda real, *args, **kwargs: real(*args, **kwargs) * by
"""

# One fault of another kind in each rung.
ALL = """
def plant(tf):
    nan = float("nan")
    replace(tf, "matmul", scaled(1.1))
    no_cudnn = tf.errors.UnimplementedError(None, None, "DNN library is not found.")
    replace(tf.nn, "conv2d", raising(no_cudnn))
    def abort(real, *args, **kwargs):
        os.write(2, b"Could not create cudnn handle\\n")
        os.abort()
    replace(tf.keras.layers, "LSTM", abort)
    replace(tf.signal, "fft", lambda real, x: real(x) * nan)
    replace(tf.linalg, "svd", raising(tf.errors.InternalError(None, None, "cusolver")))
    def segfault(real, *args, **kwargs):
        os.kill(os.getpid(), 11)
    replace(tf.raw_ops, "SparseMatrixMatMul", segfault)
    replace(tf.random, "stateless_uniform", lambda real, shape, seed: tf.fill(shape, 0.5))
    def no_xla(real, *args, **kwargs):
        if kwargs.get("jit_compile"):
            raise tf.errors.InternalError(None, None, "libdevice not found at ./libdevice.10.bc")
        return real(*args, **kwargs)
    replace(tf, "function", no_xla)
    replace(tf.keras.mixed_precision, "Policy", raising(ValueError("no float16")))
    def no_numbers(real, x):
        return real(x) * nan
    replace(tf, "convert_to_tensor", no_numbers, "forward_pass")
    replace(tf, "convert_to_tensor", lambda real, x: real(x) * 2, "gradients")
    def no_fit(real, *args, **kwargs):
        raise RuntimeError("fit")
    replace(tf.keras.Model, "fit", no_fit, "fit_briefly")
    adam = tf.keras.optimizers.Adam
    replace(tf.keras.optimizers, "Adam", lambda real, learning_rate: adam(nan), "_epoch_function")
"""
# Without XLA, and with steps of no length: training runs, by a slower way, and learns nothing.
NOTHING_LEARNED = """
def plant(tf):
    def no_xla(real, *args, **kwargs):
        if kwargs.get("jit_compile"):
            raise tf.errors.InternalError(None, None, "libdevice not found at ./libdevice.10.bc")
        return real(*args, **kwargs)
    replace(tf, "function", no_xla)
    replace(tf.keras.optimizers, "Adam", lambda real, learning_rate: real(0.0))
"""
# A GPU is listed, and there is none: all is computed on the CPU, silently.
LISTED = """
def plant(tf):
    real = tf.config.list_physical_devices
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    tf.config.list_physical_devices = lambda kind: [gpu] if kind == "GPU" else real(kind)
    tf.config.experimental.get_device_details = lambda device: {"compute_capability": (7, 5)}
    tf.config.experimental.set_memory_growth = lambda device, on: None
"""
CARD = """
[driver]
version = 535.104.05
cuda = 12.2
[gpu 0]
name = Tesla T4
memory_mib = 15109
compute_capability = 7.5
"""


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], str]:
    def write(plant: str) -> str:
        (tmp_path / "sitecustomize.py").write_text(HOOK + plant, encoding="utf-8")
        return str(tmp_path)

    return write


def climb(python: Path, *options: str, **env: str) -> Any:
    done = subprocess.run(
        [str(python), str(FOLDER), "--json", *options],
        cwd="/",
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def rows(document: Any) -> dict[str, tuple[str, str]]:
    """Status, and the kind of error or the detail of what was not run."""
    return {
        r["name"]: (r["status"], r["error"]["type"] if "error" in r else r["detail"])
        for r in document["rungs"]
        if r["status"] != "passed"
    }


def test_a_fault_in_every_rung(lab: Callable[[str], Path], site: Callable[[str], str]) -> None:
    document = climb(lab("tf221"), "--device", "cpu", PYTHONPATH=site(ALL))
    asked = ("skipped", "the CPU was asked for")
    assert rows(document) == {
        **dict.fromkeys(("driver", "context", "runtime", "gpu"), asked),
        "matmul": ("failed", "WrongNumbers"),
        "conv2d": ("failed", "UnimplementedError"),
        "lstm": ("failed", "Died"),
        "fft": ("failed", "WrongNumbers"),
        "solver": ("failed", "InternalError"),
        "sparse": ("failed", "Died"),
        "random": ("failed", "WrongNumbers"),
        "xla": ("failed", "InternalError"),
        "mixed": ("failed", "ValueError"),
        "nccl": ("skipped", "there is no GPU"),
        "forward": ("failed", "WrongNumbers"),
        "gradients": ("failed", "WrongNumbers"),
        "fit": ("failed", "RuntimeError"),
        "train": ("failed", "WrongNumbers"),
        "decide": ("not-run", "needs train, which failed"),
        "speed": ("not-run", "needs train, which failed"),
        "mirrored": ("skipped", "there is no GPU"),
    }
    details = {r["name"]: r["detail"] for r in document["rungs"]}
    assert details["lstm"] == "killed by SIGABRT"
    assert details["sparse"] == "killed by SIGSEGV"
    assert "off by nan" in details["fft"]
    log = next(r["log"] for r in document["rungs"] if r["name"] == "lstm")
    assert "Could not create cudnn handle" in log
    assert [w["returncode"] for w in document["workers"]] == [0, -6, -11, 1]
    # On a machine without a GPU no library of the GPU is blamed.
    assert {r["library"] for r in document["rungs"] if r["name"] in ("fft", "sparse")} == {
        "TensorFlow's CPU kernels"
    }


def test_a_driver_with_a_gpu_and_a_training_that_learns_nothing(
    lab: Callable[[str], Path],
    site: Callable[[str], str],
    fake_machine: Callable[[str], FakeMachine],
) -> None:
    machine = fake_machine(CARD)
    document = climb(lab("tf221"), PYTHONPATH=site(NOTHING_LEARNED), **machine.env)
    broken = {name: row for name, row in rows(document).items() if row[0] == "failed"}
    assert broken == {
        "gpu": ("failed", "Wrong"),
        "xla": ("failed", "InternalError"),
        "decide": ("failed", "Wrong"),
    }
    details = {r["name"]: r["detail"] for r in document["rungs"]}
    assert details["gpu"] == "the driver has a GPU, and this TensorFlow is built without CUDA"
    assert document["way"]["used"] == "graph-loop"
    assert [(t["way"], t["ok"]) for t in document["way"]["tried"]] == [
        ("xla-loop", False),
        ("graph-loop", True),
    ]
    assert document["loss_trained"] == document["loss_untrained"]


def test_a_gpu_that_is_listed_and_not_used(
    lab: Callable[[str], Path],
    site: Callable[[str], str],
    fake_machine: Callable[[str], FakeMachine],
) -> None:
    machine = fake_machine(CARD)
    document = climb(lab("tf221"), "--quick", PYTHONPATH=site(LISTED), **machine.env)
    found = rows(document)
    for name in ("matmul", "conv2d", "fft", "forward", "train"):
        assert found[name] == ("failed", "WrongDevice")
    details = {r["name"]: r["detail"] for r in document["rungs"]}
    assert details["train"] == "the training was asked of GPU:0 and ran on CPU:0"
    assert document["placement"]["chosen"] == "GPU:0"
    assert document["placement"]["step"].endswith("CPU:0")


def test_what_envcheck_says_of_it(
    envcheck: Run, lab: Callable[[str], Path], site: Callable[[str], str]
) -> None:
    args = ("--python", str(lab("tf221")), "--expect", "cpu", "--format", "json")
    report = report_of(envcheck(*args, PYTHONPATH=site(ALL)))
    found = {(row["code"], row["subject"]) for row in report["findings"]}
    assert {row for row in found if row[0].startswith("SMK")} == {
        ("SMK102", "lstm"),
        ("SMK102", "sparse"),
        ("SMK103", "conv2d"),
        ("SMK103", "fit"),
        ("SMK103", "mixed"),
        ("SMK103", "solver"),
        ("SMK103", "xla"),
        ("SMK301", "fft"),
        ("SMK301", "forward"),
        ("SMK301", "gradients"),
        ("SMK301", "matmul"),
        ("SMK301", "random"),
        ("SMK301", "train"),
    }


TOGETHER = """
import importlib.util, json, os, sys
spec = importlib.util.spec_from_file_location(
    "coffee_smoke", os.path.join(sys.argv[1], "__init__.py"),
    submodule_search_locations=[sys.argv[1]])
sys.modules["coffee_smoke"] = importlib.util.module_from_spec(spec)
from coffee_smoke import data, ladder, network, reference, several
from coffee_smoke.checks import WrongNumbers
import tensorflow as tf
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
devices = ("/CPU:0", "/CPU:1")
how = tf.distribute.ReductionToOneDevice()
several.reduce_sum(tf, devices, how)
climb = ladder.Climb(ladder.Options(False, "cpu", "auto", 1234), print)
rows, climb.labels = data.beans()
climb.tf, climb.beans = tf, reference.normalise(rows, rows)
before, after = several.train_together(climb, devices)
real = tf.distribute.ReplicaContext.all_reduce
tf.distribute.ReplicaContext.all_reduce = lambda self, op, x: real(self, op, x) + 1
wrong = ""
try:
    several.reduce_sum(tf, devices, how)
except WrongNumbers as error:
    wrong = str(error)
print(json.dumps([before, after, several.time_product(tf, "/CPU:1"), wrong]))
"""


def test_two_devices_reduce_and_train_together(lab: Callable[[str], Path]) -> None:
    """Two logical CPUs stand for two GPUs; NCCL itself needs real ones."""
    done = subprocess.run(
        [str(lab("tf221")), "-c", TOGETHER, str(FOLDER)],
        cwd="/",
        env=plain_environment(TF_CPP_MIN_LOG_LEVEL="3"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    before, after, seconds, wrong = json.loads(done.stdout.splitlines()[-1])
    assert after < before
    assert seconds > 0
    assert wrong == "/CPU:0 got 4 from the all-reduce, not 3"
