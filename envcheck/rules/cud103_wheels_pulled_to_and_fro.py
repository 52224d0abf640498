"""TensorFlow and another package of the environment pin different NVIDIA wheels."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.matrix.specs import admits
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.requirements import TENSORFLOWS
from envcheck.rules import Rule, fires, silent
from envcheck.wheels import Pin, pins, together


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    asked: dict[str, list[Pin]] = {}
    for pin in pins(facts):
        asked.setdefault(pin.name, []).append(pin)
    torn = {name: rows for name, rows in asked.items() if len({row.asker.name for row in rows}) > 1}
    unmet = [pin for name in sorted(torn) for pin in torn[name] if not pin.met and pin.installed]
    if not unmet:
        return
    askers = {pin.asker.name: f"{pin.asker.name} {pin.asker.version}" for pin in unmet}
    others = {p.asker.name: p.asker for rows in torn.values() for p in rows}
    ours = [pin for pin in unmet if pin.asker.name in TENSORFLOWS]
    yield Match(
        subject=", ".join(dict.fromkeys(pin.name for pin in unmet)),
        severity="warning" if ours else "info",
        params={
            "both": " and ".join(sorted(others)),
            "unhappy": " and ".join(sorted(askers.values())),
            "count": str(len({pin.name for pin in unmet})),
        },
        evidence=tuple(
            facts.evidence(
                F.TARGET_INSTALLED,
                f"{pin.name} {pin.installed}; {pin.asker.name} asks for {pin.specifier}",
                pin.asker.path,
            )
            for pin in unmet
        ),
        fixes=(_fix(facts, matrix, torn, sorted(others)),),
    )


def _fix(facts: Facts, matrix: Matrix, torn: dict[str, list[Pin]], askers: list[str]) -> Fix:
    """The versions that all of them admit, where there are such."""
    wanted = []
    for name, rows in torn.items():
        wheel = matrix.nvidia_wheel(name)
        versions = wheel.versions if wheel else ()
        if not any(all(admits(row.specifier, v) for row in rows) for v in versions):
            note = "No version of {name} suits {both}: give each an environment of its own."
            return manual("separate", note, name=name, both=" and ".join(askers))
        if not all(row.met for row in rows):
            wanted.append(name + together(rows))
    return install(facts, *sorted(wanted))


def _torch(specifier: str) -> list[dict[str, object]]:
    own = {"location": "/v", "path": "/v/torch-2.8.0.dist-info"}
    torch = {"name": "torch", "version": "2.8.0", "requires": [f"nvidia-cudnn-cu12{specifier}"]}
    return [{**own, **torch}, {**own, "name": "tensorflow", "version": "2.20.0"}]


RULE = Rule(
    code="CUD103",
    slug="wheels-pulled-to-and-fro",
    layer="cuda",
    severity="warning",
    title="{both} ask for different NVIDIA wheels: {unhappy} did not get what it asks for",
    why="Each pins the wheels that it was tested with, and the last one that pip installed won. "
    "pip repairs one by breaking the other.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TARGET_INSTALLED, F.TF_REQUIRES, F.TF_CUDA, F.SYSTEM_OS),
    judge=judge,
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia-cudnn-cu12",
            target__distributions=_torch("==9.10.2.21"),
        ),
        silent("linux-rtx4090-tf220-wheels", target__distributions=_torch(">=9.3")),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
