"""This TensorFlow has no machine code for the GPU: the driver compiles all of it first (R8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of, ways
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

CACHE_BYTES = 2 * 1024**3
"""What TensorFlow's own install page advises; the driver's default holds less than TensorFlow."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    """Where only some kinds of kernel are compiled, each takes a moment at its first use."""
    said = set()
    for device in facts.value(F.GPU_DEVICES) or ():
        capability = device.compute_capability
        if capability is None or device.title in said:
            continue
        said.add(device.title)
        stack = replace(stack_of(facts), compute_capability=capability)
        if set(ways(stack, matrix)) != {"jit"} or refused(stack, matrix, "gpu"):
            continue
        note = "Let the driver keep what it compiled: set this for every program, and give the "
        note += "first start its time."
        yield Match(
            subject=device.title,
            params={
                "gpu": device.title,
                "capability": str(capability),
                "tensorflow": facts.value(F.TF_VERSION) or "",
            },
            evidence=(
                facts.evidence(F.GPU_DEVICES, f"{device.title}, compute capability {capability}"),
                facts.evidence(F.TF_VERSION),
            ),
            rows=matrix.rule("R8").sources,
            fixes=(
                manual("enlarge-cuda-cache", note, ("export", f"CUDA_CACHE_MAXSIZE={CACHE_BYTES}")),
            ),
        )


H100 = [{"index": 0, "name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0"}]
RTX5090 = [{"index": 0, "name": "NVIDIA GeForce RTX 5090", "compute_capability": "12.0"}]
RULE = Rule(
    code="GPU202",
    slug="kernels-compiled-first",
    layer="gpu",
    severity="warning",
    title="The first start on the {gpu} takes minutes: TensorFlow {tensorflow} has no machine "
    "code for compute capability {capability}",
    why="The driver compiles the kernels from PTX, in seconds to half an hour, and keeps them in "
    "its cache. What does not fit into the cache is compiled again at every start.",
    needs=(F.GPU_DEVICES, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA),
    judge=judge,
    cases=(
        fires("linux-rtx3080-tf29-cuda116", "NVIDIA H100 80GB HBM3", gpu__devices=H100),
        fires(
            "linux-rtx4090-tf220-wheels",
            "NVIDIA GeForce RTX 5090",
            tensorflow__version="2.21.0",
            gpu__devices=RTX5090,
        ),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=H100),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=RTX5090),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
