"""A lock among the facts, against the rest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envcheck import facts as F
from envcheck.baseline.decisions import DECISIONS
from envcheck.baseline.drift import PACKAGES, Drift, differences, packages_of, snapshot
from envcheck.baseline.reduce import Ask, without_cuda
from envcheck.model import GPU_LAYERS, Expect, Facts, Layer


def compared(facts: Facts) -> tuple[tuple[Drift, ...], dict[str, tuple[Layer, str]]]:
    """What differs from the lock; and what could not be compared, with its layer and why not."""
    locked = facts.value(F.LOCK) or {}
    expect: Expect = "cpu" if facts.value(F.LOCK_EXPECT) == "cpu" else "gpu"
    ask = Ask(expect, packages_of(locked))
    now = snapshot(facts, ask, ("locked", "compared"))
    asked = counted(locked, expect)
    unknown: dict[str, tuple[Layer, str]] = {
        name: ("python", "a newer envcheck has locked it")
        for name in asked
        if name not in DECISIONS
    }
    for name, why in now.unknown.items():
        if name in asked:
            unknown[name] = (DECISIONS[name].layer, why)
    return differences(asked, now.values), unknown


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
