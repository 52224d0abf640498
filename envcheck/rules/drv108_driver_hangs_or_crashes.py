"""A program that asks the driver hangs or dies."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import in_the_log, reboot
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent

DEEDS = {"hung": "never answers", "crashed": "crashes"}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    nvml, cuda = facts.value(F.DRIVER_NVML), facts.value(F.DRIVER_CUDA_INIT)
    if nvml and nvml.status in DEEDS:
        deed, step = DEEDS[nvml.status], nvml.step
        evidence = facts.evidence(F.DRIVER_NVML, f"{nvml.step}: {nvml.text}")
    elif cuda and cuda.status in DEEDS:
        deed, step = DEEDS[cuda.status], "cuInit"
        evidence = facts.evidence(F.DRIVER_CUDA_INIT, cuda.status)
    else:
        return
    yield Match(
        subject=step,
        params={"deed": deed, "step": step},
        evidence=(evidence, in_the_log(facts)),
        fixes=(
            reboot(
                "Look for NVRM and Xid lines in `sudo dmesg`, then reboot. If it comes back, the "
                "GPU named there, its slot or its power supply needs care."
            ),
        ),
    )


RULE = Rule(
    code="DRV108",
    slug="driver-hangs-or-crashes",
    layer="driver",
    severity="error",
    title="The NVIDIA driver {deed} when it is asked ({step})",
    why="The kernel module waits for a card that does not answer, or it is broken. Every program "
    "that opens the GPU meets the same, TensorFlow too.",
    needs=(F.DRIVER_NVML,),
    judge=judge,
    explains=("DRV119", "GPU", "SMK102", "SMK103", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvmlInit",
            driver__nvml={"status": "hung", "text": "did not answer in 10 s", "step": "nvmlInit"},
        ),
        fires("linux-rtx4090-tf220-wheels", "cuInit", driver__cuda_init={"status": "crashed"}),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
