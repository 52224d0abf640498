"""What the policy requires, against what is here. Of each entry: met, not met, or not known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from envcheck import facts as F
from envcheck.devices import listed
from envcheck.library_path import version_of, winner
from envcheck.matrix import Matrix
from envcheck.matrix.specs import admits
from envcheck.model import Evidence, Facts, Fix, Key
from envcheck.remedies import manual

NAMES = {
    "compute-capability": "compute capability",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "driver": "NVIDIA driver",
    "keras": "Keras",
    "python": "Python",
    "tensorflow": "TensorFlow",
}
NONE = "none"
PLANNED = ("python", "tensorflow", "keras", "cuda", "cudnn")
"""What `envcheck plan` takes as a wish."""


class Answer(NamedTuple):
    """``met`` is None where it is not known, and ``found`` then says why. ``fact`` is what it
    was read from."""

    met: bool | None
    found: str
    fact: Key[Any]
    evidence: Evidence | None = None


def wording(demand: F.Demand, demands: Sequence[F.Demand]) -> str:
    """What is wanted, in words."""
    if demand.key in NAMES:
        return f"{NAMES[demand.key]} {demand.wanted[0]}"
    number = how_many(demands)
    count = "a GPU" if number == 1 else f"{number} GPUs"
    patterns = " or ".join(f'"{pattern}"' for pattern in demand.wanted)
    return count if demand.key == "gpus" else f"{count} {patterns}"


def how_many(demands: Sequence[F.Demand]) -> int:
    """The GPUs that names and compute capability are required of, too."""
    return next((int(row.wanted[0]) for row in demands if row.key == "gpus"), 1)


def answer(demand: F.Demand, demands: Sequence[F.Demand], facts: Facts) -> Answer:
    if demand.key in ("gpus", "gpu", "compute-capability"):
        return _gpus(demand, demands, facts)
    if demand.key in LIBRARY:
        return _library(demand, facts)
    key = VERSIONS[demand.key]
    fact = facts.fact(key)
    if fact.state == "unknown":
        return Answer(None, fact.reason, key)
    if fact.state != "known":
        return Answer(False, NONE, key, facts.evidence(key))
    return _of_version(demand.wanted[0], str(fact.value), key, facts.evidence(key))


VERSIONS: Mapping[str, Key[Any]] = {
    "driver": F.DRIVER_RELEASE,
    "python": F.TARGET_PYTHON,
    "tensorflow": F.TF_VERSION,
    "keras": F.KERAS_VERSION,
}
LIBRARY = {"cuda": ("cudart", 2), "cudnn": ("cudnn", 3)}
"""The library that stands for it, and how many numbers count: behind them are build numbers."""


def _of_version(wanted: str, version: str, key: Key[Any], evidence: Evidence) -> Answer:
    try:
        return Answer(admits(wanted, version), version, key, evidence)
    except ValueError:
        return Answer(None, f"{version!r} is no version that can be compared", key)


def _library(demand: F.Demand, facts: Facts) -> Answer:
    """The one that TensorFlow gets from the loader."""
    name, count = LIBRARY[demand.key]
    fact = facts.fact(F.LIBRARIES)
    if fact.state == "unknown":
        return Answer(None, fact.reason, F.LIBRARIES)
    row = next((row for row in facts.value(F.LIBRARIES) or () if row.name == name), None)
    place = winner(facts, name)
    if row is None or place is None:
        why = fact.reason or "TensorFlow finds none"
        return Answer(False, NONE, F.LIBRARIES, facts.evidence(F.LIBRARIES, why))
    version = version_of(facts, row.soname, place)
    numbers = re.match(r"\d+(\.\d+)*", version or "")
    if numbers is None:
        return Answer(None, f"{place.path} does not say its version", F.LIBRARIES)
    known = ".".join(numbers[0].split(".")[:count])
    met = admits_shortened(demand.wanted[0], known, count)
    if met is None:
        said = f"{place.path} says no more than {known} of its version"
        return Answer(None, said, F.LIBRARIES)
    return Answer(met, known, F.LIBRARIES, facts.evidence(F.LIBRARIES, place.title, place.path))


def admits_shortened(wanted: str, version: str, count: int) -> bool | None:
    """Whether the range has this version, of which fewer than ``count`` numbers may be known: then
    None where it depends on the others."""
    if version.count(".") + 1 >= count:
        return admits(wanted, version)
    bounds = re.findall(r"\d+(?:\.\d+)*", wanted)
    inside = [text for text in bounds if f"{text}.".startswith(f"{version}.")]
    tried = [version, f"{version}.9999", *inside, *(f"{text}.9999" for text in inside)]
    answers = {admits(wanted, text) for text in tried}
    return answers.pop() if len(answers) == 1 else None


def plan(demands: Sequence[F.Demand]) -> Fix:
    """Where one version cannot simply be installed in the place of another."""
    wishes = [
        word for row in demands if row.key in PLANNED for word in (f"--{row.key}", row.wanted[0])
    ]
    note = "Ask what to install for all versions that the policy requires; `envcheck setup` with "
    note += "the same options makes such an environment:"
    return manual("plan", note, ("envcheck", "plan", *wishes))


def has_build(wanted: str, facts: Facts, matrix: Matrix) -> bool:
    """Whether a TensorFlow in this range is there for the target's Python."""
    python = ".".join((facts.value(F.TARGET_PYTHON) or "").split(".")[:2])
    fitting = (row for row in matrix.releases("tensorflow") if admits(wanted, str(row)))
    builds = (matrix.build_of("tensorflow", row) for row in fitting)
    return any(python in build.pythons for build in builds if build)


