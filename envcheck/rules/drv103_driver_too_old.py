"""The driver does not support the CUDA that this TensorFlow was built with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refusals, refused, stack_of
from envcheck.devices import update_driver
from envcheck.judge import Reason
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match, not_applicable
from envcheck.rules import Rule, fires, silent
from envcheck.versions import ComputeCapability


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    reasons = [*refusals(facts, matrix, "driver"), *_for_the_cards(facts, matrix)]
    for reason in reasons[:1]:
        wanted = (reason.wanted or "").lstrip(">=")
        if _leaves_cards_behind(facts, matrix, wanted):
            return  # GPU201: another TensorFlow for the card and this driver
        yield Match(
            subject="driver",
            params={
                "driver": str(facts.value(F.DRIVER_RELEASE)),
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "reason": reason.text,
            },
            confidence="likely" if reason.rule == "R10" else "certain",
            evidence=(facts.evidence(F.DRIVER_RELEASE), facts.evidence(F.TF_CUDA)),
            rows=reason.source,
            fixes=(update_driver(facts, wanted),),
        )


def _capabilities(facts: Facts) -> list[ComputeCapability]:
    devices = facts.value(F.GPU_DEVICES) or ()
    return sorted({row.compute_capability for row in devices if row.compute_capability})


def _for_the_cards(facts: Facts, matrix: Matrix) -> Iterator[Reason]:
    """Where this TensorFlow has only PTX for a card, the driver must know that PTX (R10). Derived
    from the wheel's images: a training on the GPU is the better witness."""
    smoke = facts.value(F.SMOKE)
    if smoke and smoke.learned and "GPU" in smoke.place:
        return
    for capability in _capabilities(facts):
        stack = replace(stack_of(facts), compute_capability=capability)
        if not refused(stack, matrix, "gpu"):
            yield from (row for row in refused(stack, matrix, "driver") if row.rule == "R10")


def _leaves_cards_behind(facts: Facts, matrix: Matrix, wanted: str) -> bool:
    """Whether no driver that is new enough drives any of these cards (R5), and this TensorFlow has
    no code for them anyway."""
    cards = _capabilities(facts)
    stack = replace(stack_of(facts), driver=wanted)
    stacks = [replace(stack, compute_capability=capability) for capability in cards]
    return bool(stacks) and all(
        refused(row, matrix, "gpu")
        and any(reason.rule == "R5" for reason in refused(row, matrix, "driver"))
        for row in stacks
    )


K80 = [{"index": 0, "name": "Tesla K80", "compute_capability": "3.7"}]
H100 = [{"index": 0, "name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0"}]
RULE = Rule(
    code="DRV103",
    slug="driver-too-old",
    layer="driver",
    severity="error",
    title="The NVIDIA driver {driver} is too old for TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.DRIVER_RELEASE, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA, F.SYSTEM_OS),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "driver", driver__release="470.82.01"),
        fires("linux-rtx3080-tf29-cuda116", "driver", driver__release="440.33.01"),
        fires(
            "linux-rtx4090-tf220-wheels",
            "driver",
            driver__release="535.104.05",
            gpu__devices=H100,
            smoke__result=not_applicable("left out by --no-smoke"),
        ),
        # It trained there.
        silent("linux-rtx4090-tf220-wheels", driver__release="535.104.05", gpu__devices=H100),
        # No newer driver drives a Kepler.
        silent("linux-rtx4090-tf220-wheels", driver__release="470.82.01", gpu__devices=K80),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116", driver__release="610.12"),
        silent("linux-rtx3080-tf29-cuda116", driver__release=None),
    ),
)
