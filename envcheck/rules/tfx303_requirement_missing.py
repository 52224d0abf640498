"""A package that TensorFlow or Keras asks for is not installed."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install_beside
from envcheck.requirements import CARRIERS, FIRST_IMPORTS, requirement_of, unmet
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for item in unmet(facts):
        if item.installed is not None or item.name in CARRIERS or item.name == "tensorflow":
            continue
        if item.name == "keras" and facts.fact(F.KERAS_IMPORT).state == "absent":
            continue  # KER301 says it
        yield Match(
            subject=item.name,
            severity="error" if item.core and item.name in FIRST_IMPORTS else "warning",
            params={"asker": f"{item.asker.name} {item.asker.version}", "name": item.name},
            evidence=(
                facts.evidence(
                    F.TARGET_DISTRIBUTIONS, f"asks for {item.name}{item.specifier}", item.asker.path
                ),
            ),
            fixes=(install_beside(facts, requirement_of(facts, item.name, item.wanted)),),
        )


RULE = Rule(
    code="TFX303",
    slug="requirement-missing",
    layer="tensorflow",
    severity="error",
    title="{asker} needs {name}, and it is not installed",
    why="Its own metadata asks for it: it was removed, or installed with --no-deps.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TARGET_INSTALLED, F.TARGET_PYTHON, F.SYSTEM_OS),
    judge=judge,
    explains=("SMK1",),
    signs=("No module named",),
    cases=(
        fires(
            "linux-none-tf221",
            "wrapt",
            target__installed={"tensorflow": "2.21.0"},
            target__distributions=[
                {
                    "name": "tensorflow",
                    "version": "2.21.0",
                    "location": "/v",
                    "path": "/v/tensorflow-2.21.0.dist-info",
                    "requires": [
                        "wrapt>=1.11.0",
                        'tensorflow-intel==2.21.0; platform_system == "Windows"',
                        'nvidia-cudnn-cu12<10.0; extra == "and-cuda"',
                    ],
                }
            ],
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
