"""NVML starts with an error that has a meaning of its own."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import in_the_log, reboot
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

LOOK = "Look for NVRM and Xid lines in `sudo dmesg`, then reboot."
MEANINGS = {
    4: "This user may not open the driver's device files.",
    8: "A GPU has too little power: its power cables are not all connected.",
    10: "The kernel module did not answer in its own time.",
    11: "The kernel cannot deliver the GPU's interrupts: a setting of the BIOS, the slot, or the "
    "virtual machine.",
    14: "The GPU's own memory of settings (infoROM) is damaged.",
    15: "A GPU has fallen off the bus: power, temperature, seating or the card itself.",
    16: "A GPU waits for a reset before it can be used again.",
    17: "The operating system blocks the access: device rules (cgroup), or a file's mode.",
    19: "A GPU is in use by somebody who does not share it.",
    20: "The machine has too little memory left for the driver.",
    999: "The driver gives no reason. In a container it is nearly always the device rules, which "
    "the host's systemd renewed; elsewhere a suspend, or a driver that was replaced as it ran.",
}
"""By NVML's number, nvmlReturn_t in nvml.h."""
ELSEWHERE = (9, 18)
"""Not loaded, and a mismatch, have rules of their own."""


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    nvml = facts.value(F.DRIVER_NVML)
    if nvml is None or nvml.status != "error" or nvml.code in (None, *ELSEWHERE):
        return
    yield Match(
        subject=str(nvml.code),
        params={"code": str(nvml.code), "text": nvml.text},
        why=MEANINGS.get(nvml.code or 0),
        evidence=(facts.evidence(F.DRIVER_NVML, nvml.text), in_the_log(facts)),
        fixes=(_fix(nvml.code, facts.value(F.SYSTEM_CONTAINER)),),
    )


def _fix(code: int | None, container: str | None) -> Fix:
    if container:
        return manual("restart-container", "Start the container again; else reboot the host.")
    if code in (4, 17):
        return manual("look-at-files", "Look at whose they are:", ("ls", "-l", "/dev/nvidiactl"))
    return reboot(LOOK)


REFUSES = {"status": "error", "code": 999, "text": "Unknown Error"}
RULE = Rule(
    code="DRV118",
    slug="nvml-error",
    layer="driver",
    severity="error",
    title="The NVIDIA driver refuses to answer: {text} (NVML error {code})",
    why="Whatever asks the driver for its GPUs gets this error.",
    needs=(F.DRIVER_NVML,),
    judge=judge,
    explains=("DRV119", "GPU", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "999", driver__nvml=REFUSES),
        fires("linux-rtx4090-tf220-wheels", "4", driver__nvml={**REFUSES, "code": 4}),
        silent("linux-rtx4090-tf220-wheels", driver__nvml={**REFUSES, "code": 18}),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
