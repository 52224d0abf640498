"""The machine: operating system, architecture, container, NVIDIA hardware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envcheck.model import Fact, absent, known, not_applicable, unknown

if TYPE_CHECKING:
    from envcheck.probes.source import Source

DISPLAY_CLASSES = ("0x0300", "0x0302", "0x1200")
"""PCI classes of NVIDIA's GPUs: VGA controller, 3D controller, processing accelerator."""

TEGRA = "/dev/nvhost-gpu"
"""The GPU of a Jetson, which is on no PCI bus."""


def collect(source: Source) -> dict[str, Fact]:
    facts = {
        "system.arch": known(source.machine, "uname -m"),
        "gpu.visible_devices": _environment(source, "CUDA_VISIBLE_DEVICES"),
        "gpu.container_devices": _environment(source, "NVIDIA_VISIBLE_DEVICES"),
        "gpu.container_capabilities": _environment(source, "NVIDIA_DRIVER_CAPABILITIES"),
    }
    if source.platform != "linux":
        name = {"win32": "windows", "darwin": "macos"}.get(source.platform, source.platform)
        reason = f"not looked up on {name}"
        facts["system.os"] = known(name, "sys.platform")
        if name == "macos":
            facts["gpu.hardware"] = not_applicable("no Mac has an NVIDIA GPU that CUDA supports")
        for key in ("system.distribution", "system.kernel", "system.container"):
            facts[key] = not_applicable(reason)
        facts["system.shm_mib"] = facts["gpu.bound"] = not_applicable(reason)
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
    facts["gpu.bound"] = _bound(source, facts["gpu.hardware"])
    matters = all(facts[name].state == "known" for name in ("system.container", "gpu.hardware"))
    facts["system.shm_mib"] = (
        _shm(source) if matters else not_applicable("not a container with a GPU")
    )
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
    """What kind of container this is. A pod is Kubernetes', whatever runs it."""
    for variable, name in (
        ("KUBERNETES_SERVICE_HOST", "kubernetes"),
        ("APPTAINER_CONTAINER", "apptainer"),
        ("SINGULARITY_CONTAINER", "apptainer"),
    ):
        if variable in source.env:
            return known(name, f"environment variable {variable}")
    for path, name in (
        ("/.dockerenv", "docker"),
        ("/run/.containerenv", "podman"),
        ("/dev/lxd/sock", "lxc"),
        ("/dev/incus/sock", "lxc"),
    ):
        if source.exists(path):
            return known(name, path)
    if source.env.get("container"):
        return known(source.env["container"], "environment variable container")
    told = _read(source, "/run/systemd/container")
    if told.state == "known" and told.value not in ("", "wsl"):
        return known(told.value, told.source)
    return absent("/.dockerenv, /run/.containerenv, /run/systemd/container, environment variables")


def _shm(source: Source) -> Fact:
    """The size that /dev/shm was mounted with, which is 64 MiB with Docker."""
    mounts = _read(source, "/proc/self/mounts")
    if mounts.state != "known":
        return mounts
    found = re.search(r"^\S+ /dev/shm tmpfs \S*?\bsize=(\d+)k\b", mounts.value, re.M)
    return known(int(found[1]) // 1024, mounts.source) if found else absent(mounts.source)


def _bound(source: Source, hardware: Fact) -> Fact:
    """Which kernel driver holds each card."""
    if hardware.state != "known" or hardware.value[0].startswith("/dev/"):
        return not_applicable("no card on the PCI bus is NVIDIA's")
    found = {}
    for address in hardware.value:
        link = f"/sys/bus/pci/devices/{address}/driver"
        real = source.realpath(link)
        if real != link:
            found[address] = real.rsplit("/", 1)[1]
    where = "/sys/bus/pci/devices/*/driver"
    return known(found, where) if found else absent(where)


def _hardware(source: Source) -> Fact:
    if source.exists("/dev/dxg"):
        return known(["/dev/dxg"], "/dev/dxg")
    if source.machine == "aarch64" and source.exists(TEGRA):
        return known([TEGRA], TEGRA)
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
