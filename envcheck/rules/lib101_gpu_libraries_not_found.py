"""TensorFlow opens CUDA libraries by name, and the loader finds not all of them."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import add_folders, folder_of, numbers, release_that_finds_wheels
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, with_cuda
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

NOT_INSTALLED = (
    "They are not installed: `pip install tensorflow` leaves NVIDIA's libraries out, "
    "`tensorflow[and-cuda]` brings them. TensorFlow opens them when it looks for GPUs, and without "
    "them it computes on the CPU and says little."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    missing, rows = [], facts.value(F.LIBRARIES) or ()
    for library in rows:
        other_cudnn = library.name == "cudnn" and facts.value(F.CUDNN_INSTALLED) is not None
        if library.winner is None and (library.found or not other_cudnn):
            missing.append(library)
    if not missing:
        return
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or "tensorflow"
    build, opener = matrix.build_of(package, version), facts.value(F.OPENER)
    places = [place for row in missing if (place := _unreached(row))]
    components = sorted({place.component for place in places if place.component})
    defect = bool(components) and bool(build and build.runpath is not None)
    defect = defect and not set(components) & set(build.runpath or () if build else ())
    names = ", ".join(library.soname for library in missing)
    why = KNOWN_DEFECT if defect else OUT_OF_REACH if len(places) == len(missing) else None
    if build and build.and_cuda and not any(row.found for row in rows):
        why = NOT_INSTALLED
    evidence: dict[str, list[str]] = {}
    for library in missing:
        evidence.setdefault(_places(library), []).append(library.soname)
    yield Match(
        subject=names,
        params={
            "names": names
            if len(missing) < max(2, len(rows))
            else "any of NVIDIA's CUDA libraries",
            "tensorflow": version,
            "opener": opener.path.rpartition("/")[2] if opener else "its library",
            "folders": ", ".join(f"nvidia/{name}/lib" for name in components),
        },
        why=why,
        layer="cudnn" if all(library.name == "cudnn" for library in missing) else None,
        evidence=tuple(
            facts.evidence(F.LIBRARIES, ", ".join(files), place)
            for place, files in evidence.items()
        ),
        rows=build.sources if build else (),
        fixes=tuple(_fixes(facts, matrix, missing, defect)),
    )


def _unreached(library: F.Library) -> F.Place | None:
    """Where it is installed, in a folder that the loader does not look into."""
    place = next(iter(library.found), None)
    return place if place and place.status == "unreached" else None


def _places(library: F.Library) -> str:
    return ", ".join(place.path for place in library.found) or "in no folder of the loader"


def _fixes(facts: Facts, matrix: Matrix, missing: list[F.Library], defect: bool) -> Iterator[Fix]:
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or "tensorflow"
    build = matrix.build_of(package, version)
    places = [place for row in missing if (place := _unreached(row))]
    reach = add_folders(facts, *(folder_of(place.path) for place in places))
    absent = ", ".join(row.soname for row in missing if not _unreached(row))
    if not absent:
        other = release_that_finds_wheels(facts, matrix) if defect else None
        patch = other is not None and numbers(other)[:2] == numbers(version)[:2]
        if other and patch:
            yield install(facts, f"{package}[and-cuda]=={other}")
        yield reach
        if other and not patch:
            yield install(facts, f"{package}[and-cuda]=={other}", safety="review")
    elif build is None or build.and_cuda:
        wanted = with_cuda(build) if build else (f"tensorflow[and-cuda]=={version}",)
        yield install(facts, *wanted)
    else:
        cuda, cudnn = facts.value(F.TF_CUDA), facts.value(F.TF_CUDNN)
        note = "Install CUDA {cuda} and cuDNN {cudnn}, and name their lib64 in LD_LIBRARY_PATH."
        steps: tuple[tuple[str, ...], ...] = ()
        if places:
            note = "Install what is nowhere ({absent}: of CUDA {cuda} or cuDNN {cudnn}), and name "
            note += "the folders of all in the shell that starts your program. Those of the others:"
            steps = reach.steps
        params = {"absent": absent, "cuda": str(cuda), "cudnn": cudnn or ""}
        yield Fix("install-cuda", "manual", steps, note, params, needs_root=True)


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
