"""The kernel drives the card with nouveau, so NVIDIA's driver cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, failing, install_driver, nvml_said
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

OPEN_DRIVERS = ("nouveau", "nova_core")


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    modules = facts.value(F.KERNEL_MODULES) or ()
    name = next((name for name in OPEN_DRIVERS if name in modules), None)
    if name is None or "nvidia" in modules or not failing(facts):
        return
    yield Match(
        subject=name,
        params={"name": name},
        evidence=(facts.evidence(F.KERNEL_MODULES, name), nvml_said(facts)),
        fixes=(_fix(facts, name),),
    )


def _fix(facts: Facts, name: str) -> Fix:
    if not (facts.value(F.KERNEL_BUILT) or facts.value(F.KERNEL_DKMS)):
        note = "Install NVIDIA's driver as your distribution packages it: that keeps {name} from "
        note += "being loaded. Then reboot."
        return replace(install_driver(facts, note), params={"name": name})
    return manual(
        "blacklist-nouveau",
        "NVIDIA's driver is installed: write `blacklist {name}` into a file in /etc/modprobe.d, "
        "make the initramfs anew (`sudo update-initramfs -u` or `sudo dracut --force`), then "
        "reboot.",
        ("sudo", "reboot"),
        root=True,
        name=name,
    )


RULE = Rule(
    code="DRV104",
    slug="nouveau-in-use",
    layer="driver",
    severity="error",
    title="The open driver {name} holds the card, so NVIDIA's driver cannot",
    why="CUDA works with NVIDIA's kernel module only, and a card has one driver at a time.",
    needs=(F.KERNEL_MODULES, F.DRIVER_NVML),
    judge=judge,
    explains=("DRV105", "DRV106", "DRV107", *WITHOUT_GPU),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "nouveau",
            kernel__modules=["nouveau"],
            driver__nvml={"status": "error", "code": 9, "text": "Driver Not Loaded"},
        ),
        silent("linux-rtx4090-tf220-wheels", kernel__modules=["nouveau"]),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
