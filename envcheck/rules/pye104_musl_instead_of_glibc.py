"""Alpine Linux and its like: no wheel of TensorFlow runs on musl."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.value(F.SYSTEM_OS) not in ("linux", "wsl2") or (
        facts.fact(F.TARGET_GLIBC).state != "absent"
    ):
        return
    yield Match(
        subject="glibc",
        params={"distribution": facts.value(F.SYSTEM_DISTRIBUTION) or "this system"},
        evidence=(facts.evidence(F.TARGET_GLIBC),),
        fixes=(
            manual("glibc-image", "Use an image with glibc, such as python:3.12-slim (Debian)."),
        ),
    )


RULE = Rule(
    code="PYE104",
    slug="musl-instead-of-glibc",
    layer="python",
    severity="error",
    title="This Python runs on musl, not on glibc ({distribution})",
    why="All Linux wheels of TensorFlow are manylinux ones: they need glibc. pip finds none here, "
    "or what was copied in fails with a missing ld-linux.",
    needs=(F.SYSTEM_OS, F.TARGET_GLIBC),
    judge=judge,
    explains=("TFX101", "SYS102", "SMK"),
    cases=(
        fires("linux-none-tf221", "glibc", target__glibc=None),
        silent("linux-none-tf221"),
    ),
)
