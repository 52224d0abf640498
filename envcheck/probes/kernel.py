"""Why the driver does not answer, as far as the kernel knows: modules, Secure Boot, its log.

Nothing here is looked at, and no child is started, unless a card of NVIDIA is there and its driver
or one of its GPUs shows an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, absent, known, not_applicable, unknown

if TYPE_CHECKING:
    from envcheck.probes.source import Completed, Source

MODULES = ("nouveau", "nova_core", "nvidia", "nvidia_uvm")
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""Four bytes of attributes, then one that is 1 where it is on (UEFI specification, 3.3)."""
DEADLINE = 5.0
NAMES = ("kernel.modules", "kernel.nvidia_built", "kernel.dkms", "system.secure_boot")
XID = re.compile(r"NVRM: (?:\S+ )?Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+)")
KEY_REJECTED = re.compile(
    r"nvidia.*(key was rejected|required key not available)|"
    r"loading of (unsigned|module with unavailable key).* is rejected",
    re.I,
)
WORTH = re.compile(r"NVRM: (?!loading NVIDIA|Xid)|nvidia: disagrees about version", re.I)
MOST = 20
"""Lines that are kept; the last ones."""


def collect(source: Source, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """``facts`` are those of system and driver."""
    reason = _needless(source, facts)
    if reason:
        return dict.fromkeys((*NAMES, "kernel.log"), not_applicable(reason))
    nvml = facts["driver.nvml"]
    works = _is_ok(nvml)
    if works and not _shows_errors(facts["gpu.devices"]):
        silent = not_applicable("the driver and every GPU answer without an error")
        return dict.fromkeys((*NAMES, "kernel.log"), silent)
    if facts["driver.kernel_module"].state == "absent" and _is_ok(facts["driver.cuda_init"]):
        silent = not_applicable("CUDA starts, as on a Jetson, whose driver has no NVML")
        return dict.fromkeys((*NAMES, "kernel.log"), silent)
    log = _log(source)
    if works:
        answers = not_applicable("the driver answers")
        return {**dict.fromkeys(NAMES, answers), "kernel.log": log}
    kernel = str(facts["system.kernel"].value or "")
    built = _built(source)
    return {
        "kernel.modules": _loaded(source),
        "kernel.nvidia_built": built,
        "kernel.dkms": _dkms(source, kernel, built),
        "system.secure_boot": _secure_boot(source),
        "kernel.log": log,
    }


def _needless(source: Source, facts: Mapping[str, Fact]) -> str | None:
    if source.platform != "linux" or facts["system.os"].value != "linux":
        return "the kernel's part of the driver is not Linux's here"
    if facts["system.container"].state == "known":
        return "the kernel is the host's, and a container sees little of it"
    if facts["gpu.hardware"].state == "known":
        return None
    if facts["driver.kernel_module"].state == "known":
        return None
    return "there is no card of NVIDIA"


def _is_ok(answer: Fact) -> bool:
    return answer.state == "known" and answer.value.get("status") == "ok"


def _shows_errors(devices: Fact) -> bool:
    """Whether a GPU's own words make the kernel's log worth reading."""
    signs = ("error", "ecc_uncorrected", "remap_pending", "remap_failed", "recovery_action")
    if devices.state != "known":
        return devices.state == "unknown"
    return any(row.get(sign) for row in devices.value for sign in signs)


def _loaded(source: Source) -> Fact:
    path = "/proc/modules"
    try:
        text = source.read(path)
    except OSError as error:
        return unknown(error.strerror or str(error), path)
    names = {line.split(" ", 1)[0] for line in text.splitlines()}
    found = [name for name in MODULES if name in names]
    return known(found, path) if found else absent(path)


def _built(source: Source) -> Fact:
    """modules.dep lists every module that modprobe can load for a kernel."""
    where, rows = "/lib/modules/*/modules.dep", []
    try:
        for path in source.glob(where):
            found = re.search(r"^(\S*/nvidia(?:-current)?\.ko\S*):", source.read(path), re.M)
            if found:
                rows.append({"kernel": path.split("/")[3], "path": found[1]})
    except OSError as error:
        return unknown(error.strerror or str(error), where)
    return known(rows, where) if rows else absent(where)


def _dkms(source: Source, kernel: str, built: Fact) -> Fact:
    """Asked where this kernel has no module: dkms then knows whether one was ever made."""
    if any(row["kernel"] == kernel for row in built.value or ()):
        return not_applicable("this kernel has an NVIDIA module")
    if not source.glob("/var/lib/dkms/nvidia*"):
        return absent("/var/lib/dkms/nvidia*")
    completed = source.spawn("dkms", ["dkms", "status"], DEADLINE).result()
    if not completed.ok:
        return unknown(f"`dkms status` {completed.describe()}", "dkms status")
    lines = [line.strip() for line in completed.stdout.splitlines() if line.startswith("nvidia")]
    return known(lines, "dkms status") if lines else absent("dkms status")


def _secure_boot(source: Source) -> Fact:
    """The firmware's own variable, else mokutil."""
    try:
        if not source.exists("/sys/firmware/efi"):
            return known(False, "/sys/firmware/efi is not there: no UEFI")
        return known(source.read(SECURE_BOOT)[4:5] == "\x01", SECURE_BOOT)
    except OSError:
        completed = source.spawn("mokutil", ["mokutil", "--sb-state"], DEADLINE).result()
        return parse_mokutil(completed)


def parse_mokutil(completed: Completed) -> Fact:
    where = "mokutil --sb-state"
    said = re.search(r"SecureBoot (enabled|disabled)", completed.stdout)
    if said:
        return known(said[1] == "enabled", where)
    if "doesn't support Secure Boot" in completed.stdout + completed.stderr:
        return known(False, where)
    return unknown(f"`{where}` {completed.describe()}", where)


def _log(source: Source) -> Fact:
    """The kernel's log by dmesg, else by journalctl: many systems let only root read it."""
    said = []
    for name, argv in (
        ("dmesg", ["dmesg"]),
        ("journalctl", ["journalctl", "--dmesg", "--boot", "--no-pager", "--output=cat"]),
    ):
        completed = source.spawn(name, argv, DEADLINE).result()
        # journalctl ends well for a user who may see nothing of the kernel's.
        if completed.ok and completed.stdout.strip():
            rows = parse_log(completed.stdout)
            return known(rows, name) if rows else absent(name)
        tail = completed.stderr.strip().splitlines()[-1:] or [completed.describe()]
        said.append(f"{name}: {tail[0][:200]}")
    return unknown(f"the kernel's log is not readable ({'; '.join(said)})", "dmesg, journalctl")


def parse_log(text: str) -> list[dict[str, Any]]:
    """What the kernel said of NVIDIA: Xid reports, refused modules, other complaints."""
    rows: list[dict[str, Any]] = []
    for line in text.splitlines():
        xid = XID.search(line)
        if xid:
            row = {"kind": "xid", "code": int(xid[2]), "bus_id": xid[1], "text": line.strip()}
        elif KEY_REJECTED.search(line):
            row = {"kind": "key-rejected", "text": line.strip()}
        elif WORTH.search(line):
            row = {"kind": "other", "text": line.strip()}
        else:
            continue
        rows.append(row)
    # An error that repeats must not push the others out.
    seen = {(row["kind"], row.get("code"), row.get("bus_id")): row for row in rows}
    return list(seen.values())[-MOST:]
