"""The libraries that cuDNN consists of come from two versions."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import folder_of, numbers, remove_folders
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    library = next((row for row in facts.value(F.LIBRARIES) or () if row.name == "cudnn"), None)
    whole = library.winner if library else None
    if library is None or whole is None or whole.version is None:
        return
    others = []
    for part in facts.value(F.CUDNN_PARTS) or ():
        place = part.winner
        if place and place.version and numbers(place.version) != numbers(whole.version):
            others.append((part, place))
    if not others:
        return
    part, place = others[0]
    stray = place if place.via == "LD_LIBRARY_PATH" else whole
    note = "Leave one cuDNN on the loader's path: {first} or {second}."
    first, second = folder_of(whole.path), folder_of(place.path)
    yield Match(
        subject="cudnn",
        params={
            "cudnn": whole.title,
            "part": place.title,
            "names": ", ".join(part.soname for part, _ in others),
        },
        evidence=(
            facts.evidence(F.LIBRARIES, f"{library.soname} {whole.version}", whole.path),
            *(
                facts.evidence(F.CUDNN_PARTS, f"{row.soname} {found.version}", found.path)
                for row, found in others
            ),
        ),
        fixes=(
            remove_folders(facts, folder_of(stray.path))
            if stray.via == "LD_LIBRARY_PATH"
            else manual("one-cudnn", note, first=first, second=second),
        ),
    )


def part(version: str) -> list[dict[str, object]]:
    path = "/opt/old/libcudnn_ops.so.9"
    place = {"path": path, "via": "LD_LIBRARY_PATH", "version": version}
    return [{"name": "cudnn_ops", "soname": "libcudnn_ops.so.9", "found": [place]}]


MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB105",
    slug="cudnn-parts-mixed",
    layer="cudnn",
    severity="error",
    title="cuDNN is mixed of two versions: {cudnn} and {part}",
    why="cuDNN opens its parts ({names}) by name, and the loader finds those of another version. "
    "They do not go together: undefined symbols, wrong sub-library versions or a crash follow.",
    needs=(F.LIBRARIES, F.CUDNN_PARTS),
    judge=judge,
    explains=("LIB106", "SMK201", "SMK202", "SMK103"),
    cases=(
        fires(MACHINE, "cudnn", loader__cudnn_parts=part("9.1.0")),
        silent(MACHINE, loader__cudnn_parts=part("9.3.0")),
        silent(MACHINE),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
