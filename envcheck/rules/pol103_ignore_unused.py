"""An ignore of the policy met no finding."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Evidence, Facts, Match, Place
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for entry in facts.value(F.POLICY_UNUSED) or ():
        where = f"{entry.file}:{entry.line}"
        what = f"{entry.code} {entry.subject}" if entry.subject else entry.code
        note = "Remove the entry in {where}, unless another machine needs it."
        yield Match(
            subject=what,
            params={"what": what},
            evidence=(Evidence(F.POLICY_IGNORES.name, f"{what} until {entry.expires}", where),),
            fixes=(manual("remove-ignore", note, where=where),),
            place=Place(entry.file, entry.line, 1),
        )


UNUSED: dict[str, object] = {"code": "KER201", "reason": "a pilot", "expires": "2026-03-01"}
UNUSED |= {"file": "envcheck.toml", "line": 3}
RULE = Rule(
    code="POL103",
    slug="ignore-unused",
    layer="policy",
    severity="info",
    title="The policy ignores {what}, and there is no such finding",
    why="Here it was judged and is fine. An entry that nobody needs hides the next case.",
    needs=(F.POLICY_UNUSED,),
    judge=judge,
    cases=(
        fires("linux-none-tf221", "KER201", policy__unused=[UNUSED]),
        fires("linux-none-tf221", "KER201 keras", policy__unused=[{**UNUSED, "subject": "keras"}]),
        silent("linux-none-tf221", policy__unused=[]),
    ),
)
