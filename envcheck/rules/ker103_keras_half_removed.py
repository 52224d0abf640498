"""Keras's folder is there, but not all of it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import reinstall_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    copies = facts.value(F.KERAS_COPIES) or ()
    for row in facts.value(F.KERAS_MISSING) or ():
        if len({copy.path for copy in copies if copy.location == row.location}) > 1:
            continue  # two copies took each other's files; that is its own finding
        wanted = f"{row.name}=={row.version}" if row.version else row.name
        yield Match(
            subject=row.name,
            params={
                "name": row.name,
                "count": f"{row.missing} of {row.files}",
                "example": row.missing_examples[0] if row.missing_examples else "",
            },
            evidence=(
                facts.evidence(F.KERAS_MISSING, ", ".join(row.missing_examples[:3]), row.path),
            ),
            fixes=(Fix("reinstall", "safe", (reinstall_step(facts, wanted),)),),
        )


RULE = Rule(
    code="KER103",
    slug="keras-half-removed",
    layer="keras",
    severity="error",
    title="{name} is half removed: {count} files missing",
    why="pip's record names files that are not on the disk, such as {example}. pip takes it for "
    "installed, and an import fails or finds half of it.",
    needs=(F.KERAS_MISSING, F.KERAS_COPIES),
    judge=judge,
    explains=("SMK1",),
    signs=("keras", "Keras"),
    cases=(
        fires(
            "linux-none-tf221",
            "keras",
            keras__missing_files=[
                {
                    "name": "keras",
                    "version": "3.15.1",
                    "location": "/v",
                    "path": "/v/keras-3.15.1.dist-info",
                    "files": 911,
                    "missing": 1,
                    "missing_examples": ["keras/__init__.py"],
                }
            ],
        ),
        silent("linux-none-tf221", keras__missing_files=None),
    ),
)
