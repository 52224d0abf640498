"""This machine has an NVIDIA GPU, and this TensorFlow was built without CUDA."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, Unjudged, unknown
from envcheck.remedies import install, manual, uninstall_step, with_cuda
from envcheck.rules import Rule, fires, silent

ELSEWHERE = "Use Linux or WSL2 on x86-64 and install tensorflow[and-cuda] there."
JETSON = (
    "The package index has no CUDA build for ARM. On a Jetson install NVIDIA's own build of "
    "TensorFlow, made for your JetPack; else use x86-64 and tensorflow[and-cuda]."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    if facts.value(F.TF_CUDA_BUILD) is not False:
        return
    if not facts.value(F.GPU_HARDWARE) and facts.value(F.DRIVER_RELEASE) is None:
        unseen = [facts.fact(key).reason for key in (F.GPU_HARDWARE, F.DRIVER_RELEASE)]
        if any(unseen):
            raise Unjudged("; ".join(dict.fromkeys(filter(None, unseen))))
        return
    yield Match(
        subject=facts.value(F.TF_PACKAGE) or "tensorflow",
        params={
            "package": facts.value(F.TF_PACKAGE) or "tensorflow",
            "version": facts.value(F.TF_VERSION) or "",
        },
        evidence=(facts.evidence(F.TF_CUDA_BUILD, "is_cuda_build False"),),
        fixes=(_fix(facts, matrix),),
    )


def _is_arm(facts: Facts) -> bool:
    return facts.value(F.SYSTEM_OS) == "linux" and facts.value(F.SYSTEM_ARCH) == "aarch64"


def _fix(facts: Facts, matrix: Matrix) -> Fix:
    package, version = facts.value(F.TF_PACKAGE) or "", facts.value(F.TF_VERSION) or ""
    cuda_package = next(
        (
            name
            for name in ("tensorflow", "tensorflow-gpu")
            if (build := matrix.build_of(name, version))
            and build.cuda is not None
            and name != package
        ),
        None,
    )
    x86 = facts.value(F.SYSTEM_OS) in ("linux", "wsl2") and not _is_arm(facts)
    if cuda_package is None or not x86:
        return manual("cuda-platform", JETSON if _is_arm(facts) else ELSEWHERE)
    build = matrix.build_of(cuda_package, version)
    wanted = with_cuda(build) if build else (f"{cuda_package}=={version}",)
    steps = (uninstall_step(facts, package), install(facts, *wanted).steps[0])
    return Fix("install-cuda-build", "safe", steps)


RULE = Rule(
    code="TFX103",
    slug="no-cuda-build",
    layer="tensorflow",
    severity="error",
    title="{package} {version} is a build without CUDA: it cannot use the GPU",
    why="Its build_info.py says is_cuda_build False. No driver or CUDA install changes that; only "
    "another build of TensorFlow does.",
    needs=(F.TF_CUDA_BUILD, F.SYSTEM_OS),
    judge=judge,
    explains=("SMK201",),
    gpu_only=True,
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "tensorflow-cpu",
            tensorflow__package="tensorflow-cpu",
            tensorflow__cuda_build=False,
        ),
        fires(
            "linux-rtx4090-tf220-wheels",
            "tensorflow",
            system__arch="aarch64",
            tensorflow__cuda_build=False,
        ),
        # The card is there, whatever its driver says; and a CUDA build needs no card to be one.
        fires(
            "linux-rtx4090-tf220-wheels",
            "tensorflow-cpu",
            driver__release=unknown("NVML: Driver Not Loaded"),
            tensorflow__package="tensorflow-cpu",
            tensorflow__cuda_build=False,
        ),
        silent("linux-rtx4090-tf220-wheels", driver__release=unknown("NVML: Driver Not Loaded")),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-none-tf221"),
    ),
)
