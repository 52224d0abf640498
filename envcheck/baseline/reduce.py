"""A fact as it is compared: without what changes from hour to hour, and without anybody's folders.

Each function is a pure reduction of known facts to text, a list or a mapping of texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from envcheck import facts as F
from envcheck.compatibility import pins
from envcheck.library_path import folder_of, version_of
from envcheck.model import Expect, Facts, Key
from envcheck.places import lies_in, same_folder

Value = str | list[str] | dict[str, str]


class Ask(NamedTuple):
    """For which comparison: ``packages`` are those that the other side speaks of, None where
    there is no other side yet."""

    expect: Expect = "gpu"
    packages: frozenset[str] | None = None


Reduce = Callable[[Facts, Ask], Value | None]

SYSTEM_FOLDERS = re.compile(
    r"^(/usr|/lib|/lib64|/opt|/etc|[A-Za-z]:[\\/](Program Files|Windows))\b"
)
INTERPLAY = re.compile(r"^(tensorflow|tf-nightly|tf-keras|keras|nvidia-)")
"""Packages that get in each other's way: one that is new is a difference, too."""
ELSEWHERE = frozenset(("keras", "numpy", "protobuf", "tf-keras"))
"""Packages whose version is a fact of its own."""


def told(key: Key[Any]) -> Reduce:
    """The value as it stands."""

    def reduce(facts: Facts, ask: Ask) -> Value:
        return text_of(facts.fact(key).value)

    return reduce


