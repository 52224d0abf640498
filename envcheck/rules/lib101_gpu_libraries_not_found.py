"""TensorFlow opens CUDA libraries by name, and the loader finds not all of them."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import add_folders, folder_of, release_that_finds_wheels
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent

OUT_OF_REACH = (
    "They are installed, but in folders where this TensorFlow does not look: the search path in "
    "{opener} leaves them out. One missing library is enough for no GPU at all."
)
KNOWN_DEFECT = (
    "This is a known defect of TensorFlow {tensorflow}: its wheel was built without {folders} in "
    "the search path of {opener}, so that the libraries are installed and not found. One missing "
    "library is enough for no GPU at all."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    missing = []
    for library in facts.value(F.LIBRARIES) or ():
        other_cudnn = library.name == "cudnn" and facts.value(F.CUDNN_INSTALLED) is not None
        if library.winner is None and (library.found or not other_cudnn):
            missing.append(library)
    if not missing:
        return
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or "tensorflow"
    build, opener = matrix.build_of(package, version), facts.value(F.OPENER)
    places = [row.found[0] for row in missing if row.found and row.found[0].status == "unreached"]
    components = sorted({place.component for place in places if place.component})
    defect = bool(components) and bool(build and build.runpath is not None)
    defect = defect and not set(components) & set(build.runpath or () if build else ())
    names = ", ".join(library.soname for library in missing)
    why = KNOWN_DEFECT if defect else OUT_OF_REACH
    yield Match(
        subject=names,
        params={
            "names": names,
            "tensorflow": version,
            "opener": opener.path.rpartition("/")[2] if opener else "its library",
            "folders": ", ".join(f"nvidia/{name}/lib" for name in components),
        },
        why=why if len(places) == len(missing) else None,
        evidence=tuple(
            facts.evidence(F.LIBRARIES, library.soname, _places(library)) for library in missing
        ),
        rows=build.sources if build else (),
        fixes=tuple(_fixes(facts, matrix, places, defect)),
    )


def _places(library: F.Library) -> str:
    return ", ".join(place.path for place in library.found) or "in no folder of the loader"


def _fixes(facts: Facts, matrix: Matrix, places: list[F.Place], defect: bool) -> Iterator[Fix]:
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or "tensorflow"
    build = matrix.build_of(package, version)
    if places:
        yield add_folders(facts, *(folder_of(place.path) for place in places))
        other = release_that_finds_wheels(facts, matrix) if defect else None
        if other:
            yield install(facts, f"{package}[and-cuda]=={other}", safety="review")
    elif build is None or build.and_cuda:
        yield install(facts, f"tensorflow[and-cuda]=={version}")
    else:
        cuda, cudnn = facts.value(F.TF_CUDA), facts.value(F.TF_CUDNN)
        note = "Install CUDA {cuda} and cuDNN {cudnn}, and name their lib64 in LD_LIBRARY_PATH."
        yield manual("install-cuda", note, root=True, cuda=str(cuda), cudnn=cudnn or "")


def cusolver(**place: str) -> list[dict[str, object]]:
    path = "/v/nvidia/cusolver/lib/libcusolver.so.11"
    found = [{"path": path, "via": "wheel", "component": "cusolver", **place}]
    return [{"name": "cusolver", "soname": "libcusolver.so.11", "found": found}]


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
            loader__libraries=cusolver(status="unreached"),
        ),
        silent("linux-rtx4090-tf220-wheels", loader__libraries=cusolver()),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
