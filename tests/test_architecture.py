"""Six GPUs against the releases of TensorFlow, judged by the rules on one synthetic machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from envcheck.matrix import Matrix
from envcheck.model import Facts
from envcheck.rules import discover

GPUS = {
    "Tesla K80": "3.7",
    "NVIDIA GeForce GTX 1080": "6.1",
    "NVIDIA GeForce RTX 4090": "8.9",
    "NVIDIA GeForce RTX 5090": "12.0",
    "NVIDIA H100 80GB HBM3": "9.0",
    "NVIDIA B200": "10.0",
}
CODES = ("GPU201", "GPU202", "GPU203", "DNN103")
RULES = [rule for rule in discover() if rule.code in CODES]
# One column per GPU, in their order. "-": it runs; "jit": it runs, and everything is compiled
# first; "no": there is no code for it. The CUDA and cuDNN are those that TensorFlow was built with.
RELEASES = {
    #          CUDA    cuDNN      K80   1080  4090  5090  H100  B200
    "2.4.4": ("11.0", "8.0.4", "-    -     -     no    jit   no"),
    "2.6.5": ("11.2", "8.1.0", "-    -     -     no    jit   no"),
    "2.9.3": ("11.2", "8.1.0", "-    -     -     no    jit   no"),
    "2.11.1": ("11.2", "8.1.0", "-    -     -     no    jit   no"),
    "2.13.1": ("11.8", "8.6.0", "-    -     -     no    jit   no"),
    "2.14.1": ("11.8", "8.6.0", "-    -     -     no    jit   no"),
    "2.15.1": ("12.2", "8.9.4", "no   -     -     no    jit   no"),
    "2.16.2": ("12.3", "8.9.6", "no   -     -     no    -     no"),
    "2.17.1": ("12.3", "8.9.6", "no   -     -     no    -     no"),
    "2.18.1": ("12.5", "9.3.0", "no   -     -     no    -     no"),
    "2.20.0": ("12.5", "9.3.0", "no   -     -     no    -     no"),
    "2.21.0": ("12.9", "9.8.0", "no   -     -     jit   -     jit"),
}


def found(
    machine: Callable[..., Facts], matrix: Matrix, edits: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """Code to the subjects of the findings on the healthy machine with these edits."""
    facts = machine("linux-rtx4090-tf220-wheels", edits)
    answers = {
        rule.code: tuple(match.subject for match in rule.judge(facts, matrix)) for rule in RULES
    }
    return {code: subjects for code, subjects in answers.items() if subjects}


def stack(tensorflow: str, cuda: str, cudnn: str, gpu: str, capability: str) -> dict[str, Any]:
    def library(name: str, version: str) -> dict[str, Any]:
        path = f"/v/nvidia/{name}/lib/lib{name}.so"
        return {
            "name": name,
            "soname": f"lib{name}.so",
            "found": [{"path": path, "via": "RUNPATH", "version": version, "component": name}],
        }

    return {
        "tensorflow.version": tensorflow,
        "tensorflow.cuda_built_for": cuda,
        "gpu.devices": [{"index": 0, "name": gpu, "compute_capability": capability}],
        "loader.libraries": [library("cudart", f"{cuda}.1"), library("cudnn", cudnn)],
    }


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("tensorflow", RELEASES)
def test_gpu(machine: Callable[..., Facts], matrix: Matrix, tensorflow: str, gpu: str) -> None:
    cuda, cudnn, row = RELEASES[tensorflow]
    word = dict(zip(GPUS, row.split(), strict=True))[gpu]
    codes = found(machine, matrix, stack(tensorflow, cuda, cudnn, gpu, GPUS[gpu]))
    # What the libraries lack follows from what TensorFlow lacks, and is folded under it.
    first = {code: codes[code] for code in ("GPU201", "GPU202") if code in codes}
    assert first == {"-": {}, "jit": {"GPU202": (gpu,)}, "no": {"GPU201": (gpu,)}}[word]
    if word != "no":
        assert codes == ({} if word == "-" else {"GPU202": (gpu,)} | HOPPER.get(tensorflow, {}))


EARLY = ("2.4.4", "2.6.5", "2.9.3", "2.11.1")
HOPPER = {tensorflow: {"DNN103": ("NVIDIA H100 80GB HBM3",)} for tensorflow in EARLY}
"""cuDNN has code for it from 8.6 on only (R9)."""


@pytest.mark.parametrize(
    ("edits", "codes"),
    [
        # cuDNN 9.11 dropped what is below 7.5; TensorFlow's own code goes down to 6.0.
        (("2.20.0", "12.5", "9.28.0", "Tesla V100-SXM2-16GB", "7.0"), ["DNN103"]),
        (("2.20.0", "12.5", "9.10.2", "Tesla V100-SXM2-16GB", "7.0"), []),
        (("2.20.0", "12.5", "9.28.0", "NVIDIA GeForce GTX 1080", "6.1"), ["DNN103"]),
        (("2.20.0", "12.5", "9.28.0", "Tesla T4", "7.5"), []),
        # Blackwell wants CUDA 12.8 and cuDNN 9.7 beside a TensorFlow that has PTX for it.
        (("2.21.0", "12.5", "9.3.0", "NVIDIA B200", "10.0"), ["DNN103", "GPU202", "GPU203"]),
        (("2.21.0", "12.5", "9.8.0", "NVIDIA B200", "10.0"), ["GPU202", "GPU203"]),
        (("2.21.0", "12.8", "9.7.0", "NVIDIA B200", "10.0"), ["GPU202"]),
        # Kepler: the cuDNN of CUDA 11 dropped it before TensorFlow did.
        (("2.14.1", "11.8", "8.9.6", "Tesla K80", "3.7"), ["DNN103"]),
        (("2.14.1", "11.8", "8.6.0", "Tesla K80", "3.7"), []),
    ],
    ids=str,
)
def test_what_the_libraries_support(
    machine: Callable[..., Facts],
    matrix: Matrix,
    edits: tuple[str, str, str, str, str],
    codes: list[str],
) -> None:
    assert sorted(found(machine, matrix, stack(*edits))) == codes


def test_two_cards_of_one_kind_are_one_finding(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    cards = [
        {"index": index, "name": name, "compute_capability": capability}
        for index, (name, capability) in enumerate([("Tesla K80", "3.7")] * 2 + [("T4", "7.5")])
    ]
    answers = found(machine, matrix, {"gpu.devices": cards})
    assert answers["GPU201"] == ("Tesla K80",)
