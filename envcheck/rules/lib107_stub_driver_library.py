"""The toolkit's stub of libcuda, which is for linking only, stands before the driver's own."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import folder_of, remove_folders
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for library in facts.value(F.DRIVER_LIBRARIES) or ():
        place = library.winner
        if place is None or place.status or "stub" not in place.detail:
            continue
        real = next((other for other in library.losers if "stub" not in other.detail), None)
        note = "Remove {path}: it hides the driver's own {soname}."
        yield Match(
            subject=library.soname,
            params={
                "soname": library.soname,
                "path": place.path,
                "via": place.via,
                "real": real.path if real else "nowhere on the loader's path",
            },
            evidence=(facts.evidence(F.DRIVER_LIBRARIES, place.detail, place.path),),
            fixes=(
                remove_folders(facts, folder_of(place.path))
                if place.via == "LD_LIBRARY_PATH"
                else manual("remove-stub", note, path=place.path, soname=library.soname),
            ),
        )


STUB = {
    "path": "/usr/local/cuda/lib64/stubs/libcuda.so.1",
    "via": "LD_LIBRARY_PATH",
    "detail": "a stub of the CUDA toolkit, for linking only",
}
REAL = {"path": "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "via": "ld.so.cache"}


def libcuda(*found: dict[str, str]) -> list[dict[str, object]]:
    return [{"name": "cuda", "soname": "libcuda.so.1", "found": list(found)}]


MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB107",
    slug="stub-driver-library",
    layer="driver",
    severity="error",
    title="{soname} is the CUDA toolkit's stub: {path}, by {via}",
    why="The stub has the driver's functions without the driver: each answers "
    "CUDA_ERROR_STUB_LIBRARY, and TensorFlow has no GPU. The driver's own file is {real}.",
    needs=(F.DRIVER_LIBRARIES,),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
    cases=(
        fires(MACHINE, "libcuda.so.1", loader__driver_libraries=libcuda(STUB, REAL)),
        silent(MACHINE, loader__driver_libraries=libcuda(REAL, STUB)),
        silent(MACHINE),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
