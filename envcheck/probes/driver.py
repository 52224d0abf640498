"""The NVIDIA driver and its devices: NVML in a child, and what the kernel says."""

from __future__ import annotations

import errno
import json
import os
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
LIBCUDA = "libcuda.so.1"
PROC = "/proc/driver/nvidia/version"
SYS = "/sys/module/nvidia/version"
NAMES = (
    *("release", "kernel_module", "library", "cuda_supported", "nvml"),
    *("libcuda", "cuda_init", "device_files"),
)
FILES = ("/dev/nvidiactl", "/dev/nvidia-uvm")
"""Every CUDA program opens both. On a machine of its own the second may be made on demand."""
REFUSALS = {errno.EACCES: "forbidden", errno.EPERM: "refused", errno.ENOENT: "missing"}
ENDED = {"timeout": "hung", "signal": "crashed"}
ANSWERS = {
    **{"driver": str, "cuda": int, "count": int, "status": str, "text": str, "code": int},
    **{"cuda_init": dict, "files": dict, "step": str, "libcuda_missing": bool},
}
"""The types of what the child tells; anything else of that name is garbage."""


def is_loaded(source: Source) -> bool:
    """Whether a driver has left its mark, so that NVML will have something to say."""
    marks = ["/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia"]
    if source.machine == "aarch64":
        marks.append("/dev/nvhost-gpu")
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
    argv = [sys.executable, "-I", str(PROBE), *device_files(source)]
    return source.spawn("nvml_probe", argv, timeout)


def device_files(source: Source) -> tuple[str, ...]:
    """Those of the driver's files that are there; none are where the driver is that of Windows."""
    try:
        if _from_windows(source):
            return ()
        cards = source.glob("/dev/nvidia[0-9]*")
        return (*(path for path in FILES if source.exists(path)), *cards)
    except OSError:
        return ()


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
        for name in ("library", "kernel_module", "device_files"):
            facts[f"driver.{name}"] = not_applicable(reason)
    else:
        facts["driver.kernel_module"] = _kernel_module(source)
    if source.platform == "win32":
        facts["driver.libcuda"] = facts["driver.library"]
    if _may_know_more(facts["driver.nvml"]):
        from envcheck.probes import nvidia_smi

        facts = nvidia_smi.fill_in(source, facts)
    if facts["driver.release"].state != "known":
        facts["driver.release"] = _release(facts)
    if source.platform == "win32":
        facts["gpu.hardware"] = _hardware(facts["gpu.devices"])
    return facts


def _may_know_more(nvml: Fact) -> bool:
    """Whether nvidia-smi may: where the child failed on its own account, crashed, or could not
    load the library. A driver that answers with an error gives nvidia-smi the same, and one that
    hangs would hang again."""
    if nvml.state != "known":
        return nvml.state == "unknown"
    status = nvml.value["status"]
    return status == "crashed" or (status == "error" and nvml.value.get("code") is None)


def _from_windows(source: Source) -> bool:
    """Windows itself, or WSL2, whose driver is the one of Windows."""
    return source.platform == "win32" or source.exists("/dev/dxg")


def _hardware(devices: Fact) -> Fact:
    """The cards of a Windows machine, where only the driver can name them."""
    if devices.state != "known":
        return unknown("without a driver, Windows was not asked for its hardware", "NVML")
    return known([row["name"] for row in devices.value if "name" in row], "NVML")


def _all(fact: Fact) -> dict[str, Fact]:
    return {**{f"driver.{name}": fact for name in NAMES}, "gpu.devices": fact}


def _release(facts: Mapping[str, Fact]) -> Fact:
    """The driver where NVML names none: the loaded kernel module is the driver that runs."""
    module = facts["driver.kernel_module"]
    if module.state == "known":
        return module
    if module.state == "not-applicable":
        return facts["driver.release"]
    nvml = facts["driver.nvml"]
    silent = nvml.state == "unknown" or nvml.value["status"] in ENDED.values()
    return facts["driver.release"] if silent else module


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
        missing = unknown(_failure(completed), "NVML")
        state = _ended(completed, heard) or missing
    facts = {**_all(missing), "driver.nvml": state, "driver.library": _library(heard, missing)}
    facts.update(_cuda(completed, heard, missing))
    facts["driver.device_files"] = _device_files(heard, missing)
    if "driver" in heard:
        facts["driver.release"] = known(heard["driver"], "NVML")
    if "cuda" in heard:
        major, minor = divmod(heard["cuda"], 1000)
        facts["driver.cuda_supported"] = known(f"{major}.{minor // 10}", "NVML")
    if len(devices) == heard.get("count"):
        facts["gpu.devices"] = known(devices, "NVML") if devices else absent("NVML")
    return facts


def _ended(completed: Completed, heard: Mapping[str, Any]) -> Fact | None:
    """How the driver took the child with it: a result, where it was being asked."""
    if completed.ended not in ENDED or not heard.get("step"):
        return None
    status = {"status": ENDED[completed.ended], "text": completed.describe()}
    return known({**status, "step": heard["step"]}, "NVML")


def _cuda(completed: Completed, heard: Mapping[str, Any], missing: Fact) -> Mapping[str, Fact]:
    """What became of libcuda and of cuInit, which is asked after NVML."""
    if "libcuda" not in heard:
        return {}
    path, failure = heard["libcuda"], heard.get("libcuda_error")
    if failure:
        broken = known({"status": "unloadable", "name": failure}, "the loader")
        init = absent(LIBCUDA) if heard.get("libcuda_missing") else broken
        return {"driver.libcuda": absent(LIBCUDA), "driver.cuda_init": init}
    library = known(path, "the loader") if path else unknown("its file is not known", LIBCUDA)
    answer = unknown("cuInit was not asked") if "status" in heard else missing
    if "cuda_init" in heard:
        answer = known(heard["cuda_init"], "cuInit")
    elif heard.get("step") == "cuInit" and completed.ended in ENDED:
        answer = known({"status": ENDED[completed.ended]}, "cuInit")
    return {"driver.libcuda": library, "driver.cuda_init": answer}


def _device_files(heard: Mapping[str, Any], missing: Fact) -> Fact:
    if "files" not in heard:
        return missing
    tried = {**dict.fromkeys(FILES, errno.ENOENT), **heard["files"]}
    rows = [
        {"path": path, "state": "ok"}
        if number is None
        else {"path": path, "state": REFUSALS.get(number, "error"), "error": os.strerror(number)}
        for path, number in sorted(tried.items())
    ]
    return known(rows, "open")


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
        return missing if missing.state == "unknown" else absent(LIBCUDA)
    release = re.search(r"\.so\.(\d{3}\.\d+(?:\.\d+)*)$", path)
    return known(release[1], path) if release else unknown("its file name has no release", path)
