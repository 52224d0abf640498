"""The kernel's log reports an error of a card, its memory or its link."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import address_of
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

MEANINGS = {
    48: "a memory error that ECC could not correct",
    61: "an error inside the card's firmware",
    62: "an error inside the card's firmware",
    63: "memory that waits to be replaced by spare rows",
    64: "memory that could not be replaced by spare rows",
    74: "an NVLink error",
    79: "the card has fallen off the bus",
    92: "many corrected memory errors",
    94: "a memory error that one program met",
    95: "a memory error that the card could not contain",
    109: "a switch between programs that timed out",
    119: "the card's own processor (GSP) that does not answer",
    120: "the card's own processor (GSP) that failed",
    140: "memory errors that ECC could not correct",
    143: "the card could not start",
    149: "an NVLink error",
    154: "the driver asks for a recovery",
}
"""NVIDIA's catalogue of Xid errors (docs.nvidia.com/deploy/xid-errors)."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    devices = facts.value(F.GPU_DEVICES) or ()
    # GPU301 has those that do not answer, and shows the line.
    silent_cards = {address_of(device) for device in devices if device.error}
    for line in facts.value(F.KERNEL_LOG) or ():
        if line.kind != "xid" or line.code not in MEANINGS or line.bus_id in silent_cards:
            continue
        yield Match(
            subject=f"Xid {line.code} at {line.bus_id}",
            params={
                "code": str(line.code),
                "address": line.bus_id or "",
                "meaning": MEANINGS[line.code],
            },
            evidence=(facts.evidence(F.KERNEL_LOG, line.text),),
            fixes=(
                manual(
                    "recover-card",
                    "Reboot (or reset the card, with nothing using it). If it comes back, the "
                    "card, its slot, its power or its cooling needs care.",
                    ("sudo", "reboot"),
                    root=True,
                ),
            ),
        )


def _xid(code: int) -> list[dict[str, object]]:
    text = f"NVRM: Xid (PCI:0000:01:00): {code}, pid=7"
    return [{"kind": "xid", "code": code, "bus_id": "0000:01:00", "text": text}]


RULE = Rule(
    code="GPU310",
    slug="hardware-xid",
    layer="gpu",
    severity="warning",
    title="The kernel reports an error of the card at {address}: {meaning} (Xid {code})",
    why="This comes from the card, its memory or its link, not from the program that ran.",
    needs=(F.KERNEL_LOG,),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "Xid 79 at 0000:01:00", kernel__log=_xid(79)),
        silent("linux-rtx4090-tf220-wheels", kernel__log=_xid(31)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
