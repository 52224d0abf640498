"""What the matrix answers with: one frozen value per kind of row.

Named tuples: they cost a tenth of a dataclass at start, and every check pays for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease, DriverRelease

Row = Mapping[str, Any]

WHEEL_FOLDERS = {"cudart": "cuda_runtime", "cublasLt": "cublas"}
"""The nvidia/<folder>/lib of a library, where it is not the library's own name."""


@dataclass(frozen=True)
class Kernels:
    """One kind of GPU code in a wheel: machine code for `sass`, else PTX.

    `ptx` keeps its final a or f ("9.0a"): such PTX never leaves its own GPU or
    family. `ptx_isa` is the PTX version, which the driver must know.
    """

    sass: tuple[ComputeCapability, ...]
    ptx: str
    ptx_isa: str | None
    count: int


class PlatformBuild(NamedTuple):
    """The wheels of one release for one platform, such as linux_x86_64.

    `kind` is cuda, cpu or stub (an empty wheel that requires `stands_for`).
    `glibc` is what the tag promises, `glibc_needed` what the symbols ask for.
    `runpath` names the nvidia/<component>/lib folders that the wheel searches
    by itself; None where nobody has looked.
    """

    platform: str
    kind: str
    pythons: tuple[str, ...]
    tag: str
    wheel: str
    glibc: str | None = None
    glibc_needed: str | None = None
    stands_for: Mapping[str, str] = MappingProxyType({})
    requires: Mapping[str, str | tuple[str, ...]] | None = None
    cuda: CudaRelease | None = None
    cudnn_major: int | None = None
    cudnn_compiled: CudnnRelease | None = None
    capabilities: tuple[ComputeCapability, ...] = ()
    ptx: tuple[ComputeCapability, ...] = ()
    kernels: tuple[Kernels, ...] = ()
    sonames: Mapping[str, str] = MappingProxyType({})
    runpath: tuple[str, ...] | None = None
    wheels_found: bool | None = None

    @property
    def is_cuda(self) -> bool:
        return self.kind == "cuda"

    @property
    def folders_needed(self) -> frozenset[str]:
        """The nvidia/<folder>/lib that hold the files it opens."""
        return frozenset(WHEEL_FOLDERS.get(name, name) for name in self.sonames)

    @property
    def finds_wheels(self) -> bool | None:
        """Whether it finds pip's nvidia wheels by itself; None where nobody has looked."""
        if self.wheels_found is not None or self.runpath is None:
            return self.wheels_found
        return self.folders_needed <= set(self.runpath)


class TensorflowBuild(NamedTuple):
    """One release of one TensorFlow package, with its wheels by platform.

    The properties without a platform speak of Linux x86_64 where there is such
    a wheel, else of the first platform there is.
    """

    package: str
    version: str
    date: str | None
    requires_python: str | None
    pins: Mapping[str, str | tuple[str, ...]]
    and_cuda: Mapping[str, str]
    platforms: Mapping[str, PlatformBuild]
    yanked: str | None
    sdist_only: bool
    numpy_imports: str | None
    protobuf_imports: str | None
    sources: tuple[str, ...]

    @property
    def main(self) -> PlatformBuild | None:
        if "linux_x86_64" in self.platforms:
            return self.platforms["linux_x86_64"]
        return next(iter(self.platforms.values()), None)

    @property
    def requires(self) -> Mapping[str, str]:
        """Requirement name to specifier; of several, the one for the oldest Python."""
        return {
            name: (text if isinstance(text, str) else text[0]).split(";")[0].strip()
            for name, text in self.pins.items()
        }

    def requirement(
        self, name: str, python: str | None = None, platform: str | None = None
    ) -> str | None:
        """The specifier in force for this Python ("3.12") and platform; None where not required."""
        pins = self.pins
        build = self.platforms.get(platform) if platform else None
        if build is not None and build.requires is not None:
            pins = build.requires
        if name not in pins:
            return None
        text = pins[name]
        return pick_requirement((text,) if isinstance(text, str) else text, python)

    @property
    def pythons(self) -> tuple[str, ...]:
        return self.main.pythons if self.main else ()

    @property
    def cuda(self) -> CudaRelease | None:
        return self.main.cuda if self.main else None

    @property
    def cudnn_compiled(self) -> CudnnRelease | None:
        return self.main.cudnn_compiled if self.main else None

    @property
    def cudnn_major(self) -> int | None:
        return self.main.cudnn_major if self.main else None

    @property
    def sonames(self) -> Mapping[str, str]:
        return self.main.sonames if self.main else {}

    @property
    def runpath(self) -> tuple[str, ...] | None:
        return self.main.runpath if self.main else None

    @property
    def capabilities(self) -> tuple[ComputeCapability, ...]:
        return self.main.capabilities if self.main else ()

    @property
    def last_ptx(self) -> str | None:
        """The highest PTX target, "9.0a" where its generated kernels have that."""
        if self.main is None:
            return None
        if self.main.kernels:
            return self.main.kernels[0].ptx
        return str(max(self.main.ptx)) if self.main.ptx else None

    @property
    def is_cuda(self) -> bool:
        return any(build.is_cuda for build in self.platforms.values())


