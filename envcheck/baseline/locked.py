"""A lock among the facts, against the rest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    asked = counted(locked, expect)
    unknown = {name: why for name, why in now.unknown.items() if name in asked}
    return differences(asked, now.values), {**unread(asked), **unknown}


def counted(locked: Mapping[str, Any], expect: Expect) -> dict[str, Any]:
    """Without its GPU side, where no GPU is expected."""
    if expect == "gpu":
        return dict(locked)
    found = {
        name: value
        for name, value in locked.items()
        if name not in DECISIONS or DECISIONS[name].layer not in GPU_LAYERS
    }
    if isinstance(found.get(PACKAGES), dict):
        found[PACKAGES] = without_cuda(found[PACKAGES]) or None
    return found
