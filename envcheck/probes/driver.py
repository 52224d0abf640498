"""The NVIDIA driver and its devices: NVML in a child, and what the kernel says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, ParseError, absent, known, not_applicable, unknown

if TYPE_CHECKING:
    from envcheck.probes.source import Child, Completed, Source

MARKER = "envcheck-nvml-probe:"
PROBE = Path(__file__).resolve().parent.parent / "nvml_probe.py"
PROC = "/proc/driver/nvidia/version"
SYS = "/sys/module/nvidia/version"


def spawn(source: Source, timeout: float) -> Child:
    return source.spawn("nvml_probe", [sys.executable, "-I", str(PROBE)], timeout)


def collect(source: Source, child: Child) -> dict[str, Fact]:
    if source.platform == "darwin":
        return _all(not_applicable("no NVIDIA driver runs on macOS"))
    facts = parse_nvml(child.result())
    facts["driver.kernel_module"] = _kernel_module(source)
    if facts["driver.release"].state != "known":
        facts["driver.release"] = _release(facts)
    return facts


def _all(fact: Fact) -> dict[str, Fact]:
    names = ("release", "kernel_module", "library", "cuda_supported", "nvml")
    return {**{f"driver.{name}": fact for name in names}, "gpu.devices": fact}


def _release(facts: Mapping[str, Fact]) -> Fact:
    """The driver where NVML names none: the loaded kernel module is the driver that runs."""
    module = facts["driver.kernel_module"]
    if module.state == "known" or facts["driver.nvml"].state == "unknown":
        return module if module.state == "known" else facts["driver.nvml"]
    return absent(f"NVML, {PROC}")


def _kernel_module(source: Source) -> Fact:
    if source.platform != "linux" or source.glob("/dev/dxg"):
        return not_applicable("the kernel module is the host's here")
    try:
        return known(parse_proc_version(source.read(PROC)), PROC)
    except FileNotFoundError:
        pass
    except (OSError, ParseError) as error:
        return unknown(str(error), PROC)
    try:
        return known(source.read(SYS).strip(), SYS)
    except OSError:
        return absent(PROC)


def parse_proc_version(text: str) -> str:
    """The release in /proc/driver/nvidia/version, of the closed or the open module."""
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)*)\s", text, re.M)
    if not found:
        raise ParseError(f"{PROC} names no release")
    return found[1]


def parse_nvml(completed: Completed) -> dict[str, Fact]:
    """Facts from the NVML child, however it ended."""
    source = "NVML"
    lines = completed.stdout.splitlines()
    line = next((line for line in reversed(lines) if line.startswith(MARKER)), None)
    if line is None:
        facts = _all(unknown(f"the NVML probe {completed.describe()}", source))
        return facts
    document: dict[str, Any] = json.loads(line[len(MARKER) :])
    nvml = {"status": document["status"]}
    nvml.update({key: document[key] for key in ("code", "text") if key in document})
    library = document.get("libcuda") or document.get("library")
    release = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)*)$", library or "")
    facts = {
        "driver.nvml": known(nvml, source),
        "driver.library": known(release[1], str(library)) if release else absent("libcuda.so.1"),
        "driver.release": absent(source),
        "driver.cuda_supported": absent(source),
        "gpu.devices": absent(source),
    }
    if "driver" in document:
        facts["driver.release"] = known(document["driver"], source)
    if "cuda" in document:
        major, minor = divmod(document["cuda"], 1000)
        facts["driver.cuda_supported"] = known(f"{major}.{minor // 10}", source)
    if document.get("devices"):
        facts["gpu.devices"] = known(_devices(document["devices"]), source)
    return facts


def _devices(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = ("index", "name", "compute_capability", "memory_mib")
    return [{key: row[key] for key in wanted if key in row} for row in rows]