def text_of(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def listed(key: Key[Any], line: Callable[[Any], str]) -> Reduce:
    """One line per row; nothing where a row has nothing to say."""

    def reduce(facts: Facts, ask: Ask) -> Value | None:
        lines = sorted({line(row) for row in facts.value(key) or ()} - {""})
        return lines or None

    return reduce


def minor(key: Key[str]) -> Reduce:
    """3.12.3 is 3.12."""

    def reduce(facts: Facts, ask: Ask) -> Value:
        return ".".join((facts.value(key) or "").split(".")[:2])

    return reduce


def distribution(facts: Facts, ask: Ask) -> Value:
    """Without the point release, which comes with the updates: Ubuntu 22.04.3 LTS is 22.04."""
    return re.sub(r"(\d+\.\d+)(?:\.\d+)+", r"\1", facts.value(F.SYSTEM_DISTRIBUTION) or "")


def gpus(facts: Facts, ask: Ask) -> Value | None:
    """Models and how many there are of each, in no order: CUDA's indices change with settings."""
    counts = Counter(_gpu(device) for device in facts.value(F.GPU_DEVICES) or ())
    return [f"{count} x {title}" for title, count in sorted(counts.items())] or None


def _gpu(device: F.GpuDevice) -> str:
    if device.error:
        return "a GPU that does not answer"
    capability = device.compute_capability
    about = [f"compute capability {capability}"] if capability else []
    # NVML's total moves by a few MiB with the driver.
    about += [f"{round(device.memory_mib / 1024)} GiB"] if device.memory_mib else []
    about += ["MIG"] if device.mig else []
    return device.title + (f" ({', '.join(about)})" if about else "")


def cards(facts: Facts, ask: Ask) -> Value:
    """How many: the addresses go with the slots."""
    return str(len(facts.value(F.GPU_HARDWARE) or ()))


def winners(key: Key[tuple[F.Library, ...]]) -> Reduce:
    """By soname, the file that the loader takes: version, where it comes from, and how it is
    found."""

    def reduce(facts: Facts, ask: Ask) -> Value | None:
        return {row.soname: _winner(facts, row) for row in facts.value(key) or ()} or None

    return reduce


def _winner(facts: Facts, library: F.Library) -> str:
    place = library.winner
    if place is None:
        return "not found"
    version = place.version or version_of(facts, library.soname, place) or "no version"
    origin = f"wheel {place.component}" if place.component else where(facts, folder_of(place.path))
    broken = ", broken" if place.status or place.missing else ""
    return f"{version} in {origin}, by {place.via}{broken}"


def where(facts: Facts, folder: str) -> str:
    """A folder in words that hold on another machine, too, and name nobody."""
    prefix = facts.value(F.TARGET_PREFIX)
    if prefix and (same_folder(folder, prefix) or lies_in(folder, prefix)):
        return "the environment"
    return folder if SYSTEM_FOLDERS.match(folder) else "a folder of the user"


def packages(facts: Facts, ask: Ask) -> Value | None:
    """TensorFlow's family, what TensorFlow asks for, and the CUDA wheels. The rest of an
    environment is a lock file of pip's business."""
    installed = dict(facts.value(F.TARGET_INSTALLED) or {})
    named = frozenset(pins(facts)) if ask.packages is None else ask.packages
    found = {
        name: version
        for name, version in sorted(installed.items())
        if (name in named or INTERPLAY.match(name)) and name not in ELSEWHERE
    }
    return (without_cuda(found) if ask.expect == "cpu" else found) or None


def without_cuda(packages: Mapping[str, str]) -> dict[str, str]:
    return {name: item for name, item in packages.items() if not name.startswith("nvidia-")}


def variables(facts: Facts, ask: Ask) -> Value | None:
    """Those that choose between two Kerases; the rest are folders."""
    found = facts.value(F.TARGET_VARIABLES) or {}
    return {name: found[name] for name in ("TF_USE_LEGACY_KERAS",) if name in found} or None


def folders(key: Key[str]) -> Reduce:
    """A search path, each folder in words, in its order."""

    def reduce(facts: Facts, ask: Ask) -> Value | None:
        entries = (facts.value(key) or "").split(":")
        return list(dict.fromkeys(where(facts, entry) for entry in entries if entry)) or None

    return reduce


def xla_root(facts: Facts, ask: Ask) -> Value | None:
    """How the first folder with libdevice is found."""
    roots: Sequence[F.XlaRoot] = facts.value(F.XLA_ROOTS) or ()
    return next((f"by {root.via}" for root in roots if root.libdevice), None)


def imported(key: Key[F.Resolution]) -> Reduce:
    """What the import would load: a package is right, whatever its folder."""

    def reduce(facts: Facts, ask: Ask) -> Value | None:
        found = facts.value(key)
        return f"a {found.kind}" if found else None

    return reduce


def copy_of(row: F.Distribution) -> str:
    return f"{row.name} {row.version}"


def refused_file(row: F.DeviceFile) -> str:
    return "" if row.state == "ok" else f"{row.path} {row.state}"


def refused_library(row: F.Opened) -> str:
    return "" if row.status == "ok" else f"{row.soname} {row.status}"


def trained(facts: Facts, ask: Ask) -> Value | None:
    """How the training ended and where it ran."""
    result = facts.value(F.SMOKE)
    if result is None:
        return None
    if result.ok or result.learned:
        broken = ", ".join(rung.name for rung in result.failed())
        return f"trained on {result.place}" + (f"; broken: {broken}" if broken else "")
    rung = result.failed_rung()
    why = f" ({rung.error_type})" if rung and rung.error_type else ""
    return f"failed in the step {rung.name if rung else result.rung}{why}"


def driver_answers(facts: Facts, ask: Ask) -> Value | None:
    answer = facts.value(F.DRIVER_NVML)
    return None if answer is None else " ".join(filter(None, (answer.status, answer.text)))


def cuda_starts(facts: Facts, ask: Ask) -> Value | None:
    answer = facts.value(F.DRIVER_CUDA_INIT)
    if answer is None:
        return None
    counted = f", {answer.devices} GPU(s)" if answer.devices is not None else ""
    return (answer.name or answer.status) + counted


def bound(facts: Facts, ask: Ask) -> Value | None:
    held: Mapping[str, str] = facts.value(F.GPU_BOUND) or {}
    return sorted(set(held.values())) or None
