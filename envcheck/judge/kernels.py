"""How a GPU runs the code in a wheel: as it is, compiled from PTX, or not at all (R8)."""

from __future__ import annotations

from typing import Literal

from envcheck.judge.cudnn import cudnn_major_can
from envcheck.matrix import Kernels, Matrix, PlatformBuild
from envcheck.matrix.specs import parse_version
from envcheck.versions import ComputeCapability

Way = Literal["native", "jit", "too new", "too old"]
_BEST: tuple[Way, ...] = ("native", "jit", "too new", "too old")


def way_to_run(kernels: Kernels, capability: ComputeCapability) -> Way:
    """How a GPU runs one kind of kernel."""
    if any(s.major == capability.major and s.minor <= capability.minor for s in kernels.sass):
        return "native"
    base = ComputeCapability.parse(kernels.ptx.rstrip("af")) if kernels.ptx else None
    if base is None or base > capability:
        return "too old"
    suffix = kernels.ptx[-1]
    if suffix == "a" and base != capability:
        return "too new"
    if suffix == "f" and base.major != capability.major:
        return "too new"
    return "jit"


def kernels_of(wheel: PlatformBuild) -> tuple[Kernels, ...]:
    """What was read from the images, else what build_info says of the whole wheel."""
    if wheel.kernels or not wheel.capabilities:
        return wheel.kernels
    # Without a listed PTX target the highest architecture is taken to have one.
    ptx = wheel.ptx or (max(wheel.capabilities),)
    return tuple(Kernels(wheel.capabilities, str(target), None, 0) for target in ptx)


def ways_to_run(wheel: PlatformBuild, capability: ComputeCapability) -> tuple[Way, ...]:
    """Several kinds of kernel are all needed; several PTX targets of one kind are alternatives."""
    found = tuple(way_to_run(kind, capability) for kind in kernels_of(wheel))
    if wheel.kernels or not found:
        return found
    return (min(found, key=_BEST.index),)


def first_release_for(
    matrix: Matrix, capability: ComputeCapability, platform: str, after: str = "0"
) -> str | None:
    """The first final release of `tensorflow` after `after` whose kernels and cuDNN fit."""
    start = parse_version(after)
    for version in matrix.releases("tensorflow"):
        if version <= start or version.is_prerelease:
            continue
        build = matrix.build_of("tensorflow", version)
        wheel = build.platforms.get(platform) if build else None
        if wheel is None or not wheel.is_cuda:
            continue
        if set(ways_to_run(wheel, capability)) <= {"native", "jit"} and cudnn_major_can(
            matrix, wheel.cudnn_major, capability
        ):
            return str(version)
    return None
