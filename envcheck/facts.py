"""The vocabulary: every fact's name, its type, and what it means.

Look-alike versions are different types on purpose. The driver release, the CUDA that the
driver supports, the toolkit on disk, the CUDA that TensorFlow was built with and the
libraries that the loader will find are five different facts.

The rows are named tuples: frozen as well, and a tenth of a dataclass's cost at start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from envcheck.model import Key
from envcheck.versions import ComputeCapability, CudaRelease, DriverRelease

T = TypeVar("T")


class Distribution(NamedTuple):
    """An installed distribution (a dist-info or egg-info folder). ``missing`` counts the files
    of its RECORD, headers apart, that are not on the disk; None where it was not compared."""

    name: str
    version: str | None
    location: str
    path: str
    metadata: str = "ok"
    installer: str | None = None
    requires: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    files: int | None = None
    missing: int | None = None
    missing_examples: tuple[str, ...] = ()
    altered: int | None = None
    """Files that are there with another size than RECORD says."""
    altered_examples: tuple[str, ...] = ()


class Resolution(NamedTuple):
    """What ``import name`` would load: kind is package, module, namespace, missing or error."""

    kind: str
    file: str = ""
    folder: str = ""
    version: str | None = None
    error: str = ""


class PathEntry(NamedTuple):
    path: str
    origin: str
    via: str = ""


class Shadow(NamedTuple):
    module: str
    file: str


class CodeScan(NamedTuple):
    """``findings``: how many of each code, without those that are only information."""

    files: int
    stopped: bool
    findings: Mapping[str, int]


class Command(NamedTuple):
    """A program on PATH and the interpreter that it runs (a pip script's first line names it)."""

    name: str
    path: str
    python: str


class Pointer(NamedTuple):
    """A file that names an interpreter: a Jupyter kernel, an editor's settings, a script of the
    target. kind: kernel, vscode, pycharm or script. ``python`` is a path, or with ``version``
    only a name (PyCharm)."""

    kind: str
    name: str
    file: str
    python: str
    exists: bool = True
    version: str = ""


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """One GPU as NVML names it. ``memory_mib`` is its total. ``error`` and ``code`` are NVML's
    where it does not answer for this one."""

    index: int
    name: str | None = None
    compute_capability: ComputeCapability | None = None
    memory_mib: int | None = None
    error: str = ""
    code: int | None = None

    @property
    def title(self) -> str:
        return self.name or f"GPU {self.index}"


class NvmlAnswer(NamedTuple):
    """status: ok, not-found (no library), error (``code`` and ``text`` from NVML), failed."""

    status: str
    code: int | None = None
    text: str = ""


class Place(NamedTuple):
    """Where a shared library was found. via: wheel, LD_LIBRARY_PATH, ld.so.cache, default,
    PATH. ``component`` is the wheel's folder below ``nvidia/``."""

    path: str
    via: str
    component: str = ""
    version: str | None = None


class Library(NamedTuple):
    """One library that TensorFlow opens by name, and every place that has it."""

    name: str
    soname: str
    found: tuple[Place, ...] = ()


class Toolkit(NamedTuple):
    path: str
    version: CudaRelease
    source: str


class SmokeRung(NamedTuple):
    name: str
    status: str
    device: str = ""
    detail: str = ""
    error_type: str = ""
    error_message: str = ""
    traceback: str = ""


class SmokeResult(NamedTuple):
    """How the coffee network's child ended. ended: finished, signal, timeout, flood, silent
    (exit without a document), not-started. ``rung`` is the one that it was in."""

    ended: str
    rung: str = ""
    describe: str = ""
    stderr_tail: str = ""
    ok: bool = False
    device: str = ""
    decisions: tuple[int, ...] = ()
    correct: int | None = None
    total: int | None = None
    training_seconds: float | None = None
    losses: tuple[float, ...] = ()
    rungs: tuple[SmokeRung, ...] = ()
    way: str = ""
    parameters: tuple[float, ...] = ()
    """Of the trained network: W1 row by row (6 numbers), b1 (3), W2 (3), b2 (1), then the mean (2)
    and the deviation (2) of the normalisation; empty where the child does not tell them."""

    @property
    def place(self) -> str:
        """Where the training ran: "CPU:0", "GPU:0"."""
        return self.device.rsplit("device:", 1)[-1]

    def failed_rung(self) -> SmokeRung | None:
        return next((rung for rung in self.rungs if rung.status == "failed"), None)


def _text(value: Any) -> str:
    return str(value)


def _flag(value: Any) -> bool:
    return bool(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value)


def _mapping(value: Any) -> Mapping[str, str]:
    return {str(name): str(item) for name, item in value.items()}


def _tupled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(item) if isinstance(item, list) else item for name, item in row.items()}


