"""What a dotted path means in one set of versions: is it there, and in which releases it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from envcheck.imports import index
from envcheck.imports.index import Minor
from envcheck.imports.successors import OTHERS

How = Literal["module", "member", "chain"]
"""`import path`, `from parent import last`, or attributes below the root."""
Answer = Literal["module", "name", "missing", "unknown", "not-installed"]

SPLIT = (2, 6)  # from here on tf.keras is the package keras, pinned to the same minor up to 2.15
KERAS3 = (2, 16)  # from here on TensorFlow brings Keras 3
LAZY = (2, 15)  # from here on TensorFlow looks for Keras 3 first
# Attributes that TensorFlow takes from Keras' former code, which raises with Keras 3: the end of
# KerasLazyLoader.__getattr__ in tensorflow/python/util/lazy_loader.py.
OF_KERAS2 = ("tensorflow.compat.v1.layers.", "tensorflow.compat.v1.nn.rnn_cell.")
KERAS3_HOME = "keras._tf_keras.keras"
KERAS_ALIASES = ("losses", "metrics", "optimizers", "initializers")  # tf.losses is tf.keras.losses
PROJECTS = {"tensorflow": "TensorFlow", "keras": "Keras", "tf_keras": "tf-keras"}


@dataclass(frozen=True, slots=True)
class Stack:
    """The minors that code is judged against. None: not installed; () : not known.
    ``legacy`` is TF_USE_LEGACY_KERAS, ``absent`` are those of the packages in
    ``successors.OTHERS`` that are not installed; None: not known."""

    tensorflow: Minor | tuple[()] | None
    keras: Minor | tuple[()] | None
    tf_keras: Minor | tuple[()] | None = ()
    legacy: bool = False
    absent: tuple[str, ...] | None = None

    def version(self, root: str) -> Minor | tuple[()] | None:
        if root in OTHERS:
            return None if root in (self.absent or ()) else ()
        if root == "tensorflow":
            return self.tensorflow
        return self.keras if root == "keras" else self.tf_keras

    def title(self, root: str) -> str:
        version = self.version(root)
        return f"{PROJECTS[root]} {version[0]}.{version[1]}" if version else PROJECTS[root]


@dataclass(frozen=True, slots=True)
class Found:
    """``missing`` is the part of the path that is not there, ``root`` the package that lacks it."""

    answer: Answer
    root: str
    missing: str = ""
    place: str = ""
    """The path under which the index knows it."""


def admitted(tensorflow: Minor) -> Stack:
    """A TensorFlow with the Keras that pip installs beside it."""
    if tensorflow < SPLIT:
        # TensorFlow has its own; a separate keras of that time is 2.4.
        keras: Minor = (2, 4)
    elif tensorflow < KERAS3:
        keras = tensorflow
    else:
        keras = max(index.load("keras").minors)
    return Stack(tensorflow, keras, tensorflow if has_tf_keras(tensorflow) else None)


def has_tf_keras(tensorflow: Minor) -> bool:
    """Whether there is a tf-keras of this TensorFlow's number."""
    return tensorflow in index.load("tf_keras").minors


def fits(stack: Stack) -> bool:
    """Whether the Keras that is there is the one that tf.keras needs; true where unknown."""
    tensorflow, keras = stack.tensorflow, stack.keras
    if not tensorflow or not keras or tensorflow < SPLIT:
        return True
    if stack.legacy and tensorflow >= LAZY:
        return True
    return keras == tensorflow if tensorflow < KERAS3 else keras >= (3, 0)


def fails(stack: Stack) -> bool:
    """Whether the import of a Keras that does not fit fails, too. Measured: 2.15 loads Keras 3,
    and a TensorFlow 2 may load a Keras 2 older than itself, never a newer one."""
    tensorflow, keras = stack.tensorflow or (), stack.keras or ()
    if tensorflow >= KERAS3:
        return True
    return tensorflow < LAZY if keras >= (3, 0) else keras > tensorflow


