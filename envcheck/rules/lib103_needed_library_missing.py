"""A library is found, but what it needs in turn is not."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for library in facts.value(F.LIBRARIES) or ():
        place = library.winner
        if place is None or not place.missing:
            continue
        yield Match(
            subject=library.soname,
            params={
                "soname": library.soname,
                "path": place.path,
                "missing": ", ".join(place.missing),
            },
            evidence=tuple(
                facts.evidence(F.LIBRARIES, f"{name}: in no folder of the loader", place.path)
                for name in place.missing
            ),
            fixes=tuple(_fixes(facts, matrix, place)),
        )


def _fixes(facts: Facts, matrix: Matrix, place: F.Place) -> Iterator[Fix]:
    """The wheels that have them, as this TensorFlow pins them, for a library out of a wheel."""
    version, package = facts.value(F.TF_VERSION) or "", facts.value(F.TF_PACKAGE) or ""
    build, cuda = matrix.build_of(package, version), facts.value(F.TF_CUDA)
    wheels = [matrix.provider(name, cuda.major if cuda else None) for name in place.missing]
    pins = build.and_cuda if build else {}
    names = [wheel.project for wheel in wheels if wheel]
    if place.component and names and len(names) == len(wheels):
        wanted = (name + str(pins.get(name, "")).split(";")[0].strip() for name in names)
        yield install(facts, *dict.fromkeys(wanted))
    else:
        note = "Install what {path} needs, or another build of it that fits this system."
        yield manual("install-needed", note, path=place.path)


def row(path: str, component: str, *missing: str) -> list[dict[str, object]]:
    place = {"path": path, "via": "RUNPATH", "component": component, "missing": list(missing)}
    return [{"name": "cusparse", "soname": "libcusparse.so.12", "found": [place]}]


RULE = Rule(
    code="LIB103",
    slug="needed-library-missing",
    layer="cuda",
    severity="error",
    title="{soname} cannot be loaded: {missing} is missing",
    why="The loader finds {path}, and gives it up because it finds not all that this file needs "
    "in turn. TensorFlow then has no GPU.",
    needs=(F.LIBRARIES, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA),
    judge=judge,
    explains=(
        "SMK201",
        "SMK202",
    ),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "libcusparse.so.12",
            loader__libraries=row("/v/libcusparse.so.12", "cusparse", "libnvJitLink.so.12"),
        ),
        fires(
            "linux-rtx4090-tf220-wheels",
            "libcusparse.so.12",
            loader__libraries=row("/usr/local/cuda/lib64/libcusparse.so.12", "", "GLIBC_2.38"),
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
