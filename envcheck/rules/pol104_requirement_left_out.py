"""A requirement of the policy does not hold here, because no GPU is expected."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.demands import wording
from envcheck.matrix import Matrix
from envcheck.model import Evidence, Facts, Match, Place
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    demands = facts.value(F.POLICY_REQUIRE) or ()
    left_out = [row for row in demands if row.left_out]
    if not left_out:
        return
    first = left_out[0]
    yield Match(
        subject=", ".join(row.key for row in left_out),
        params={
            "wanted": ", ".join(wording(row, demands) for row in left_out),
            "reason": first.left_out,
        },
        evidence=tuple(
            Evidence(F.POLICY_REQUIRE.name, wording(row, demands), f"{row.file}:{row.line}")
            for row in left_out
        ),
        fixes=(manual("expect-gpu", "Expect a GPU where the policy is to hold as a whole."),),
        place=Place(first.file, first.line, 1),
    )


ROW = {"key": "gpus", "wanted": ["2"], "file": "envcheck.toml", "line": 3}
REASON = "no GPU is expected (--expect cpu)"
RULE = Rule(
    code="POL104",
    slug="requirement-left-out",
    layer="policy",
    severity="info",
    title="What the policy requires of GPUs is left out: {reason}",
    why="It requires {wanted}. Nothing of it was judged here.",
    needs=(F.POLICY_REQUIRE,),
    judge=judge,
    cases=(
        fires("linux-none-tf221", "gpus", policy__require=[{**ROW, "left_out": REASON}]),
        silent("linux-none-tf221", policy__require=[ROW]),
    ),
)
