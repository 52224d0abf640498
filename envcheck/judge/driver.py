"""The driver: for CUDA (R3, R4, R12), for the GPU (R5), for its PTX (R10)."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.judge.kernels import kernels_of, way_to_run
from envcheck.judge.model import About, Case, Reason
from envcheck.versions import ComputeCapability, CudaRelease, DriverRelease

_ARCHITECTURES = (
    ("3.0", "Kepler"),
    ("5.0", "Maxwell"),
    ("6.0", "Pascal"),
    ("7.0", "Volta"),
    ("7.5", "Turing"),
    ("8.0", "Ampere"),
    ("8.9", "Ada Lovelace"),
    ("9.0", "Hopper"),
    ("10.0", "Blackwell"),
)


def judge_driver(case: Case) -> Iterator[Reason]:
    driver = case.driver
    if driver is None or case.system == "macos":
        return
    wheel_cuda = case.wheel.cuda if case.wheel and case.wheel.is_cuda else None
    cuda = case.cuda or wheel_cuda
    if cuda is not None:
        yield _for_cuda(case, driver, cuda)
    if case.capability is not None and not _is_jetson(case):
        yield from _for_gpu(case, driver, case.capability)
    if case.capability is not None:
        yield from _for_ptx(case, driver, case.capability)


def architecture_of(capability: ComputeCapability) -> str | None:
    """Kepler to Blackwell by compute capability; None before Kepler."""
    found = None
    for first, name in _ARCHITECTURES:
        if capability >= ComputeCapability.parse(first):
            found = name
    return found


def _for_cuda(case: Case, driver: DriverRelease, cuda: CudaRelease) -> Reason:
    rule = "R3" if cuda.major >= 11 else "R4"
    sources = case.matrix.rule(rule).sources
    minimum = case.matrix.min_driver(cuda, case.system)
    own = case.matrix.own_driver(cuda, case.system)
    numbers = {"driver": str(driver), "cuda": str(cuda), "minimum": str(minimum or "")}
    about = About("driver", f">={minimum}" if minimum else None, numbers)
    if minimum is None:
        text = f"The oldest driver for CUDA {cuda} is not known."
        return about.say(rule, "unverified", text, sources)
    if driver < minimum:
        text = f"CUDA {cuda} needs driver {minimum} or newer; this is {driver}."
        hint = _forward_hint(case)
        forward = case.matrix.rule("R12").sources if hint else ()
        return about.say(rule, "broken", text + hint, (*sources, *forward))
    if own is not None and driver >= own:
        text = f"Driver {driver} is at least the {own} that came with CUDA {cuda}."
        return about.say(rule, "compatible", text, sources)
    shipped = f" ({own})" if own else ""
    text = f"Driver {driver} is older than CUDA {cuda}{shipped} but at least {minimum}, so its "
    return about.say(rule, "compatible", text + "ready-made machine code runs.", sources)


def _forward_hint(case: Case) -> str:
    """R12 is said only where it can help."""
    product = case.matrix.gpu(case.stack.gpu) if case.stack.gpu else None
    if case.system != "linux" or product is None:
        return ""
    if product.segment not in ("datacenter", "jetson"):
        return ""
    return " On this GPU a cuda-compat package may stand in for a newer driver (R12)."


def _for_gpu(case: Case, driver: DriverRelease, capability: ComputeCapability) -> Iterator[Reason]:
    """Hardware support begins and ends in the driver."""
    rule = case.matrix.rule("R5")
    architecture = architecture_of(capability)
    numbers = {"driver": str(driver), "compute capability": str(capability)}
    last = rule.data["ends"].get(architecture)
    if last is not None and driver.major > last:
        text = f"{architecture} GPUs end with driver branch {last}; this is {driver}."
        about = About("driver", f"<{last + 1}", numbers)
        yield about.say("R5", "unsupported", text, rule.sources)
    start = rule.data["starts"].get(architecture, {}).get(case.system)
    if start is not None and driver < DriverRelease.parse(start):
        text = f"{architecture} GPUs begin with driver {start}; this is {driver}."
        yield About("driver", f">={start}", numbers).say("R5", "broken", text, rule.sources)


def _is_jetson(case: Case) -> bool:
    """Jetson's driver comes with its system and has its own numbers."""
    product = case.matrix.gpu(case.stack.gpu) if case.stack.gpu else None
    return product is not None and product.segment == "jetson"


def _for_ptx(case: Case, driver: DriverRelease, capability: ComputeCapability) -> Iterator[Reason]:
    """A driver compiles only PTX versions that it knows."""
    if case.wheel is None or not case.wheel.is_cuda:
        return
    rule = case.matrix.rule("R10")
    free = _number(rule.data["any_cuda11_driver_up_to"])
    compiled = (k for k in kernels_of(case.wheel) if way_to_run(k, capability) == "jit")
    versions = [k.ptx_isa for k in compiled if k.ptx_isa and _number(k.ptx_isa) > free]
    if not versions:
        return
    isa = max(versions, key=_number)
    needed = case.matrix.driver_of_ptx(isa, case.system)
    if needed is not None and driver < needed:
        numbers = {"driver": str(driver), "ptx": isa, "minimum": str(needed)}
        text = f"{case.name} carries PTX {isa} for compute capability {capability}, which only "
        text += f"driver {needed} or newer compiles; this is {driver}."
        yield About("driver", f">={needed}", numbers).say("R10", "broken", text, rule.sources)


def _number(isa: str) -> tuple[int, ...]:
    return tuple(int(part) for part in isa.split("."))
