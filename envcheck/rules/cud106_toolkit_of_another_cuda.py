"""CUDA toolkits are installed, but none of a CUDA that this TensorFlow can use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of
from envcheck.library_path import nowhere, winner
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install, manual, with_cuda
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    """Only where TensorFlow finds no CUDA runtime: else it matters to nobody what else is there."""
    kits = facts.value(F.CUDA_TOOLKITS) or ()
    if not kits or not facts.value(F.LIBRARIES) or winner(facts, "cudart"):
        return
    stack = stack_of(facts)
    reasons = [refused(replace(stack, cuda=kit.version), matrix, "cuda") for kit in kits]
    if not all(reasons):
        return
    version = facts.value(F.TF_VERSION) or ""
    build = matrix.build_of(facts.value(F.TF_PACKAGE) or "tensorflow", version)
    reason = reasons[0][0]
    note = "Install CUDA {cuda} beside it (it does not replace the one that is there) and name "
    note += "its {folder}."
    if nowhere(facts, "cudnn"):
        note = "Install CUDA {cuda} beside it (it does not replace the one that is there), cuDNN "
        note += "{cudnn} into it, and name its {folder}."
    windows = facts.value(F.SYSTEM_OS) == "windows"
    folder = "bin in PATH" if windows else "lib64 in LD_LIBRARY_PATH"
    yield Match(
        subject=", ".join(kit.path for kit in kits),
        params={
            "found": " and ".join(dict.fromkeys(str(kit.version) for kit in kits)),
            "tensorflow": version,
            "reason": reason.text,
        },
        evidence=tuple(
            facts.evidence(F.CUDA_TOOLKITS, f"CUDA {kit.version} in {kit.path}", kit.source)
            for kit in kits
        ),
        rows=reason.source,
        fixes=(
            install(facts, *with_cuda(build))
            if build and build.and_cuda
            else manual(
                "install-cuda",
                note,
                root=True,
                cuda=str(facts.value(F.TF_CUDA)),
                cudnn=facts.value(F.TF_CUDNN) or "",
                folder=folder,
            ),
        ),
    )


NONE_FOUND = [{"name": "cudart", "soname": "libcudart.so.11.0", "found": []}]
NEWER = [{"path": "/usr/local/cuda-12.4", "version": "12.4", "source": "/usr/local/cuda-12.4/v"}]
RULE = Rule(
    code="CUD106",
    slug="toolkit-of-another-cuda",
    layer="cuda",
    severity="error",
    title="CUDA {found} is installed, which TensorFlow {tensorflow} cannot use",
    why="{reason}",
    needs=(F.CUDA_TOOLKITS, F.LIBRARIES, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA, F.SYSTEM_OS),
    judge=judge,
    explains=("LIB101", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "/usr/local/cuda-12.4",
            cuda__toolkits=NEWER,
            loader__libraries=NONE_FOUND,
        ),
        silent("linux-rtx3080-tf29-cuda116", cuda__toolkits=NEWER),
        silent("linux-rtx3080-tf29-cuda116", loader__libraries=NONE_FOUND),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
