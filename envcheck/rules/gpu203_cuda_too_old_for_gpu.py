"""The CUDA libraries in use are older than the GPU (R9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of
from envcheck.library_path import winner
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent
from envcheck.versions import CudaRelease
from envcheck.wheels import own_pins


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    place = winner(facts, "cudart")
    if place is None or place.version is None or "." not in place.version:
        return
    cuda = CudaRelease.parse(".".join(place.version.split(".")[:2]))
    said = set()
    for device in facts.value(F.GPU_DEVICES) or ():
        if device.compute_capability is None or device.title in said:
            continue
        said.add(device.title)
        stack = replace(stack_of(facts), cuda=cuda, compute_capability=device.compute_capability)
        reasons = [row for row in refused(stack, matrix, "cuda") if row.rule == "R9"]
        for reason in reasons[:1]:
            yield Match(
                subject=device.title,
                params={"gpu": device.title, "cuda": str(cuda), "reason": reason.text},
                evidence=(
                    facts.evidence(F.LIBRARIES, f"CUDA runtime {place.version}", place.path),
                    facts.evidence(
                        F.GPU_DEVICES,
                        f"{device.title}, compute capability {device.compute_capability}",
                    ),
                ),
                rows=reason.source,
                fixes=(_fix(facts, matrix, place, reason.wanted or ""),),
            )


def _fix(facts: Facts, matrix: Matrix, place: F.Place, wanted: str) -> Fix:
    """The newest of all wheels that TensorFlow's extra admits: of one CUDA, and with the code."""
    newest = {name: matrix.resolve(name, pin) for name, pin in own_pins(facts).items()}
    runtime = next((v for name, v in newest.items() if v and "-cuda-runtime" in name), None)
    lowest = wanted.removeprefix(">=").partition(",")[0]
    if place.component and runtime and CudaRelease.parse(runtime) >= CudaRelease.parse(lowest):
        return install(facts, *sorted(f"{name}=={version}" for name, version in newest.items()))
    note = "Use the libraries of CUDA {wanted}, with a TensorFlow that admits them."
    return manual("newer-cuda", note, wanted=wanted)


RTX5090 = [{"index": 0, "name": "NVIDIA GeForce RTX 5090", "compute_capability": "12.0"}]
RULE = Rule(
    code="GPU203",
    slug="cuda-too-old-for-gpu",
    layer="gpu",
    severity="error",
    title="The libraries of CUDA {cuda} have no code for the {gpu}",
    why="{reason}",
    needs=(F.LIBRARIES, F.GPU_DEVICES, F.TF_VERSION, F.TF_PACKAGE, F.TF_REQUIRES, F.SYSTEM_OS),
    judge=judge,
    explains=("DNN103", "SMK103"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "NVIDIA GeForce RTX 5090",
            tensorflow__version="2.21.0",
            gpu__devices=RTX5090,
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
