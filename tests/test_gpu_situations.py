"""What the files and programs of a machine tell of its GPU: containers, WSL, the kernel, the
environment. Each situation gives exactly its findings; no driver is loaded, none is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from envcheck import engine, rules
from envcheck.matrix import Matrix
from envcheck.model import Fact, Facts, absent, known, not_applicable, unknown
from envcheck.probes import driver, kernel, nvidia_smi, system
from envcheck.probes.driver import MARKER, PROC
from envcheck.probes.source import Child, Completed
from tests.fakes.source import LiveWithFiles

KERNEL = "5.15.0-91-generic"
OTHER = "5.15.0-89-generic"
PCI = "/sys/bus/pci/devices"
EFI = "/sys/firmware/efi/efivars"
LIBCUDA = "/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05"
DEP = "updates/dkms/nvidia.ko.zst: kernel/drivers/video/backlight.ko\n"
MODULE = {PROC: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Fri\n"}
LOADED = {"/proc/modules": "nvidia 1 1 nvidia_uvm, Live 0x0\n", **MODULE}
REFUSED = Completed("exit", 1, "", "dmesg: read kernel buffer failed: Operation not permitted\n")
QUIET = Completed("exit", 0, "[    0.0] Linux version 5.15\n")
REJECTED = Completed("exit", 0, "[    7.1] Loading of module with unavailable key is rejected\n")


def card(*addresses: str) -> dict[str, str]:
    files = {"/sys/bus/pci": ""}
    for address in addresses or ("0000:01:00.0",):
        files[f"{PCI}/{address}/vendor"] = "0x10de\n"
        files[f"{PCI}/{address}/class"] = "0x030000\n"
    return files


def told(*answers: dict[str, Any]) -> Completed:
    return Completed("exit", 0, "".join(f"\n{MARKER}{json.dumps(row)}\n" for row in answers))


CUDA_WORKS = {"cuda_init": {"status": "ok", "code": 0, "name": "CUDA_SUCCESS", "devices": 1}}
FILES_OK = {"files": dict.fromkeys(driver.FILES)}
NOT_FOUND = {"status": "not-found", "text": "libnvidia-ml.so.1: cannot open"}
NO_LIBRARY = told({"libcuda_error": "no", "libcuda_missing": True, "libcuda": None}, NOT_FOUND)


def answers(*devices: dict[str, Any], cuda: Mapping[str, Any] = CUDA_WORKS) -> Completed:
    machine = {"driver": "535.104.05", "cuda": 12020, "count": len(devices)}
    rows = [{"device": device} for device in devices]
    return told({"libcuda": LIBCUDA}, FILES_OK, machine, *rows, {"status": "ok"}, dict(cuda))


def gpu(index: int = 0, **state: Any) -> dict[str, Any]:
    row = {"index": index, "name": "Tesla T4", "compute_capability": "7.5", "memory_mib": 15360}
    return {**row, "bus_id": f"00000000:{index + 1:02X}:00.0", "uuid": f"GPU-{index}abc", **state}


@dataclass(frozen=True)
class Situation:
    """``nvml`` is what the NVML child told; None where the loader has no NVML."""

    findings: str
    files: Mapping[str, str] = field(default_factory=dict)
    nvml: Completed | None = None
    said: Mapping[str, Completed] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    os: str = KERNEL
    arch: str = "x86_64"
    unevaluated: str = ""


class Machine(LiveWithFiles):
    """Starts nothing: programs are those of the situation, or not there."""

    def __init__(self, situation: Situation) -> None:
        release = {"/proc/sys/kernel/osrelease": f"{situation.os}\n"}
        distribution = {"/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.3 LTS"\n'}
        super().__init__(situation.env, {**release, **distribution, **situation.files})
        self.machine = situation.arch
        self.situation = situation
        self.started: list[str] = []

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        self.started.append(name)
        missing = Completed("not-started", error="No such file or directory")
        return Answered(self.situation.said.get(name, missing))

    def realpath(self, path: str) -> str:
        return self.situation.links.get(path, path)


class Answered:
    def __init__(self, completed: Completed) -> None:
        self._completed = completed

    def result(self) -> Completed:
        return self._completed


def collect(machine: Machine) -> dict[str, Fact]:
    nvml = machine.situation.nvml
    facts = system.collect(machine)
    facts.update(driver.collect(machine, Answered(nvml) if nvml else None))
    facts.update(kernel.collect(machine, facts))
    return facts


BUILT = {f"/lib/modules/{KERNEL}/modules.dep": DEP}
BUILT_BEFORE = {
    f"/lib/modules/{OTHER}/modules.dep": DEP,
    f"/lib/modules/{KERNEL}/modules.dep": "kernel/fs/ext4/ext4.ko:\n",
}
SECURE = {kernel.SECURE_BOOT: "\x06\x00\x00\x00\x01"}
INSECURE = {kernel.SECURE_BOOT: "\x06\x00\x00\x00\x00"}
NOTHING = {"/proc/modules": "ext4 1 0 - Live 0x0\n"}
CUDA_FAILS = {"cuda_init": {"status": "error", "code": 100, "name": "CUDA_ERROR_NO_DEVICE"}}
CODE_9 = told(
    {"libcuda": LIBCUDA},
    {"files": {}},
    {"status": "error", "code": 9, "text": "Driver Not Loaded"},
    CUDA_FAILS,
)
NO_PCI = "the PCI bus cannot be listed: /sys is not mounted"
WSL2 = "5.15.133.1-microsoft-standard-WSL2"
READS = {"dmesg": QUIET}
FORBIDDEN = {"dmesg": REFUSED, "journalctl": Completed("exit", 0, "", "No journal files\n")}
XIDS = (
    "[1.0] NVRM: loading NVIDIA UNIX x86_64 Kernel Module\n"
    "[2.0] NVRM: Xid (PCI:0000:01:00): 31, pid=77, name=python, Ch 00000008\n"
    "[3.0] NVRM: Xid (PCI:0000:02:00): 79, pid='<unknown>', GPU has fallen off the bus.\n"
    "[3.0] NVRM: GPU 0000:02:00.0: GPU has fallen off the bus.\n"
)
LOST = gpu(1, error="GPU is lost", code=15)

SITUATIONS = {
    "healthy": Situation("", {**card(), **LOADED}, answers(gpu())),
    "no card": Situation("GPU101 gpu", {"/sys/bus/pci": ""}),
    "no driver": Situation("DRV101 driver", {**card(), **NOTHING}, said=READS),
    "nouveau": Situation(
        "DRV104 nouveau; DRV101 driver",
        {**card(), "/proc/modules": "nouveau 1 0 - Live 0x0\n"},
        said=READS,
    ),
    "Secure Boot, log not readable": Situation(
        "DRV105 nvidia; DRV101 driver; DRV107 nvidia; DRV119 cuInit",
        {**card(), **NOTHING, **BUILT, **SECURE},
        CODE_9,
        FORBIDDEN,
        unevaluated="the kernel's log is not readable (dmesg: dmesg: read kernel buffer failed: "
        "Operation not permitted; journalctl: No journal files)",
    ),
    "Secure Boot, key rejected": Situation(
        "DRV105 nvidia; DRV101 driver; DRV107 nvidia; DRV119 cuInit",
        {**card(), **NOTHING, **BUILT, **SECURE},
        CODE_9,
        {"dmesg": REFUSED, "journalctl": REJECTED},
    ),
    "Secure Boot by mokutil": Situation(
        "DRV105 nvidia; DRV101 driver; DRV107 nvidia; DRV119 cuInit",
        {**card(), **NOTHING, **BUILT, "/sys/firmware/efi/runtime": ""},
        CODE_9,
        {**READS, "mokutil": Completed("exit", 0, "SecureBoot enabled\n")},
    ),
    "module not loaded": Situation(
        "DRV107 nvidia; DRV101 driver; DRV119 cuInit",
        {**card(), **NOTHING, **BUILT, **INSECURE},
        CODE_9,
        READS,
    ),
    "kernel newer than the module": Situation(
        "DRV106 nvidia; DRV101 driver; DRV119 cuInit",
        {**card(), **NOTHING, **BUILT_BEFORE},
        CODE_9,
        READS,
    ),
    "DKMS has never built it": Situation(
        "DRV106 nvidia; DRV101 driver; DRV119 cuInit",
        {**card(), **NOTHING, "/var/lib/dkms/nvidia": ""},
        CODE_9,
        {**READS, "dkms": Completed("exit", 0, "nvidia/535.104.05: added\nzfs/2.1: added\n")},
    ),
    "no user-space packages": Situation(
        "DRV113 libnvidia-ml.so.1; DRV114 libcuda.so.1", {**card(), **LOADED}, NO_LIBRARY, READS
    ),
    "NVML gone, CUDA works": Situation(
        "DRV113 libnvidia-ml.so.1",
        {**card(), **LOADED},
        told({"libcuda": LIBCUDA}, FILES_OK, NOT_FOUND, CUDA_WORKS),
        READS,
    ),
    "Docker without --gpus": Situation(
        "DRV109 docker", {**card(), **LOADED, "/.dockerenv": ""}, NO_LIBRARY
    ),
    "Docker, devices void": Situation(
        "DRV109 docker",
        {**card(), **LOADED, "/.dockerenv": ""},
        NO_LIBRARY,
        env={"NVIDIA_VISIBLE_DEVICES": "void"},
    ),
    "Podman": Situation("DRV109 podman", {**card(), "/run/.containerenv": ""}),
    "Kubernetes": Situation(
        "DRV109 kubernetes",
        {**card(), "/.dockerenv": ""},
        env={"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    ),
    "LXC": Situation("DRV109 lxc", {**card(), "/dev/lxd/sock": ""}),
    "LXC by systemd": Situation("DRV109 lxc", {**card(), "/run/systemd/container": "lxc\n"}),
    "Apptainer": Situation("DRV109 apptainer", card(), env={"APPTAINER_CONTAINER": "/x.sif"}),
    "container without compute": Situation(
        "DRV114 libcuda.so.1",
        {**card(), **LOADED, "/.dockerenv": ""},
        told(
            {"libcuda": None},
            {"libcuda_error": "no", "libcuda_missing": True},
            FILES_OK,
            {"driver": "535.104.05", "cuda": 12020, "count": 1},
            {"device": gpu()},
            {"status": "ok"},
        ),
        env={"NVIDIA_DRIVER_CAPABILITIES": "utility"},
    ),
    "container, cgroup renewed": Situation(
        "DRV112 /dev/nvidiactl; DRV118 999",
        {**card(), **LOADED, "/.dockerenv": ""},
        told(
            {"libcuda": LIBCUDA},
            {"files": {"/dev/nvidiactl": 1, "/dev/nvidia-uvm": None}},
            {"status": "error", "code": 999, "text": "Unknown Error"},
        ),
        unevaluated="NVML: Unknown Error; cuInit was not asked",
    ),
    "64 MiB for two GPUs": Situation(
        "SYS103 /dev/shm",
        {
            **card("0000:01:00.0", "0000:02:00.0"),
            **LOADED,
            "/.dockerenv": "",
            "/proc/self/mounts": "shm /dev/shm tmpfs rw,nosuid,nodev,size=65536k,inode64 0 0\n",
        },
        answers(gpu(), gpu(1)),
    ),
    "a card for a virtual machine": Situation(
        "GPU105 0000:02:00.0",
        {**card("0000:01:00.0", "0000:02:00.0"), **LOADED},
        answers(gpu()),
        links={f"{PCI}/0000:02:00.0/driver": "/sys/bus/pci/drivers/vfio-pci"},
    ),
    "Xid": Situation(
        "GPU301 GPU 1; GPU311 Xid 31 at 0000:01:00",
        {**card("0000:01:00.0", "0000:02:00.0"), **LOADED},
        answers(gpu(), LOST),
        {"dmesg": Completed("exit", 0, XIDS)},
    ),
    "Xid, not readable": Situation(
        "GPU301 GPU 1",
        {**card("0000:01:00.0", "0000:02:00.0"), **LOADED},
        answers(gpu(), LOST),
        unevaluated="the kernel's log is not readable (dmesg: could not be started: No such file "
        "or directory; journalctl: could not be started: No such file or directory)",
    ),
    "Jetson": Situation(
        "",
        {"/dev/nvhost-gpu": ""},
        told({"libcuda": "/usr/lib/aarch64-linux-gnu/tegra/libcuda.so.1.1"}, NOT_FOUND, CUDA_WORKS),
        arch="aarch64",
    ),
    "WSL1": Situation("DRV117 wsl1", os="4.4.0-19041-Microsoft", unevaluated=NO_PCI),
    "WSL2 without a GPU": Situation("DRV117 wsl2; GPU101 gpu", {"/sys/bus/pci": ""}, os=WSL2),
    "WSL2 without a driver in Windows": Situation("DRV101 driver", {"/dev/dxg": ""}, os=WSL2),
    "WSL2 with a Linux driver": Situation(
        f"DRV116 {LIBCUDA}; DRV101 driver; DRV119 cuInit",
        {"/dev/dxg": ""},
        told(
            {"libcuda": LIBCUDA},
            NOT_FOUND,
            CUDA_FAILS,
        ),
        os=WSL2,
    ),
    "WSL2": Situation(
        "",
        {"/dev/dxg": "", "/run/systemd/container": "wsl\n"},
        told(
            {"libcuda": "/usr/lib/wsl/drivers/nv_dispi.inf_amd64_1/libcuda.so.1.1"},
            {"files": {}},
            {"driver": "560.94", "cuda": 12060, "count": 1},
            {"device": {key: value for key, value in gpu().items() if key != "bus_id"}},
            {"status": "ok"},
            CUDA_WORKS,
        ),
        os=WSL2,
    ),
}
for value, findings in {
    "": "GPU102 CUDA_VISIBLE_DEVICES",
    "-1": "GPU102 CUDA_VISIBLE_DEVICES",
    "NoDevFiles": "GPU102 CUDA_VISIBLE_DEVICES",
    "2": "GPU102 CUDA_VISIBLE_DEVICES",
    "GPU-9": "GPU102 CUDA_VISIBLE_DEVICES",
    "MIG-1": "GPU102 CUDA_VISIBLE_DEVICES",
    "0,2": "GPU103 CUDA_VISIBLE_DEVICES",
    "GPU-1abc,GPU-9": "GPU103 CUDA_VISIBLE_DEVICES",
    "1,0": "",
    "0,-1": "",
    "GPU-1a, 0": "",
}.items():
    SITUATIONS[f"CUDA_VISIBLE_DEVICES={value}"] = Situation(
        findings,
        {**card("0000:01:00.0", "0000:02:00.0"), **LOADED},
        answers(gpu(), gpu(1)),
        env={"CUDA_VISIBLE_DEVICES": value},
    )


@pytest.mark.parametrize("name", sorted(SITUATIONS))
def test_a_situation_has_its_findings_and_nothing_more(
    name: str, machine: Callable[..., Facts], matrix: Matrix
) -> None:
    situation = SITUATIONS[name]
    host = Machine(situation)
    facts = machine("linux-rtx4090-tf220-wheels").merged(collect(host))
    outcome = engine.run_rules(rules.discover(), facts, matrix, "gpu")
    found = "; ".join(f"{item.code} {item.subject}" for item in outcome.findings)
    assert found == situation.findings
    assert len({item.key for item in outcome.findings if item.caused_by is None}) <= 3
    if situation.unevaluated:
        reasons = {item.reason for item in outcome.not_evaluated}
        assert situation.unevaluated in reasons, reasons
    assert [item for item in outcome.not_evaluated if item.crashed] == []


@pytest.mark.parametrize("name", ["healthy", "no card", "WSL2", "CUDA_VISIBLE_DEVICES=1,0"])
def test_a_machine_without_a_problem_costs_no_child(name: str) -> None:
    host = Machine(SITUATIONS[name])
    collect(host)
    assert host.started == []


def test_a_jetson_that_works_is_judged_wholly(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    """It has no NVML, and its log is for root: neither is a sign of anything there."""
    host = Machine(replace(SITUATIONS["Jetson"], said=FORBIDDEN))
    facts = machine("linux-rtx4090-tf220-wheels").merged(collect(host))
    assert engine.run_rules(rules.discover(), facts, matrix, "gpu").not_evaluated == ()
    assert host.started == []


# The kernel's side


def test_the_log_is_read_only_where_something_is_wrong() -> None:
    facts = collect(Machine(SITUATIONS["healthy"]))
    silent = not_applicable("the driver and every GPU answer without an error")
    assert {facts[name] for name in kernel.NAMES} == {silent}
    assert facts["kernel.log"] == silent


def test_what_the_kernel_knows() -> None:
    facts = collect(Machine(SITUATIONS["DKMS has never built it"]))
    assert {name: facts[name] for name in (*kernel.NAMES, "kernel.log")} == {
        "kernel.modules": absent("/proc/modules"),
        "kernel.nvidia_built": absent("/lib/modules/*/modules.dep"),
        "kernel.dkms": known(["nvidia/535.104.05: added"], "dkms status"),
        "system.secure_boot": known(False, "/sys/firmware/efi is not there: no UEFI"),
        "kernel.log": absent("dmesg"),
    }


@pytest.mark.parametrize(
    ("completed", "expected"),
    [
        (Completed("exit", 0, "SecureBoot enabled\n"), known(True, "mokutil --sb-state")),
        (Completed("exit", 0, "SecureBoot disabled\n"), known(False, "mokutil --sb-state")),
        (
            Completed("exit", 255, "", "This system doesn't support Secure Boot\n"),
            known(False, "mokutil --sb-state"),
        ),
        (
            Completed("not-started", error="No such file or directory"),
            unknown(
                "`mokutil --sb-state` could not be started: No such file or directory",
                "mokutil --sb-state",
            ),
        ),
    ],
)
def test_parse_mokutil(completed: Completed, expected: Fact) -> None:
    assert kernel.parse_mokutil(completed) == expected


def test_parse_log() -> None:
    text = XIDS + (
        "kernel: NVRM: Xid (0000:02:00): 79, the same again\n"
        "nvidia: Key was rejected by service\n"
        "usb 1-1: new device\n"
    )
    rows = [(row["kind"], row.get("code"), row.get("bus_id")) for row in kernel.parse_log(text)]
    assert rows == [
        ("xid", 31, "0000:01:00"),
        ("xid", 79, "0000:02:00"),
        ("other", None, None),
        ("key-rejected", None, None),
    ]


# nvidia-smi, where NVML could not be asked

OLD = "| NVIDIA-SMI 535.104.05     Driver Version: 535.104.05   CUDA Version: 12.2     |\n"
NEW = "| NVIDIA-SMI 610.43.02      KMD Version: 610.43.02     CUDA UMD Version: 13.3     |\n"


@pytest.mark.parametrize(
    ("text", "release", "cuda"), [(OLD, "535.104.05", "12.2"), (NEW, "610.43.02", "13.3")]
)
def test_both_generations_of_the_banner(text: str, release: str, cuda: str) -> None:
    assert nvidia_smi.parse_banner(text) == {
        "driver.release": known(release, "nvidia-smi"),
        "driver.cuda_supported": known(cuda, "nvidia-smi"),
    }


def test_a_banner_without_cuda() -> None:
    text = OLD.replace("CUDA Version: 12.2", "CUDA Version: N/A ")
    assert list(nvidia_smi.parse_banner(text)) == ["driver.release"]


@pytest.mark.parametrize("text", ["", "NVIDIA-SMI has failed because it couldn't communicate\n"])
def test_a_banner_that_is_none(text: str) -> None:
    with pytest.raises(nvidia_smi.ParseError, match=r"^nvidia-smi names no driver release$"):
        nvidia_smi.parse_banner(text)


def test_the_rows_of_the_query() -> None:
    text = "0, Tesla T4, 15360, 7.5\n1, GB10, a card, [N/A], [Not Supported]\n"
    assert nvidia_smi.parse_query(text)["gpu.devices"].value == [
        {"index": 0, "name": "Tesla T4", "memory_mib": 15360, "compute_capability": "7.5"},
        {"index": 1, "name": "GB10, a card"},
    ]
    assert nvidia_smi.parse_query("\n") == {"gpu.devices": absent("nvidia-smi")}
    with pytest.raises(nvidia_smi.ParseError, match="row"):
        nvidia_smi.parse_query("No devices were found\n")


SMI = {
    "nvidia_smi": Completed("exit", 0, NEW),
    "nvidia_smi_query": Completed("exit", 0, "0, Tesla T4, 15360, 7.5\n"),
}


@pytest.mark.parametrize(
    ("nvml", "asked"),
    [
        (Completed("exit", 1, "", "ModuleNotFoundError: pynvml"), True),
        (Completed("signal", 11, f"\n{MARKER}" + '{"step": "nvmlInit"}\n'), True),
        (told({"status": "error", "text": "libnvidia-ml.so.1: wrong ELF class"}), True),
        (Completed("timeout", 9, f"\n{MARKER}" + '{"step": "nvmlInit"}\n', seconds=10.0), False),
        (CODE_9, False),
        (told({"status": "not-found"}), False),
        (answers(gpu()), False),
    ],
)
def test_nvidia_smi_is_asked_only_where_it_may_know_more(nvml: Completed, asked: bool) -> None:
    host = Machine(replace(SITUATIONS["healthy"], nvml=nvml, said={**SMI, **READS}))
    facts = collect(host)
    assert ("nvidia_smi" in host.started) is asked
    if asked:
        assert facts["driver.release"] == known("610.43.02", "nvidia-smi")
        assert facts["gpu.devices"].value[0]["name"] == "Tesla T4"