def _one(cls: Callable[..., T]) -> Callable[[Any], T]:
    return lambda value: cls(**_tupled(value))


def _rows(cls: Callable[..., T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda value: tuple(cls(**_tupled(row)) for row in value)


def _devices(value: Any) -> tuple[GpuDevice, ...]:
    rows = []
    for row in value:
        capability = row.get("compute_capability")
        parsed = ComputeCapability.parse(capability) if capability else None
        rows.append(GpuDevice(**{**row, "compute_capability": parsed}))
    return tuple(rows)


def _libraries(value: Any) -> tuple[Library, ...]:
    return tuple(
        Library(row["name"], row["soname"], tuple(Place(**place) for place in row["found"]))
        for row in value
    )


def _toolkits(value: Any) -> tuple[Toolkit, ...]:
    return tuple(
        Toolkit(row["path"], CudaRelease.parse(row["version"]), row["source"]) for row in value
    )


def _smoke(value: Any) -> SmokeResult:
    rungs = tuple(SmokeRung(**row) for row in value.get("rungs", ()))
    return SmokeResult(**{**_tupled(value), "rungs": rungs})


SYSTEM_OS = Key("system.os", _text)
"""linux, wsl2, wsl1, windows or macos."""
SYSTEM_ARCH = Key("system.arch", _text)
"""Machine architecture as uname prints it: x86_64, aarch64, arm64, AMD64."""
SYSTEM_DISTRIBUTION = Key("system.distribution", _text)
SYSTEM_KERNEL = Key("system.kernel", _text)
SYSTEM_CONTAINER = Key("system.container", _text)
"""docker, podman, kubernetes or lxc; absent outside of containers."""

GPU_HARDWARE = Key("gpu.hardware", _texts)
"""PCI addresses of NVIDIA display controllers, or /dev/dxg; absent: none in this machine."""
GPU_DEVICES = Key("gpu.devices", _devices)
GPU_VISIBLE_DEVICES = Key("gpu.visible_devices", _text)
"""CUDA_VISIBLE_DEVICES as the target inherits it."""

DRIVER_RELEASE = Key("driver.release", DriverRelease.parse)
"""The driver that works, as NVML says; else the kernel module's."""
DRIVER_KERNEL_MODULE = Key("driver.kernel_module", DriverRelease.parse)
"""The NVIDIA kernel module that is loaded."""
DRIVER_LIBRARY = Key("driver.library", DriverRelease.parse)
"""The release of the user-mode driver library (libcuda / libnvidia-ml) on the disk."""
DRIVER_CUDA = Key("driver.cuda_supported", CudaRelease.parse)
"""The newest CUDA that the driver supports: what nvidia-smi prints as "CUDA Version"."""
DRIVER_NVML = Key("driver.nvml", _one(NvmlAnswer))

CUDA_TOOLKITS = Key("cuda.toolkits", _toolkits)
"""CUDA toolkits on the disk. TensorFlow may use none of them."""
LIBRARIES = Key("loader.libraries", _libraries)
"""The CUDA libraries that this TensorFlow opens and where they are."""

CUDNN_INSTALLED = Key("cudnn.installed", _rows(Place))
"""Every cuDNN that the loader's folders or the target's wheels hold, of any version."""
LD_LIBRARY_PATH = Key("loader.ld_library_path", _text)

TARGET_EXECUTABLE = Key("target.executable", _text)
TARGET_CHOSEN = Key("target.chosen", _text)
"""Why this interpreter is the target."""
TARGET_PYTHON = Key("target.python", _text)
"""The target's Python version, three numbers."""
TARGET_PREFIX = Key("target.prefix", _text)
TARGET_KIND = Key("target.kind", _text)
"""venv, uv, conda, pyenv or system."""
TARGET_BITS = Key("target.bits", int)
TARGET_MANAGED = Key("target.externally_managed", _flag)
"""Whether the distribution owns this Python and pip may not install into it (PEP 668)."""
TARGET_GLIBC = Key("target.glibc", _text)
"""The C library that the target runs on; absent with musl."""
TARGET_PATH = Key("target.path", _rows(PathEntry))
TARGET_CWD = Key("target.cwd", _text)
TARGET_HAS_PIP = Key("target.has_pip", _flag)
TARGET_DISTRIBUTIONS = Key("target.distributions", _rows(Distribution))

TARGET_IMPLEMENTATION = Key("target.implementation", _text)
TARGET_MACHINE = Key("target.machine", _text)
"""The architecture that the target runs as; under Rosetta not the machine's own."""
TARGET_INSTALLED = Key("target.installed", _mapping)
"""Name to version of every distribution on sys.path, the first copy's; empty: not known."""
TARGET_LEFTOVERS = Key("target.leftovers", _texts)
"""Folders that an interrupted pip renamed to begin with ~ and left behind."""
TARGET_VARIABLES = Key("target.variables", _mapping)
"""Environment variables of the target that decide which code is loaded."""

COMMANDS = Key("interpreters.commands", _rows(Command))
"""python, python3, pip and pip3, as PATH has them."""
POINTERS = Key("interpreters.pointers", _rows(Pointer))
"""Files that say which interpreter is to run, in the current folder and the target."""
NOTEBOOKS = Key("interpreters.notebooks", int)
"""How many notebooks lie in the current folder."""

TF_PACKAGE = Key("tensorflow.package", _text)
"""The distribution that provides ``import tensorflow``: tensorflow, tensorflow-cpu, …"""
TF_VERSION = Key("tensorflow.version", _text)
TF_REQUIRES = Key("tensorflow.requires", _texts)
"""Its Requires-Dist lines."""
TF_IMPORT = Key("tensorflow.import", _one(Resolution))
TF_CUDA_BUILD = Key("tensorflow.cuda_build", _flag)
TF_CUDA = Key("tensorflow.cuda_built_for", CudaRelease.parse)
TF_CUDNN = Key("tensorflow.cudnn_built_for", _text)
"""As build_info prints it, often the major version alone."""
TF_SONAMES = Key("tensorflow.sonames", _mapping)
"""Library name to the file name that TensorFlow opens."""
TF_MISSING = Key("tensorflow.missing_files", _rows(Distribution))
"""TensorFlow distributions whose files are not all there."""

KERAS_VERSION = Key("keras.version", _text)
"""The version that the code of the winning copy names, else its metadata's."""
KERAS_IMPORT = Key("keras.import", _one(Resolution))
KERAS_COPIES = Key("keras.copies", _rows(Distribution))
"""Every installed distribution that provides ``import keras``."""
KERAS_BACKEND = Key("keras.backend", _text)
"""The backend that KERAS_BACKEND or keras.json asks for; absent: neither says one."""
KERAS_MISSING = Key("keras.missing_files", _rows(Distribution))
"""Keras distributions whose files are not all there."""
TF_KERAS_VERSION = Key("tf_keras.version", _text)
NUMPY_VERSION = Key("numpy.version", _text)
PROTOBUF_VERSION = Key("protobuf.version", _text)

SHADOWS = Key("imports.shadows", _rows(Shadow))
"""Files of the user in front of standard modules that TensorFlow imports."""
PACKAGE_SHADOWS = Key("imports.package_shadows", _rows(Shadow))
"""Files of the user in front of packages that TensorFlow imports."""

CODE = Key("code.scan", _one(CodeScan))
"""The current folder's code as the scanner saw it; not applicable where it is no project."""

SMOKE = Key("smoke.result", _smoke)
