"""Every stack that is worth asking the judge about, the best ones first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from envcheck.judge import Stack, judge
from envcheck.matrix import Matrix, PlatformBuild, TensorflowBuild, platform_key
from envcheck.matrix.specs import admits, lower_bound, newest_admitted, parse_version
from envcheck.plan.model import Demands, Way
from envcheck.versions import ComputeCapability, CudaRelease

REFUSED = ("unsupported", "broken")
OLDEST = (2, 0)
"""TensorFlow 1 is planned for only where it is asked for."""


@dataclass(frozen=True)
class Cuda:
    """A way to have the CUDA libraries. `wheels`: nvidia project to version."""

    way: Way
    cuda: str | None = None
    cudnn: str | None = None
    wheels: Mapping[str, str] = field(default_factory=dict)
    extra: bool = False
    """Whether TensorFlow's own extra `and-cuda` asks for these wheels."""
    known_good: tuple[str, ...] = ()
    """Sources, where this combination is on record as working."""


@dataclass(frozen=True)
class Candidate:
    build: TensorflowBuild
    wheel: PlatformBuild
    python: str
    keras: str | None
    tf_keras: str | None
    cuda: Cuda
    stack: Stack


def wished(wish: str | None, version: str) -> bool:
    """Whether a version is what the user wrote: "2.15" takes 2.15.1, "2.15.1" only itself."""
    if not wish:
        return True
    if wish[0] in "<>=!~":
        return admits(wish, version)
    if parse_version(wish).is_prerelease:
        return parse_version(wish) == parse_version(version)
    return admits(f"=={wish}.*", version)


def candidates(demands: Demands, matrix: Matrix) -> Iterator[Candidate]:
    """Releases newest first; of each the Pythons and the ways to CUDA in order of preference."""
    platform = platform_key(demands.os, demands.arch)
    for build, wheel in releases(demands, matrix, platform):
        for cuda in cuda_options(build, wheel, demands, matrix):
            # What fails without a Python fails with each of them.
            bare = replace(stack_of(demands, build, "", (None, None), cuda), python=None)
            if judge(bare, matrix).verdict in REFUSED:
                continue
            for python in pythons(wheel, demands):
                for keras, tf_keras in kerases(build, python, demands, matrix):
                    stack = stack_of(demands, build, python, (keras, tf_keras), cuda)
                    yield Candidate(build, wheel, python, keras, tf_keras, cuda, stack)


def packages(demands: Demands, platform: str) -> tuple[str, ...]:
    """The smaller package where there is one. TensorFlow 1.15 and 2.0 with CUDA are -gpu."""
    if demands.uses_gpu:
        return ("tensorflow", "tensorflow-gpu")
    return ("tensorflow-cpu", "tensorflow") if platform == "linux_x86_64" else ("tensorflow",)


def releases(
    demands: Demands, matrix: Matrix, platform: str
) -> Iterator[tuple[TensorflowBuild, PlatformBuild]]:
    """Those that have a wheel for the platform."""
    names = packages(demands, platform)
    versions = {
        (version, name)
        for name in names
        for version in matrix.releases(name)
        if wished(demands.tensorflow, str(version))
        and (demands.tensorflow or version.release >= OLDEST)
        and (not version.is_prerelease or _asks_for_prerelease(demands))
    }
    done = set()
    for version, name in sorted(versions, key=lambda item: (item[0], -names.index(item[1])))[::-1]:
        build = matrix.build_of(name, version)
        wheel = build.platforms.get(platform) if build else None
        if build is None or wheel is None or build.yanked or version in done:
            continue
        if not demands.uses_gpu or wheel.is_cuda:
            done.add(version)
            yield build, wheel


def _asks_for_prerelease(demands: Demands) -> bool:
    wish = demands.tensorflow or ""
    return any(parse_version(text).is_prerelease for text in _numbers(wish))


def _numbers(wish: str) -> list[str]:
    parts = (part.strip().lstrip("<>=!~ ") for part in wish.split(","))
    return [part.removesuffix(".*") for part in parts if part]


def pythons(wheel: PlatformBuild, demands: Demands) -> list[str]:
    """Minors with a wheel: those that are there already first, then the newest."""
    fitting = [minor for minor in wheel.pythons if _python_wished(demands.python, minor)]
    newest_first = sorted(fitting, key=parse_version, reverse=True)
    preferred = [minor for minor in demands.prefer_python if minor in fitting]
    return list(dict.fromkeys((*preferred, *newest_first)))


def _python_wished(wish: str | None, minor: str) -> bool:
    if not wish or wish[0] in "<>=!~":
        return wished(wish, minor)
    return ".".join(wish.split(".")[:2]) == minor


