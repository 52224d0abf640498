"""Something is not as it is in the lock file that `envcheck lock` wrote on a good machine."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Evidence, Facts, Match, Unjudged
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match | Unjudged]:
    # Loaded where a lock is asked for only.
    from envcheck.baseline.drift import grouped
    from envcheck.baseline.locked import compared
    from envcheck.baseline.remedies import fix_of

    drifts, unknown = compared(facts)
    for group in grouped(drifts):
        first = group[0]
        yield Match(
            subject=first.item or first.fact,
            layer=first.layer,
            params={
                "what": first.what,
                "now": first.now or "none",
                "before": first.before or "none",
            },
            evidence=tuple(_evidence(facts, *drift[:2], *drift[-2:]) for drift in group),
            fixes=(fix_of(group, facts, matrix),),
        )
    for name, (layer, why) in unknown.items():
        yield Unjudged(f"{name} is locked: {why}", layer, name)


def _evidence(facts: Facts, fact: str, item: str, before: str | None, now: str | None) -> Evidence:
    value = f"{now or 'none'}; locked: {before or 'none'}"
    source = facts[fact].source if fact in facts else ""
    return Evidence(f"{fact}[{item}]" if item else fact, value, source)


RULE = Rule(
    code="POL201",
    slug="drift-from-lock",
    layer="python",
    severity="error",
    title="{what}: {now} here, {before} in the lock",
    why="It was locked on a machine that was found good.",
    needs=(F.LOCK, F.LOCK_EXPECT),
    judge=judge,
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "driver.release",
            lock__expect="gpu",
            lock__facts={"driver.release": "570.86.15", "driver.cuda_supported": "12.8"},
        ),
        fires(
            "linux-none-tf221",
            "numpy.version",
            lock__expect="cpu",
            lock__facts={"numpy.version": "2.3.5", "tensorflow.version": "2.21.0"},
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent(
            "linux-rtx4090-tf220-wheels",
            lock__expect="gpu",
            lock__facts={"driver.release": "580.65.06", "keras.backend": None},
        ),
    ),
)
