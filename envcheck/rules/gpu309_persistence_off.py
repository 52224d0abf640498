"""The driver unloads the cards of a server whenever nobody uses them."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import join
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    """Only where it costs: cards with ECC, of servers; a desktop's display keeps its card up."""
    del matrix
    if facts.value(F.SYSTEM_OS) != "linux" or facts.value(F.SYSTEM_CONTAINER) is not None:
        return
    devices = facts.value(F.GPU_DEVICES) or ()
    off = [
        device.index
        for device in devices
        if device.persistence is False and device.ecc_uncorrected is not None
    ]
    if not off:
        return
    yield Match(
        subject=f"GPU {join(off)}",
        params={"gpus": join(off)},
        evidence=(facts.evidence(F.GPU_DEVICES, f"GPU {join(off)}: persistence mode off"),),
        fixes=(
            manual(
                "enable-persistence",
                "Let the daemon keep them up:",
                ("sudo", "systemctl", "enable", "--now", "nvidia-persistenced"),
                root=True,
            ),
        ),
    )


def _with(persistence: bool, **state: object) -> list[dict[str, object]]:
    row = {"index": 0, "name": "Tesla T4", "compute_capability": "7.5"}
    return [{**row, "persistence": persistence, **state}]


RULE = Rule(
    code="GPU309",
    slug="persistence-off",
    layer="gpu",
    severity="info",
    title="Persistence mode is off on GPU {gpus}: each program waits for the card to start",
    why="With nobody using it the driver shuts the card down; the next program waits one to three "
    "seconds per card, and ECC counts and settings are lost.",
    needs=(F.GPU_DEVICES, F.SYSTEM_OS),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(False, ecc_uncorrected=0)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(True, ecc_uncorrected=0)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(False)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
