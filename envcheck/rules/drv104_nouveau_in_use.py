"""The kernel drives the card with nouveau, so NVIDIA's driver cannot."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, failing
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
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
        evidence=(facts.evidence(F.KERNEL_MODULES), facts.evidence(F.DRIVER_NVML)),
        fixes=(
            manual(
                "blacklist-nouveau",
                "Install NVIDIA's driver as your distribution packages it: that keeps {name} from "
                "being loaded. If it is installed already, write `blacklist {name}` into a file "
                "in /etc/modprobe.d, make the initramfs anew (`update-initramfs -u` or "
                "`dracut --force`), then reboot.",
                ("sudo", "reboot"),
                root=True,
                name=name,
            ),
        ),
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
