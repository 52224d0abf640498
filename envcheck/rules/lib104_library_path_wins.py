"""LD_LIBRARY_PATH leads to an older copy than the one that TensorFlow would find by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of
from envcheck.library_path import numbers, take_out, version_of
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent
from envcheck.versions import CudnnRelease

OF_TENSORFLOW = ("RUNPATH", "RPATH")


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for library in facts.value(F.LIBRARIES) or ():
        winner = library.winner
        loser = next((place for place in library.losers if place.via in OF_TENSORFLOW), None)
        if winner is None or loser is None or winner.via != "LD_LIBRARY_PATH":
            continue
        found, wanted = version_of(facts, library.soname, winner), loser.version
        if found is None or wanted is None or _is_as_new(found, wanted):
            continue
        needed = library.name == "cudnn" and _refuses(facts, matrix, found)
        yield Match(
            subject=library.soname,
            params={
                "soname": library.soname,
                "winner": winner.path,
                "found": found,
                "loser": loser.path,
                "wanted": wanted,
                "owner": "the wheel's " if loser.component else "",
                "tensorflow": facts.value(F.TF_VERSION) or "",
            },
            severity="error" if needed else None,
            evidence=(
                facts.evidence(F.LD_LIBRARY_PATH),
                facts.evidence(F.LIBRARIES, f"{library.soname} {found} wins", winner.path),
                facts.evidence(F.LIBRARIES, f"{library.soname} {wanted} loses", loser.path),
            ),
            fixes=(take_out(facts, winner),),
        )


def _is_as_new(found: str, wanted: str) -> bool:
    """Whether what is found is as new, as far as both say."""
    shorter = min(len(numbers(found)), len(numbers(wanted)))
    return numbers(found)[:shorter] >= numbers(wanted)[:shorter]


def _refuses(facts: Facts, matrix: Matrix, cudnn: str) -> bool:
    version = CudnnRelease.parse(".".join(map(str, numbers(cudnn))))
    return bool(refused(replace(stack_of(facts), cudnn=version), matrix, "cudnn"))


def cudnn(version: str) -> list[dict[str, object]]:
    old = {"path": "/opt/old/libcudnn.so.9", "via": "LD_LIBRARY_PATH", "version": version}
    own = {"path": "/v/nvidia/cudnn/lib/libcudnn.so.9", "via": "RUNPATH", "version": "9.3.0.75"}
    return [{"name": "cudnn", "soname": "libcudnn.so.9", "found": [old, own]}]


MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB104",
    slug="library-path-wins",
    layer="cuda",
    severity="warning",
    title="{soname} → {winner} ({found}), from LD_LIBRARY_PATH, wins over {owner}{wanted}, {loser}",
    why="The loader looks into the folders of LD_LIBRARY_PATH before those that TensorFlow names "
    "itself. TensorFlow {tensorflow} gets an older library than the one installed for it.",
    needs=(F.LIBRARIES, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=("DNN101", "LIB105", "SMK201", "SMK103"),
    cases=(
        fires(MACHINE, "libcudnn.so.9", loader__libraries=cudnn("9.1.0")),
        silent(MACHINE, loader__libraries=cudnn("9.5.1")),
        silent(MACHINE),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
