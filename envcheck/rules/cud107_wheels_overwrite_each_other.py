"""Two NVIDIA wheels of different CUDAs install the same file: there can be only one of it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, Severity
from envcheck.remedies import manual, reinstall_step, uninstall_step
from envcheck.rules import Rule, fires, silent
from envcheck.wheels import Wheel, askers_of, clashes, cuda_wheels


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    built, opened = facts.value(F.TF_CUDA), dict(facts.value(F.TF_SONAMES) or {}).values()
    for first, second, files in clashes(cuda_wheels(facts, matrix), facts, matrix):
        shown = [name for name in files if name in opened]
        if built is None or not shown or built.major not in (first.cuda, second.cuda):
            continue
        ours, other = (first, second) if first.cuda == built.major else (second, first)
        yield Match(
            subject=shown[0],
            severity=_severity(ours),
            confidence="likely",
            params={
                "ours": ours.title,
                "other": other.title,
                "cuda": str(built.major),
                "file": shown[0],
            },
            evidence=tuple(
                facts.evidence(F.TARGET_DISTRIBUTIONS, _state(wheel), wheel.row.path)
                for wheel in (ours, other)
            ),
            rows=matrix.rule("R2").sources,
            fixes=(_fix(facts, ours, other),),
        )


def _severity(ours: Wheel) -> Severity:
    """An error where the files on the disk are not those of TensorFlow's CUDA."""
    return "error" if ours.row.altered or ours.row.missing else "warning"


def _state(wheel: Wheel) -> str:
    row = wheel.row
    if row.altered is None and row.missing is None:
        return wheel.title
    away = (row.altered or 0) + (row.missing or 0)
    return f"{wheel.title}: {away} of its {row.files} files are not its own any more"


def _fix(facts: Facts, ours: Wheel, other: Wheel) -> Fix:
    """First both go, then ours comes back: an uninstall takes the shared files with it."""
    asks = askers_of(facts, other.name)
    if asks:
        note = "{asks} needs {other}: give TensorFlow and {asks} an environment each, or take a "
        note += "build of {asks} for CUDA {cuda}."
        return manual("separate", note, asks=asks[0], other=other.name, cuda=str(ours.cuda))
    back = reinstall_step(facts, f"{ours.name}=={ours.row.version}")
    return Fix("keep-one", "review", (uninstall_step(facts, other.name), back))


def _two(altered: int) -> list[dict[str, object]]:
    ours = {"name": "nvidia-cudnn-cu12", "version": "9.3.0.75", "path": "/v/nvidia_cudnn_cu12"}
    other = {"name": "nvidia-cudnn-cu13", "version": "9.28.1.4", "path": "/v/nvidia_cudnn_cu13"}
    counts = {"location": "/v", "files": 14, "missing": 0}
    return [{**ours, **counts, "altered": altered}, {**other, **counts, "altered": 0}]


RULE = Rule(
    code="CUD107",
    slug="wheels-overwrite-each-other",
    layer="cuda",
    severity="error",
    title="{ours} and {other} both install {file}, and only one of them can be there",
    why="TensorFlow opens {file} by that name and needs the one for CUDA {cuda}. The wheel that "
    "was installed last has overwritten the other, and removing either takes the file away.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TF_CUDA, F.TF_SONAMES, F.SYSTEM_OS),
    judge=judge,
    explains=("DNN", "SMK102", "SMK103", "SMK2", "SMK301"),
    signs=("cudnn", "cusolver", "CuDNN", "DNN"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "libcudnn.so.9", target__distributions=_two(9)),
        fires("linux-rtx4090-tf220-wheels", "libcudnn.so.9", target__distributions=_two(0)),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
