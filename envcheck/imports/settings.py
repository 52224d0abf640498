"""Environment variables that are set below what reads them, where they change nothing any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envcheck.imports import codes
from envcheck.imports.codes import Code
from envcheck.imports.stack import KERAS3, LAZY, Stack
from envcheck.imports.uses import Event
from envcheck.model import Confidence

LEGACY = "TF_USE_LEGACY_KERAS"
READ_AT_IMPORT = (LEGACY, "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")
READ_AT_USE = ("CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH", "CUDA_DEVICE_ORDER")
NAMES = (*READ_AT_IMPORT, *READ_AT_USE)
# Keras 2.4 to 2.15 know TensorFlow alone and look at no KERAS_BACKEND.
ONE_BACKEND = ((2, 4), (3, 0))

# Calls after which CUDA_VISIBLE_DEVICES still counts. Most were tried with the CUDA builds of
# TensorFlow 2.15.1 and 2.21.0 on a driver with one GPU (the call, the variable set to -1, the GPUs
# listed); of the modules a few members each; keras.datasets, app and flags are taken to be alike.
QUIET = (
    "tensorflow.Graph",
    "tensorflow.GradientTape",
    "tensorflow.TensorSpec",
    "tensorflow.app",
    "tensorflow.autograph",
    "tensorflow.config.experimental.enable_tensor_float_32_execution",
    "tensorflow.config.experimental_run_functions_eagerly",
    "tensorflow.config.optimizer",
    "tensorflow.config.run_functions_eagerly",
    "tensorflow.config.set_soft_device_placement",
    "tensorflow.config.threading",
    "tensorflow.debugging.set_log_device_placement",
    "tensorflow.disable_eager_execution",
    "tensorflow.disable_resource_variables",
    "tensorflow.disable_v2_behavior",
    "tensorflow.disable_v2_tensorshape",
    "tensorflow.distribute.get_strategy",
    "tensorflow.enable_eager_execution",
    "tensorflow.executing_eagerly",
    "tensorflow.flags",
    "tensorflow.function",
    "tensorflow.get_default_graph",
    "tensorflow.get_logger",
    "tensorflow.io.FixedLenFeature",
    "tensorflow.io.gfile",
    "tensorflow.logging",
    "tensorflow.random.set_seed",
    "tensorflow.reset_default_graph",
    "tensorflow.saved_model.contains_saved_model",
    "tensorflow.set_random_seed",
    "tensorflow.sysconfig",
    "tensorflow.test.is_built_with_cuda",
    "tensorflow.test.is_built_with_gpu_support",
    "tensorflow.train.Checkpoint",
    "tensorflow.ConfigProto",
    "tensorflow.GPUOptions",
    "keras.Input",
    "keras.backend.backend",
    "keras.backend.clear_session",
    "keras.backend.epsilon",
    "keras.backend.set_floatx",
    "keras.backend.set_image_data_format",
    "keras.callbacks",
    "keras.constraints",
    "keras.datasets",
    "keras.initializers",
    "keras.layers.BatchNormalization",
    "keras.layers.Dense",
    "keras.layers.Embedding",
    "keras.layers.Flatten",
    "keras.layers.Flatten()",
    "keras.layers.Input",
    "keras.layers.Normalization",
    "keras.layers.Rescaling",
    "keras.losses",
    "keras.mixed_precision.set_global_policy",
    "keras.optimizers.schedules",
    "keras.preprocessing.image.ImageDataGenerator",
    "keras.preprocessing.sequence.pad_sequences",
    "keras.preprocessing.text",
    "keras.regularizers",
    "keras.utils.Sequence",
    "keras.utils.set_random_seed",
    "keras.utils.to_categorical",
)
# With Keras 3 these make a variable, or look for the devices.
QUIET_IN_KERAS2 = ("keras.layers.Dropout", "keras.layers.RandomFlip")
QUIET_IN_KERAS3 = ("keras.Sequential", "keras.models.Sequential")


@dataclass(frozen=True, slots=True)
class Late:
    code: Code
    event: Event
    reader: Event
    confidence: Confidence


def late(events: Sequence[Event], stack: Stack) -> Iterator[Late]:
    """Variables set at the top level below the import, or the use, that reads them."""
    for number, event in enumerate(events):
        before = [one for one in events[:number] if not event.excludes(one)]
        if event.what != "set" or any(_is_set(one, event.name) for one in before):
            continue
        for one in before:
            if one.what == "import" and _reads(event.name, one.path, before, stack):
                yield Late(codes.SET_TOO_LATE, event, one, "certain")
                break
            if one.what == "call" and event.name in READ_AT_USE and not _is_quiet(one.path, stack):
                yield Late(codes.SET_AFTER_USE, event, one, "possible")
                break


def _is_set(event: Event, name: str) -> bool:
    return event.what == "set" and event.name == name


def _reads(name: str, path: str, before: Sequence[Event], stack: Stack) -> bool:
    """Whether importing ``path`` reads the variable."""
    root = path.partition(".")[0]
    if name == "TF_CPP_MIN_LOG_LEVEL":
        return root in ("tensorflow", "tf_keras") or (
            root == "keras" and bool(stack.tensorflow) and _backend(before) == "tensorflow"
        )
    if name == "TF_USE_LEGACY_KERAS":
        return root == "tensorflow" and (not stack.tensorflow or stack.tensorflow >= LAZY)
    if name != "KERAS_BACKEND" or (stack.keras and ONE_BACKEND[0] <= stack.keras < ONE_BACKEND[1]):
        return False
    # TensorFlow's own __init__ imports keras for tf.losses, tf.metrics and tf.optimizers.
    brings = bool(stack.tensorflow and stack.tensorflow >= KERAS3 and not stack.legacy)
    return root == "keras" or (root == "tensorflow" and brings)


def _backend(before: Sequence[Event]) -> str:
    """The backend of Keras as this file sets it."""
    chosen = [event.value for event in before if _is_set(event, "KERAS_BACKEND")]
    return chosen[-1] if chosen else "tensorflow"


def _is_quiet(path: str, stack: Stack) -> bool:
    plain = path.replace("tensorflow.compat.v1.", "tensorflow.").removeprefix("tensorflow.")
    if not plain.startswith("keras."):
        plain = path.replace("tensorflow.compat.v1.", "tensorflow.")
    of_keras3 = bool(stack.keras and stack.keras >= (3, 0)) and not stack.legacy
    known = (*QUIET, *(QUIET_IN_KERAS3 if of_keras3 else QUIET_IN_KERAS2))
    return any(plain == quiet or plain.startswith(quiet + ".") for quiet in known)
