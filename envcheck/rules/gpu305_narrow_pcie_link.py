"""A GPU's PCIe link has fewer lanes than it could have."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    """The width only: an idle card lowers its link's generation to save power."""
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        width, full = device.pcie_width, device.pcie_width_max
        if not width or not full or width >= full:
            continue
        yield Match(
            subject=device.number,
            params={
                "gpu": device.number,
                "name": device.title,
                "width": str(width),
                "full": str(full),
            },
            # Half is how many boards share their lanes between two slots.
            severity="info" if width * 2 >= full else None,
            evidence=(
                facts.evidence(F.GPU_DEVICES, f"{device.number}: {width} of {full} PCIe lanes"),
            ),
            fixes=(
                manual(
                    "reseat-card",
                    "Take the card out and seat it again, in the slot with all lanes; look at a "
                    "riser cable and at the BIOS's settings of the slots.",
                ),
            ),
        )


def _with(width: int) -> list[dict[str, object]]:
    row = {"index": 0, "name": "NVIDIA GeForce RTX 4090", "compute_capability": "8.9"}
    return [{**row, "pcie_width": width, "pcie_width_max": 16, "pcie_generation": 1}]


RULE = Rule(
    code="GPU305",
    slug="narrow-pcie-link",
    layer="gpu",
    severity="warning",
    title="{gpu} ({name}) uses {width} of {full} PCIe lanes",
    why="Data goes to the card and back at that part of the speed. Training that feeds it much "
    "data waits for it.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(4)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(8)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(16)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
