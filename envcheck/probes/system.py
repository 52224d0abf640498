"""The machine: operating system, architecture, container, NVIDIA hardware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envcheck.model import Fact, absent, known, not_applicable, unknown

if TYPE_CHECKING:
    from envcheck.probes.source import Source

DISPLAY_CLASSES = ("0x0300", "0x0302", "0x1200")
"""PCI classes of NVIDIA's GPUs: VGA controller, 3D controller, processing accelerator."""


def collect(source: Source) -> dict[str, Fact]:
    facts = {
        "system.arch": known(source.machine, "uname -m"),
        "gpu.visible_devices": _environment(source, "CUDA_VISIBLE_DEVICES"),
    }
    if source.platform != "linux":
        name = {"win32": "windows", "darwin": "macos"}.get(source.platform, source.platform)
        reason = f"not looked up on {name}"
        facts["system.os"] = known(name, "sys.platform")
        if name == "macos":
            facts["gpu.hardware"] = not_applicable("no Mac has an NVIDIA GPU that CUDA supports")
        for key in ("distribution", "kernel", "container"):
            facts[f"system.{key}"] = not_applicable(reason)
        return facts
    kernel = _read(source, "/proc/sys/kernel/osrelease")
    facts["system.kernel"] = kernel
    facts["system.os"] = known(parse_linux_flavour(str(kernel.value or "")), kernel.source)
    release = _read(source, "/etc/os-release")
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', str(release.value or ""), re.M)
    facts["system.distribution"] = (
        known(pretty[1], release.source) if pretty else absent("/etc/os-release")
    )
    facts["system.container"] = _container(source)
    facts["gpu.hardware"] = _hardware(source)
    return facts


def parse_linux_flavour(kernel: str) -> str:
    """linux, or the WSL generation, from the kernel's release."""
    if "microsoft-standard" in kernel or "WSL2" in kernel:
        return "wsl2"
    return "wsl1" if "Microsoft" in kernel else "linux"


def _environment(source: Source, name: str) -> Fact:
    if name in source.env:
        return known(source.env[name], f"environment variable {name}")
    return absent(f"environment variable {name}")


def _read(source: Source, path: str) -> Fact:
    try:
        return known(source.read(path).strip(), path)
    except FileNotFoundError:
        return absent(path)
    except OSError as error:
        return unknown(error.strerror or str(error), path)


def _container(source: Source) -> Fact:
    for path, name in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if source.exists(path):
            return known(name, path)
    if "KUBERNETES_SERVICE_HOST" in source.env:
        return known("kubernetes", "environment variable KUBERNETES_SERVICE_HOST")
    if source.env.get("container"):
        return known(source.env["container"], "environment variable container")
    return absent("/.dockerenv, /run/.containerenv, environment variable container")


def _hardware(source: Source) -> Fact:
    if source.exists("/dev/dxg"):
        return known(["/dev/dxg"], "/dev/dxg")
    where = "/sys/bus/pci/devices"
    try:
        if not source.exists("/sys/bus"):
            return unknown("the PCI bus cannot be listed: /sys is not mounted", where)
        vendors = source.glob(f"{where}/*/vendor")
    except OSError as error:
        return unknown(error.strerror or str(error), where)
    found = []
    for path in vendors:
        folder = path.rsplit("/", 1)[0]
        vendor, kind = _read(source, path), _read(source, f"{folder}/class")
        if vendor.value == "0x10de" and str(kind.value).startswith(DISPLAY_CLASSES):
            found.append(folder.rsplit("/", 1)[1])
    return known(found, where) if found else absent(where)
