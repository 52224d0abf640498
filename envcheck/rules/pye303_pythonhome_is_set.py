"""PYTHONHOME sends every Python to one standard library."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    home = (facts.value(F.TARGET_VARIABLES) or {}).get("PYTHONHOME")
    if not home:
        return
    windows = facts.value(F.SYSTEM_OS) == "windows"
    steps = () if windows else (("unset", "PYTHONHOME"),)
    yield Match(
        subject="PYTHONHOME",
        params={"home": home, "python": facts.value(F.TARGET_EXECUTABLE) or ""},
        evidence=(facts.evidence(F.TARGET_VARIABLES, f"PYTHONHOME={home}"),),
        fixes=(manual("unset", "Unset PYTHONHOME, here and where it is set.", *steps),),
    )


RULE = Rule(
    code="PYE303",
    slug="pythonhome-is-set",
    layer="python",
    severity="warning",
    title="PYTHONHOME={home} is set",
    why="Every Python then takes its standard library and its packages from there, {python} too, "
    "and a virtual environment is none any more.",
    needs=(F.TARGET_VARIABLES,),
    judge=judge,
    cases=(
        fires("linux-none-tf221", "PYTHONHOME", target__variables={"PYTHONHOME": "/usr"}),
        silent("linux-none-tf221"),
    ),
)
