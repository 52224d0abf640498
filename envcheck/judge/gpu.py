"""The GPU: its code in the wheel (R8), in the libraries (R9), in the toolkit (R11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from envcheck.judge.cudnn import cudnn_major_can, first_cudnn
from envcheck.judge.kernels import first_release_for, kernels_of, way_to_run, ways_to_run
from envcheck.judge.model import About, Case, Reason
from envcheck.judge.packages import unknown_release
from envcheck.matrix import PlatformBuild
from envcheck.versions import ComputeCapability


def judge_gpu(case: Case) -> Iterator[Reason]:
    if case.system == "macos":
        return
    capability = case.capability
    if capability is None:
        yield from _unplaced(case)
        return
    if case.stack.tensorflow is not None and case.build is None:
        yield unknown_release(case, "gpu", "R8")
    if case.wheel is not None and case.wheel.is_cuda:
        yield _code_in_wheel(case, case.wheel, capability)
        if case.cudnn is None or not case.cudnn.says_minor:
            yield from _code_in_any_cudnn(case, case.wheel, capability)
    yield from _blackwell_cuda(case, capability)
    yield from _toolkit_knows(case, capability)


def _unplaced(case: Case) -> Iterator[Reason]:
    """A GPU name that the matrix does not know, or that can mean several."""
    name = case.stack.gpu
    if name is None:
        return
    several = case.matrix.gpu_capabilities(name)
    if several:
        text = f"{name!r} can be a GPU of compute capability " + " or ".join(map(str, several))
        text += "; give the full name or the compute capability."
    else:
        text = f"The matrix of {case.matrix.date} does not know the GPU {name!r}."
    yield About("gpu", None, {"gpu": name}).say("R8", "unverified", text, ("gpu-ambiguous",))


def _first_release(case: Case) -> str | None:
    """`tensorflow >=2.21.0`: the way out where this release cannot."""
    if case.capability is None or case.build is None:
        return None
    after = case.build.version
    found = first_release_for(case.matrix, case.capability, case.platform, after)
    return f"tensorflow >={found}" if found else None


def _code_in_wheel(case: Case, wheel: PlatformBuild, capability: ComputeCapability) -> Reason:
    kinds = kernels_of(wheel)
    sources = case.matrix.rule("R8").sources
    numbers = {
        "compute capability": str(capability),
        "machine code": " ".join(map(str, wheel.capabilities)),
        "ptx": ", ".join(dict.fromkeys(k.ptx for k in kinds)),
    }
    if not kinds:
        text = f"For which GPUs {case.name} was built is not known."
        return About("gpu", None, numbers).say("R8", "unverified", text, sources)
    ways = ways_to_run(wheel, capability)
    lowest = min(wheel.capabilities)
    about = About("gpu", f">={lowest}", numbers)
    if "too new" in ways:
        about = About("gpu", _first_release(case), numbers)
        target = next(k.ptx for k in kinds if way_to_run(k, capability) == "too new")
        text = f"{case.name} has no machine code for compute capability {capability}, and kernels "
        text += f"whose PTX is for {target} alone: the driver refuses it (CUDA_ERROR_INVALID_PTX)."
        return about.say("R8", "broken", text, (*sources, "blackwell-issues"))
    if "too old" in ways:
        text = f"{case.name} was built for compute capability {lowest} and up; "
        return about.say("R8", "unsupported", f"{text}this GPU has {capability}.", sources)
    if set(ways) == {"native"}:
        text = f"{case.name} has machine code that runs on compute capability {capability}."
        return about.say("R8", "compatible", text, sources)
    text = f"{case.name} has no machine code of its own for compute capability {capability} in all "
    text += "its kernels; the driver compiles the rest from PTX at the first start."
    return about.say("R8", "compatible", text, sources)


def _code_in_any_cudnn(
    case: Case, wheel: PlatformBuild, capability: ComputeCapability
) -> Iterator[Reason]:
    """Where the cuDNN in use is not known: whether any of the major that is opened would do."""
    major = wheel.cudnn_major
    if cudnn_major_can(case.matrix, major, capability):
        return
    measured = first_cudnn(case.matrix, capability) is not None
    says = "has code for" if measured else "supports"
    text = f"{case.name} uses cuDNN {major}, and no cuDNN {major} {says} compute capability "
    about = About(
        "gpu",
        _first_release(case),
        {"compute capability": str(capability), "cudnn": str(major)},
    )
    verdict: Literal["broken", "unsupported"] = "broken" if measured else "unsupported"
    yield about.say("R9", verdict, f"{text}{capability}.", case.matrix.rule("R9").sources)


def _blackwell_cuda(case: Case, capability: ComputeCapability) -> Iterator[Reason]:
    """cuDNN's matrices ask for CUDA 12.8 under a Blackwell GPU."""
    cuda = case.cuda
    limits = [row for row in case.matrix.cudnn_support if row.blackwell_cuda is not None]
    if cuda is None or capability.major < 10 or not limits or not cuda.says_minor:
        return
    needed = limits[-1].blackwell_cuda
    if needed is not None and cuda < needed:
        numbers = {"cuda": str(cuda), "compute capability": str(capability)}
        text = f"A GPU of compute capability {capability} needs the libraries of CUDA {needed} or "
        about = About("cuda", f">={needed},<13", numbers)
        text += f"newer; this is {cuda}."
        yield about.say("R9", "unsupported", text, limits[-1].sources)


def _toolkit_knows(case: Case, capability: ComputeCapability) -> Iterator[Reason]:
    """R11: worth a word, never a fault."""
    series = case.matrix.cuda_series(case.cuda) if case.cuda else None
    if series is None or not series.targets or capability in series.targets:
        return
    highest = max(series.targets)
    if capability > highest:
        text = f"CUDA {case.cuda} compiles for at most {highest}, so XLA (jit_compile) cannot "
        text += f"target {capability}; the ready-made kernels do not ask it to."
        about = About("gpu", None, {"cuda": str(case.cuda), "highest": str(highest)})
        yield about.say("R11", "compatible", text, case.matrix.rule("R11").sources)
