"""TensorFlow opens CUDA libraries by name, and the loader finds not all of them."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix, TensorflowBuild
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent

OUT_OF_REACH = (
    "They are installed, but in folders where this TensorFlow does not look: its library's own "
    "search path leaves them out. One missing library is enough for no GPU at all."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or "tensorflow"
    build = matrix.build_of(package, version)
    missing = []
    for library in facts.value(F.LIBRARIES) or ():
        other_cudnn = library.name == "cudnn" and facts.value(F.CUDNN_INSTALLED) is not None
        if not reached(library, build) and (library.found or not other_cudnn):
            missing.append(library)
    if not missing:
        return
    elsewhere = [library for library in missing if library.found]
    names = ", ".join(library.soname for library in missing)
    yield Match(
        subject=names,
        params={"names": names, "tensorflow": version},
        why=OUT_OF_REACH if len(elsewhere) == len(missing) else None,
        evidence=tuple(
            facts.evidence(F.LIBRARIES, library.soname, _places(library)) for library in missing
        ),
        rows=build.sources if build else (),
        fixes=tuple(_fixes(facts, build, elsewhere, version)),
    )


def reached(library: F.Library, build: TensorflowBuild | None) -> bool:
    """Whether the loader finds it for TensorFlow: wheels only through TensorFlow's RUNPATH."""
    runpath = build.runpath if build else None
    return any(
        place.via != "wheel" or runpath is None or place.component in runpath
        for place in library.found
    )


def _places(library: F.Library) -> str:
    return ", ".join(place.path for place in library.found) or "in no folder of the loader"


def _fixes(
    facts: Facts, build: TensorflowBuild | None, elsewhere: list[F.Library], version: str
) -> Iterator[Fix]:
    rows = facts.value(F.LIBRARIES) or ()
    wheels = [place for row in rows for place in row.found if place.via == "wheel"]
    if elsewhere and wheels:
        folders = dict.fromkeys(place.path.rsplit("/", 1)[0] for place in wheels)
        current = facts.value(F.LD_LIBRARY_PATH)
        value = ":".join([*folders, *([current] if current else [])])
        note = "Name the folders in the shell that starts your program:"
        yield manual("set-ld-library-path", note, ("export", f"LD_LIBRARY_PATH={value}"))
    elif build is None or build.and_cuda:
        yield install(facts, f"tensorflow[and-cuda]=={version}")
    else:
        cuda, cudnn = facts.value(F.TF_CUDA), facts.value(F.TF_CUDNN)
        note = "Install CUDA {cuda} and cuDNN {cudnn}, and name their lib64 in LD_LIBRARY_PATH."
        yield manual("install-cuda", note, root=True, cuda=str(cuda), cudnn=cudnn or "")


RULE = Rule(
    code="LIB101",
    slug="gpu-libraries-not-found",
    layer="cuda",
    severity="error",
    title="TensorFlow {tensorflow} will not find {names}",
    why="TensorFlow opens these libraries when it looks for GPUs. One missing library is enough "
    "for no GPU at all, and recent releases do not say which one it was.",
    needs=(F.LIBRARIES, F.CUDNN_INSTALLED, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=(
        "SMK201",
        "SMK202",
    ),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "libcufft.so.11",
            loader__libraries=[{"name": "cufft", "soname": "libcufft.so.11", "found": []}],
        ),
        # The wheel's folder of cuSOLVER is in no search path of TensorFlow 2.21.0.
        fires(
            "linux-rtx4090-tf220-wheels",
            "libcusolver.so.11",
            tensorflow__version="2.21.0",
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
