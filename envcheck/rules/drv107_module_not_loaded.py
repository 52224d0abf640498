"""NVIDIA's module is built for this kernel, and it is not loaded."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, failing, in_the_log, modprobe
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if "nvidia" in (facts.value(F.KERNEL_MODULES) or ()) or not failing(facts):
        return
    kernel = facts.value(F.SYSTEM_KERNEL)
    here = [row.path for row in facts.value(F.KERNEL_BUILT) or () if row.kernel == kernel]
    if not here:
        return
    log = facts.value(F.KERNEL_LOG) or ()
    said = next((line.text for line in reversed(log) if line.kind == "other"), None)
    yield Match(
        subject="nvidia",
        params={"kernel": kernel or ""},
        evidence=(
            facts.evidence(F.KERNEL_MODULES),
            facts.evidence(F.KERNEL_BUILT, here[0]),
            in_the_log(facts, said),
        ),
        fixes=(
            modprobe(
                "Load it. If that fails, its error and the NVRM lines of `sudo dmesg` say why: a "
                "card that this driver does not support any more, or a file in /etc/modprobe.d "
                "that forbids it.",
                "nvidia",
            ),
        ),
    )


NOT_LOADED = {
    "driver__nvml": {"status": "error", "code": 9, "text": "Driver Not Loaded"},
    "kernel__modules": None,
    "kernel__nvidia_built": [{"kernel": "5.15.0-91-generic", "path": "updates/dkms/nvidia.ko"}],
}
RULE = Rule(
    code="DRV107",
    slug="module-not-loaded",
    layer="driver",
    severity="error",
    title="NVIDIA's kernel module is installed for this kernel, and it is not loaded",
    why="Without the module nothing can open the card. It is there for {kernel}.",
    needs=(F.KERNEL_MODULES, F.KERNEL_BUILT, F.DRIVER_NVML, F.SYSTEM_KERNEL),
    judge=judge,
    explains=WITHOUT_GPU,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "nvidia", **NOT_LOADED),
        silent("linux-rtx4090-tf220-wheels", **{**NOT_LOADED, "kernel__nvidia_built": None}),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
