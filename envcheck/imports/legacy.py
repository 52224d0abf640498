"""Files that need Keras 2 under a TensorFlow that brings Keras 3.

With TF_USE_LEGACY_KERAS=1 tf.keras, and what TensorFlow takes from it for tf.compat.v1, is the
package tf-keras. `import keras` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from envcheck.imports import codes
from envcheck.imports.problem import Legacy, Problem
from envcheck.imports.stack import KERAS3, Resolver, Stack, fits, has_tf_keras
from envcheck.imports.uses import Use, Uses

IN_A_PACKAGE = (
    "Only Keras 2 has `{keras2}`: install tf-keras of TensorFlow's own number, and set "
    "TF_USE_LEGACY_KERAS=1 in the program, above its first import of TensorFlow."
)
Judge = Callable[[Uses, Resolver], Iterable[Problem]]


def of(uses: Uses, problems: Sequence[Problem], stack: Stack, judge: Judge) -> Legacy | None:
    """The file with TF_USE_LEGACY_KERAS, where Keras 3 lacks something that it needs and tf-keras
    lacks nothing more."""
    lost = {problem.place for problem in problems if _is_lost(problem)}
    if not lost or not stack.tensorflow or stack.tensorflow < KERAS3 or not fits(stack):
        return None
    tf_keras = stack.tf_keras or (stack.tensorflow if has_tf_keras(stack.tensorflow) else None)
    chosen = any(
        event.what == "set" and event.name in ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND")
        for event in uses.events
    )
    moved = tuple(_of_tensorflow(use) for use in uses.uses)
    plain = [use for use in uses.uses if use.paths[0].split(".")[0] == "keras"]
    if stack.legacy or tf_keras is None or chosen or any(map(is_open, plain)):
        return None
    as_if = Resolver(replace(stack, legacy=True, tf_keras=tf_keras))
    found = list(judge(replace(uses, uses=moved), as_if))
    left = {problem.place for problem in found if _is_lost(problem)}
    if not left < lost:
        return None
    judged = {problem.use.place for problem in found if problem.use}
    for old, new in zip(uses.uses, moved, strict=True):
        if old != new and new.kind != "chain" and new.place not in judged:
            path = f"{new.paths[0]}.{new.name}" if new.kind == "from" else new.paths[0]
            found.append(Problem(codes.MIXED, new.place, use=new, new=path))
    return Legacy(moved, tuple(found))


def _is_lost(problem: Problem) -> bool:
    """Not there, and nothing is in its place."""
    gone = (codes.NO_MODULE, codes.NO_NAME, codes.TF1_NAME, codes.CONTRIB)
    return problem.code in gone and not problem.spelled


def is_open(use: Use) -> bool:
    """What a file tries, or chooses while it runs, is not rewritten for another Keras."""
    return bool(use.literal or use.guards or use.fallbacks or len(use.paths) > 1)


def _of_tensorflow(use: Use) -> Use:
    """`keras` as `tensorflow.keras`; `import keras.layers` binds `keras` alone."""
    if use.paths[0].split(".")[0] != "keras":
        return use
    if use.kind == "import" and not use.alias:
        return replace(use, paths=("tensorflow.keras",), alias="keras")
    return replace(use, paths=tuple(f"tensorflow.{path}" for path in use.paths))


def mended(problems: Iterable[Problem], legacy: Legacy) -> Iterator[Problem]:
    """What is wrong with Keras 3, mended with Keras 2."""
    others = {problem.place: problem for problem in legacy.problems}
    moved = {use.place: use for use in legacy.uses}
    for problem in problems:
        other, use = others.get(problem.place), moved.get(problem.place)
        was_lost = _is_lost(problem)
        if other is not None and _is_lost(other):
            yield problem
        elif other is not None:
            new = replace(problem, use=other.use, new=other.new, text=other.text, also=other.also)
            code, why = (other.code, other.why) if was_lost else (problem.code, problem.why)
            yield replace(new, code=code, why=why, legacy="name" if was_lost else "file")
        elif use is not None:
            path = f"{use.paths[0]}.{use.name}" if use.kind == "from" else use.paths[0]
            yield replace(problem, use=use, new=path, legacy="name" if was_lost else "file")
        else:
            yield problem


def explained(problems: Iterable[Problem], legacy: Legacy) -> Iterator[Problem]:
    """For a module of a package, which is imported when it is too late to choose."""
    problems = tuple(problems)
    for problem, other in zip(problems, mended(problems, legacy), strict=True):
        if other.legacy == "name":
            params = {**problem.params, "keras2": other.new}
            problem = replace(problem, advice=IN_A_PACKAGE, params=params)
        yield problem
