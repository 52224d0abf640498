"""A card is on the PCI bus and the driver does not list it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

RESERVED = "The kernel driver {holder} holds it, for a virtual machine or a program of its own."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    nvml = facts.value(F.DRIVER_NVML)
    hardware, devices = facts.value(F.GPU_HARDWARE), facts.value(F.GPU_DEVICES) or ()
    # A container is given some of the host's cards on purpose.
    if nvml is None or nvml.status != "ok" or not hardware:
        return
    if facts.value(F.SYSTEM_OS) != "linux" or facts.value(F.SYSTEM_CONTAINER) is not None:
        return
    addresses = [_short(device.bus_id) for device in devices]
    if None in addresses:
        return
    held = facts.value(F.GPU_BOUND) or {}
    for address in hardware:
        if _short(address) in addresses:
            continue
        holder = held.get(address, "none")
        reserved = holder not in ("nvidia", "none")
        yield Match(
            subject=address,
            params={"address": address, "holder": holder},
            why=RESERVED if reserved else None,
            severity="error" if not devices else "info" if reserved else None,
            evidence=(
                facts.evidence(F.GPU_HARDWARE, address),
                facts.evidence(F.GPU_BOUND, holder),
                facts.evidence(F.GPU_DEVICES, f"{len(devices)} GPUs"),
            ),
            fixes=(_fix(address, reserved),),
        )


def _short(address: str | None) -> str | None:
    """NVML writes the domain with eight digits, the kernel with four."""
    return address[-len("0000:00:00.0") :].lower() if address else None


def _fix(address: str, reserved: bool) -> Fix:
    if reserved:
        note = "If it is meant for this machine, take it away from that driver:"
        return manual("unbind", note, ("lspci", "-nnk", "-s", address))
    note = "Look for what the driver says of it: too old for this card, or too new, or no answer."
    return manual("read-log", note, ("sudo", "dmesg"), root=True)


TWO = ["0000:01:00.0", "0000:02:00.0"]
ONE = [{"index": 0, "name": "NVIDIA GeForce RTX 4090", "bus_id": "00000000:01:00.0"}]
RULE = Rule(
    code="GPU105",
    slug="gpu-not-listed",
    layer="gpu",
    severity="warning",
    title="The driver does not list the card at {address}",
    why="It is on the PCI bus, but the driver could not start it, or does not support it.",
    needs=(F.GPU_HARDWARE, F.GPU_DEVICES, F.DRIVER_NVML),
    judge=judge,
    explains=("DRV119", "SMK201", "SMK202"),
    cases=(
        fires("linux-rtx4090-tf220-wheels", TWO[1], gpu__hardware=TWO, gpu__devices=ONE),
        fires("linux-rtx4090-tf220-wheels", TWO[0], gpu__hardware=TWO[:1], gpu__devices=None),
        silent("linux-rtx4090-tf220-wheels", gpu__devices=ONE),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
