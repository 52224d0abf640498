"""A GPU is slowed down for its heat or its power supply."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

HEAT = "its heat"
REASONS = {
    0x08: "the hardware's brake (heat or power)",
    0x20: HEAT,
    0x40: HEAT,
    0x80: "its power supply",
}
"""nvmlClocksEventReasons in nvml.h. The others are of daily life: idle (0x1), clocks that somebody
set (0x2, 0x100), the power limit under load (0x4), cards that keep step (0x10)."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        bits = [bit for bit in REASONS if (device.throttle or 0) & bit]
        # 0x8 goes with each of the hardware's own reasons; alone it does not say which.
        exact = [bit for bit in bits if bit != 0x08] or bits
        if not bits:
            continue
        reasons = " and ".join(dict.fromkeys(REASONS[bit] for bit in exact))
        yield Match(
            subject=device.number,
            params={"gpu": device.number, "name": device.title, "reasons": reasons},
            evidence=(
                facts.evidence(F.GPU_DEVICES, f"{device.number}: reasons {device.throttle:#x}"),
            ),
            fixes=(
                manual(
                    "cool-it",
                    "Look at temperature and power; clean or mend its cooling, and look at its "
                    "power cables.",
                    ("nvidia-smi", "-i", str(device.index), "-q", "-d", "TEMPERATURE,POWER"),
                ),
            ),
        )


def _with(mask: int) -> list[dict[str, object]]:
    return [{"index": 0, "name": "Tesla T4", "throttle": mask}]


RULE = Rule(
    code="GPU304",
    slug="throttled",
    layer="gpu",
    severity="warning",
    title="{gpu} ({name}) is slowed down for {reasons}",
    why="It works, at a fraction of its speed, until the cause is gone.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(0x48)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(0x80)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(0x1 | 0x2 | 0x4 | 0x10 | 0x100)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
