"""What took the place of names that are gone: TensorFlow's own renames, and other packages.

The tables are made by tools/build_successors.py from TensorFlow's upgrade script and from tf-slim,
which holds the former tf.contrib.slim and tf.contrib.layers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "successors.json"
CONTRIB = "tensorflow.contrib"
KERAS3 = (3, 0)


@dataclass(frozen=True, slots=True)
class Other:
    """A package that continues a part of TensorFlow or Keras. ``imported`` is the module that
    has to be imported for its names."""

    project: str
    imported: str


OTHERS: Mapping[str, Other] = {
    "scikeras": Other("scikeras", "scikeras.wrappers"),
    "tf_slim": Other("tf-slim", "tf_slim"),
}
"""By import name."""

# Keras' own message on removal names scikeras; both classes take the former arguments.
_WRAPPERS = ("keras.wrappers.scikit_learn", "tensorflow.keras.wrappers.scikit_learn")
# Keras up to 2.3 had its TensorFlow backend in a module of its own.
_BACKENDS = ("keras.backend", "keras.backend.tensorflow_backend")
# Whole modules that moved as they were: TensorFlow's release notes of 1.4, 1.13 and 1.14.
_MOVED = {
    "tensorflow.contrib.keras": "tensorflow.keras",
    "tensorflow.contrib.lite": "tensorflow.lite",
    "tensorflow.contrib.signal": "tensorflow.signal",
}
# tf_slim's own __init__ hides the package tf_slim.layers behind tf_slim.layers.layers and has all
# of its names itself.
_WHOLE = {
    "tensorflow.contrib.slim": "tf_slim",
    "tensorflow.contrib.layers": "tf_slim",
    **_MOVED,
}
# The documentation of tf.compat.v1.keras.layers.CuDNNLSTM: the plain layer runs on cuDNN, too. Its
# arguments are more, in another order behind the first.
_CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}

IN_ADDONS = (
    "TensorFlow Addons had it as {addon}; it needs TensorFlow 2.15 or older and is no longer "
    "maintained."
)
ADVICE = {
    "tensorflow.contrib.distributions": "Its successor is tensorflow-probability: "
    "tfp.distributions.",
    "tensorflow.contrib.crf": "TensorFlow Addons had it as tfa.text and has ended with TensorFlow "
    "2.15. There crf_log_likelihood makes a new variable where the former one took that of its "
    "variable_scope: give it transition_params.",
    "tensorflow.contrib.seq2seq": "TensorFlow Addons had it as tfa.seq2seq and has ended with "
    "TensorFlow 2.15.",
    "tensorflow.contrib.learn": "Nothing has its interface: the data sets are in "
    "tf.keras.datasets, estimators ended with TensorFlow 2.15.",
    "tensorflow.contrib.cudnn_rnn": "tf.keras.layers.LSTM and GRU run on cuDNN.",
    "tensorflow.contrib.rnn": "Its cells are tf.compat.v1.nn.rnn_cell, from TensorFlow 2.16 on "
    "with tf-keras and TF_USE_LEGACY_KERAS=1 only. Keras 3 has tf.keras.layers, with another "
    "interface.",
    "tensorflow.contrib.eager": "Execution is eager from TensorFlow 2 on; tf has the rest.",
}


@cache
def tables() -> Mapping[str, Any]:
    tables: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return tables


def candidates(path: str) -> Iterator[str]:
    """Paths that may be what this one is now, the nearest first."""
    short = "tf" + path.removeprefix("tensorflow")
    new = tables()["renamed"].get(short) if path.startswith("tensorflow.") else None
    if new:
        yield "tensorflow" + new.removeprefix("tf")
        if not new.startswith("tf.compat.v1."):
            yield "tensorflow.compat.v1" + new.removeprefix("tf")
    for old, home in _MOVED.items():
        if path.startswith(old + "."):
            yield home + path[len(old) :]
    parent, _, name = path.rpartition(".")
    if name in _CUDNN:
        yield f"{parent}.{_CUDNN[name]}"
    if parent.endswith(_BACKENDS) and name in ("get_session", "set_session"):
        yield f"tensorflow.compat.v1.keras.backend.{name}"
    if parent in _WRAPPERS and name in ("KerasClassifier", "KerasRegressor"):
        yield f"scikeras.wrappers.{name}"
    if path in _WRAPPERS:
        yield "scikeras.wrappers"
    if path.startswith(CONTRIB + "."):
        other = tables()["slim"].get(short)
        if other:
            yield other


def is_known(path: str, candidate: str) -> bool:
    """TensorFlow's own word for it, which counts where the index knows no names."""
    new = tables()["renamed"].get("tf" + path.removeprefix("tensorflow"))
    return bool(new) and candidate == "tensorflow" + new.removeprefix("tf")


def home_of(path: str, members: frozenset[str]) -> Iterator[str]:
    """Modules that have all these members of a module that is gone, under the same names."""
    if not members:
        if path in _WHOLE:
            yield _WHOLE[path]
        return
    homes = [
        {new.rpartition(".")[0] for new in candidates(f"{path}.{name}") if new.endswith("." + name)}
        for name in members
    ]
    yield from sorted(set.intersection(*homes), key=lambda home: (root_of(home) in OTHERS, home))


def whole(module: str) -> str:
    """The module that a module of tf.contrib is now."""
    return _WHOLE.get(module, "")


def root_of(path: str) -> str:
    return path.partition(".")[0]


def requirements(root: str, keras: tuple[int, ...]) -> tuple[str, ...]:
    """What to ask pip for, so that it leaves Keras alone: scikeras 0.13 requires Keras 3."""
    if root == "scikeras" and keras:
        return ("scikeras>=0.13",) if keras >= KERAS3 else ("scikeras<0.13",)
    return (OTHERS[root].project,)


def absent(installed: Mapping[str, str]) -> tuple[str, ...]:
    """Those of OTHERS that are not among these distributions."""
    names = {name.lower().replace("_", "-") for name in installed}
    return tuple(root for root, other in OTHERS.items() if other.project not in names)


def addon(path: str) -> str:
    """Where TensorFlow Addons had a part of tf.contrib; empty where it did not."""
    return str(tables()["addons"].get("tf" + path.removeprefix("tensorflow"), ""))


def advice(path: str) -> str:
    """What is known about a part of tf.contrib that has no successor: a template over a finding's
    parameters."""
    if addon(path):
        return IN_ADDONS
    for prefix, text in ADVICE.items():
        if path == prefix or path.startswith(prefix + "."):
            return text
    return ""
