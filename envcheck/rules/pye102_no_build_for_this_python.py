"""No TensorFlow was ever built for this Python, so there is none that could be installed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.matrix.specs import python_range
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    python = facts.value(F.TARGET_PYTHON)
    if facts.fact(F.TF_IMPORT).state != "absent" or python is None:
        return
    pythons = {
        version
        for row in matrix.sections["tensorflow"].values()
        if row.get("kind") == "release"
        for platform in row.get("platforms", {}).values()
        for version in platform.get("pythons", ())
    }
    if ".".join(python.split(".")[:2]) in pythons:
        return
    newest = sorted((version for version in pythons if version[:2] == "3."), key=_number)[-4:]
    wanted = python_range(newest)
    note = "Make a new environment with Python {wanted}, and install TensorFlow there."
    yield Match(
        subject="python",
        params={"python": python, "wanted": wanted},
        evidence=(facts.evidence(F.TARGET_PYTHON),),
        fixes=(manual("other-python", note, wanted=wanted),),
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


RULE = Rule(
    code="PYE102",
    slug="no-build-for-this-python",
    layer="python",
    severity="error",
    title="There is no TensorFlow for Python {python}",
    why="pip then says `from versions: none`. The newest releases are built for Python {wanted}.",
    needs=(F.TF_IMPORT, F.TARGET_PYTHON),
    judge=judge,
    explains=("TFX101",),
    cases=(
        fires(
            "linux-none-tf221",
            "python",
            tensorflow__import=None,
            target__python="3.15.0",
        ),
        silent("linux-none-tf221", tensorflow__import=None),
        silent("linux-none-tf221", target__python="3.15.0"),
    ),
)
