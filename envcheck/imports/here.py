"""The current folder's code, judged along with the environment: one finding of each kind."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from envcheck import facts as F
from envcheck.model import Evidence, Fact, Facts, Finding, known, not_applicable

if TYPE_CHECKING:
    from envcheck.imports.findings import Remedies
    from envcheck.imports.stack import Stack
    from envcheck.probes.source import Source

FILES, SECONDS = 2000, 2.0
MARKS = (
    ".git",
    ".idea",
    ".vscode",
    "Pipfile",
    "environment.yml",
    "pyproject.toml",
    "requirements.txt",
    "setup.cfg",
    "setup.py",
)


class Look(NamedTuple):
    """``fact`` is ``code.scan``: how much was read and what was found in it; ``findings`` are
    all, those that are only information too."""

    fact: Fact
    findings: tuple[Finding, ...] = ()


def look(source: Source, facts: Facts, python: str | None) -> Look:
    """Scan the process's current folder, where it is a project, against what the target has.
    ``python`` is the target as the user gave it."""
    reason = why_not(source, facts)
    if reason:
        return Look(not_applicable(reason))
    from envcheck.imports import scan
    from envcheck.imports.files import Limits

    limits = Limits(FILES, time.monotonic() + SECONDS)
    # One process: a fork would copy the threads that read our children.
    stack = stack_of(facts, source)
    remedies = remedies_of(stack, facts, {"python": python})
    found = scan.scan([Path()], stack, 1, limits, remedies)
    told = [finding for finding in found.findings if finding.severity != "info"]
    value = {
        "files": found.files,
        "stopped": found.stopped,
        "findings": dict(sorted(Counter(finding.code for finding in told).items())),
    }
    return Look(known(value, source.cwd), tuple(found.findings))


def shown(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What a report of the environment has of them."""
    return tuple(_first_of_each([row for row in findings if row.severity != "info"]))


def why_not(source: Source, facts: Facts) -> str:
    """Why the current folder is not scanned; empty where it is."""
    if facts.value(F.TF_VERSION) is None and facts.value(F.KERAS_VERSION) is None:
        return "there is no TensorFlow or Keras to judge code against"
    home = source.env.get("HOME") or source.env.get("USERPROFILE") or ""
    if not source.cwd or source.cwd == os.path.abspath(home) or is_root(source.cwd):
        return "the current folder is no project"
    try:
        names = os.listdir(source.cwd)
    except OSError as error:
        return f"the current folder cannot be listed: {error.strerror}"
    if any(name in MARKS or name.endswith((".py", ".ipynb")) for name in names):
        return ""
    return "the current folder is no project"


def is_root(folder: str) -> bool:
    return os.path.dirname(folder) == folder


def stack_of(facts: Facts, source: Source) -> Stack:
    """The versions that the target's code meets."""
    from envcheck.imports import successors
    from envcheck.imports.index import Minor, minor_of
    from envcheck.imports.stack import Stack

    def installed(key: Any) -> Minor | tuple[()] | None:
        fact = facts.fact(key)
        if fact.state == "absent":
            return None
        try:
            return minor_of(str(fact.value))
        except ValueError:
            return ()

    legacy = source.env.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")
    packages = facts.value(F.TARGET_INSTALLED)
    return Stack(
        installed(F.TF_VERSION),
        installed(F.KERAS_VERSION),
        installed(F.TF_KERAS_VERSION),
        legacy,
        successors.absent(packages) if packages else None,
    )


def _first_of_each(findings: Sequence[Finding]) -> Iterator[Finding]:
    """One finding of each kind, in the order given; the others are counted in its evidence."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.code, []).append(finding)
    for first, *others in kinds.values():
        if others:
            more = Evidence("code", f"{len(others)} more like it", "envcheck scan")
            first = replace(first, evidence=(*first.evidence, more))
        yield first


def remedies_of(stack: Stack, facts: Facts, given: Mapping[str, str | None]) -> Remedies:
    """``given`` are the options that a printed `envcheck scan` has to repeat."""
    from envcheck import remedies
    from envcheck.imports.findings import Remedies
    from envcheck.imports.stack import has_tf_keras
    from envcheck.imports.successors import OTHERS, requirements

    options = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    installs = {
        root: remedies.install(facts, *requirements(root, stack.keras or ())) for root in OTHERS
    }
    if stack.tensorflow and has_tf_keras(stack.tensorflow):
        wanted = "tf-keras=={}.{}.*".format(*stack.tensorflow)
        installs["tf_keras"] = remedies.install_beside(facts, wanted)
    installs = {root: remedies.with_pip(facts, fix) for root, fix in installs.items()}
    return Remedies(tuple(options), installs)
