"""What the scanner can say: each code in one place, as data."""

from __future__ import annotations

from dataclasses import dataclass

from envcheck.model import Severity

SEEN = "It works in {history}."
NEVER = "No release that envcheck knows has it."


@dataclass(frozen=True, slots=True)
class Code:
    """``title`` and ``why`` are templates over a finding's parameters."""

    code: str
    slug: str
    severity: Severity
    title: str
    why: str


PRIVATE = Code(
    "IMP201",
    "private-import",
    "warning",
    "{file}:{line}: `{path}` is private",
    "It is there in {stack}, but nothing promises that it stays: private modules move and vanish "
    "with any release.",
)
OLD_COPY = Code(
    "IMP202",
    "tensorflow-python-keras",
    "warning",
    "{file}:{line}: `{path}` is TensorFlow's own, abandoned copy of Keras",
    "Its layers and models are other classes than those of tf.keras, and the two do not work "
    "together. Advice to import from it is older than TensorFlow 2.6.",
)
UNREADABLE = Code(
    "IMP203",
    "not-parsed",
    "info",
    "{file}:{line}: this is not Python that can be parsed: {problem}",
    "It was left alone and nothing in it was judged.",
)
NO_MODULE = Code(
    "IMP301",
    "module-not-there",
    "error",
    "{file}:{line}: {stack} has no module `{path}`",
    SEEN,
)
NO_NAME = Code(
    "IMP302",
    "name-not-there",
    "error",
    "{file}:{line}: {stack} has no `{path}`",
    SEEN,
)
TF1_NAME = Code(
    "IMP303",
    "tensorflow-1-name",
    "error",
    "{file}:{line}: `{path}` is TensorFlow 1, {stack} does not have it",
    "TensorFlow 2 keeps the old interface under tf.compat.v1. That makes the name work; code "
    "with sessions and placeholders also needs tf.compat.v1.disable_eager_execution(), which --fix "
    "adds.",
)
CONTRIB = Code(
    "IMP304",
    "tensorflow-contrib",
    "error",
    "{file}:{line}: `{path}`: tf.contrib ended with TensorFlow 1.15",
    "It is no package that could be installed. Its parts went to TensorFlow itself, to packages of "
    "their own or nowhere; TensorFlow 1.15 needs Python 3.7 or older.",
)
NOT_INSTALLED = Code(
    "IMP305",
    "package-not-installed",
    "error",
    "{file}:{line}: `{path}` is imported, {package} is not installed",
    "The import fails with ModuleNotFoundError in this environment.",
)
MIXED = Code(
    "IMP401",
    "keras-mixed",
    "warning",
    "{file}:{line}: `{path}` here and `{other}` in {other_file}:{other_line}",
    "In {stack} these are two separate implementations: layers, models and optimizers of one fail "
    "in most places of the other, often far from here. Import all of it from one place.",
)
MIXED_ALIKE = (
    "In {stack} both lead to the same code, so this works. In other releases they are "
    "two: import all of it from one place."
)
FOREIGN_KERAS = Code(
    "IMP402",
    "keras-not-of-this-tensorflow",
    "error",
    "{file}:{line}: `{path}` needs the Keras that {stack} was made for, here is Keras {keras}",
    "From TensorFlow 2.6 on tf.keras is the package keras. TensorFlow 2.6 to 2.15 wants the Keras "
    "of its own minor version, later ones want Keras 3.",
)
FOREIGN_LOADS = (
    "The import works, but TensorFlow was neither built nor tested with this Keras, and its pins "
    "do not admit it: names, arguments and saved models differ."
)
SET_TOO_LATE = Code(
    "IMP403",
    "set-after-import",
    "warning",
    "{file}:{line}: {name} is set after `import {package}` in line {reader_line} has read it",
    "It is read when the package is loaded; set later it changes nothing. Move it above the "
    "import.",
)
LEGACY_TOO_LATE = (
    "TensorFlow has already fixed where `from tensorflow.keras import` looks, while tf.keras reads "
    "it at its first use: the program gets two different Keras. Move it above the import."
)
SET_AFTER_USE = Code(
    "IMP404",
    "set-after-use",
    "info",
    "{file}:{line}: {name} is set after `{reader}` in line {reader_line}, which may have read it",
    "It is read once, when the GPU is first used. Move it above the first use.",
)
ALL = (
    PRIVATE,
    OLD_COPY,
    UNREADABLE,
    NO_MODULE,
    NO_NAME,
    TF1_NAME,
    CONTRIB,
    NOT_INSTALLED,
    MIXED,
    FOREIGN_KERAS,
    SET_TOO_LATE,
    SET_AFTER_USE,
)
