"""What the installed TensorFlow and Keras family asks for, against what is installed.

The markers are evaluated for the target, not for the Python that runs envcheck.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from envcheck import facts as F
from envcheck.compatibility import pins
from envcheck.matrix.specs import admits, intersect
from envcheck.model import Facts

if TYPE_CHECKING:
    from packaging.requirements import Requirement

TENSORFLOWS = (
    "tensorflow",
    "tensorflow-gpu",
    "tensorflow-cpu",
    "tensorflow-intel",
    "tensorflow-macos",
    "tf-nightly",
    "tensorflow-cpu-aws",
)
"""Distributions that provide ``import tensorflow``."""
CARRIERS = ("tensorflow-intel", "tensorflow-macos", "tensorflow-cpu-aws")
"""They bring the code where the package `tensorflow` of their version is empty."""
FIRST_IMPORTS = frozenset(
    (
        "absl-py",
        "astunparse",
        "flatbuffers",
        "gast",
        "keras",
        "keras-preprocessing",
        "ml-dtypes",
        "numpy",
        "opt-einsum",
        "optree",
        "packaging",
        "protobuf",
        "rich",
        "six",
        "termcolor",
        "typing-extensions",
        "wrapt",
    )
)
"""Without these `import tensorflow` or tf.keras fails: each was blocked in turn in 2.21.0, where
h5py, namex and google-pasta turned out not to be needed for it."""
BREAKS_WHEN_OLDER = frozenset(("gast", "ml-dtypes", "typing-extensions"))
"""Names that TensorFlow takes from them at import have been added over time."""
NUMBERED = ("tf-keras", "tensorflow-text", "tensorboard", "tensorflow-estimator")
"""They are released with TensorFlow, under its number, and ask for `tensorflow` by that name."""
IMPORT_NAMES = {"absl": "absl-py", "google": "protobuf"}
"""Import name to distribution, where they differ."""
FAMILY = re.compile(r"^(tensorflow|tensorboard|tf-|keras|h5py$|ml-dtypes$)")
"""Those whose requirements are judged; the rest of an environment is pip's business."""
PLATFORMS = {"windows": ("nt", "win32", "Windows"), "macos": ("posix", "darwin", "Darwin")}
LINUX = ("posix", "linux", "Linux")


class Unmet(NamedTuple):
    """``installed`` is None where the distribution is missing. ``wanted`` is what the installed
    distributions of the family allow together, TensorFlow's own pins first."""

    name: str
    installed: str | None
    specifier: str
    asker: F.Distribution
    wanted: str

    @property
    def core(self) -> bool:
        """Asked for by TensorFlow or Keras itself."""
        return self.asker.name in TENSORFLOWS or self.asker.name in ("keras", "keras-nightly")


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def marker_environment(facts: Facts) -> dict[str, str]:
    """PEP 508's variables of the target; of ``platform_release`` and the like nothing hangs."""
    os_name, sys_platform, system = PLATFORMS.get(facts.value(F.SYSTEM_OS) or "", LINUX)
    python = facts.value(F.TARGET_PYTHON) or "3"
    implementation = facts.value(F.TARGET_IMPLEMENTATION) or "cpython"
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": facts.value(F.TARGET_MACHINE) or facts.value(F.SYSTEM_ARCH) or "",
        "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(
            implementation, implementation
        ),
        "implementation_name": implementation,
        "implementation_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }


def family(facts: Facts) -> tuple[F.Distribution, ...]:
    """The first copy of each distribution of the family, without a Keras that TensorFlow does
    not admit: that one has to go, and what it asks for goes with it."""
    first: dict[str, F.Distribution] = {}
    pin = pins(facts).get("keras", "")
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        refused = row.name in ("keras", "keras-nightly") and not _admits(pin, row.version)
        if FAMILY.match(row.name) and not refused:
            first.setdefault(row.name, row)
    return tuple(first.values())


def _admits(specifier: str, version: str | None) -> bool:
    try:
        return not specifier or version is None or admits(specifier, version)
    except ValueError:
        return True


def asked(facts: Facts) -> Iterator[tuple[F.Distribution, Requirement]]:
    """Every requirement of the family that holds on the target."""
    environment = tuple(marker_environment(facts).items())
    for row in family(facts):
        for requirement in holding(row.requires, environment):
            yield row, requirement


@lru_cache(maxsize=256)  # several rules ask, and reading them takes longer than judging
def holding(
    lines: tuple[str, ...], environment: tuple[tuple[str, str], ...]
) -> tuple[Requirement, ...]:
    """Those of the Requires-Dist lines that can be read and whose markers hold."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            found.append(requirement)
    return tuple(found)


def version_of(name: str, installed: dict[str, str]) -> str | None:
    """The installed version; ``tensorflow`` may come as any of its packages."""
    if name == "tensorflow":
        return next((installed[other] for other in TENSORFLOWS if other in installed), None)
    return installed.get(name)


def unmet(facts: Facts) -> tuple[Unmet, ...]:
    """The requirements that are not satisfied, one per distribution: TensorFlow's before
    Keras's before the others'."""
    installed = dict(facts.value(F.TARGET_INSTALLED) or {})
    found: dict[str, Unmet] = {}
    rows = [(row, requirement) for row, requirement in asked(facts)]
    rows.sort(key=_first_tensorflow)
    for row, requirement in rows:
        name = normalise(requirement.name)
        version = version_of(name, installed)
        if name in found or version == "":
            continue
        specifier = str(requirement.specifier)
        if version is not None and _admits(specifier, version):
            continue
        found[name] = Unmet(name, version, specifier, row, allowed(name, rows))
    return tuple(found.values())


def _first_tensorflow(item: tuple[F.Distribution, Requirement]) -> tuple[bool, bool, str]:
    return item[0].name not in TENSORFLOWS, item[0].name != "keras", item[0].name


def allowed(name: str, rows: list[tuple[F.Distribution, Requirement]]) -> str:
    """One specifier for all who ask for it; who leaves no room beside those before is left out."""
    together = ""
    for _, requirement in rows:
        if normalise(requirement.name) == name and str(requirement.specifier):
            both = intersect(together, str(requirement.specifier)) or ""
            together = both if has_room(both) else together
    return together


def has_room(specifier: str) -> bool:
    """Whether its lower bound is below its upper one: in >=2,<1 it is not."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    clauses = [(clause.operator, clause.version) for clause in SpecifierSet(specifier)]
    lower = [Version(version) for operator, version in clauses if operator in (">=", ">")]
    upper = [Version(version) for operator, version in clauses if operator in ("<", "<=")]
    return not lower or not upper or max(lower) < min(upper)


