"""A file of the right name that the loader passes over, or at which it stops."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import folder_of, remove_folders
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

PASSED_OVER = "The loader passes over it, and takes {winner} instead."
NOTHING_ELSE = "The loader passes over it, and finds no other of this name."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    rows = (*(facts.value(F.LIBRARIES) or ()), *(facts.value(F.DRIVER_LIBRARIES) or ()))
    for library in rows:
        winner = library.winner
        for place in library.found:
            if place.status not in ("passed", "broken"):
                break  # what stands behind the one that is taken plays no part
            note = "Remove {path}, or put a right one in its place."
            yield Match(
                subject=place.path,
                params={
                    "path": place.path,
                    "detail": place.detail,
                    "via": place.via,
                    "winner": winner.path if winner else "",
                },
                severity="info" if winner and place != winner else None,
                why=None if place == winner else PASSED_OVER if winner else NOTHING_ELSE,
                evidence=(
                    facts.evidence(F.LIBRARIES, place.detail, f"{place.path}, by {place.via}"),
                ),
                fixes=(
                    remove_folders(facts, folder_of(place.path))
                    if place.via == "LD_LIBRARY_PATH"
                    else manual("replace-library", note, path=place.path),
                ),
            )
            if place == winner:
                break


def cudnn(*found: dict[str, str]) -> list[dict[str, object]]:
    return [{"name": "cudnn", "soname": "libcudnn.so.9", "found": list(found)}]


GOOD = {"path": "/v/libcudnn.so.9", "via": "RUNPATH", "version": "9.3.0"}
I386 = {"path": "/x/libcudnn.so.9", "via": "LD_LIBRARY_PATH", "status": "passed"}
EMPTY = {**I386, "status": "broken", "detail": "file too short"}
MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB102",
    slug="unusable-library-in-front",
    layer="cuda",
    severity="error",
    title="{path} cannot be used: {detail}",
    why="The loader takes it for the library that it looks for, and stops there, whatever other "
    "copies there are.",
    needs=(F.LIBRARIES, F.DRIVER_LIBRARIES),
    judge=judge,
    explains=("LIB101", "LIB106", "SMK201", "SMK202"),
    cases=(
        fires(
            MACHINE, "/x/libcudnn.so.9", loader__libraries=cudnn({**I386, "detail": "32-bit"}, GOOD)
        ),
        fires(
            MACHINE, "/x/libcudnn.so.9", loader__libraries=cudnn({**I386, "detail": "for aarch64"})
        ),
        fires(MACHINE, "/x/libcudnn.so.9", loader__libraries=cudnn(EMPTY, GOOD)),
        silent(MACHINE, loader__libraries=cudnn(GOOD, {**I386, "detail": "32-bit"})),
        silent(MACHINE),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
