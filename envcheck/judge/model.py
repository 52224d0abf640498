"""What is judged, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeVar

from envcheck.matrix import Matrix, PlatformBuild, TensorflowBuild, platform_key
from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease, DriverRelease

_Kind = TypeVar("_Kind", CudaRelease, CudnnRelease, DriverRelease, ComputeCapability)
Verdict = Literal["tested", "compatible", "unverified", "unsupported", "broken"]
System = Literal["linux", "windows", "wsl2", "macos"]
CudaFrom = Literal["wheels", "system", "conda"]
VERDICTS: tuple[Verdict, ...] = ("tested", "compatible", "unverified", "unsupported", "broken")
"""From best to worst.

tested: a row of the official table, or the exact pins of that release.
compatible: not tested, but a stated rule covers it.
unverified: no row and no rule speaks.
unsupported: no such build, or outside a stated requirement.
broken: a measured or documented failure, or a required file or version is missing.
"""
SUBJECTS = (
    "python",
    "os",
    "glibc",
    "driver",
    "gpu",
    "libraries",
    "cuda",
    "cudnn",
    "keras",
    "tf-keras",
    "numpy",
    "protobuf",
)


@dataclass(frozen=True)
class Stack:
    """What is there, as far as it is known. Only what is given is judged.

    Where a platform is needed and none is given, Linux on x86_64 is meant.
    `driver` is the number that the driver reports: on WSL2 the Windows one.
    `ld_library_path`: True where it leads to the CUDA libraries in use.
    `pins`: requirement name to specifier, as the installed TensorFlow's own
    METADATA declares; used where the matrix has no row for that version.
    Versions may be text; what is no version number is judged unverified.
    """

    package: str | None = None
    tensorflow: str | None = None
    cuda: CudaRelease | str | None = None
    cudnn: CudnnRelease | str | None = None
    driver: DriverRelease | str | None = None
    gpu: str | None = None
    compute_capability: ComputeCapability | str | None = None
    python: str | None = None
    keras: str | None = None
    tf_keras: str | None = None
    numpy: str | None = None
    protobuf: str | None = None
    os: System | None = None
    arch: str | None = None
    glibc: str | None = None
    cuda_from: CudaFrom | None = None
    ld_library_path: bool | None = None
    pins: Mapping[str, str] = field(default_factory=dict)


class Reason(NamedTuple):
    """One pair judged by one rule.

    `wanted` is what would fit, as a specifier (">=2.15.0,<2.16", ">=525.60.13")
    or a range of Pythons ("3.9-3.12"); where another release of TensorFlow is
    the way out, with its name ("tensorflow >=2.21.0"). `numbers` are the figures compared,
    `source` the ids of the matrix's sources.
    """

    rule: str
    verdict: Verdict
    subject: str
    text: str
    wanted: str | None = None
    numbers: Mapping[str, str] = MappingProxyType({})
    source: tuple[str, ...] = ()


class About(NamedTuple):
    """Makes the reasons on one subject: what would fit and the figures are the same for all."""

    subject: str
    wanted: str | None = None
    numbers: Mapping[str, str] = MappingProxyType({})

    def say(
        self,
        rule: str,
        verdict: Verdict,
        text: str,
        source: tuple[str, ...],
        **more_numbers: str,
    ) -> Reason:
        numbers = {**self.numbers, **more_numbers}
        return Reason(rule, verdict, self.subject, text, self.wanted, numbers, source)


class Judgement(NamedTuple):
    """The overall verdict and every reason: the worst first, where all is well driver and GPU last.

    Where nothing could be compared the verdict is unverified, without reasons.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]

    def about(self, subject: str) -> tuple[Reason, ...]:
        """The reasons on one subject, the worst first."""
        return tuple(reason for reason in self.reasons if reason.subject == subject)


