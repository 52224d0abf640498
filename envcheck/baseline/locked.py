"""A lock among the facts, against the rest of them."""

from __future__ import annotations

from envcheck import facts as F
from envcheck.baseline.decisions import DECISIONS
from envcheck.baseline.drift import PACKAGES, Drift, differences, packages_of, snapshot, unread
from envcheck.baseline.reduce import Ask, without_cuda
from envcheck.model import GPU_LAYERS, Expect, Facts


def compared(facts: Facts) -> tuple[tuple[Drift, ...], dict[str, str]]:
    """What differs from the lock, and what could not be compared, with the reason."""
    locked = facts.value(F.LOCK) or {}
    expect: Expect = "cpu" if facts.value(F.LOCK_EXPECT) == "cpu" else "gpu"
    ask = Ask(expect, packages_of(locked))
    now = snapshot(facts, ask, ("locked", "compared"))
    asked = {name: value for name, value in locked.items() if _counts(name, expect)}
    if expect == "cpu" and isinstance(asked.get(PACKAGES), dict):
        asked[PACKAGES] = without_cuda(asked[PACKAGES]) or None
    unknown = {name: why for name, why in now.unknown.items() if name in asked}
    return differences(asked, now.values), {**unread(asked), **unknown}


def _counts(name: str, expect: Expect) -> bool:
    decision = DECISIONS.get(name)
    return expect == "gpu" or decision is None or decision.layer not in GPU_LAYERS
