"""This machine has an NVIDIA GPU, and this TensorFlow was built without CUDA."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual, uninstall_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    if facts.value(F.TF_CUDA_BUILD) is not False:
        return
    if not facts.value(F.GPU_HARDWARE) and facts.value(F.DRIVER_RELEASE) is None:
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
    if cuda_package is None or facts.value(F.SYSTEM_OS) not in ("linux", "wsl2"):
        note = "Use Linux or WSL2 on x86-64 and install tensorflow[and-cuda] there."
        return manual("cuda-platform", note)
    build = matrix.build_of(cuda_package, version)
    extra = "[and-cuda]" if build and build.and_cuda else ""
    steps = (
        uninstall_step(facts, package),
        install(facts, f"{cuda_package}{extra}=={version}").steps[0],
    )
    return Fix("install-cuda-build", "safe", steps)


RULE = Rule(
    code="TFX103",
    slug="no-cuda-build",
    layer="tensorflow",
    severity="error",
    title="{package} {version} is a build without CUDA: it cannot use the GPU",
    why="Its build_info.py says is_cuda_build False. No driver or CUDA install changes that; only "
    "another build of TensorFlow does.",
    needs=(F.TF_CUDA_BUILD, F.GPU_HARDWARE, F.DRIVER_RELEASE, F.SYSTEM_OS),
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
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-none-tf221"),
    ),
)
