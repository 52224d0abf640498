"""NVIDIA's module exists for other kernels than the one that runs."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, failing
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if "nvidia" in (facts.value(F.KERNEL_MODULES) or ()) or not failing(facts):
        return
    kernel = facts.value(F.SYSTEM_KERNEL) or ""
    others = [row.kernel for row in facts.value(F.KERNEL_BUILT) or ()]
    dkms = facts.value(F.KERNEL_DKMS) or ()
    if kernel in others or not (others or dkms):
        return
    yield Match(
        subject="nvidia",
        params={"kernel": kernel, "others": ", ".join(others) or "no kernel"},
        evidence=(
            facts.evidence(F.SYSTEM_KERNEL),
            facts.evidence(F.KERNEL_BUILT, ", ".join(others) or None),
            facts.evidence(F.KERNEL_DKMS, "; ".join(dkms) or None),
        ),
        fixes=(
            manual(
                "build-module",
                "Install the headers of this kernel{headers}, build the module for it, and "
                "load it. If the build fails, its log in /var/lib/dkms/nvidia says why: the "
                "driver may be too old for this kernel.",
                *_apt(facts, kernel),
                ("sudo", "dkms", "autoinstall"),
                ("sudo", "modprobe", "nvidia"),
                root=True,
                headers=""
                if _apt(facts, kernel)
                else f" (dnf install kernel-devel-{kernel}, or your distribution's package)",
            ),
        ),
    )


def _apt(facts: Facts, kernel: str) -> tuple[tuple[str, ...], ...]:
    system = facts.value(F.SYSTEM_DISTRIBUTION) or ""
    known = "Ubuntu" in system or "Debian" in system
    return (("sudo", "apt", "install", f"linux-headers-{kernel}"),) if known else ()


ELSEWHERE = [{"kernel": "5.15.0-89-generic", "path": "updates/dkms/nvidia.ko"}]
NOT_LOADED = {
    "driver__nvml": {"status": "error", "code": 9, "text": "Driver Not Loaded"},
    "kernel__modules": None,
}
RULE = Rule(
    code="DRV106",
    slug="module-not-built",
    layer="driver",
    severity="error",
    title="NVIDIA's kernel module was not built for the kernel that runs ({kernel})",
    why="There is one for {others}. A kernel update brings a new kernel, and each needs a module "
    "of its own.",
    needs=(F.KERNEL_MODULES, F.KERNEL_BUILT, F.DRIVER_NVML, F.SYSTEM_KERNEL),
    judge=judge,
    explains=("DRV107", *WITHOUT_GPU),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "nvidia", kernel__nvidia_built=ELSEWHERE, **NOT_LOADED),
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia",
            kernel__nvidia_built=None,
            kernel__dkms=["nvidia/535.104.05: added"],
            **NOT_LOADED,
        ),
        silent("linux-rtx4090-tf220-wheels", kernel__nvidia_built=None, **NOT_LOADED),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
