"""The cuDNN in use has no code for the GPU (R9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of, wanted
from envcheck.library_path import winner
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent
from envcheck.versions import CudnnRelease
from envcheck.wheels import within_pins


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    place, cuda = winner(facts, "cudnn"), facts.value(F.TF_CUDA)
    if place is None or place.version is None or cuda is None:
        return
    version = CudnnRelease.parse(".".join(place.version.split(".")[:3]))
    stack = replace(stack_of(facts), cudnn=version, cuda=cuda)
    said = set()
    for device in facts.value(F.GPU_DEVICES) or ():
        if device.compute_capability is None or device.title in said:
            continue
        said.add(device.title)
        case = replace(stack, compute_capability=device.compute_capability)
        reasons = [row for row in refused(case, matrix, "cudnn") if row.rule == "R9"]
        fits = (reasons and reasons[0].wanted and wanted(case, matrix, "cudnn")) or ""
        for reason in reasons[:1]:
            yield Match(
                subject=device.title,
                params={"cudnn": str(version), "gpu": device.title, "reason": reason.text},
                evidence=(
                    facts.evidence(F.LIBRARIES, f"cuDNN {place.version}", place.path),
                    facts.evidence(
                        F.GPU_DEVICES,
                        f"{device.title}, compute capability {device.compute_capability}",
                    ),
                ),
                rows=reason.source,
                fixes=(_fix(facts, matrix, place, str(cuda.major), fits),),
            )


def _fix(facts: Facts, matrix: Matrix, place: F.Place, cuda: str, fits: str) -> Fix:
    name = f"nvidia-cudnn-cu{cuda}"
    admitted = within_pins(facts, matrix, name, fits) if fits else None
    if admitted and place.component:
        return install(facts, name + admitted)
    if admitted:
        note = "Install cuDNN {wanted} for CUDA {cuda} and make it the copy that the loader finds "
        note += "first."
        return manual("install-cudnn", note, wanted=admitted, cuda=cuda)
    return manual("other-gpu", "No cuDNN that TensorFlow admits has code for this GPU.")


def _v100(version: str) -> dict[str, object]:
    found = [{"path": "/v/nvidia/cudnn/lib/libcudnn.so.9", "via": "RUNPATH", "version": version}]
    v100 = {"index": 0, "name": "Tesla V100-SXM2-16GB", "compute_capability": "7.0"}
    library = {"name": "cudnn", "soname": "libcudnn.so.9", "found": found}
    return {"gpu__devices": [v100], "loader__libraries": [library]}


RULE = Rule(
    code="DNN103",
    slug="cudnn-without-code-for-gpu",
    layer="cudnn",
    severity="error",
    title="cuDNN {cudnn} has no code for the {gpu}",
    why="{reason}",
    needs=(F.LIBRARIES, F.GPU_DEVICES, F.TF_CUDA, F.TF_VERSION, F.TF_PACKAGE, F.SYSTEM_OS),
    judge=judge,
    explains=("SMK103",),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "Tesla V100-SXM2-16GB", **_v100("9.28.0.42")),
        silent("linux-rtx4090-tf220-wheels", **_v100("9.3.0.75")),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
