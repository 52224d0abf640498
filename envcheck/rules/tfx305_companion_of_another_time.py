"""A package that builds on TensorFlow was made for another one, and no requirement says so."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install_beside, uninstall_step
from envcheck.requirements import Companion, companions
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for item in companions(facts):
        yield Match(
            subject=item.name,
            params={
                "name": item.name,
                "version": item.version,
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "made_for": item.made_for,
            },
            evidence=(facts.evidence(F.TARGET_DISTRIBUTIONS, item.version, item.path),),
            fixes=(_fix(facts, item),),
        )


def _fix(facts: Facts, item: Companion) -> Fix:
    """The release that goes with this TensorFlow; where there is none, it has to go."""
    if item.wanted:
        return install_beside(facts, *item.wanted)
    return Fix("remove", "review", (uninstall_step(facts, item.name),))


DISTRIBUTION = {
    "name": "tensorflow-probability",
    "version": "0.24.0",
    "location": "/v",
    "path": "/v/tensorflow_probability-0.24.0.dist-info",
}
RULE = Rule(
    code="TFX305",
    slug="companion-of-another-time",
    layer="tensorflow",
    severity="error",
    title="{name} {version} was made for TensorFlow {made_for}, not for {tensorflow}",
    why="Importing it fails, or what it compiled does not fit. pip cannot know: its metadata "
    "does not require any TensorFlow.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TF_VERSION, F.TARGET_INSTALLED),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow-probability",
            target__distributions=[DISTRIBUTION],
        ),
        fires(
            "linux-rtx3080-tf29-cuda116",
            "tensorflow-probability",
            target__distributions=[DISTRIBUTION],
        ),
        silent(
            "linux-rtx3080-tf29-cuda116",
            target__distributions=[{**DISTRIBUTION, "version": "0.17.0"}],
        ),
        silent("linux-none-tf221"),
    ),
)
