"""Several TensorFlow packages share the one folder that `import tensorflow` reads."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, Severity
from envcheck.remedies import install, uninstall_step
from envcheck.requirements import TENSORFLOWS, asks_for_code
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    folders: dict[str, list[F.Distribution]] = {}
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        # An empty package that only asks for another one (Windows, macOS) is no second one.
        empty = "tensorflow" not in row.packages if row.files else asks_for_code(row)
        if row.name in TENSORFLOWS and not empty:
            folders.setdefault(row.location, []).append(row)
    smoke = facts.value(F.SMOKE)
    for rows in folders.values():
        if len(rows) < 2:
            continue
        whole = len({row.version for row in rows}) == 1 and not any(row.missing for row in rows)
        severity: Severity = "warning" if whole or (smoke and smoke.ok) else "error"
        yield Match(
            subject="tensorflow",
            severity=severity,
            params={"packages": " and ".join(f"{row.name} {row.version}" for row in rows)},
            evidence=tuple(
                facts.evidence(F.TARGET_DISTRIBUTIONS, _state(row), row.path) for row in rows
            ),
            fixes=(_fix(facts, rows),),
        )


def _state(row: F.Distribution) -> str:
    state = f"{row.name} {row.version}"
    if row.files is None:
        return state
    return f"{state}: of {row.files} files {row.missing} gone, {row.altered or 0} overwritten"


def _fix(facts: Facts, rows: list[F.Distribution]) -> Fix:
    """All go, and the one that is most whole comes back; a release before a nightly."""
    keep = min(
        rows,
        key=lambda row: (
            row.name == "tf-nightly",
            (row.missing or 0) + (row.altered or 0),
            TENSORFLOWS.index(row.name),
        ),
    )
    names = sorted(row.name for row in rows)
    again = install(facts, f"{keep.name}=={keep.version}").steps[0]
    return Fix("one-tensorflow", "safe", (uninstall_step(facts, *names), again))


RULE = Rule(
    code="TFX104",
    slug="several-tensorflows",
    layer="tensorflow",
    severity="error",
    title="Several TensorFlows are installed into one folder: {packages}",
    why="Each wrote its files over the others', and uninstalling one takes files of the rest. "
    "All of them have to go before one comes back.",
    needs=(F.TARGET_DISTRIBUTIONS,),
    judge=judge,
    explains=("TFX102", "TFX105", "KER", "SMK"),
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow",
            target__distributions=[
                {"name": "tensorflow", "version": "2.20.0", "location": "/v", "path": "/v/a"},
                {"name": "tf-nightly", "version": "2.22.0", "location": "/v", "path": "/v/b"},
            ],
        ),
        silent("linux-none-tf221"),
        silent("windows-rtx3060-tf211"),
    ),
)
