"""pip's NVIDIA wheels are there, but of another CUDA than this TensorFlow opens."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import winner
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install, with_cuda
from envcheck.rules import Rule, fires, silent
from envcheck.wheels import cuda_wheels


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    built = facts.value(F.TF_CUDA)
    if built is None or winner(facts, "cudart"):
        return
    wheels = cuda_wheels(facts, matrix)
    majors = sorted({wheel.cuda for wheel in wheels})
    if not majors or built.major in majors:
        return
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or "tensorflow"
    build = matrix.build_of(package, version)
    fixes = (install(facts, *with_cuda(build)),) if build and build.and_cuda else ()
    yield Match(
        subject="nvidia wheels",
        params={
            "installed": " and ".join(map(str, majors)),
            "built": str(built),
            "version": version,
        },
        evidence=(
            facts.evidence(F.TARGET_DISTRIBUTIONS, ", ".join(wheel.title for wheel in wheels[:6])),
            facts.evidence(F.TF_CUDA),
        ),
        fixes=fixes,
    )


def _wheel(name: str, version: str) -> dict[str, str]:
    path = f"/v/{name.replace('-', '_')}-{version}.dist-info"
    return {"name": name, "version": version, "location": "/v", "path": path}


NO_CUDART = [{"name": "cudart", "soname": "libcudart.so.12", "found": []}]
RULE = Rule(
    code="CUD101",
    slug="wheels-of-another-cuda",
    layer="cuda",
    severity="error",
    title="The installed NVIDIA wheels are for CUDA {installed}; TensorFlow {version} was built "
    "for {built}",
    why="A library's file name carries its major version. TensorFlow opens the names of CUDA "
    "{built} and finds none of them.",
    needs=(F.TF_CUDA, F.LIBRARIES, F.TARGET_DISTRIBUTIONS, F.TF_VERSION),
    judge=judge,
    explains=("LIB101", "DNN101", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "nvidia wheels",
            loader__libraries=NO_CUDART,
            target__distributions=[
                _wheel("nvidia-cuda-runtime-cu11", "11.8.89"),
                _wheel("nvidia-cublas", "13.1.0.3"),
            ],
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx4090-tf220-wheels", loader__libraries=NO_CUDART),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
