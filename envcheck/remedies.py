"""Fixes that many rules offer, made for the target that is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envcheck import facts as F
from envcheck.model import Facts, Fix, Safety
from envcheck.places import lies_in

if TYPE_CHECKING:
    from envcheck.matrix import TensorflowBuild


def installer(facts: Facts, verb: str) -> tuple[str, ...]:
    """``python -m pip VERB`` of the target, or uv's where uv made it, without pip."""
    python = facts.value(F.TARGET_EXECUTABLE) or "python"
    if _is_of_uv(facts):
        return ("uv", "pip", verb, "--python", python)
    yes = ("--yes",) if verb == "uninstall" else ()
    return (python, "-m", "pip", verb, *yes)


def _is_of_uv(facts: Facts) -> bool:
    return facts.value(F.TARGET_HAS_PIP) is False and facts.value(F.TARGET_KIND) == "uv"


def with_pip(facts: Facts, fix: Fix) -> Fix:
    """Where its commands need a pip that is not there (PDM makes such environments, and `python
    -m venv --without-pip`), first the one that brings it."""
    pip = (facts.value(F.TARGET_EXECUTABLE) or "python", "-m", "pip")
    if facts.value(F.TARGET_HAS_PIP) is False and any(step[:3] == pip for step in fix.steps):
        return replace(fix, steps=((*pip[:2], "ensurepip"), *fix.steps))
    return fix


def install(facts: Facts, *requirements: str, safety: Safety = "safe") -> Fix:
    if facts.value(F.TARGET_MANAGED):
        return install_elsewhere(facts, *requirements)
    return Fix(
        id="install",
        safety=safety,
        steps=((*installer(facts, "install"), *requirements),),
        requirements=requirements,
    )


def install_beside(facts: Facts, *requirements: str) -> Fix:
    """Something that asks for `tensorflow` by that name. Where TensorFlow is another package
    (tensorflow-cpu), pip would lay a second one over it."""
    if facts.value(F.TF_PACKAGE) in (None, "tensorflow"):
        return install(facts, *requirements)
    return Fix(
        id="install",
        safety="safe",
        steps=((*installer(facts, "install"), "--no-deps", *requirements),),
        requirements=requirements,
    )


def install_elsewhere(facts: Facts, *requirements: str) -> Fix:
    """A new virtual environment, where pip may not touch this Python (PEP 668)."""
    windows = facts.value(F.SYSTEM_OS) == "windows"
    new = ".venv\\Scripts\\python.exe" if windows else ".venv/bin/python"
    python = facts.value(F.TARGET_EXECUTABLE) or "python"
    return Fix(
        id="new-environment",
        safety="review",
        note="pip may not install into this Python, which belongs to the system: use a virtual "
        "environment.",
        steps=(
            (python, "-m", "venv", ".venv"),
            (new, "-m", "pip", "install", *requirements),
        ),
    )


def with_cuda(build: TensorflowBuild) -> tuple[str, ...]:
    """What installs this release with its CUDA libraries. The extra of 2.14 and 2.15.0 asks for a
    TensorRT that the index does not have, or not for every Python: there its other wheels."""
    if "tensorrt" in build.and_cuda:
        pins = build.and_cuda.items()
        wheels = (name + pin for name, pin in pins if name.startswith("nvidia-"))
        return (f"{build.package}=={build.version}", *sorted(wheels))
    return (f"{build.package}{'[and-cuda]' if build.and_cuda else ''}=={build.version}",)


def other_release(facts: Facts, build: TensorflowBuild) -> Fix:
    """Another release in the place of the installed package, which may have another name."""
    fix, package = install(facts, *with_cuda(build), safety="review"), F.TF_PACKAGE
    if build.and_cuda and build.main and not build.main.finds_wheels:
        note = "TensorFlow {version} does not find all of its own CUDA libraries: run envcheck "
        note += "again afterwards, it prints the line that helps."
        params = {"version": build.version}
        fix = replace(fix, note=fix.note or note, params=params, requirements=())
    if facts.value(package) in (None, "tensorflow"):
        return fix
    step = uninstall_step(facts, facts.value(package) or "")
    return replace(fix, id="other-tensorflow", steps=(step, *fix.steps), requirements=())


def uninstall_step(facts: Facts, *names: str) -> tuple[str, ...]:
    return (*installer(facts, "uninstall"), *names)


def uninstall_copy_step(facts: Facts, row: F.Distribution) -> tuple[str, ...]:
    """One installed copy away, by the program that installed it: pip takes conda's files, and
    conda goes on believing that it has them."""
    if row.installer != "conda":
        return uninstall_step(facts, row.name)
    prefix = facts.value(F.TARGET_PREFIX) or ""
    return ("conda", "remove", "--yes", "--force", "--prefix", prefix, row.name)


def reinstall_step(facts: Facts, *requirements: str) -> tuple[str, ...]:
    """Install these files again, whatever pip thinks is there, and touch nothing else."""
    force = ("--reinstall",) if _is_of_uv(facts) else ("--force-reinstall", "--no-cache-dir")
    return (*installer(facts, "install"), *force, "--no-deps", *requirements)


def manual(id: str, note: str, *steps: tuple[str, ...], root: bool = False, **params: str) -> Fix:
    """Something that only a person can do: printed, never run."""
    return Fix(id=id, safety="manual", steps=steps, note=note, needs_root=root, params=params)


def remove_steps(facts: Facts, *paths: str) -> tuple[tuple[str, ...], ...]:
    """Delete these folders or files."""
    if facts.value(F.SYSTEM_OS) == "windows":
        return tuple(("Remove-Item", "-Recurse", path) for path in paths)
    return (("rm", "-r", *paths),)


def rename_step(facts: Facts, path: str, new: str) -> tuple[str, ...]:
    """Rename; what already has the new name stays as it is."""
    if facts.value(F.SYSTEM_OS) == "windows":
        return ("Move-Item", path, new)
    return ("mv", "-n", path, new)


def remove_copy_steps(
    facts: Facts, row: F.Distribution, package: str
) -> tuple[tuple[str, ...], ...]:
    """Take one copy away. pip removes what lies in the target itself and nothing else."""
    prefix = facts.value(F.TARGET_PREFIX)
    if prefix and lies_in(row.location, prefix):
        return (uninstall_step(facts, row.name),)
    slash = "\\" if "\\" in row.location else "/"
    return remove_steps(facts, row.location + slash + package, row.path)