def kerases(
    build: TensorflowBuild, python: str, demands: Demands, matrix: Matrix
) -> Iterator[tuple[str | None, str | None]]:
    """(keras, tf-keras): the newest Keras that this TensorFlow asks for, and from 2.16 on, where
    Keras 2 is wished, the legacy package beside it."""
    pin = build.requirement("keras", python)
    if pin is None:  # up to 2.5 Keras is a part of TensorFlow
        own = str(parse_version(build.version).release[0])
        if demands.keras is None or wished(demands.keras, own):
            yield None, None
        return
    # The requirement of 2.6.0 and 2.6.1 has a hole that rule R13 knows.
    works = matrix.imports("R13", build.version) or ""
    newest = [
        str(version)
        for version in reversed(matrix.releases("keras"))
        if not version.is_prerelease and admits(pin, str(version)) and admits(works, str(version))
    ]
    runs = [version for version in newest if _runs_on("keras", version, python, matrix)]
    fitting = [version for version in runs if wished(demands.keras, version)]
    if fitting:
        yield fitting[0], None
    elif runs and parse_version(build.version).release >= (2, 16):
        minor = ".".join(build.version.split(".")[:2])
        legacy = [
            str(version)
            for version in reversed(matrix.releases("tf-keras"))
            if admits(f"=={minor}.*", str(version))
            and (demands.keras in ("2", "2.*") or wished(demands.keras, str(version)))
            and _runs_on("tf-keras", str(version), python, matrix)
        ]
        if legacy:
            yield runs[0], legacy[0]


def _runs_on(package: str, version: str, python: str, matrix: Matrix) -> bool:
    release = matrix.keras_release(package, version)
    if release is None or release.yanked or release.requires is None:
        return False
    return not release.requires_python or admits(release.requires_python, python)


# --- CUDA


def cuda_options(
    build: TensorflowBuild, wheel: PlatformBuild, demands: Demands, matrix: Matrix
) -> Iterator[Cuda]:
    if not demands.uses_gpu:
        yield Cuda("cpu")
        return
    found = [
        *_wheel_options(build, wheel, demands, matrix),
        *_system_options(build, demands, matrix),
    ]
    for option in found:
        if _same_line(demands.cuda, option.cuda) and _same_line(demands.cudnn, option.cudnn):
            yield option


def _same_line(wish: str | None, version: str | None) -> bool:
    """11.6.0 is wished by "11.6.0", "11.6" and "11"; 12.5 may be any 12.5.x."""
    if wish is None:
        return True
    if version is None:
        return False
    if wish[0] in "<>=!~":
        return admits(wish, version)
    length = min(wish.count("."), version.count(".")) + 1
    return wish.split(".")[:length] == version.split(".")[:length]


def _wheel_options(
    build: TensorflowBuild, wheel: PlatformBuild, demands: Demands, matrix: Matrix
) -> Iterator[Cuda]:
    """pip's nvidia wheels: the versions that the release was built with, then the newest ones,
    then one that was asked for."""
    if wheel.platform != "linux_x86_64":
        return
    if not build.and_cuda:
        yield from _cu11_wheels(build, wheel, demands, matrix)
        return
    way: Way = "links" if wheel.finds_wheels is False else "wheels"
    pins = {name: spec for name, spec in build.and_cuda.items() if name.startswith("nvidia-")}
    lowest = {name: _lowest(name, spec, matrix) for name, spec in pins.items()}
    newest = {name: matrix.resolve(name, spec) or "" for name, spec in pins.items()}
    sets = [lowest, newest]
    if drop := _cudnn_drop(demands, matrix):
        sets.append({**newest, **_cudnn_below(pins, drop, matrix)})
    for release in _series_asked(demands, matrix):
        sets.append({**newest, **_components(release, pins, matrix)})
        sets.append({**sets[-1], **{n: v for n, v in lowest.items() if "cudnn" in n}})
    if demands.cudnn:
        asked = {
            name: newest_admitted(spec, _asked_cudnn(name, demands, matrix)) or ""
            for name, spec in pins.items()
            if "cudnn" in name
        }
        sets += [{**base, **asked} for base in tuple(sets)]
    seen: list[dict[str, str]] = []
    for wheels in sets:
        if wheels not in seen and all(wheels.values()):
            seen.append(wheels)
            yield Cuda(way, _cuda_of(wheels), _cudnn_of(wheels), wheels, extra=True)


def _lowest(project: str, specifier: str, matrix: Matrix) -> str:
    """The version that the requirement begins with, else the first one after it."""
    wheel = matrix.nvidia_wheel(project)
    known = wheel.versions if wheel else ()
    bound = lower_bound(specifier)
    if bound in known:
        return bound
    return min((v for v in known if admits(specifier, v)), key=parse_version, default="")


def _cudnn_drop(demands: Demands, matrix: Matrix) -> str | None:
    from envcheck.judge.cudnn import cudnn_drop

    capability = demands.capability
    return cudnn_drop(matrix, ComputeCapability.parse(capability)) if capability else None


def _cudnn_below(pins: Mapping[str, str], drop: str, matrix: Matrix) -> dict[str, str]:
    return {
        name: matrix.resolve(name, f"{spec},{drop}") or ""
        for name, spec in pins.items()
        if "cudnn" in name
    }


def _series_asked(demands: Demands, matrix: Matrix) -> list[CudaRelease]:
    """CUDA releases with wheels that are what was asked for, the newest first."""
    if not demands.cuda:
        return []
    updates = [u.release for u in matrix.cuda_updates if u.components]
    return [r for r in reversed(updates) if _same_line(demands.cuda, str(r))][:1]


