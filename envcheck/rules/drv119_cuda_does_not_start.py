"""CUDA's first call fails: what TensorFlow prints as "failed call to cuInit"."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import cuda_code, reboot
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

MEANINGS = {
    3: "The driver could not be initialised.",
    34: "The libcuda that the loader finds is a stub, made for linking only.",
    46: "Every GPU is taken by somebody who does not share it.",
    100: "CUDA sees no GPU, though the driver runs: they are hidden, or none can be used.",
    304: "The operating system refused a device file: a mode, device rules, or a missing file.",
    802: "The machine's GPUs are joined by NVSwitch, and its fabric manager is not ready.",
    803: "The libcuda that the loader finds is of another release than the kernel module.",
    999: "The module nvidia_uvm is in a bad state, as after a suspend, or its device file is "
    "missing.",
}
"""By CUDA's number, CUresult in cuda.h."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    answer, code = facts.value(F.DRIVER_CUDA_INIT), cuda_code(facts)
    if answer is None or code is None:
        return
    nvml = facts.value(F.DRIVER_NVML)
    if code == 100 and not facts.value(F.GPU_DEVICES) and nvml and nvml.status == "ok":
        return  # the driver counts none either
    yield Match(
        subject="cuInit",
        params={"error": f"{answer.name or 'error'} ({code})"},
        why=MEANINGS.get(code),
        evidence=(facts.evidence(F.DRIVER_CUDA_INIT, f"{answer.name} ({code})"),),
        fixes=(_fix(code),),
    )


def _fix(code: int) -> Fix:
    if code == 34:
        note = "Take the folder `stubs` out of LD_LIBRARY_PATH."
        return manual("leave-out-stubs", note)
    if code == 999:
        steps = (("sudo", "modprobe", "-r", "nvidia_uvm"), ("sudo", "modprobe", "nvidia_uvm"))
        note = "Load the module nvidia_uvm anew, with no CUDA program running; else reboot."
        return manual("reload-uvm", note, *steps, root=True)
    return reboot("Reboot; if it comes back, look for NVRM lines in `sudo dmesg`.")


FAILS = {"status": "error", "code": 999, "name": "CUDA_ERROR_UNKNOWN"}
RULE = Rule(
    code="DRV119",
    slug="cuda-does-not-start",
    layer="driver",
    severity="error",
    title="CUDA does not start: cuInit answers {error}",
    why="TensorFlow makes the same call when it looks for GPUs, and lists none.",
    needs=(F.DRIVER_CUDA_INIT, F.DRIVER_NVML),
    judge=judge,
    explains=(
        "SMK201",
        "SMK202",
    ),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "cuInit", driver__cuda_init=FAILS),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