class Resolver:
    """Looks paths up for one stack; answers are kept."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._imports: dict[str, Found] = {}
        self._members: dict[tuple[str, str], Found] = {}
        self._chains: dict[str, Found] = {}

    def module(self, dotted: str) -> Found:
        """Can ``import dotted`` find it?"""
        found = self._imports.get(dotted)
        if found is None:
            found = self._imports[dotted] = self._module(dotted)
        return found

    def member(self, module: str, name: str) -> Found:
        """Can ``from module import name``? The module first, then the name in it."""
        key = (module, name)
        found = self._members.get(key)
        if found is None:
            found = self._members[key] = self._member(module, name)
        return found

    def chain(self, dotted: str) -> Found:
        """Is there an attribute of this path below its root?"""
        found = self._chains.get(dotted)
        if found is None:
            found = self._chains[dotted] = self._chain(dotted)
        return found

    def _module(self, dotted: str) -> Found:
        parts = dotted.split(".")
        for end in range(1, len(parts) + 1):
            shown = ".".join(parts[:end])
            found = self._look(shown)
            if found.answer != "module":
                return replace(found, missing=shown)
        return found

    def _member(self, module: str, name: str) -> Found:
        parent = self.module(module)
        if parent.answer != "module":
            return parent
        shown = f"{module}.{name}"
        # `from` takes the cells from TensorFlow's own copy of them.
        if module == "tensorflow.compat.v1.layers" and not name.startswith("_"):
            return self.chain(shown)
        below = self._look(shown)
        if below.answer in ("module", "unknown", "not-installed"):
            return below
        return self._attribute(parent, shown, name)

    def _chain(self, dotted: str) -> Found:
        if dotted.startswith(OF_KERAS2):
            package, home = keras_home(self.stack)
            if home == KERAS3_HOME:
                return Found("missing", "tensorflow", dotted, dotted)
            if self.stack.version(package) is None:
                return Found("not-installed", package, dotted)
        parts = dotted.split(".")
        found = self._look(parts[0])
        for end in range(2, len(parts) + 1):
            if found.answer != "module":
                return found
            shown = ".".join(parts[:end])
            below = self._look(shown, attribute=True)
            if below.answer != "missing":
                found = below
                continue
            found = self._attribute(found, shown, parts[end - 1])
        return found

    def _attribute(self, parent: Found, shown: str, name: str) -> Found:
        """A name in a module that is there."""
        names = index.load(parent.root)
        module, bit = names.module(parent.place), self._bit(parent.root)
        if module is None or bit is None or (name.startswith("__") and name.endswith("__")):
            return Found("unknown", parent.root)
        if module.names.get(name, 0) & bit:
            return Found("name", parent.root, place=f"{parent.place}.{name}")
        if module.opened & bit:
            return Found("unknown", parent.root)
        return Found("missing", parent.root, shown, f"{parent.place}.{name}")

    def unjudged(self, root: str) -> bool:
        """Nothing can be said: the version is not known, or the index does not have it."""
        if root not in PROJECTS or self.stack.version(root) is None:
            return False
        return self._bit(root) is None

    def is_closed(self, dotted: str) -> bool:
        """A module all of whose names are known."""
        found = self.chain(dotted)
        bit = self._bit(found.root) if found.answer == "module" else None
        module = index.load(found.root).module(found.place) if bit else None
        return module is not None and not module.opened & (bit or 0)

    def _bit(self, root: str) -> int | None:
        version = self.stack.version(root)
        number = index.load(root).minors.get(version) if version else None
        return None if number is None else 1 << number

    def _look(self, dotted: str, attribute: bool = False) -> Found:
        """The module of this path, or why it is none."""
        root, place = locate(self.stack, dotted, attribute)
        if self.stack.version(root) is None:
            return Found("not-installed", root, dotted)
        bit = self._bit(root)
        if bit is None or not place:
            return Found("unknown", root)
        module = index.load(root).module(place)
        if module is not None and module.exists & bit:
            return Found("module", root, place=place)
        return Found("missing", root, dotted, place)


def locate(stack: Stack, dotted: str, attribute: bool = False) -> tuple[str, str]:
    """The package that holds the path, and the path in the index; empty where unknown.

    From 2.6 on TensorFlow puts a folder of the package keras on its ``__path__``, so that
    `tensorflow.keras` is found there; see the end of tensorflow/__init__.py.
    """
    root, *rest = dotted.split(".")
    if root != "tensorflow" or not rest:
        return root, dotted
    if rest[:2] == ["_api", "v2"]:
        rest = rest[2:]
    if rest[:2] == ["compat", "v2"] and attribute and rest[2:3] == ["keras"]:
        rest = rest[2:]
    if attribute and rest and rest[0] in KERAS_ALIASES:
        rest = ["keras", *rest]
    former = ".".join(["tensorflow", *rest[:4], ""])
    if (
        attribute
        and stack.tensorflow
        and stack.tensorflow >= SPLIT
        and former.startswith(OF_KERAS2)
    ):
        inside = [*rest[2:]] if rest[2] == "layers" else rest[3:]
        if keras_home(stack)[1] != KERAS3_HOME:
            return _keras_of_v1(stack, ["__internal__", "legacy", *inside], attribute)
    if stack.tensorflow and rest[:3] == ["compat", "v1", "keras"]:
        return _keras_of_v1(stack, rest[3:], attribute)
    if rest[:1] != ["keras"] or not stack.tensorflow or stack.tensorflow < SPLIT:
        return root, ".".join([root, *rest])
    package, base = keras_home(stack)
    return package, ".".join([base, *rest[1:]]) if base else ""


def keras_home(stack: Stack) -> tuple[str, str]:
    """Where ``tensorflow.keras`` lies from TensorFlow 2.6 on."""
    if stack.legacy and stack.tensorflow and stack.tensorflow >= LAZY:
        return "tf_keras", "tf_keras.api._v2.keras"
    if stack.keras and stack.keras >= (3, 0):
        old = stack.tensorflow and stack.tensorflow < LAZY
        return "keras", "keras.api._v2.keras" if old else KERAS3_HOME
    return "keras", "keras.api._v2.keras"


def _keras_of_v1(stack: Stack, rest: Sequence[str], attribute: bool) -> tuple[str, str]:
    """Tried with 2.15 and 2.21: with Keras 3 it is that of tf.keras, and cannot be imported."""
    if not stack.tensorflow or stack.tensorflow < SPLIT:
        return "tensorflow", ""
    package, home = keras_home(stack)
    if home != KERAS3_HOME:
        return package, ".".join([home.replace("_v2", "_v1"), *rest])
    if attribute:
        return package, ".".join([home, *rest])
    return "tensorflow", ".".join(["tensorflow.compat.v1.keras", *rest])


@cache
def history(path: str, how: How) -> str:
    """In which releases the path is there: ``TensorFlow 2.4 to 2.15``; empty for none.

    For tensorflow.keras each TensorFlow is taken with the Keras that it brings.
    """
    root = path.split(".")[0]
    minors = sorted(index.load(root).minors)
    there = [minor for minor in minors if _is_there(_stack_of(root, minor), path, how)]
    return " and ".join(f"{PROJECTS[root]} {span}" for span in spans(minors, there))


def _stack_of(root: str, minor: Minor) -> Stack:
    if root == "tensorflow":
        return admitted(minor)
    return Stack((), minor, ()) if root == "keras" else Stack((), (), minor)


def _is_there(stack: Stack, path: str, how: How) -> bool:
    resolver = Resolver(stack)
    if how == "chain":
        found = resolver.chain(path)
    elif how == "member":
        found = resolver.member(*path.rsplit(".", 1))
    else:
        found = resolver.module(path)
    return found.answer in ("module", "name")


def spans(all_minors: Sequence[Minor], there: Sequence[Minor]) -> Iterator[str]:
    """Runs of neighbours: ``2.4 to 2.12``, ``3.8 and later``."""
    run: list[Minor] = []
    for minor in (*all_minors, None):
        if minor is not None and minor in there:
            run.append(minor)
            continue
        if run:
            first, last = (f"{one[0]}.{one[1]}" for one in (run[0], run[-1]))
            if run[-1] == all_minors[-1] and len(run) > 1:
                yield f"{first} and later"
            else:
                yield first if first == last else f"{first} to {last}"
        run = []
