"""The package `tensorflow` is empty here; the one with the code is not installed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install
from envcheck.requirements import CARRIERS, unmet
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for item in unmet(facts):
        if item.name not in CARRIERS or item.installed == "":
            continue
        yield Match(
            subject=item.name,
            params={
                "name": item.name,
                "system": facts.value(F.SYSTEM_OS) or "",
                "tensorflow": item.asker.version or "",
                "installed": item.installed or "none",
            },
            evidence=(
                facts.evidence(
                    F.TARGET_DISTRIBUTIONS,
                    f"{item.asker.name} {item.asker.version} asks for {item.name}{item.specifier}",
                    item.asker.path,
                ),
            ),
            fixes=(install(facts, f"{item.name}{item.specifier}"),),
        )


RULE = Rule(
    code="TFX108",
    slug="code-package-missing",
    layer="tensorflow",
    severity="error",
    title="{name} is not installed beside tensorflow {tensorflow} (found: {installed})",
    why="On {system} the package tensorflow {tensorflow} is empty; {name} of the same version "
    "brings the code. Without it `import tensorflow` finds an empty folder or nothing.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TARGET_INSTALLED, F.TARGET_PYTHON, F.SYSTEM_OS),
    judge=judge,
    explains=("TFX10", "KER", "SMK"),
    cases=(
        fires(
            "windows-rtx3060-tf211",
            "tensorflow-intel",
            target__installed={"tensorflow": "2.11.0"},
            target__distributions=[
                {
                    "name": "tensorflow",
                    "version": "2.11.0",
                    "location": "C:/v",
                    "path": "C:/v/tensorflow-2.11.0.dist-info",
                    "requires": ['tensorflow-intel==2.11.0; platform_system == "Windows"'],
                }
            ],
        ),
        silent("windows-rtx3060-tf211"),
        silent("linux-none-tf221"),
    ),
)
