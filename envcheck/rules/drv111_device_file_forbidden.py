"""This user may not open the driver's device files."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU, unreachable
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    rows = facts.value(F.DRIVER_FILES) or ()
    closed = [row.path for row in rows if row.state == "forbidden"]
    if not closed or not unreachable(facts):
        return
    yield Match(
        subject=closed[0],
        params={"files": ", ".join(closed)},
        evidence=(facts.evidence(F.DRIVER_FILES, f"{', '.join(closed)}: Permission denied"),),
        fixes=(
            manual(
                "join-group",
                "Look at whose they are. If they belong to a group (often `video` or `render`), "
                "have yourself added to it (usermod -aG GROUP YOU) and log in again. On a "
                "cluster, ask for a GPU with the job.",
                ("ls", "-l", *closed),
            ),
        ),
    )


CLOSED = [{"path": "/dev/nvidiactl", "state": "forbidden", "error": "Permission denied"}]
RULE = Rule(
    code="DRV111",
    slug="device-file-forbidden",
    layer="driver",
    severity="error",
    title="This user may not open {files}",
    why="The file's owner, group and mode do not let this user read and write it, so no program "
    "of this user can use the GPU.",
    needs=(F.DRIVER_FILES,),
    judge=judge,
    explains=WITHOUT_GPU,
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "/dev/nvidiactl",
            driver__device_files=CLOSED,
            driver__nvml={"status": "error", "code": 4, "text": "Insufficient Permissions"},
        ),
        silent("linux-rtx4090-tf220-wheels", driver__device_files=CLOSED),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
