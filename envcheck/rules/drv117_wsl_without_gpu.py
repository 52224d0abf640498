"""WSL1, which has no GPU, or WSL2 to which Windows gives none."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import WITHOUT_GPU
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match, unknown
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

WSL1 = "WSL1 translates Linux calls for the kernel of Windows and has no GPU at all; WSL2 has one."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    system = facts.value(F.SYSTEM_OS)
    if system == "wsl1":
        note = "Turn it into WSL2; in PowerShell, with the name that `wsl.exe -l -v` shows:"
        steps: tuple[tuple[str, ...], ...] = (("wsl.exe", "--set-version", "DISTRIBUTION", "2"),)
    elif system == "wsl2" and facts.fact(F.GPU_HARDWARE).state == "absent":
        note = (
            "Update Windows (11, or 10 from 21H2 on), the NVIDIA driver in Windows, and WSL, and "
            "look that C:\\Users\\YOU\\.wslconfig does not say gpuSupport=false; in PowerShell:"
        )
        steps = (("wsl.exe", "--update"), ("wsl.exe", "--shutdown"))
    else:
        return
    yield Match(
        subject=system,
        params={"system": system.upper()},
        why=WSL1 if system == "wsl1" else None,
        evidence=(facts.evidence(F.SYSTEM_OS, facts.value(F.SYSTEM_KERNEL)),),
        fixes=(manual("use-wsl2", note, *steps),),
    )


RULE = Rule(
    code="DRV117",
    slug="wsl-without-gpu",
    layer="driver",
    severity="error",
    title="Windows gives this {system} no GPU",
    why="WSL2 reaches the GPU of Windows through /dev/dxg, and that is not there.",
    needs=(F.SYSTEM_OS,),
    judge=judge,
    explains=WITHOUT_GPU,
    cases=(
        fires("linux-rtx4090-tf220-wheels", "wsl1", system__os="wsl1"),
        fires("linux-rtx4090-tf220-wheels", "wsl2", system__os="wsl2", gpu__hardware=None),
        silent("linux-rtx4090-tf220-wheels", system__os="wsl2", gpu__hardware=["/dev/dxg"]),
        silent("linux-rtx4090-tf220-wheels", system__os="wsl2", gpu__hardware=unknown("no /sys")),
    ),
)
