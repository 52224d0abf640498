"""An ignore of the policy is past its last day, and no longer ignores."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Evidence, Facts, Match, Place
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for entry in facts.value(F.POLICY_IGNORES) or ():
        if entry.expires >= (facts.value(F.POLICY_TODAY) or ""):
            continue
        where = f"{entry.file}:{entry.line}"
        what = f"{entry.code} {entry.subject}" if entry.subject else entry.code
        note = "Mend what it is about, then remove the entry in {where}; or, if its reason still "
        note += "holds, give it a later day."
        yield Match(
            subject=what,
            params={"what": what, "expires": entry.expires, "reason": entry.reason},
            evidence=(
                Evidence(F.POLICY_IGNORES.name, f"{what} until {entry.expires}", where),
                facts.evidence(F.POLICY_TODAY),
            ),
            fixes=(manual("renew-or-remove", note, where=where),),
            place=Place(entry.file, entry.line, 1),
        )


ENTRY = {"code": "KER201", "reason": "a pilot", "file": "envcheck.toml", "line": 3}
RULE = Rule(
    code="POL102",
    slug="ignore-expired",
    layer="policy",
    severity="warning",
    title="The policy's ignore of {what} ended on {expires}",
    why="What it was about counts again. Its reason was: {reason}",
    needs=(F.POLICY_IGNORES, F.POLICY_TODAY),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "KER201",
            policy__today="2026-03-02",
            policy__ignores=[{**ENTRY, "expires": "2026-03-01"}],
        ),
        silent(
            "linux-none-tf221",
            policy__today="2026-03-01",
            policy__ignores=[{**ENTRY, "expires": "2026-03-01"}],
        ),
    ),
)
