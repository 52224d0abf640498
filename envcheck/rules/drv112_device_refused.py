"""The container's device rules refuse the driver's files, whoever opens them."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, start_with_gpu, unreachable
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    rows = facts.value(F.DRIVER_FILES) or ()
    closed = [row.path for row in rows if row.state == "refused"]
    if not closed or not unreachable(facts):
        return
    yield Match(
        subject=closed[0],
        params={"files": ", ".join(closed)},
        evidence=(
            facts.evidence(F.DRIVER_FILES, f"{', '.join(closed)}: Operation not permitted"),
            facts.evidence(F.SYSTEM_CONTAINER),
        ),
        fixes=tuple(_fixes(facts.value(F.SYSTEM_CONTAINER))),
    )


def _fixes(container: str | None) -> Iterator[Fix]:
    if container is None:
        note = "Ask for a GPU with the job (Slurm: --gres=gpu:1): its device rules allow no GPU."
        yield manual("ask-for-gpu", note)
        return
    if container == "docker":
        yield manual(
            "restart-container",
            "Start the container again. To keep it from coming back after `systemctl "
            'daemon-reload`, let Docker use cgroupfs on the host ("exec-opts": '
            '["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json) or name the devices '
            "with --device.",
        )
    yield start_with_gpu(container)


CLOSED = [{"path": "/dev/nvidiactl", "state": "refused", "error": "Operation not permitted"}]
REFUSES = {"status": "error", "code": 999, "text": "Unknown Error"}
RULE = Rule(
    code="DRV112",
    slug="device-refused",
    layer="driver",
    severity="error",
    title="The device rules (cgroup) of this container or job refuse {files}",
    why="The files are there and their mode allows it, but the control group does not. Containers "
    "lose their GPU so when the host's systemd reloads.",
    needs=(F.DRIVER_FILES,),
    judge=judge,
    explains=("DRV110", "DRV111", *WITHOUT_GPU),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "/dev/nvidiactl",
            driver__device_files=CLOSED,
            driver__nvml=REFUSES,
        ),
        silent("linux-rtx4090-tf220-wheels", driver__device_files=CLOSED),
        fires(
            "linux-rtx4090-tf220-wheels",
            "/dev/nvidiactl",
            driver__device_files=CLOSED,
            driver__nvml=REFUSES,
            system__container="docker",
        ),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
