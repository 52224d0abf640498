"""A device file that CUDA opens is not there."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, left_outside, unreachable
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    if facts.value(F.DRIVER_KERNEL_MODULE) is None or left_outside(facts):
        return
    # On a machine of its own, nvidia-modprobe makes them for the first program that asks.
    if not unreachable(facts):
        return
    rows = facts.value(F.DRIVER_FILES) or ()
    missing = [row.path for row in rows if row.state == "missing"]
    if not missing or any(row.state in ("forbidden", "refused") for row in rows):
        return
    container = facts.value(F.SYSTEM_CONTAINER)
    yield Match(
        subject=missing[0],
        params={"files": ", ".join(missing)},
        evidence=(facts.evidence(F.DRIVER_FILES, ", ".join(missing)),),
        fixes=(_fix(container, missing),),
    )


def _fix(container: str | None, missing: list[str]) -> Fix:
    if container:
        return manual(
            "give-device-files",
            "Give them to the container: the NVIDIA Container Toolkit does (docker run --gpus all),"
            " or name each with --device. The host must have them first: run "
            "`sudo nvidia-modprobe -u -c=0` there.",
        )
    return manual(
        "make-device-files",
        "Have them made. If they are gone after each start, enable nvidia-persistenced.",
        ("sudo", "nvidia-modprobe", "-u", "-c=0"),
        root=True,
    )


NO_UVM = [
    {"path": "/dev/nvidia-uvm", "state": "missing"},
    {"path": "/dev/nvidiactl", "state": "ok"},
]
FAILS = {"status": "error", "code": 999, "name": "CUDA_ERROR_UNKNOWN"}
RULE = Rule(
    code="DRV110",
    slug="device-file-missing",
    layer="driver",
    severity="error",
    title="The driver runs, but {files} is missing",
    why="Programs reach the driver through these files; nvidia-smi needs fewer of them than CUDA.",
    needs=(F.DRIVER_FILES, F.DRIVER_KERNEL_MODULE, F.DRIVER_NVML),
    judge=judge,
    explains=WITHOUT_GPU,
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "/dev/nvidia-uvm",
            driver__device_files=NO_UVM,
            driver__cuda_init=FAILS,
        ),
        silent("linux-rtx4090-tf220-wheels", driver__device_files=NO_UVM),
        silent(
            "linux-rtx4090-tf220-wheels",
            driver__device_files=NO_UVM,
            driver__cuda_init={**FAILS, "code": 100},
        ),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
