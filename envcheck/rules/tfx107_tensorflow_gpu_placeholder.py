"""tensorflow-gpu 2.12 is a placeholder without any code."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.matrix.specs import parse_version
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, uninstall_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    found = facts.value(F.TF_IMPORT)
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        if row.name != "tensorflow-gpu" or not row.version:
            continue
        if parse_version(row.version) < parse_version("2.12"):
            continue
        steps = [uninstall_step(facts, row.name)]
        if found is None:
            steps.append(install(facts, "tensorflow").steps[0])
        yield Match(
            subject="tensorflow-gpu",
            severity="info" if found else "error",
            params={"version": row.version},
            evidence=(facts.evidence(F.TARGET_DISTRIBUTIONS, "tensorflow-gpu", row.path),),
            fixes=(Fix("placeholder", "safe", tuple(steps)),),
        )


RULE = Rule(
    code="TFX107",
    slug="tensorflow-gpu-placeholder",
    layer="tensorflow",
    severity="error",
    title="tensorflow-gpu {version} is a placeholder: there is no TensorFlow in it",
    why="From 2.12 on that name holds no code. The package `tensorflow` is the build with CUDA.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TF_IMPORT),
    judge=judge,
    explains=("TFX101", "PYE101", "KER3", "SMK"),
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow-gpu",
            tensorflow__import=None,
            target__distributions=[
                {"name": "tensorflow-gpu", "version": "2.12.0", "location": "/v", "path": "/v/g"}
            ],
        ),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
