"""A neighbour of TensorFlow imports pkg_resources, which the installed setuptools no longer has."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.matrix.specs import admits
from envcheck.model import Facts, Match
from envcheck.remedies import install
from envcheck.requirements import PKG_RESOURCES, WITH_PKG_RESOURCES
from envcheck.rules import Rule, fires, silent

BREAKS = {
    "tensorboard": "The command `tensorboard` ends with \"No module named 'pkg_resources'\". "
    "TensorFlow itself and its TensorBoard callback work.",
    "tensorflow-hub": "`import tensorflow_hub` ends with \"No module named 'pkg_resources'\". "
    "TensorFlow itself works.",
}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    """One match: what is worse stands first, and one command mends all."""
    del matrix
    installed = facts.value(F.TARGET_INSTALLED) or {}
    setuptools = installed.get("setuptools")
    if not setuptools or _admits(WITH_PKG_RESOURCES.removeprefix("setuptools"), setuptools):
        return
    for name, releases in PKG_RESOURCES.items():
        version = installed.get(name)
        if version and _admits(releases, version):
            yield Match(
                subject=name,
                params={"name": name, "version": version, "setuptools": setuptools},
                severity="error" if name == "tensorflow-hub" else None,
                why=BREAKS[name],
                evidence=(
                    facts.evidence(F.TARGET_INSTALLED, f"{name} {version}"),
                    facts.evidence(F.TARGET_INSTALLED, f"setuptools {setuptools}"),
                ),
                fixes=(install(facts, WITH_PKG_RESOURCES),),
            )
            return


def _admits(specifier: str, version: str) -> bool:
    try:
        return admits(specifier, version)
    except ValueError:
        return False


NEW, OLD = {"setuptools": "84.2.1"}, {"setuptools": "81.0.0"}
MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="TFX306",
    slug="pkg-resources-gone",
    layer="tensorflow",
    severity="info",
    title="{name} {version} needs pkg_resources, which setuptools {setuptools} no longer has",
    why=BREAKS["tensorboard"],
    needs=(F.TARGET_INSTALLED,),
    judge=judge,
    cases=(
        fires(MACHINE, "tensorboard", target__installed={**NEW, "tensorboard": "2.20.0"}),
        fires(
            MACHINE,
            "tensorflow-hub",
            target__installed={**NEW, "tensorboard": "2.20.0", "tensorflow-hub": "0.16.1"},
        ),
        silent(MACHINE, target__installed={**OLD, "tensorboard": "2.20.0"}),
        silent(MACHINE, target__installed={**NEW, "tensorboard": "2.21.0"}),
        silent(MACHINE, target__installed={"tensorboard": "2.20.0"}),
        silent("linux-none-tf221"),
    ),
)