def pick_requirement(texts: tuple[str, ...], python: str | None) -> str | None:
    """The specifier whose marker holds; without a Python, the first one."""
    for text in texts:
        specifier, _, marker = (part.strip() for part in text.partition(";"))
        if not marker or python is None:
            return specifier
        from packaging.markers import Marker

        short = ".".join(python.split(".")[:2])
        if Marker(marker).evaluate({"python_version": short, "python_full_version": python}):
            return specifier
    return None


@dataclass(frozen=True)
class TestedConfig:
    """A row of TensorFlow's tested build configurations.

    `cuda` may be a bare major ("9"), as the table has it.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    id: str
    os: str
    device: str
    package: str
    version: str
    python: str
    cuda: CudaRelease | None
    cudnn: CudnnRelease | None
    sources: tuple[str, ...]


class KerasRelease(NamedTuple):
    """A release of keras or tf-keras. `requires` is None where only an sdist exists."""

    package: str
    version: str
    date: str | None
    requires_python: str | None
    requires: Mapping[str, str] | None
    yanked: str | None
    sources: tuple[str, ...]


class CudaSeries(NamedTuple):
    """CUDA M.m: the file versions of its libraries, what its compiler knows."""

    series: CudaRelease
    sonames: Mapping[str, str]
    ptx_isa: str | None
    targets: tuple[ComputeCapability, ...]
    sources: tuple[str, ...]


class CudaUpdate(NamedTuple):
    """One CUDA release (12.5.1): its own driver per OS, and its wheels' versions."""

    release: CudaRelease
    driver: Mapping[str, DriverRelease]
    components: Mapping[str, str]
    sources: tuple[str, ...]


class CudnnSupport(NamedTuple):
    """A row of a cuDNN support matrix. `cuda` holds minors and ranges: "11.6", "12.0-12.x"."""

    first: CudnnRelease
    last: CudnnRelease
    cuda: tuple[str, ...]
    min_cc: ComputeCapability
    max_cc: ComputeCapability | None
    blackwell_cuda: CudaRelease | None
    sources: tuple[str, ...]


class CudnnCode(NamedTuple):
    """The GPU code found in one cuDNN wheel."""

    version: CudnnRelease
    cuda_major: int
    sass: tuple[ComputeCapability, ...]
    sources: tuple[str, ...]


class GpuProduct(NamedTuple):
    """A GPU by its product name. `basis` says how its compute capability was derived."""

    name: str
    compute_capability: ComputeCapability
    architecture: str
    segment: str
    basis: str | None
    sources: tuple[str, ...]


class NvidiaWheel(NamedTuple):
    """A project of the package index that brings CUDA libraries.

    `provides`: per platform and major version the folder and the file names.
    """

    project: str
    versions: tuple[str, ...]
    provides: tuple[Row, ...]
    sources: tuple[str, ...]


class MatrixRule(NamedTuple):
    """R1 to R18 in words, with the data some of them need."""

    id: str
    title: str
    text: str
    data: Row
    sources: tuple[str, ...]
