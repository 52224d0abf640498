"""A GPU's memory has made errors that its ECC could not correct."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import reset
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for device in facts.value(F.GPU_DEVICES) or ():
        signs = tuple(_signs(device))
        if not signs:
            continue
        yield Match(
            subject=device.number,
            params={"gpu": device.number, "name": device.title, "signs": ", ".join(signs)},
            severity=None if device.ecc_uncorrected or device.remap_failed else "warning",
            evidence=(facts.evidence(F.GPU_DEVICES, f"{device.number}: {', '.join(signs)}"),),
            fixes=(_fix(facts, device),),
        )


def _signs(device: F.GpuDevice) -> Iterator[str]:
    if device.ecc_uncorrected:
        yield f"{device.ecc_uncorrected} uncorrected ECC errors since the driver was loaded"
    if device.remap_failed:
        yield "a row could not be remapped"
    if device.remap_pending:
        yield "rows wait to be remapped"
    if device.pages_pending:
        yield "pages wait to be retired"


def _fix(facts: Facts, device: F.GpuDevice) -> Fix:
    if not device.remap_failed:
        return reset(device, "A reset puts spare memory in the place of what is broken.")
    note = "There is no spare memory left: have the card replaced."
    devices = facts.value(F.GPU_DEVICES) or ()
    whole = [str(other.index) for other in devices if not other.remap_failed]
    if not whole:
        return manual("replace-card", note)
    leave = ("export", f"CUDA_VISIBLE_DEVICES={','.join(whole)}")
    return manual("replace-card", f"{note} Until then, leave it out:", leave)


def _with(**state: object) -> list[dict[str, object]]:
    return [{"index": 0, "name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0", **state}]


RULE = Rule(
    code="GPU302",
    slug="memory-errors",
    layer="gpu",
    severity="error",
    title="The memory of {gpu} ({name}) has errors: {signs}",
    why="An uncorrected error ends the program that meets it (Xid 48, 94, 95) or leaves it with "
    "wrong numbers.",
    needs=(F.GPU_DEVICES,),
    judge=judge,
    explains=("SMK103",),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(ecc_uncorrected=2)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(remap_failed=True)),
        fires("linux-rtx4090-tf220-wheels", "GPU 0", gpu__devices=_with(pages_pending=True)),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=_with(ecc_uncorrected=0)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
