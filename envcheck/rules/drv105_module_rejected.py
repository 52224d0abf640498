"""Secure Boot keeps the kernel from loading NVIDIA's module."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, failing, in_the_log
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match, unknown
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

KEYS = {"Ubuntu": "/var/lib/shim-signed/mok/MOK.der", "Debian": "/var/lib/dkms/mok.pub"}
"""Where the distribution keeps the key that DKMS signs with."""
ANYWHERE = "/var/lib/dkms/mok.pub"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if "nvidia" in (facts.value(F.KERNEL_MODULES) or ()) or not failing(facts):
        return
    log = facts.value(F.KERNEL_LOG) or ()
    said = next((line.text for line in log if line.kind == "key-rejected"), None)
    kernel = facts.value(F.SYSTEM_KERNEL)
    rows = facts.value(F.KERNEL_BUILT) or ()
    built = next((row.path for row in rows if row.kernel == kernel), None)
    if said is None and not (built and facts.value(F.SECURE_BOOT)):
        return
    system = facts.value(F.SYSTEM_DISTRIBUTION) or ""
    key = next((path for name, path in KEYS.items() if name in system), ANYWHERE)
    yield Match(
        subject="nvidia",
        params={"kernel": kernel or ""},
        confidence="certain" if said else "likely",
        evidence=(
            facts.evidence(F.SECURE_BOOT),
            facts.evidence(F.KERNEL_BUILT, built),
            in_the_log(facts, said),
        ),
        fixes=(
            manual(
                "enrol-key",
                "Enrol the key that the module is signed with, reboot, and confirm it at the blue "
                "MOK screen (it needs the keyboard of the machine). Or switch Secure Boot off in "
                "the firmware.",
                ("sudo", "mokutil", "--import", key),
                ("sudo", "reboot"),
                root=True,
            ),
        ),
    )


BUILT = [{"kernel": "5.15.0-91-generic", "path": "updates/dkms/nvidia.ko"}]
NOT_LOADED = {
    "driver__nvml": {"status": "error", "code": 9, "text": "Driver Not Loaded"},
    "kernel__modules": None,
    "kernel__nvidia_built": BUILT,
}
REJECTED = [{"kind": "key-rejected", "text": "nvidia: Key was rejected by service"}]
RULE = Rule(
    code="DRV105",
    slug="module-rejected",
    layer="driver",
    severity="error",
    title="Secure Boot refuses NVIDIA's kernel module: its signing key is not enrolled",
    why="The module is built for the kernel {kernel}, but the firmware does not know the key that "
    "it is signed with, so the kernel does not load it. It looks like a missing driver.",
    needs=(F.KERNEL_MODULES, F.KERNEL_BUILT, F.SECURE_BOOT, F.DRIVER_NVML),
    judge=judge,
    explains=("DRV106", "DRV107", *WITHOUT_GPU),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia",
            system__secure_boot=True,
            kernel__log=unknown("the kernel's log is not readable"),
            **NOT_LOADED,
        ),
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia",
            system__secure_boot=True,
            kernel__log=REJECTED,
            **NOT_LOADED,
        ),
        silent("linux-rtx4090-tf220-wheels", system__secure_boot=False, **NOT_LOADED),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
