"""This TensorFlow carries no code that the GPU can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, release_for, stack_of
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual, other_release
from envcheck.rules import Rule, fires, silent

NONE = (
    "No TensorFlow for this Python suits the card and its driver. Ask which have code for it, and "
    "make an environment with a Python of one of them:"
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    said = set()
    for device in facts.value(F.GPU_DEVICES) or ():
        if device.compute_capability is None or device.title in said:
            continue
        said.add(device.title)
        stack = replace(stack_of(facts), compute_capability=device.compute_capability)
        for reason in refused(stack, matrix, "gpu")[:1]:
            capability = str(device.compute_capability)
            yield Match(
                subject=device.title,
                params={
                    "gpu": device.title,
                    "capability": capability,
                    "tensorflow": facts.value(F.TF_VERSION) or "",
                    "reason": reason.text,
                },
                evidence=(facts.evidence(F.GPU_DEVICES, f"{device.title}, {capability}"),),
                rows=reason.source,
                fixes=tuple(_fixes(facts, matrix, device)),
            )


def _fixes(facts: Facts, matrix: Matrix, device: F.GpuDevice) -> Iterator[Fix]:
    capability = device.compute_capability
    other = release_for(facts, matrix, capability) if capability else None
    build = matrix.build_of("tensorflow", other) if other else None
    if other and build:
        yield other_release(facts, build)
    note = "Ask which TensorFlow has code for it:" if other else NONE
    step = ("envcheck", "matrix", "show", "gpu", device.title)
    yield manual("other-tensorflow", note, step)


RULE = Rule(
    code="GPU201",
    slug="gpu-not-supported",
    layer="gpu",
    severity="error",
    title="TensorFlow {tensorflow} has no code for the {gpu} (compute capability {capability})",
    why="{reason}",
    needs=(F.GPU_DEVICES, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA),
    judge=judge,
    explains=("GPU203", "DNN103", "SMK102", "SMK103", "SMK2"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "NVIDIA GeForce RTX 5090",
            gpu__devices=[
                {"index": 0, "name": "NVIDIA GeForce RTX 5090", "compute_capability": "12.0"}
            ],
        ),
        fires(
            "linux-rtx4090-tf220-wheels",
            "Tesla K80",
            gpu__devices=[{"index": 0, "name": "Tesla K80", "compute_capability": "3.7"}],
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
