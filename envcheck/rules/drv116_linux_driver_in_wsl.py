"""WSL2 with a Linux driver of its own, which hides the one that comes from Windows."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

OF_WINDOWS = ("/usr/lib/wsl/", "/mnt/")


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    path = facts.value(F.DRIVER_LIBCUDA)
    if facts.value(F.SYSTEM_OS) != "wsl2" or path is None or path.startswith(OF_WINDOWS):
        return
    if facts.value(F.SYSTEM_CONTAINER) is not None:
        return  # there the toolkit mounts the library of Windows to where it likes
    yield Match(
        subject=path,
        params={"path": path},
        evidence=(facts.evidence(F.DRIVER_LIBCUDA), facts.evidence(F.SYSTEM_OS)),
        fixes=(
            manual(
                "remove-linux-driver",
                "Remove the Linux driver from WSL; install only the CUDA toolkit there (package "
                "cuda-toolkit, never cuda or cuda-drivers). Then restart WSL from Windows with "
                "`wsl.exe --shutdown`.",
                ("sudo", "apt-get", "purge", "^libnvidia-.*", "^nvidia-.*", "^cuda-drivers.*"),
                root=True,
            ),
        ),
    )


RULE = Rule(
    code="DRV116",
    slug="linux-driver-in-wsl",
    layer="driver",
    severity="error",
    title="A Linux driver is installed inside WSL2: {path}",
    why="Under WSL2 the driver is the one of Windows, and its libcuda is in /usr/lib/wsl/lib. A "
    "Linux driver's libcuda in front of it finds no kernel module and no GPU.",
    needs=(F.DRIVER_LIBCUDA, F.SYSTEM_OS),
    judge=judge,
    explains=WITHOUT_GPU,
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "/usr/lib/x86_64-linux-gnu/libcuda.so.535.54.03",
            system__os="wsl2",
            driver__libcuda="/usr/lib/x86_64-linux-gnu/libcuda.so.535.54.03",
        ),
        silent(
            "linux-rtx4090-tf220-wheels",
            system__os="wsl2",
            driver__libcuda="/usr/lib/wsl/lib/libcuda.so.1",
        ),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
