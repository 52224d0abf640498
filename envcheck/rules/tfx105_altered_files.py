"""Files of TensorFlow or Keras are not those that were installed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import reinstall_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    smoke = facts.value(F.SMOKE)
    failed = bool(smoke and smoke.failed_rung())
    rows = facts.value(F.TARGET_DISTRIBUTIONS) or ()
    for row in rows:
        # What two packages of one name overwrote is told where the two are told.
        # NVIDIA's wheels have a rule of their own.
        if (
            not row.altered
            or row.name.startswith("nvidia-")
            or any(_overlap(row, other) for other in rows)
        ):
            continue
        yield Match(
            subject=row.name,
            severity="error" if failed else "warning",
            params={
                "name": row.name,
                "version": row.version or "",
                "count": f"{row.altered} of {row.files}",
                "example": row.altered_examples[0],
            },
            evidence=(
                facts.evidence(
                    F.TARGET_DISTRIBUTIONS,
                    "another size than in RECORD: " + ", ".join(row.altered_examples[:3]),
                    row.path,
                ),
            ),
            fixes=(
                Fix(
                    "reinstall",
                    "safe",
                    (reinstall_step(facts, f"{row.name}=={row.version}"),),
                ),
            ),
        )


def _overlap(row: F.Distribution, other: F.Distribution) -> bool:
    if other.path == row.path or other.location != row.location:
        return False
    return bool(set(row.packages) & set(other.packages))


RULE = Rule(
    code="TFX105",
    slug="altered-files",
    layer="tensorflow",
    severity="warning",
    title="{name} {version} is altered: {count} files not as they were installed",
    why="Their size is not the one that pip recorded, {example} for one: edited by hand, written "
    "by another package, or cut short when a disk was full.",
    needs=(F.TARGET_DISTRIBUTIONS,),
    judge=judge,
    explains=("SMK",),
    cases=(
        fires(
            "linux-none-tf221",
            "keras",
            target__distributions=[
                {
                    "name": "keras",
                    "version": "3.15.1",
                    "location": "/v",
                    "path": "/v/keras-3.15.1.dist-info",
                    "files": 911,
                    "altered": 1,
                    "altered_examples": ["keras/__init__.py"],
                }
            ],
        ),
        silent("linux-none-tf221"),
    ),
)