def _gpus(demand: F.Demand, demands: Sequence[F.Demand], facts: Facts) -> Answer:
    """At least so many GPUs that answer and that CUDA_VISIBLE_DEVICES leaves."""
    key, fact = F.GPU_DEVICES, facts.fact(F.GPU_DEVICES)
    if fact.state == "unknown":
        return Answer(None, fact.reason, key)
    devices = [row for row in facts.value(key) or () if not row.error]
    visible = facts.value(F.GPU_VISIBLE_DEVICES)
    left = len(devices) if visible is None else min(listed(visible, devices)[0], len(devices))
    if demand.key == "gpus":
        met = left >= how_many(demands)
        hidden = f", and CUDA_VISIBLE_DEVICES={visible} leaves {left}" if visible else ""
        seen = f"{_described(devices)}{hidden}" if devices else None
        return Answer(met, str(left) if left else NONE, key, facts.evidence(key, seen))
    fits = [_fits(demand, row) for row in devices]
    return _enough(fits, left, how_many(demands), _shown(demand, devices), facts)


def _enough(
    fits: Sequence[bool | None], left: int, number: int, found: str, facts: Facts
) -> Answer:
    """Which of them a variable that leaves ``left`` leaves is not known where they differ: CUDA
    counts them in an order of its own (CUDA_DEVICE_ORDER)."""
    hidden = len(fits) - left
    least = max(0, fits.count(True) - hidden)
    most = min(left, len(fits) - fits.count(False))
    if least < number <= most:
        why = "a GPU does not tell it"
        if hidden:
            why = "CUDA_VISIBLE_DEVICES leaves some of unlike GPUs, and CUDA numbers them itself"
        return Answer(None, why, F.GPU_DEVICES)
    return Answer(
        least >= number, found, F.GPU_DEVICES, facts.evidence(F.GPU_DEVICES, found or None)
    )


def _fits(demand: F.Demand, device: F.GpuDevice) -> bool | None:
    """None: the card does not tell."""
    if demand.key == "compute-capability":
        capability = device.compute_capability
        return None if capability is None else admits(demand.wanted[0], str(capability))
    name = device.name
    return None if name is None else any(is_called(name, text) for text in demand.wanted)


def is_called(name: str, pattern: str) -> bool:
    """ "A100" is a word of "NVIDIA A100-SXM4-80GB"; with * or ? it is a pattern for the whole."""
    name, pattern = name.lower(), pattern.strip().lower()
    if set("*?") & set(pattern):
        return fnmatchcase(name, pattern.replace("[", "[[]"))
    return re.search(rf"(?<!\w){re.escape(pattern)}(?!\w)", name) is not None


def _shown(demand: F.Demand, devices: Sequence[F.GpuDevice]) -> str:
    if demand.key == "gpu":
        return _described(devices) or NONE
    told = dict.fromkeys(str(row.compute_capability) for row in devices if row.compute_capability)
    return " and ".join(told) or NONE


def _described(devices: Sequence[F.GpuDevice]) -> str:
    counts = Counter(row.title for row in devices)
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items())
