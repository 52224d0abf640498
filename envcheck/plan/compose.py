"""A judged candidate as a plan: each version with its reason, and what installs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck.judge import Judgement, judge
from envcheck.matrix import Matrix
from envcheck.matrix.specs import intersect
from envcheck.plan.candidates import Candidate
from envcheck.plan.model import Choice, Demands, Plan
from envcheck.requirements import PKG_RESOURCES, WITH_PKG_RESOURCES, has_room
from envcheck.versions import DriverRelease

BESIDE = ("numpy", "protobuf")
"""Packages that decide whether TensorFlow imports, with the rule on them."""
RULES = {"numpy": "R14", "protobuf": "R15"}


def compose(candidate: Candidate, judgement: Judgement, demands: Demands, matrix: Matrix) -> Plan:
    build, cuda = candidate.build, candidate.cuda
    least = least_driver(candidate, matrix) if cuda.way != "cpu" else None
    bounds = {name: _bound(candidate, name) for name in BESIDE}
    lost = _lost(candidate)
    return Plan(
        way=cuda.way,
        os=demands.os,
        arch=demands.arch,
        package=build.package,
        tensorflow=build.version,
        python=candidate.python,
        keras=candidate.keras,
        tf_keras=candidate.tf_keras,
        cuda=cuda.cuda,
        cudnn=cuda.cudnn,
        judgement=judgement,
        choices=tuple(_choices(candidate, judgement, bounds, least, matrix)),
        requirements=tuple(_requirements(candidate, demands)),
        constraints=tuple(_constraints(candidate, bounds)),
        notes=tuple(_notes(candidate, demands, least)),
        links=lost if cuda.way == "links" else (),
        path=tuple(sorted(candidate.wheel.folders_needed)) if cuda.way == "path" else (),
        variables={"TF_USE_LEGACY_KERAS": "1"} if candidate.tf_keras else {},
        least_driver=least,
    )


def _lost(candidate: Candidate) -> tuple[str, ...]:
    """The nvidia/<folder>/lib that this TensorFlow does not search."""
    wheel = candidate.wheel
    return tuple(sorted(wheel.folders_needed - set(wheel.runpath or ())))


def _bound(candidate: Candidate, name: str) -> str | None:
    """What TensorFlow asks for, within what was seen to import."""
    build = candidate.build
    imports = build.numpy_imports if name == "numpy" else build.protobuf_imports
    return intersect(build.requirement(name, candidate.python, candidate.wheel.platform), imports)


def least_driver(candidate: Candidate, matrix: Matrix) -> str | None:
    """The oldest driver that the judge lets pass, and where the card ends before the newest, the
    branch that it ends with."""
    system = "linux" if candidate.stack.os == "linux" else "windows"
    known = {u.driver[system] for u in matrix.cuda_updates if system in u.driver}
    if candidate.stack.cuda is not None:
        from envcheck.versions import CudaRelease

        minimum = matrix.min_driver(
            CudaRelease.parse(str(candidate.stack.cuda)), candidate.stack.os or "linux"
        )
        known |= {minimum} if minimum else set()
    starts = matrix.rule("R5").data["starts"].values()
    known |= {DriverRelease.parse(row[system]) for row in starts if system in row}
    ordered = sorted(known)
    least = next((d for d in ordered if not _refused(candidate, d, matrix)), None)
    if least is None:
        return None
    end = _refused(candidate, ordered[-1], matrix)
    return f">={least}" + (f",{end}" if end and end.startswith("<") else "")


def _refused(candidate: Candidate, driver: DriverRelease, matrix: Matrix) -> str | None:
    """What the judge wants in place of this driver."""
    reasons = judge(replace(candidate.stack, driver=driver), matrix).about("driver")
    return next((r.wanted or "" for r in reasons if r.verdict in ("broken", "unsupported")), None)


# --- lines


def _choices(
    candidate: Candidate,
    judgement: Judgement,
    bounds: dict[str, str | None],
    least: str | None,
    matrix: Matrix,
) -> Iterator[Choice]:
    build = candidate.build
    why = {r.subject: r for r in reversed(judgement.reasons)}

    def choice(name: str, version: str, *subjects: str) -> Choice:
        reasons = [why[subject] for subject in subjects if subject in why]
        text = " ".join(reason.text for reason in reasons)
        return Choice(
            name, version, text, tuple(dict.fromkeys(s for r in reasons for s in r.source))
        )

    yield choice(build.package, build.version, "os", "glibc", "gpu")
    yield choice("python", candidate.python, "python")
    if candidate.keras:
        yield choice("keras", candidate.keras, "keras")
    if candidate.tf_keras:
        yield choice("tf-keras", candidate.tf_keras, "tf-keras")
    if candidate.cuda.cuda:
        yield choice("cuda", candidate.cuda.cuda, "cuda", "libraries")
        yield choice("cudnn", candidate.cuda.cudnn or "", "cudnn")
    for name, bound in bounds.items():
        if bound:
            stated = build.requirement(name, candidate.python, candidate.wheel.platform)
            imports = build.numpy_imports if name == "numpy" else build.protobuf_imports
            text = f"It asks for {stated or 'any'}; {imports or 'any'} was seen to import."
            yield Choice(name, bound, text, ("wheel", *matrix.rule(RULES[name]).sources))
    if least:
        yield _driver_choice(candidate, least, choice("driver", least, "driver"), matrix)


def _driver_choice(candidate: Candidate, least: str, judged: Choice, matrix: Matrix) -> Choice:
    if judged.reason:
        return judged
    text = f"The oldest driver that carries CUDA {candidate.cuda.cuda} and this GPU's code."
    return Choice("driver", least, text, matrix.rule("R3").sources)


def _requirements(candidate: Candidate, demands: Demands) -> Iterator[str]:
    build, cuda = candidate.build, candidate.cuda
    extra = "[and-cuda]" if cuda.extra else ""
    yield f"{build.package}{extra}=={build.version}"
    if candidate.keras:
        yield f"keras=={candidate.keras}"
    if candidate.tf_keras:
        yield f"tf-keras=={candidate.tf_keras}"
    if not cuda.extra:
        yield from (f"{name}=={version}" for name, version in sorted(cuda.wheels.items()))
    yield from demands.also


def _constraints(candidate: Candidate, bounds: dict[str, str | None]) -> Iterator[str]:
    yield from (f"{name}{bound}" for name, bound in bounds.items() if bound)
    tensorboard = candidate.build.requirement(
        "tensorboard", candidate.python, candidate.wheel.platform
    )
    if tensorboard and has_room(intersect(tensorboard, PKG_RESOURCES["tensorboard"]) or ""):
        yield WITH_PKG_RESOURCES
    if candidate.cuda.extra:
        wheels = sorted(candidate.cuda.wheels.items())
        yield from (f"{name}=={version}" for name, version in wheels)


def _notes(candidate: Candidate, demands: Demands, least: str | None) -> Iterator[str]:
    way = candidate.cuda.way
    if way != "cpu" and demands.driver is None:
        yield f"Install an NVIDIA driver {least or ''} first: pip cannot.".replace("  ", " ")
    if way == "links":
        folders = ", ".join(f"nvidia/{name}/lib" for name in _lost(candidate))
        yield (
            f"This TensorFlow does not search {folders}: `envcheck setup` links those libraries "
            "to where it looks; after a plain pip install they must be in LD_LIBRARY_PATH."
        )
    if way == "path":
        yield (
            "This TensorFlow does not search pip's nvidia folders: name their lib folders in "
            "LD_LIBRARY_PATH."
        )
    if way == "system":
        yield (
            f"Install CUDA {candidate.cuda.cuda} and cuDNN {candidate.cuda.cudnn} themselves, by "
            "NVIDIA's installers or by conda (--format conda)."
        )
    if candidate.cuda.known_good:
        yield "This combination is on record as in use."
    if candidate.tf_keras:
        yield "Keras 2 is used where TF_USE_LEGACY_KERAS=1 is set before the start."
    if any(name.split("=")[0].split("[")[0].strip() == "torch" for name in demands.also):
        yield (
            "PyTorch brings CUDA libraries of its own. Where pip finds no versions that suit both, "
            "two environments do."
        )