class Case(NamedTuple):
    """A stack with what the matrix knows of it, looked up once.

    `build` is the release that holds the code: where the wheel of this platform
    is an empty one, the release it stands for. `cuda` and `cudnn` are those in
    the stack, else those that pip would install for the extra `and-cuda`.
    """

    stack: Stack
    matrix: Matrix
    package: str
    platform: str
    asked: TensorflowBuild | None
    build: TensorflowBuild | None
    wheel: PlatformBuild | None
    cuda: CudaRelease | None
    cudnn: CudnnRelease | None
    driver: DriverRelease | None
    cuda_pinned: bool
    cudnn_pinned: bool
    capability: ComputeCapability | None

    @property
    def system(self) -> str:
        return self.stack.os or "linux"

    @property
    def name(self) -> str:
        """The release in words: tensorflow-gpu 2.9.1."""
        return f"{self.package} {self.stack.tensorflow}"

    @property
    def wants_gpu(self) -> bool:
        """True where anything in the stack is about a GPU."""
        stack = self.stack
        return any(
            (
                stack.cuda,
                stack.cudnn,
                stack.driver,
                stack.gpu,
                stack.compute_capability,
                stack.cuda_from,
            )
        )


def open_case(stack: Stack, matrix: Matrix) -> Case:
    """Looks up what every rule needs."""
    package = stack.package or "tensorflow"
    asked = matrix.build_of(package, stack.tensorflow) if stack.tensorflow else None
    platform = _platform(stack, asked)
    build, wheel = _follow_stub(asked, platform, matrix)
    cuda, cudnn = as_type(CudaRelease, stack.cuda), as_type(CudnnRelease, stack.cudnn)
    pins: Mapping[str, str] = {}
    if stack.cuda_from == "wheels" and asked is not None:
        pins = asked.and_cuda
    cuda_pin = next((p for p in pins if p.startswith("nvidia-cuda-runtime")), None)
    cudnn_pin = next((p for p in pins if p.startswith("nvidia-cudnn")), None)
    chosen_cuda = matrix.resolve(cuda_pin, pins[cuda_pin]) if cuda_pin else None
    chosen_cudnn = matrix.resolve(cudnn_pin, pins[cudnn_pin]) if cudnn_pin else None
    if cuda is None and chosen_cuda:
        cuda = CudaRelease.parse(".".join(chosen_cuda.split(".")[:2]))
    if cudnn is None and chosen_cudnn:
        cudnn = CudnnRelease.parse(chosen_cudnn)
    return Case(
        stack=stack,
        matrix=matrix,
        package=package,
        platform=platform,
        asked=asked,
        build=build,
        wheel=wheel,
        cuda=cuda,
        cudnn=cudnn,
        driver=as_type(DriverRelease, stack.driver),
        cuda_pinned=_is_exact(pins.get(cuda_pin or "")) and _series_is(cuda, chosen_cuda),
        cudnn_pinned=_is_exact(pins.get(cudnn_pin or "")) and _cudnn_is(cudnn, chosen_cudnn),
        capability=_capability(stack, matrix),
    )


def as_type(kind: type[_Kind], value: _Kind | str | None) -> _Kind | None:
    """Text to its type. Raises ValueError."""
    return kind.parse(value) if isinstance(value, str) else value


def _platform(stack: Stack, build: TensorflowBuild | None) -> str:
    """tensorflow-macos and -intel say by their name where they run."""
    key = platform_key(stack.os, stack.arch)
    if build is None or stack.os is not None or key in build.platforms or not build.platforms:
        return key
    return next(iter(build.platforms))


def _follow_stub(
    build: TensorflowBuild | None, platform: str, matrix: Matrix
) -> tuple[TensorflowBuild | None, PlatformBuild | None]:
    wheel = build.platforms.get(platform) if build else None
    if wheel is None or wheel.kind != "stub":
        return build, wheel
    for project, specifier in wheel.stands_for.items():
        real = matrix.build_of(project, specifier.removeprefix("=="))
        if real is not None and platform in real.platforms:
            return real, real.platforms[platform]
    return build, wheel


def _is_exact(specifier: str | None) -> bool:
    return specifier is not None and specifier.startswith("==")


def _series_is(cuda: CudaRelease | None, component: str | None) -> bool:
    return (
        cuda is not None
        and component is not None
        and ([cuda.major, cuda.minor] == [int(part) for part in component.split(".")[:2]])
    )


def _cudnn_is(cudnn: CudnnRelease | None, version: str | None) -> bool:
    if cudnn is None or version is None:
        return False
    found = CudnnRelease.parse(version)
    return (found.major, found.minor, found.patch) == (cudnn.major, cudnn.minor, cudnn.patch)


def _capability(stack: Stack, matrix: Matrix) -> ComputeCapability | None:
    if stack.compute_capability is not None or stack.gpu is None:
        return as_type(ComputeCapability, stack.compute_capability)
    product = matrix.gpu(stack.gpu)
    return product.compute_capability if product else None