def _components(release: CudaRelease, pins: Mapping[str, str], matrix: Matrix) -> dict[str, str]:
    update = next(u for u in matrix.cuda_updates if u.release == release)
    return {
        name: version
        for name, version in update.components.items()
        if name in pins and version[0].isdigit() and admits(pins[name], version)
    }


def _asked_cudnn(project: str, demands: Demands, matrix: Matrix) -> list[str]:
    wheel = matrix.nvidia_wheel(project)
    return [v for v in wheel.versions if wished(demands.cudnn, v)] if wheel else []


def _cuda_of(wheels: Mapping[str, str]) -> str:
    runtime = next(v for n, v in wheels.items() if n.startswith("nvidia-cuda-runtime"))
    return ".".join(runtime.split(".")[:2])


def _cudnn_of(wheels: Mapping[str, str]) -> str:
    return next(v for n, v in wheels.items() if n.startswith("nvidia-cudnn"))


def _cu11_wheels(
    build: TensorflowBuild, wheel: PlatformBuild, demands: Demands, matrix: Matrix
) -> Iterator[Cuda]:
    """TensorFlow 2.5 to 2.13 ask for none of pip's nvidia wheels, but the files of those for
    CUDA 11.8, the last of their kind, have the names that they open."""
    if wheel.cuda is None or wheel.cuda.major != 11 or wheel.cudnn_compiled is None:
        return
    wheels: dict[str, str] = {}
    for soname in wheel.sonames.values():
        provider = matrix.provider(soname, 11)
        if provider is None:
            return
        wheels[provider.project] = provider.versions[-1]
    wish = demands.cudnn or ">=8.6,<8.7"
    asked = wish if wish[0] in "<>=!~" else f"=={wish}.*"
    for cudnn in (asked, ">=8.7,<9"):
        version = matrix.resolve("nvidia-cudnn-cu11", cudnn)
        if version:
            yield Cuda("path", "11.8", version, {**wheels, "nvidia-cudnn-cu11": version})


def _system_options(build: TensorflowBuild, demands: Demands, matrix: Matrix) -> Iterator[Cuda]:
    """CUDA of the machine: the tested pair, those on record, and what was asked for."""
    pairs: list[tuple[str, str, tuple[str, ...]]] = []
    row = matrix.tested(build.version, demands.os)
    if row is not None and row.cuda is not None and row.cudnn is not None:
        pairs.append((str(row.cuda), str(row.cudnn), ()))
        compiled = build.cudnn_compiled
        if compiled is not None:  # of 1.15 and 2.0 the table's cuDNN is older than this
            pairs.append((str(row.cuda), f"{compiled.major}.{compiled.minor}", ()))
    for good in matrix.sections["known_good"].values():
        stack = good["stack"]
        if stack.get("tensorflow") == build.version and "cuda" in stack and "cudnn" in stack:
            pairs.append((stack["cuda"], stack["cudnn"], tuple(good["sources"])))
    if demands.cuda or demands.cudnn:
        asked = _asked_pairs(build, demands, matrix)
        pairs += [(cuda, cudnn, ()) for cuda, cudnn in asked]
    for cuda, cudnn, sources in pairs:
        yield Cuda("system", cuda, cudnn, known_good=sources)


def _asked_pairs(
    build: TensorflowBuild, demands: Demands, matrix: Matrix
) -> Iterator[tuple[str, str]]:
    """CUDA as asked for, else as built; cuDNN as asked for, else one whose matrix lists it."""
    wish = demands.cuda if demands.cuda and demands.cuda[0].isdigit() else None
    cuda = wish or (str(build.cuda) if build.cuda else None)
    alone = Stack(package=build.package, tensorflow=build.version, cuda=cuda, os=demands.os)
    if cuda is None or judge(alone, matrix).verdict in REFUSED:
        return
    if demands.cudnn and demands.cudnn[0].isdigit():
        yield cuda, demands.cudnn
        return
    for row in reversed(matrix.cudnn_support):
        if build.cudnn_major in (None, row.first.major):
            yield cuda, str(row.first)


# --- the question


def stack_of(
    demands: Demands,
    build: TensorflowBuild,
    python: str,
    keras: tuple[str | None, str | None],
    cuda: Cuda,
) -> Stack:
    """What the judge is asked. Links and LD_LIBRARY_PATH are a part of the plan."""
    gpu = cuda.way != "cpu"
    return Stack(
        package=build.package,
        tensorflow=build.version,
        python=python,
        keras=keras[0],
        tf_keras=keras[1],
        os=demands.os,
        arch=demands.arch,
        glibc=demands.glibc,
        cuda=cuda.cuda,
        cudnn=cuda.cudnn,
        driver=demands.driver if gpu else None,
        gpu=demands.card if gpu else None,
        compute_capability=demands.capability if gpu else None,
        cuda_from=("system" if cuda.way == "system" else "wheels") if gpu else None,
        ld_library_path=True if cuda.way in ("links", "path", "system") else None,
    )
