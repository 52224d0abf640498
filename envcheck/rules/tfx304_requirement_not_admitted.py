"""An installed package is of a version that TensorFlow or Keras does not ask for."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, Severity
from envcheck.remedies import install, install_beside, uninstall_step
from envcheck.requirements import (
    BREAKS_WHEN_OLDER,
    CARRIERS,
    NUMBERED,
    Unmet,
    is_older,
    requirement_of,
    unmet,
)
from envcheck.rules import Rule, fires, silent

# Judged by rules of their own, which know what was measured.
ELSEWHERE = ("keras", "numpy", "protobuf", "tensorflow", *CARRIERS)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for item in unmet(facts):
        if item.installed is None or (item.name in ELSEWHERE and item.core):
            continue
        if item.name == "tensorflow" and item.asker.name == "tf-keras":
            continue  # KER202 says it
        severity = _severity(facts, item)
        yield Match(
            subject=item.name,
            severity=severity,
            confidence="likely",
            params={
                "asker": f"{item.asker.name} {item.asker.version}",
                "name": item.name,
                "installed": item.installed,
                "specifier": item.specifier,
            },
            evidence=(
                facts.evidence(F.TARGET_INSTALLED, f"{item.name} {item.installed}"),
                facts.evidence(
                    F.TARGET_DISTRIBUTIONS, f"asks for {item.name}{item.specifier}", item.asker.path
                ),
            ),
            fixes=(_fix(facts, item),),
        )


def _fix(facts: Facts, item: Unmet) -> Fix:
    """Never another TensorFlow for a neighbour's sake: then the neighbour changes, or goes."""
    if item.name != "tensorflow":
        return install(facts, requirement_of(facts, item.name, item.wanted))
    if item.asker.name in NUMBERED:
        return install_beside(facts, requirement_of(facts, item.asker.name, ""))
    return Fix("remove", "review", (uninstall_step(facts, item.asker.name),))


def _severity(facts: Facts, item: Unmet) -> Severity:
    """An error where the import fails and speaks of it, or where an older one is known to break."""
    smoke = facts.value(F.SMOKE)
    rung = smoke.failed_rung() if smoke else None
    module = item.name.replace("-", "_")
    if rung and module in rung.error_message + rung.traceback:
        return "error"
    if smoke and smoke.ok:
        return "warning"
    older = item.core and item.name in BREAKS_WHEN_OLDER and is_older(item)
    return "error" if older else "warning"


RULE = Rule(
    code="TFX304",
    slug="requirement-not-admitted",
    layer="tensorflow",
    severity="warning",
    title="{name} {installed} is not one that {asker} admits ({name}{specifier})",
    why="{asker} was made and tested with {name}{specifier}. Another version may import and then "
    "fail where something was renamed.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TARGET_INSTALLED, F.TARGET_PYTHON, F.SYSTEM_OS),
    judge=judge,
    explains=("SMK1",),
    signs=("ml_dtypes", "typing_extensions", "h5py", "gast", "wrapt"),
    cases=(
        fires(
            "linux-none-tf221",
            "ml-dtypes",
            target__installed={"tensorflow": "2.21.0", "ml-dtypes": "0.2.0"},
            target__distributions=[
                {
                    "name": "tensorflow",
                    "version": "2.21.0",
                    "location": "/v",
                    "path": "/v/tensorflow-2.21.0.dist-info",
                    "requires": ["ml_dtypes<1.0.0,>=0.5.1"],
                }
            ],
        ),
        silent("linux-none-tf221"),
        silent("linux-none-tf215-keras3"),
    ),
)
