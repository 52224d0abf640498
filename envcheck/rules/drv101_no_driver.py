"""An NVIDIA GPU is here, and no driver answers for it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import install_driver, nvml_said
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, not_applicable
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

ON_WSL = (
    "Under WSL2 the driver comes from Windows (/usr/lib/wsl/lib/libcuda.so.1); it does not answer "
    "here, so TensorFlow runs on the CPU."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    hardware = facts.value(F.GPU_HARDWARE)
    if hardware is None or facts.value(F.DRIVER_RELEASE) is not None:
        return
    if facts.value(F.SYSTEM_CONTAINER) is not None:
        return  # DRV109
    cuda = facts.value(F.DRIVER_CUDA_INIT)
    if cuda is not None and cuda.status == "ok":
        return  # a Jetson's driver has neither NVML nor /proc/driver/nvidia
    wsl = facts.value(F.SYSTEM_OS) == "wsl2"
    yield Match(
        subject="driver",
        params={"hardware": ", ".join(hardware)},
        why=ON_WSL if wsl else None,
        evidence=(
            facts.evidence(F.GPU_HARDWARE, ", ".join(hardware)),
            nvml_said(facts),
            facts.evidence(F.DRIVER_KERNEL_MODULE),
        ),
        fixes=(_fix(facts, wsl),),
    )


def _fix(facts: Facts, wsl: bool) -> Fix:
    if wsl:
        note = "Update the NVIDIA driver in Windows, run this there, and install none inside WSL."
        return manual("update-windows-driver", note, ("wsl.exe", "--shutdown"))
    return install_driver(facts)


RULE = Rule(
    code="DRV101",
    slug="no-driver",
    layer="driver",
    severity="error",
    title="There is an NVIDIA GPU, but no driver answers for it",
    why="Without the driver no CUDA program can open the GPU, so TensorFlow runs on the CPU.",
    needs=(F.GPU_HARDWARE, F.DRIVER_RELEASE, F.SYSTEM_OS, F.SYSTEM_CONTAINER),
    judge=judge,
    explains=(
        "DRV118",
        "DRV119",
        "GPU",
        "SMK201",
        "SMK202",
        "POL101 driver",
        "POL101 gpu",
        "POL101 compute-capability",
    ),
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "driver",
            driver__release=None,
            driver__kernel_module=None,
            driver__nvml={"status": "not-found"},
            driver__cuda_init=None,
            gpu__devices=None,
        ),
        fires(
            "linux-rtx3080-tf29-cuda116",
            "driver",
            system__os="wsl2",
            gpu__hardware=["/dev/dxg"],
            driver__release=None,
            driver__kernel_module=not_applicable("the kernel module is that of Windows"),
            driver__cuda_init=None,
            gpu__devices=None,
        ),
        silent("linux-rtx3080-tf29-cuda116", system__container="docker", driver__release=None),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-none-tf221"),
    ),
)
