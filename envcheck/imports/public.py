"""Which paths are private, and the public path of what moved: looked up, never guessed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.imports import index, successors
from envcheck.imports.stack import SPLIT, Found, Resolver
from envcheck.imports.successors import OTHERS, root_of

PRIVATE = (
    "tensorflow.python",
    "tensorflow.compiler",
    "tensorflow._api",
    "keras.src",
    "keras.api",
    "keras._tf_keras",
    "tf_keras.src",
    "tf_keras.api",
)
OLD_COPY = "tensorflow.python.keras"
KERAS_ROOTS = ("tensorflow.keras", "keras", "tf_keras")

# Where the classes of Keras' former modules are published.
FORMER = {
    "engine": ("layers", "models", "utils", ""),
    "topology": ("layers", "models", ""),
    "objectives": ("losses",),
    "legacy": ("layers",),
}
# What has no single answer, and what to say about it.
ADVICE = {
    "keras.backend.set_session": "It is tf.compat.v1.keras.backend.set_session up to TensorFlow "
    "2.15. Memory is limited with tf.config.experimental.set_memory_growth.",
    "keras.utils.multi_gpu_model": "Use tf.distribute.MirroredStrategy.",
    "keras.backend.tensorflow_backend": "Sessions are tf.compat.v1.Session; memory is limited with "
    "tf.config.experimental.set_memory_growth.",
    "tensorflow.examples": "The data is in tf.keras.datasets.mnist.",
    "tensorflow.python.client.device_lib": "tf.config.list_physical_devices() is the public way.",
}


def is_private(path: str, found: Found) -> bool:
    """A path that is there, but that no release publishes."""
    if under(path, PRIVATE):
        return True
    if found.root != "keras" or not path.startswith("keras."):
        return False
    # Up to 2.12 the package's own modules lay beside the public ones, which are those that the
    # table of tf.keras has too. The modules of Keras 3 outside `src` are all public.
    parent = found.place if found.answer == "module" else found.place.rpartition(".")[0]
    names = index.load("keras")
    module = names.module(parent)
    of_keras3 = module is not None and bool(module.exists >> names.minors[(3, 0)])
    return names.module(f"keras.api._v2.{parent}") is None and not of_keras3


def under(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(prefix + ".") for prefix in prefixes)


def replacement(resolver: Resolver, path: str) -> str | None:
    """The public path that this stack has for a name that is missing or private."""
    for candidate in _candidates(resolver, path):
        if candidate == path:
            continue
        if root_of(candidate) in OTHERS:
            return candidate
        found = resolver.chain(candidate)
        is_there = found.answer in ("name", "module") or (
            found.answer == "unknown" and successors.is_known(path, candidate)
        )
        if is_there and not is_private(candidate, found):
            return candidate
    return None


def _candidates(resolver: Resolver, path: str) -> Iterator[str]:
    yield from successors.candidates(path)
    if advice(path):
        return
    for prefix, public in ((OLD_COPY, "tensorflow.keras"), ("keras.src", "keras")):
        if under(path, (prefix,)):
            path = public + path[len(prefix) :]
            yield path
    for root in KERAS_ROOTS:
        if under(path, (root,)) and path != root:
            yield from _keras_candidates(resolver, root, path[len(root) + 1 :])
            return
    elsewhere = (*PRIVATE, "tensorflow.contrib", "tensorflow.compat")
    if path.startswith("tensorflow.") and not under(path, elsewhere):
        yield "tensorflow.compat.v1" + path[len("tensorflow") :]


def _keras_candidates(resolver: Resolver, root: str, rest: str) -> Iterator[str]:
    parts = rest.split(".")
    roots = [root]
    tensorflow = resolver.stack.tensorflow
    if root == "keras" and tensorflow and tensorflow >= SPLIT:
        roots.append("tensorflow.keras")
    for base in roots:
        yield ".".join([base, *parts])
        for folder in FORMER.get(parts[0], ()):
            yield ".".join(part for part in (base, folder, parts[-1]) if part)
        for keep in range(len(parts) - 2, 0, -1):
            yield ".".join([base, *parts[:keep], parts[-1]])


def module_replacement(resolver: Resolver, path: str, members: frozenset[str]) -> str | None:
    """A public module that has all of these members, in place of one that is missing or
    private: the parent of `keras.utils.np_utils`."""
    for home in successors.home_of(path, members):
        if root_of(home) in OTHERS or _has(resolver, home, members):
            return home
    if advice(path):
        return None
    for prefix, public in ((OLD_COPY, "tensorflow.keras"), ("keras.src", "keras")):
        if under(path, (prefix,)):
            path = public + path[len(prefix) :]
    if not under(path, KERAS_ROOTS):
        return None
    candidates = [path]
    while (shorter := candidates[-1].rpartition(".")[0]) not in ("", "tensorflow", *KERAS_ROOTS):
        candidates.append(shorter)
    if path.startswith("keras.") and resolver.stack.tensorflow:
        candidates += [f"tensorflow.{one}" for one in candidates]
    for candidate in candidates:
        if _has(resolver, candidate, members):
            return candidate
    return None


def was_module(path: str) -> bool:
    """Whether any release had a module of this name: no function becomes one."""
    plain = path.replace("tensorflow.keras.", "keras.", 1)
    return any(index.load(root_of(one)).module(one) is not None for one in (path, plain))


def _has(resolver: Resolver, module: str, members: frozenset[str]) -> bool:
    """Whether it is a public module with all of these members."""
    found = resolver.module(module)
    if found.answer != "module" or is_private(module, found):
        return False
    return all(resolver.member(module, name).answer in ("name", "module") for name in members)


def advice(path: str) -> str:
    """What a person has to decide; empty where nothing is known about the path."""
    plain = path.replace("tensorflow.python.keras", "keras").replace("tensorflow.keras", "keras")
    for prefix, text in ADVICE.items():
        if under(path, (prefix,)) or under(plain, (prefix,)):
            return text
    return successors.advice(path)
