"""A CUDA toolkit that fits this TensorFlow is there, and the loader does not look into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of
from envcheck.library_path import nowhere, winner
from envcheck.matrix import Matrix
from envcheck.model import Evidence, Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    kits = facts.value(F.CUDA_TOOLKITS) or ()
    if not facts.value(F.LIBRARIES) or winner(facts, "cudart"):
        return
    stack, current = stack_of(facts), facts.value(F.LD_LIBRARY_PATH)
    fitting = [
        kit
        for kit in kits
        if _folder(kit) not in (current or "").split(":")
        and not refused(replace(stack, cuda=kit.version), matrix, "cuda")
    ]
    build = matrix.build_of(facts.value(F.TF_PACKAGE) or "tensorflow", stack.tensorflow or "")
    lacking = nowhere(facts, "cudnn")
    if not fitting or (lacking and build and build.and_cuda):
        return  # without a cuDNN the toolkit is not enough; LIB101: the extra brings all of it
    kit = max(fitting, key=lambda kit: kit.version)
    yield Match(
        subject=kit.path,
        confidence="likely",
        params={
            "cuda": str(kit.version),
            "path": kit.path,
            "tensorflow": facts.value(F.TF_VERSION) or "",
        },
        evidence=(
            facts.evidence(F.CUDA_TOOLKITS, f"CUDA {kit.version} in {kit.path}", kit.source),
            facts.evidence(F.LD_LIBRARY_PATH),
            *_links(facts, kit),
        ),
        fixes=(_fix(facts, _folder(kit), current, lacking),),
    )


def _fix(facts: Facts, folder: str, current: str | None, lacking: bool) -> Fix:
    if facts.value(F.SYSTEM_OS) == "windows":
        note = "Add {folder} to PATH, and start your program anew."
        return manual("add-to-path", note, folder=folder.replace("/lib64", "\\bin"))
    value = folder + (f":{current}" if current else "")
    note = "Name its folder in the shell that starts your program:"
    if lacking:
        note = "Install cuDNN {cudnn} into it, and name its folder in the shell that starts your "
        note += "program:"
    step, cudnn = ("export", f"LD_LIBRARY_PATH={value}"), facts.value(F.TF_CUDNN) or ""
    return manual("set-ld-library-path", note, step, cudnn=cudnn)


def _folder(kit: F.Toolkit) -> str:
    return f"{kit.path}/{'lib' if 'conda' in kit.found else 'lib64'}"


def _links(facts: Facts, fitting: F.Toolkit) -> Iterator[Evidence]:
    """Where /usr/local/cuda or nvcc leads, if that is another one."""
    for kit in facts.value(F.CUDA_TOOLKITS) or ():
        ways = [way for way in kit.found if way != kit.path]
        if kit.path != fitting.path and ways:
            text = f"{', '.join(ways)}: CUDA {kit.version} in {kit.path}"
            yield facts.evidence(F.CUDA_TOOLKITS, text, kit.source)


NONE_FOUND = [{"name": "cudart", "soname": "libcudart.so.11.0", "found": []}]
NO_CUDNN = [*NONE_FOUND, {"name": "cudnn", "soname": "libcudnn.so.8", "found": []}]
RULE = Rule(
    code="CUD108",
    slug="toolkit-not-on-the-loaders-path",
    layer="cuda",
    severity="error",
    title="CUDA {cuda} in {path} suits TensorFlow {tensorflow}, but the loader does not look there",
    why="Neither LD_LIBRARY_PATH nor ld.so.cache names its folder. CUDA_HOME, the link "
    "/usr/local/cuda and nvcc on PATH mean nothing to the loader.",
    needs=(F.CUDA_TOOLKITS, F.LIBRARIES, F.LD_LIBRARY_PATH, F.TF_VERSION, F.SYSTEM_OS),
    judge=judge,
    explains=("LIB101", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "/usr/local/cuda-11.6",
            loader__libraries=NONE_FOUND,
            loader__ld_library_path=None,
        ),
        fires(
            "linux-rtx3080-tf29-cuda116",
            "/usr/local/cuda-11.6",
            loader__libraries=NO_CUDNN,
            loader__ld_library_path=None,
        ),
        # The extra brings cuDNN as well, which a toolkit alone has not.
        silent(
            "linux-rtx4090-tf220-wheels",
            loader__libraries=[*NONE_FOUND, NO_CUDNN[-1]],
            cuda__toolkits=[{"path": "/usr/local/cuda-12.4", "version": "12.4", "source": "v"}],
        ),
        silent("linux-rtx3080-tf29-cuda116", loader__libraries=NONE_FOUND),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
