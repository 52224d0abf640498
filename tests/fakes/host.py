"""The host of a fake machine: the files that a real one has, beside the compiled driver.

The machine file's section ``[expect]`` says what there is to know beyond NVML and CUDA:

``findings``  what a check finds there, ``CODE subject; CODE subject``, or ``none``
``target``    the recorded machine whose Python side stands on this host
``module``    ``none`` where no kernel module is loaded
``cards``     cards on the PCI bus, where they are not those that NVML has
``container`` docker, podman, …
``files``     forbidden (EACCES), refused (EPERM), without uvm; else all are there
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from envcheck.model import Fact
from envcheck.probes import driver, kernel, system
from envcheck.probes.source import Child, Completed
from tests.fakes.nvidia import FakeMachine
from tests.fakes.source import LiveWithFiles

KERNEL = "5.15.0-91-generic"
FILES = ("nvidiactl", "nvidia-uvm")
READ_ONLY = "/proc/sys/kernel/ostype"
"""Nobody may write to it, root included: EACCES."""


@dataclass(frozen=True, slots=True)
class Expectation:
    target: str
    findings: tuple[tuple[str, str], ...]
    options: Mapping[str, str]
    cards: int


def expectation(machine: FakeMachine) -> Expectation:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(machine.file.read_text(encoding="utf-8"))
    options = dict(parser["expect"])
    gpus = [name.split()[1] for name in parser.sections() if name.startswith("gpu ")]
    count = 1 + max((int(name.split("-")[-1]) for name in gpus), default=-1)
    texts = [] if options["findings"] == "none" else options["findings"].split("; ")
    return Expectation(
        target=options.get("target", "linux-rtx4090-tf220-wheels"),
        findings=tuple(_pair(text) for text in texts),
        options=options,
        cards=int(options.get("cards", count)),
    )


def _pair(text: str) -> tuple[str, str]:
    code, _, subject = text.partition(" ")
    return code, subject


class Host(LiveWithFiles):
    """Starts the NVML probe only; every other program is one of ``said``, or not there. The
    device files that the probe opens are the test's own."""

    def __init__(self, machine: FakeMachine, said: Mapping[str, Completed] | None = None) -> None:
        self.machine_file = machine
        self.expected = expectation(machine)
        self.said = {
            "dmesg": Completed("exit", 0, "[    0.0] Linux version 5.15\n"),
            **(said or {}),
        }
        self.dev = machine.log.parent / "dev"
        super().__init__(machine.env, _files(machine, self.expected))
        self.dev.mkdir()
        state = self.expected.options.get("files", "")
        for name in FILES:
            if state == "without uvm" and name == "nvidia-uvm":
                continue
            self.files[f"/dev/{name}"] = ""
            if state in ("forbidden", "refused"):
                os.symlink(READ_ONLY, self.dev / name)
            else:
                (self.dev / name).touch()

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        if name != "nvml_probe":
            return _Said(self.said.get(name, Completed("not-started", error="not there")))
        own = [word.replace("/dev/", f"{self.dev}/") for word in argv]
        child = super().spawn(name, own, timeout, env=env, progress=progress)
        return _Renamed(child, str(self.dev), self.expected.options.get("files") == "refused")


class _Said:
    def __init__(self, completed: Completed) -> None:
        self._completed = completed

    def result(self) -> Completed:
        return self._completed


class _Renamed:
    """What the child said, with the device files under their true names. A control group's
    refusal cannot be had without one: EACCES is told as EPERM where the machine says so."""

    def __init__(self, child: Child, folder: str, refused: bool) -> None:
        self._child, self._folder, self._refused = child, folder, refused

    def result(self) -> Completed:
        completed = self._child.result()
        text = completed.stdout.replace(self._folder, "/dev")
        return replace(completed, stdout=text.replace(": 13", ": 1") if self._refused else text)


def _files(machine: FakeMachine, expected: Expectation) -> dict[str, str | OSError]:
    pci = "/sys/bus/pci/devices"
    files: dict[str, str | OSError] = {
        "/sys/bus/pci": "",
        "/proc/sys/kernel/osrelease": f"{KERNEL}\n",
        "/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.3 LTS"\n',
        "/proc/modules": "ext4 1 0 - Live 0x0\n",
    }
    for number in range(expected.cards):
        address = f"{pci}/0000:{number + 1:02x}:00.0"
        files[f"{address}/vendor"], files[f"{address}/class"] = "0x10de\n", "0x030200\n"
    if expected.options.get("module") != "none":
        release = _option(machine, "version")
        files["/proc/modules"] = "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 nvidia_uvm, Live 0x0\n"
        files[driver.PROC] = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {release}  Fri\n"
    if expected.options.get("container") == "docker":
        files["/.dockerenv"] = ""
    return files


def _option(machine: FakeMachine, name: str) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(machine.file.read_text(encoding="utf-8"))
    return parser["driver"][name]


def collect(host: Host, timeout: float = 60.0) -> dict[str, Fact]:
    """The machine's side of the facts, as the collector asks for them."""
    child = driver.spawn(host, timeout)
    facts = system.collect(host)
    facts.update(driver.collect(host, child))
    facts.update(kernel.collect(host, facts))
    return facts
