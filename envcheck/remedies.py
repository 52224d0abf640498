"""Fixes that many rules offer, made for the target that is looked at."""

from __future__ import annotations

from envcheck import facts as F
from envcheck.model import Facts, Fix, Safety


def installer(facts: Facts, verb: str) -> tuple[str, ...]:
    """``python -m pip VERB`` of the target, or uv's where the target has no pip."""
    python = facts.value(F.TARGET_EXECUTABLE) or "python"
    if facts.value(F.TARGET_HAS_PIP) is False:
        return ("uv", "pip", verb, "--python", python)
    yes = ("--yes",) if verb == "uninstall" else ()
    return (python, "-m", "pip", verb, *yes)


def install(facts: Facts, *requirements: str, safety: Safety = "safe") -> Fix:
    return Fix(
        id="install",
        safety=safety,
        steps=((*installer(facts, "install"), *requirements),),
        requirements=requirements,
    )


def uninstall_step(facts: Facts, *names: str) -> tuple[str, ...]:
    return (*installer(facts, "uninstall"), *names)


def reinstall_step(facts: Facts, *requirements: str) -> tuple[str, ...]:
    """Install these files again, whatever pip thinks is there, and touch nothing else."""
    force = (
        ("--reinstall",)
        if facts.value(F.TARGET_HAS_PIP) is False
        else ("--force-reinstall", "--no-cache-dir")
    )
    return (*installer(facts, "install"), *force, "--no-deps", *requirements)


def manual(id: str, note: str, *steps: tuple[str, ...], root: bool = False, **params: str) -> Fix:
    """Something that only a person can do: printed, never run."""
    return Fix(id=id, safety="manual", steps=steps, note=note, needs_root=root, params=params)
