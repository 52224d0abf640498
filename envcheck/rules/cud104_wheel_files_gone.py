"""Files of an NVIDIA wheel are gone, empty or not those that were installed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import reinstall_step
from envcheck.rules import Rule, fires, silent
from envcheck.wheels import clashes, cuda_wheels


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    built = facts.value(F.TF_CUDA)
    wheels = cuda_wheels(facts, matrix)
    # What two wheels overwrote of each other is told where the two are told.
    told = {wheel.name for clash in clashes(wheels, facts, matrix) for wheel in clash[:2]}
    for wheel in wheels:
        row = wheel.row
        examples = (*row.missing_examples, *row.altered_examples)
        if not examples or wheel.name in told:
            continue
        gone = f"gone: {row.missing}" if row.missing else ""
        altered = f"of another size: {row.altered}" if row.altered else ""
        yield Match(
            subject=row.name,
            severity="error" if built and wheel.cuda == built.major else "warning",
            params={
                "wheel": wheel.title,
                "what": ", ".join(part for part in (gone, altered) if part),
                "files": str(row.files),
            },
            evidence=(facts.evidence(F.TARGET_DISTRIBUTIONS, ", ".join(examples[:4]), row.path),),
            fixes=(
                Fix("reinstall", "safe", (reinstall_step(facts, f"{row.name}=={row.version}"),)),
            ),
        )


def _row(**more: object) -> list[dict[str, object]]:
    name, version = "nvidia-cufft-cu12", "11.2.3.61"
    row = {"name": name, "version": version, "location": "/v", "path": "/v/f", "files": 12}
    return [{**row, **more}]


RULE = Rule(
    code="CUD104",
    slug="wheel-files-gone",
    layer="cuda",
    severity="error",
    title="{wheel} is damaged (of its {files} files {what})",
    why="pip lists the wheel as installed and will not install it again by itself. A library that "
    "is gone or cut short (a full disk, an interrupted copy) is not loaded.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TF_CUDA),
    judge=judge,
    explains=("LIB", "DNN", "SMK102", "SMK103", "SMK2"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia-cufft-cu12",
            target__distributions=_row(
                missing=2, missing_examples=["nvidia/cufft/lib/libcufft.so.11"]
            ),
        ),
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia-cufft-cu12",
            target__distributions=_row(
                altered=1, altered_examples=["nvidia/cufft/lib/libcufft.so.11"]
            ),
        ),
        silent("linux-rtx4090-tf220-wheels", target__distributions=_row(missing=0, altered=0)),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