def admitted(facts: Facts, name: str) -> str:
    """What the family together lets in of this distribution; empty: anything."""
    rows = sorted(asked(facts), key=_first_tensorflow)
    return allowed(name, rows)


def requirement_of(facts: Facts, name: str, specifier: str) -> str:
    """What to install: of those that are numbered with TensorFlow, the same minor."""
    tensorflow = facts.value(F.TF_VERSION)
    if name not in NUMBERED or tensorflow is None:
        return name + specifier
    minor = ".".join(tensorflow.split(".")[:2])
    return f"{name}=={minor}.*" if _admits(specifier, f"{minor}.9999") else name + specifier


def asks_for_code(row: F.Distribution) -> bool:
    """Whether this TensorFlow leaves its code to another package, on some system."""
    return any(line.startswith(CARRIERS) for line in row.requires)


def is_older(item: Unmet) -> bool:
    """Below the lower bound, as opposed to above the upper one."""
    from envcheck.matrix.specs import lower_bound, parse_version

    lowest = lower_bound(item.specifier)
    if item.installed is None or lowest is None:
        return False
    return parse_version(item.installed) < parse_version(lowest.replace(".*", ""))


PROBABILITY = {
    "0.12": "2.4",
    "0.13": "2.5",
    "0.14": "2.6",
    "0.15": "2.7",
    "0.16": "2.8",
    "0.17": "2.9",
    "0.18": "2.10",
    "0.19": "2.11",
    "0.20": "2.12",
    "0.21": "2.13",
    "0.22": "2.14",
    "0.23": "2.15",
    "0.24": "2.16",
    "0.25": "2.18",
}
"""tensorflow-probability to the oldest TensorFlow that its __init__.py lets in, read from its
wheels. Up to 0.23 it builds on Keras 2 and so ends with 2.15; from 0.24 on on tf-keras."""
EXTRAS = ("tensorflow-addons", "tensorflow-io", "tensorflow-text", "tensorflow-recommenders-addons")
"""Compiled against one TensorFlow, which they name in an extra that pip does not look at."""


class Companion(NamedTuple):
    """``wanted`` is what to install in its place; empty where nothing goes with this TensorFlow."""

    name: str
    version: str
    path: str
    made_for: str
    wanted: tuple[str, ...]


def companions(facts: Facts) -> Iterator[Companion]:
    """Those beside the installed TensorFlow that were not made for it."""
    tensorflow = facts.value(F.TF_VERSION)
    if tensorflow is None:
        return
    for row in family(facts):
        if row.name == "tensorflow-probability" and row.version:
            yield from _probability(facts, row, tensorflow)
        elif row.name in EXTRAS:
            yield from _compiled(row, tensorflow)


def _probability(facts: Facts, row: F.Distribution, tensorflow: str) -> Iterator[Companion]:
    from envcheck.matrix.specs import parse_version

    version = row.version or ""
    oldest = PROBABILITY.get(".".join(version.split(".")[:2]))
    if oldest is None:
        return
    legacy = parse_version(oldest) < parse_version("2.16")
    made_for = f">={oldest}" + (",<2.16" if legacy else "")
    new = parse_version(tensorflow) >= parse_version("2.16")
    keras = bool(facts.value(F.TF_KERAS_VERSION)) or not new
    if admits(made_for, tensorflow) and keras:
        return
    fitting = [
        release
        for release, first in PROBABILITY.items()
        if parse_version(first) <= parse_version(tensorflow)
    ]
    minor = ".".join(tensorflow.split(".")[:2])
    beside = (f"tf-keras=={minor}.*",) if new and not keras else ()
    wanted = (f"tensorflow-probability=={fitting[-1]}.*", *beside) if fitting else ()
    made_for += "" if keras or legacy else " with tf-keras"
    yield Companion(row.name, version, row.path, made_for, wanted)


def _compiled(row: F.Distribution, tensorflow: str) -> Iterator[Companion]:
    """By the extra `tensorflow` of its metadata."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in row.requires:
        if "extra" not in line:
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name == "tensorflow" and str(requirement.marker).startswith("extra"):
            if not requirement.specifier.contains(tensorflow, prereleases=True):
                made_for = str(requirement.specifier)
                yield Companion(row.name, row.version or "", row.path, made_for, ())
            return


PKG_RESOURCES = {"tensorflow-hub": "<=0.16.1", "tensorboard": "<2.21"}
"""Releases that import pkg_resources, which their metadata does not say. Each was run beside
setuptools 81 and 82, tensorboard from 2.4 to 2.21; 0.16.1 is the last tensorflow-hub there is."""
WITH_PKG_RESOURCES = "setuptools<82"
"""82.0 took it out."""
