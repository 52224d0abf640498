"""More than one Keras is installed where one import name has room for one."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import pins
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import reinstall_step, uninstall_copy_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    folders: dict[str, list[F.Distribution]] = {}
    for copy in facts.value(F.KERAS_COPIES) or ():
        folders.setdefault(copy.location, []).append(copy)
    for copies in folders.values():
        if len(copies) < 2:
            continue
        yield Match(
            subject="keras",
            params={
                "count": str(len(copies)),
                "versions": " and ".join(f"{copy.name} {copy.version}" for copy in copies),
            },
            evidence=tuple(
                facts.evidence(F.KERAS_COPIES, f"{copy.name} {copy.version}", copy.path)
                for copy in copies
            ),
            fixes=(_fix(facts, matrix, tuple(copies)),),
        )


def _fix(facts: Facts, matrix: Matrix, copies: tuple[F.Distribution, ...]) -> Fix:
    """One uninstall per copy, then the one that TensorFlow admits, laid down whole."""
    del matrix
    wanted = "keras" + pins(facts).get("keras", "")
    removals = tuple(uninstall_copy_step(facts, copy) for copy in copies)
    return Fix("one-keras", "safe", (*removals, reinstall_step(facts, wanted)))


RULE = Rule(
    code="KER101",
    slug="duplicate-keras",
    layer="keras",
    severity="error",
    title="Keras is installed {count} times: {versions}",
    why="Both wrote into one folder, so its files are a mixture of the two, and `import keras` "
    "loads a bit of each. `pip check` does not see it.",
    needs=(F.KERAS_COPIES, F.KERAS_IMPORT),
    judge=judge,
    explains=("KER2", "KER3", "SMK1"),
    signs=("keras", "Keras"),
    cases=(
        fires("linux-none-tf215-duplicate-keras", "keras"),
        silent("linux-none-tf215-keras3"),
        silent("linux-none-tf221"),
    ),
)
