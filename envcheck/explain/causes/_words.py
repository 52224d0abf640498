"""What many causes need: which TensorFlow, which CUDA, which platform a log speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envcheck import facts as F
from envcheck.explain.model import Ground
from envcheck.matrix import Matrix, TensorflowBuild
from envcheck.model import Fix
from envcheck.remedies import install, manual

GPU_LIST = (
    "python",
    "-c",
    "import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))",
)
IMPORT = ("python", "-c", "import tensorflow as tf; print(tf.__version__, tf.keras.__version__)")
CHECK = ("envcheck", "check", "--no-smoke")
SMI = ("nvidia-smi",)

_DLL = re.compile(r"(cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn)64_(\d+)\.dll")


def tensorflow(ground: Ground) -> str:
    return ground.facts.value(F.TF_VERSION) or ""


def tensorflow_minor(ground: Ground) -> tuple[int, int] | None:
    version = tensorflow(ground).split(".")
    if len(version) < 2 or not (version[0].isdigit() and version[1].isdigit()):
        return None
    return int(version[0]), int(version[1])


def system(ground: Ground) -> str:
    return ground.facts.value(F.SYSTEM_OS) or ""


def is_windows(ground: Ground) -> bool:
    return system(ground) == "windows"


def linux_name(name: str) -> str:
    """cudart64_110.dll is the libcudart.so.11.0 of Windows."""
    match = _DLL.fullmatch(name)
    if match is None:
        return name
    library, digits = match[1], match[2]
    if library == "cudart" and len(digits) == 3:
        return f"libcudart.so.{digits[:2]}.{digits[2]}"
    if len(digits) == 3:
        return f"lib{library}.so.{digits[:2]}.{digits[2]}"
    return f"lib{library}.so.{digits}"


def builds_opening(matrix: Matrix, sonames: Iterable[str]) -> tuple[TensorflowBuild, ...]:
    """The first patch releases of TensorFlow for Linux that open all of these by name."""
    wanted = {linux_name(name) for name in sonames} - _NOT_OPENED
    found = []
    for package in ("tensorflow-gpu", "tensorflow"):
        for version in matrix.releases(package):
            if version.micro or (package == "tensorflow-gpu" and version.release >= (2, 1)):
                continue
            build = matrix.build_of(package, str(version))
            if build and wanted and wanted <= set(build.sonames.values()):
                found.append(build)
    return tuple(found)


_NOT_OPENED = frozenset({"libcurand.so.10", "libcurand.so.10.0"})
"""Looked for by most releases and not in the matrix, because their GPU works without it."""


def built_for(ground: Ground) -> tuple[str, str, str]:
    """(TensorFlow, CUDA, cuDNN) that a log speaks of, each "" where it does not tell: of the
    named TensorFlow, else of the releases that open what the log says was opened."""
    version = tensorflow(ground)
    builds: tuple[TensorflowBuild, ...] = ()
    if version:
        build = ground.matrix.build_of("tensorflow", version) or ground.matrix.build_of(
            "tensorflow-gpu", version
        )
        builds = (build,) if build else ()
    if not builds:
        names = (*ground.every("soname"), *ground.every("opened"))
        builds = builds_opening(ground.matrix, names)
    if not builds:
        return version, "", ""
    text = version or _range(builds)
    rows = [ground.matrix.tested(build.version, "linux") for build in builds]
    cudas = dict.fromkeys(str(row.cuda) for row in rows if row and row.cuda)
    cudnns = dict.fromkeys(str(row.cudnn) for row in rows if row and row.cudnn)
    return text, _ends(tuple(cudas)), _ends(tuple(cudnns))


def _range(builds: tuple[TensorflowBuild, ...]) -> str:
    minors = [".".join(build.version.split(".")[:2]) for build in builds]
    return minors[0] if len(minors) == 1 else f"{minors[0]} to {minors[-1]}"


def _ends(values: tuple[str, ...]) -> str:
    """11.2 or 11.8: of several the oldest, which runs by minor version compatibility."""
    return values[0] if len(values) < 2 else f"{values[0]} (up to {values[-1]})"


def wheels_bring_cuda(ground: Ground) -> bool:
    """Whether pip can bring CUDA beside this TensorFlow: from 2.14 on, on Linux and WSL2."""
    if system(ground) in ("windows", "macos"):
        return False
    minor = tensorflow_minor(ground)
    if minor:
        return minor >= (2, 14)
    builds = builds_opening(ground.matrix, (*ground.every("soname"), *ground.every("opened")))
    return bool(builds) and bool(builds[-1].and_cuda) and bool(builds[0].and_cuda)


def pip_install(ground: Ground, *requirements: str) -> Fix:
    return install(ground.facts, *requirements)


def keras_of(ground: Ground) -> str:
    """The requirement of the Keras that this TensorFlow admits, else a sentence's stand-in."""
    build = ground.matrix.build_of("tensorflow", tensorflow(ground)) if tensorflow(ground) else None
    if build is None or "keras" not in build.requires:
        return ""
    return "keras" + build.requires["keras"]


def reboot(note: str) -> Fix:
    return manual("reboot", note, ("sudo", "reboot"), root=True)
