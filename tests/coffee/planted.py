"""Faults planted in a real TensorFlow, and what each has to be named.

Python runs `sitecustomize` before everything else; it changes tensorflow as soon as that has
been imported. A replaced function does harm only where it is called from the named one of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coffee_smoke.rungs import RUNGS

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
nan = float("nan")

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

# One fault of another kind in each rung that needs no other to be broken.
ALL = """
def plant(tf):
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
NOTHING = """
def plant(tf):
    pass
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
NO_IMPORT = """
def plant(tf):
    raise ImportError("libtensorflow_framework.so.2: undefined symbol: _ZN10tensorflow6Status")
"""
NO_DEVICES = """
def plant(tf):
    text = "cudaGetDevice() failed. Status: CUDA-capable device(s) is/are busy or unavailable"
    replace(tf.config, "list_physical_devices", raising(RuntimeError(text)))
"""
SPOILED_BEANS = """
def plant(tf):
    class Spoiled(tf.keras.layers.Normalization):
        def call(self, x):
            return super().call(x) * nan
    tf.keras.layers.Normalization = Spoiled
"""
# A GPU is listed, and there is none: all is computed on the CPU, silently.
LISTED = """
def plant(tf):
    real = tf.config.list_physical_devices
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    tf.config.list_physical_devices = lambda kind=None: [gpu] if kind == "GPU" else real(kind)
    tf.config.experimental.get_device_details = lambda device: {"compute_capability": (7, 5)}
    tf.config.experimental.set_memory_growth = lambda device, on: None
"""
# Of three logical CPUs the second and third stand for GPU:0 and GPU:1, in every device string
# that goes in and in those that our own checks read. NCCL itself needs real ones: without
# `works`, its kernel is really missing.
TWO_GPUS = """
def two_gpus(tf, works=True):
    real_list, real_device = tf.config.list_physical_devices, tf.device
    real_strategy, distribute = tf.distribute.MirroredStrategy, tf.distribute
    three = [tf.config.LogicalDeviceConfiguration()] * 3
    tf.config.set_logical_device_configuration(real_list("CPU")[0], three)
    gpus = [tf.config.PhysicalDevice("/physical_device:GPU:%d" % n, "GPU") for n in (0, 1)]
    tf.config.list_physical_devices = lambda kind=None: gpus if kind == "GPU" else real_list(kind)
    tf.config.experimental.get_device_details = lambda device: {"compute_capability": (7, 5)}
    tf.config.experimental.set_memory_growth = lambda device, on: None
    def cpu(name):
        for number in (1, 0):
            if isinstance(name, str):
                name = name.replace("GPU:%d" % number, "CPU:%d" % (number + 1))
        return name
    tf.device = lambda name: real_device(cpu(name))
    def strategy(devices, **more):
        return real_strategy([cpu(name) for name in devices], **more)
    distribute.MirroredStrategy = strategy
    if works:
        distribute.NcclAllReduce = distribute.ReductionToOneDevice
    def short(name):
        number = int(name.rpartition("device:CPU:")[2])
        return "GPU:%d" % (number - 1) if number else "CPU:0"
    for name in ("checks", "ops", "roast"):
        sys.modules["coffee_smoke." + name].short_device = short

def plant(tf):
    two_gpus(tf)
"""
TOGETHER_RAISES = (
    TWO_GPUS
    + """
def plant(tf):
    two_gpus(tf, works=False)
    failed = tf.errors.InternalError(None, None, "NCCL: unhandled system error")
    replace(tf.keras.Model, "fit", raising(failed), "train_together")
    failed = tf.errors.InternalError(None, None, "CUBLAS_STATUS_EXECUTION_FAILED")
    replace(tf, "matmul", raising(failed), "work")
"""
)
TOGETHER_WRONG = (
    TWO_GPUS
    + """
def plant(tf):
    two_gpus(tf)
    adam, context = tf.keras.optimizers.Adam, tf.distribute.ReplicaContext
    replace(context, "all_reduce", lambda real, self, how, x: real(self, how, x) + 1, "replica")
    replace(
        tf.keras.optimizers, "Adam", lambda real, learning_rate: adam(nan), "train_together")
    on_gpu = tf.device
    replace(tf, "device", lambda real, name: on_gpu("/CPU:0"), "time_product")
"""
)
SPEED_NUMBERS = (
    TWO_GPUS
    + """
def plant(tf):
    two_gpus(tf)
    replace(tf, "matmul", scaled(nan), "work")
"""
)
SPEED_CLOCK = (
    TWO_GPUS
    + """
def plant(tf):
    two_gpus(tf)
    replace(time, "perf_counter", lambda real: nan, "fastest")
