"""The scripts of this environment run another one: it was copied or moved."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.places import prefix_of, same_folder
from envcheck.remedies import installer
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    prefix = facts.value(F.TARGET_PREFIX) or ""
    kind = facts.value(F.TARGET_KIND)
    wrong = [
        row
        for row in facts.value(F.POINTERS) or ()
        if row.kind == "script" and not same_folder(prefix_of(row.python), prefix)
    ]
    if not wrong or kind not in ("venv", "uv", "conda"):
        return
    step = (*installer(facts, "install"), "--force-reinstall", "--no-deps", "pip")
    yield Match(
        subject="scripts",
        params={
            "prefix": prefix,
            "example": wrong[0].file,
            "other": wrong[0].python,
            "gone": "" if wrong[0].exists else ", which is not there any more",
        },
        evidence=tuple(facts.evidence(F.POINTERS, f"#!{row.python}", row.file) for row in wrong),
        fixes=(Fix("rewrite-pip", "safe", (step,)),),
    )


RULE = Rule(
    code="PYE203",
    slug="copied-environment",
    layer="python",
    severity="warning",
    title="{example} runs {other}{gone}",
    why="The environment {prefix} was copied or moved: its scripts still name the old place, so "
    "`pip install` changes another environment. `python -m pip` is right in any case.",
    needs=(F.POINTERS, F.TARGET_PREFIX, F.TARGET_KIND),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "scripts",
            interpreters__pointers=[
                {
                    "kind": "script",
                    "name": "pip",
                    "file": "/home/user/coffee/venv/bin/pip",
                    "python": "/home/user/old/bin/python",
                }
            ],
        ),
        silent("linux-none-tf221"),
    ),
)
