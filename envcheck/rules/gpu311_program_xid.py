"""The kernel's log reports an error that a program made on the GPU."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

MEANINGS = {
    13: "an instruction or an address that the GPU refused",
    31: "an access to memory that is not the program's",
    43: "a program that was stopped after an error of its own",
    45: "the end of a program that was killed or had failed before",
}
"""NVIDIA's catalogue of Xid errors (docs.nvidia.com/deploy/xid-errors)."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for line in facts.value(F.KERNEL_LOG) or ():
        if line.kind != "xid" or line.code not in MEANINGS:
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
                    "look-at-program",
                    "Look at the program that ran then; the line names its process.",
                ),
            ),
        )


def _xid(code: int) -> list[dict[str, object]]:
    text = f"NVRM: Xid (PCI:0000:01:00): {code}, pid=7"
    return [{"kind": "xid", "code": code, "bus_id": "0000:01:00", "text": text}]


RULE = Rule(
    code="GPU311",
    slug="program-xid",
    layer="gpu",
    severity="info",
    title="The kernel reports an error of a program on the card at {address}: {meaning} "
    "(Xid {code})",
    why="Nearly always the program's own, not the card's: an index out of range in a kernel, or "
    "libraries that do not fit together.",
    needs=(F.KERNEL_LOG,),
    judge=judge,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "Xid 31 at 0000:01:00", kernel__log=_xid(31)),
        silent("linux-rtx4090-tf220-wheels", kernel__log=_xid(79)),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
