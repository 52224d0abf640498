"""What must be known before anything is installed: pure sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from envcheck.judge.kernels import first_release_for
from envcheck.matrix import Matrix, platform_key
from envcheck.matrix.specs import parse_version
from envcheck.plan.model import Demands, Plan
from envcheck.versions import ComputeCapability

First = Callable[[Demands, Matrix], Plan | None]


def remarks(
    demands: Demands, plans: Sequence[Plan], matrix: Matrix, first_plan: First
) -> tuple[str, ...]:
    if not demands.uses_gpu:
        return ()
    return (
        *_windows(demands, matrix, first_plan),
        *_mac(demands),
        *_new_card(demands, plans, matrix),
        *_old_driver(demands, plans, matrix, first_plan),
    )


def _windows(demands: Demands, matrix: Matrix, first_plan: First) -> Iterator[str]:
    if demands.os != "windows":
        return
    last = matrix.rule("R16").data["last_windows_gpu"]
    text = f"TensorFlow {last} is the last that can use a GPU on native Windows."
    other = first_plan(replace(demands, os="wsl2", tensorflow=None, python=None), matrix)
    if other is not None:
        text += f" Under WSL2 on the same machine it is {other.tensorflow}: envcheck plan --os wsl2"
    yield text


def _mac(demands: Demands) -> Iterator[str]:
    if demands.os == "macos":
        yield "No TensorFlow for macOS uses an NVIDIA GPU: plan for the CPU with --gpu none."


def _new_card(demands: Demands, plans: Sequence[Plan], matrix: Matrix) -> Iterator[str]:
    """Blackwell: releases before the first one that can are the commonest disappointment."""
    if demands.capability is None or demands.os == "windows":
        return
    capability = ComputeCapability.parse(demands.capability)
    if capability.major < 10:
        return
    first = first_release_for(matrix, capability, platform_key(demands.os, demands.arch))
    if first is None:
        yield f"No TensorFlow on the package index runs on compute capability {capability}."
        return
    yield (
        f"TensorFlow {first} is the first on the package index that runs on compute capability "
        f"{capability}: older ones end with CUDA_ERROR_INVALID_PTX. It has no machine code for "
        "this card, so the first start compiles its kernels, which takes minutes once."
    )
    if not plans:
        yield "NVIDIA's container nvcr.io/nvidia/tensorflow is built for this card."


def _old_driver(
    demands: Demands, plans: Sequence[Plan], matrix: Matrix, first_plan: First
) -> Iterator[str]:
    """A newer driver would carry a newer TensorFlow."""
    if demands.driver is None or not plans or demands.tensorflow:
        return
    other = first_plan(demands.without("driver"), matrix)
    if other is None or not _newer(other, plans[0]):
        return
    yield (
        f"Driver {demands.driver} holds you at TensorFlow {plans[0].tensorflow}: with driver "
        f"{other.least_driver} it would be {other.tensorflow}."
    )


def _newer(other: Plan, plan: Plan) -> bool:
    return parse_version(other.tensorflow).release[:2] > parse_version(plan.tensorflow).release[:2]