"""
)

BUILD = 'build_info = dict([("cuda_version", "12.5.1"), ("is_cuda_build", True)])\n'
CARD = """
[driver]
version = 535.104.05
cuda = 12.2
[gpu 0]
name = Tesla T4
memory_mib = 15109
compute_capability = 7.5
"""
# CUDA_VISIBLE_DEVICES is -1 beside it: whatever driver the machine of the test has is not asked.
NO_CARD = CARD + "[fault hidden]\nfunction = cuInit\ndo = return 100\n"
NO_DRIVER = CARD + "[fault mismatch]\nfunction = cuInit\ndo = return 803\n"
NO_CONTEXT = CARD + "[fault busy]\nfunction = cuDevicePrimaryCtxRetain\ndo = return 46\n"

BELOW = ("driver", "context", "runtime")
ALONE = ("nccl", "speed", "mirrored")
TENSORFLOW = tuple(r.name for r in RUNGS if r.name not in (*BELOW, "import", "devices"))
TRAINING = ("forward", "gradients", "fit", "train", "decide", "speed", "mirrored")
Rows = Mapping[str, str]
Findings = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Planting:
    """``failed`` maps each rung that has to break to the kind of its error; ``blocked`` are not
    run for that. ``findings`` are envcheck's of the training, code and subject. ``runtime``
    stands a fake libcudart beside it, which does what CUDART_FAULT says."""

    plant: str
    failed: Rows
    findings: Findings
    blocked: tuple[str, ...] = ()
    card: str = NO_CARD
    runtime: str = ""
    skipped: tuple[str, ...] = (*BELOW, "gpu", *ALONE)

    @property
    def expect(self) -> str:
        return "cpu" if self.card == NO_CARD and "two_gpus" not in self.plant else "gpu"


PLANTINGS: Mapping[str, Planting] = {
    "one in each": Planting(
        ALL,
        {
            "matmul": "WrongNumbers",
            "conv2d": "UnimplementedError",
            "lstm": "Died",
            "fft": "WrongNumbers",
            "solver": "InternalError",
            "sparse": "Died",
            "random": "WrongNumbers",
            "xla": "InternalError",
            "mixed": "ValueError",
            "forward": "WrongNumbers",
            "gradients": "WrongNumbers",
            "fit": "RuntimeError",
            "train": "WrongNumbers",
        },
        frozenset(
            [("SMK102", name) for name in ("lstm", "sparse")]
            + [("SMK103", name) for name in ("conv2d", "fit", "mixed", "solver", "xla")]
            + [
                ("SMK301", name)
                for name in ("fft", "forward", "gradients", "matmul", "random", "train")
            ]
        ),
        blocked=("decide", "speed"),
        skipped=(*BELOW, "gpu", "nccl", "mirrored"),
    ),
    "driver": Planting(
        NOTHING,
        {"driver": "Wrong", "gpu": "Wrong"},
        frozenset({("SMK202", "driver"), ("SMK201", "smoke")}),
        blocked=("context", "runtime"),
        card=NO_DRIVER,
        skipped=ALONE,
    ),
    "context": Planting(
        NOTHING,
        {"context": "Wrong", "gpu": "Wrong"},
        frozenset({("SMK202", "context"), ("SMK201", "smoke")}),
        blocked=("runtime",),
        card=NO_CONTEXT,
        skipped=ALONE,
    ),
    "runtime, and nothing learned": Planting(
        NOTHING_LEARNED,
        {"runtime": "Wrong", "gpu": "Wrong", "xla": "InternalError", "decide": "Wrong"},
        frozenset({("SMK202", "runtime"), ("SMK103", "xla"), ("SMK103", "decide")}),
        card=CARD,
        runtime="cudaGetDeviceCount 35",
        skipped=ALONE,
    ),
    "import": Planting(
        NO_IMPORT,
        {"import": "ImportError"},
        frozenset({("SMK101", "tensorflow")}),
        blocked=("devices", *TENSORFLOW),
        skipped=BELOW,
    ),
    "devices": Planting(
        NO_DEVICES,
        {"devices": "RuntimeError"},
        frozenset({("SMK103", "devices")}),
        blocked=TENSORFLOW,
        skipped=BELOW,
    ),
    "beans": Planting(
        SPOILED_BEANS,
        {"beans": "WrongNumbers"},
        frozenset({("SMK301", "beans")}),
        blocked=TRAINING,
        skipped=(*BELOW, "gpu", "nccl"),
    ),
    "two GPUs that work": Planting(TWO_GPUS, {}, frozenset(), skipped=BELOW),
    "two GPUs that raise together": Planting(
        TOGETHER_RAISES,
        {"nccl": "InvalidArgumentError", "speed": "InternalError", "mirrored": "InternalError"},
        frozenset({("SMK202", "nccl"), ("SMK202", "speed"), ("SMK202", "mirrored")}),
        skipped=BELOW,
    ),
    "two GPUs that compute wrongly together": Planting(
        TOGETHER_WRONG,
        {"nccl": "WrongNumbers", "speed": "WrongDevice", "mirrored": "WrongNumbers"},
        frozenset({("SMK301", "nccl"), ("SMK203", "speed"), ("SMK301", "mirrored")}),
        skipped=BELOW,
    ),
}


def sow(folder: Path, plant: str) -> str:
    """The folder for PYTHONPATH, in which the fault is."""
    (folder / "sitecustomize.py").write_text(HOOK + plant, encoding="utf-8")
    return str(folder)


def claim_cuda(folder: Path) -> None:
    """A build of TensorFlow for CUDA 12.5, as the rung reads it: the file of the first folder of
    this name on the path. Without an __init__.py it hides no package."""
    platform = folder / "tensorflow" / "python" / "platform"
    platform.mkdir(parents=True)
    (platform / "build_info.py").write_text(BUILD, encoding="utf-8")
