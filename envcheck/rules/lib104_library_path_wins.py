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
    """Of cuDNN and of the CUDA runtime, which stands for all libraries of its toolkit."""
    for library in facts.value(F.LIBRARIES) or ():
        winner = library.winner
        loser = next((place for place in library.losers if place.via in OF_TENSORFLOW), None)
        if winner is None or loser is None or winner.via != "LD_LIBRARY_PATH":
            continue
        found = version_of(facts, library.soname, winner)
        if found is None or loser.version is None or numbers(found) >= numbers(loser.version):
            continue
        if not _falls_short(facts, matrix, library.name, found):
            continue
        yield Match(
            subject=library.soname,
            params={
                "soname": library.soname,
                "winner": winner.path,
                "found": found,
                "loser": loser.path,
                "wanted": loser.version,
                "owner": "the wheel's " if loser.component else "",
                "tensorflow": facts.value(F.TF_VERSION) or "",
            },
            severity="error" if library.name == "cudnn" else None,
            layer="cudnn" if library.name == "cudnn" else None,
            evidence=(
                facts.evidence(F.LD_LIBRARY_PATH),
                facts.evidence(F.LIBRARIES, f"{library.soname} {found} wins", winner.path),
                facts.evidence(F.LIBRARIES, f"{library.soname} {loser.version} loses", loser.path),
            ),
            fixes=(take_out(facts, winner),),
        )


def _falls_short(facts: Facts, matrix: Matrix, name: str, found: str) -> bool:
    """Whether this version is not what TensorFlow needs."""
    if name == "cudnn":
        version = CudnnRelease.parse(".".join(map(str, numbers(found))))
        return bool(refused(replace(stack_of(facts), cudnn=version), matrix, "cudnn"))
    built = facts.value(F.TF_CUDA)
    return name == "cudart" and built is not None and numbers(found)[:2] < built.line


def copies(name: str, soname: str, old: str, own: str) -> list[dict[str, object]]:
    first = {"path": f"/opt/{soname}", "via": "LD_LIBRARY_PATH", "version": old}
    second = {"path": f"/v/nvidia/{name}/lib/{soname}", "via": "RUNPATH", "version": own}
    return [{"name": name, "soname": soname, "found": [first, second]}]


def cudnn(version: str) -> list[dict[str, object]]:
    return copies("cudnn", "libcudnn.so.9", version, "9.28.0.42")


def cudart(version: str) -> list[dict[str, object]]:
    return copies("cudart", "libcudart.so.12", version, "12.9.79")


MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB104",
    slug="library-path-wins",
    layer="cuda",
    severity="warning",
    title="{soname} → {winner} ({found}), from LD_LIBRARY_PATH, wins over {owner}{wanted}, {loser}",
    why="The loader looks into the folders of LD_LIBRARY_PATH before those that TensorFlow names "
    "itself. What it finds there is older than what TensorFlow {tensorflow} needs.",
    needs=(F.LIBRARIES, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA),
    judge=judge,
    explains=("DNN101", "LIB105", "SMK201", "SMK202", "SMK103"),
    cases=(
        fires(MACHINE, "libcudnn.so.9", loader__libraries=cudnn("9.1.0")),
        fires(MACHINE, "libcudart.so.12", loader__libraries=cudart("12.2.140")),
        # Older than the wheel's, and new enough.
        silent(MACHINE, loader__libraries=cudnn("9.5.1")),
        silent(MACHINE, loader__libraries=cudart("12.5.82")),
        silent(MACHINE),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
