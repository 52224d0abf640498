"""The NVIDIA driver and its devices: NVML in a child, and what the kernel says."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, ParseError, absent, known, not_applicable, unknown
from envcheck.probes.libraries import default_folders

if TYPE_CHECKING:
    from envcheck.probes.source import Child, Completed, Source

MARKER = "envcheck-nvml-probe:"
PROBE = Path(__file__).resolve().parent.parent / "nvml_probe.py"
NVML = "libnvidia-ml.so.1"
PROC = "/proc/driver/nvidia/version"
SYS = "/sys/module/nvidia/version"
ANSWERS = {"driver": str, "cuda": int, "count": int, "status": str, "text": str, "code": int}
"""The types of what the child tells; anything else of that name is garbage."""


def is_loaded(source: Source) -> bool:
    """Whether a driver has left its mark, so that NVML will have something to say."""
    marks = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia")
    return source.platform == "win32" or any(source.exists(mark) for mark in marks)


def is_installed(source: Source, cached: Mapping[str, str] | None) -> bool:
    """Whether the loader can find NVML's library: without it there is nothing to ask.

    ``cached`` is ld.so.cache by name, None where it could not be read. Where it cannot be
    known, the child finds out.
    """
    if source.platform != "linux" or cached is None:
        return source.platform != "darwin"
    # A container's ld.so.cache may be older than the driver that was mounted into it.
    folders = [*source.env.get("LD_LIBRARY_PATH", "").split(":"), *default_folders(source)]
    try:
        return NVML in cached or any(source.exists(f"{path}/{NVML}") for path in folders if path)
    except OSError:
        return True


def spawn(source: Source, timeout: float) -> Child:
    return source.spawn("nvml_probe", [sys.executable, "-I", str(PROBE)], timeout)


def collect(source: Source, child: Child | None) -> dict[str, Fact]:
    """The driver's facts; ``child`` is None where the loader has no NVML to ask."""
    if source.platform == "darwin":
        return _all(not_applicable("no NVIDIA driver runs on macOS"))
    if child is None:
        where = f"{NVML} in the loader's folders"
        facts = {**_all(absent(where)), "driver.nvml": known({"status": "not-found"}, where)}
    else:
        facts = parse_nvml(child.result())
    if _from_windows(source):
        reason = "the driver's library and kernel module are those of Windows here"
        facts["driver.library"] = facts["driver.kernel_module"] = not_applicable(reason)
    else:
        facts["driver.kernel_module"] = _kernel_module(source)
    if facts["driver.release"].state != "known":
        facts["driver.release"] = _release(facts)
    if source.platform == "win32":
        facts["gpu.hardware"] = _hardware(facts["gpu.devices"])
    return facts


def _from_windows(source: Source) -> bool:
    """Windows itself, or WSL2, whose driver is the one of Windows."""
    return source.platform == "win32" or source.exists("/dev/dxg")


def _hardware(devices: Fact) -> Fact:
    """The cards of a Windows machine, where only the driver can name them."""
    if devices.state != "known":
        return unknown("without a driver, Windows was not asked for its hardware", "NVML")
    return known([row["name"] for row in devices.value if "name" in row], "NVML")


def _all(fact: Fact) -> dict[str, Fact]:
    names = ("release", "kernel_module", "library", "cuda_supported", "nvml")
    return {**{f"driver.{name}": fact for name in names}, "gpu.devices": fact}


def _release(facts: Mapping[str, Fact]) -> Fact:
    """The driver where NVML names none: the loaded kernel module is the driver that runs."""
    module = facts["driver.kernel_module"]
    if module.state == "known":
        return module
    if module.state == "not-applicable":
        return facts["driver.release"]
    return facts["driver.nvml"] if facts["driver.nvml"].state == "unknown" else module


def _kernel_module(source: Source) -> Fact:
    for path, parse in ((PROC, parse_proc_version), (SYS, str.strip)):
        try:
            return known(parse(source.read(path)), path)
        except FileNotFoundError:
            continue
        except (OSError, ParseError) as error:
            return unknown(getattr(error, "strerror", None) or str(error), path)
    return absent(f"{PROC}, {SYS}")


def parse_proc_version(text: str) -> str:
    """The release in /proc/driver/nvidia/version, of the closed or the open module."""
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)*)\s", text, re.M)
    if not found:
        raise ParseError(f"{PROC} names no release")
    return found[1]


def parse_nvml(completed: Completed) -> dict[str, Fact]:
    """Facts from the NVML child, however it ended and however much it said before."""
    heard: dict[str, Any] = {}
    status: dict[str, Any] = {}
    devices = []
    for answer in _answers(completed.stdout):
        if isinstance(answer.get("device"), dict):
            devices.append(answer["device"])
        told = {name: answer[name] for name in answer if _is_answer(name, answer[name])}
        heard.update(told)
        if "status" in told:
            status = {name: told[name] for name in ("status", "code", "text") if name in told}
    if status:
        state = known(status, "NVML")
        silent = unknown(f"NVML: {status.get('text') or heard.get('error') or 'no answer'}")
        missing = absent("NVML") if status["status"] == "not-found" else silent
    else:
        state = missing = unknown(_failure(completed), "NVML")
    facts = {**_all(missing), "driver.nvml": state, "driver.library": _library(heard, missing)}
    if "driver" in heard:
        facts["driver.release"] = known(heard["driver"], "NVML")
    if "cuda" in heard:
        major, minor = divmod(heard["cuda"], 1000)
        facts["driver.cuda_supported"] = known(f"{major}.{minor // 10}", "NVML")
    if len(devices) == heard.get("count"):
        facts["gpu.devices"] = known(devices, "NVML") if devices else absent("NVML")
    return facts


def _answers(stdout: str) -> Iterator[dict[str, Any]]:
    for line in stdout.splitlines():
        if line.startswith(MARKER):
            try:
                answer = json.loads(line[len(MARKER) :])
            except ValueError:
                continue
            if isinstance(answer, dict):
                yield answer


def _is_answer(name: str, value: Any) -> bool:
    return isinstance(value, ANSWERS.get(name, (str, type(None))))


def _failure(completed: Completed) -> str:
    tail = completed.stderr.strip().splitlines()[-1:]
    return f"the NVML probe {completed.describe()}" + (f" ({tail[0][:200]})" if tail else "")


def _library(heard: Mapping[str, Any], missing: Fact) -> Fact:
    """The release in the file name of the driver's library that was loaded."""
    path = heard.get("libcuda") or heard.get("library")
    if not path:
        return missing if missing.state == "unknown" else absent("libcuda.so.1")
    release = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)*)$", path)
    return known(release[1], path) if release else unknown("its file name has no release", path)
