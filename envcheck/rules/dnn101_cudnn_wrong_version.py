"""A cuDNN is there, but not one that this TensorFlow can use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck import facts as F
from envcheck.compatibility import refused, stack_of
from envcheck.library_path import version_of
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent
from envcheck.versions import CudnnRelease
from envcheck.wheels import asked_otherwise


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    """The copy that the loader takes first; where it takes none, the one that is installed."""
    library = next((row for row in facts.value(F.LIBRARIES) or () if row.name == "cudnn"), None)
    if library is None:
        return
    place = library.winner
    if place is None:
        place = next(iter(library.found or facts.value(F.CUDNN_INSTALLED) or ()), None)
    told = version_of(facts, library.soname, place) if place else None
    if place is None or told is None:
        return
    version = ".".join(told.split(".")[:3])
    stack = replace(stack_of(facts), cudnn=CudnnRelease.parse(version))
    for reason in refused(stack, matrix, "cudnn")[:1]:
        yield Match(
            subject="cudnn",
            params={
                "found": version,
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "soname": library.soname,
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.CUDNN_INSTALLED, f"cuDNN {told}", place.path),),
            rows=reason.source,
            fixes=(_fix(facts, place, reason.wanted),),
        )


def _fix(facts: Facts, place: F.Place, wanted: str | None) -> Fix:
    cuda = facts.value(F.TF_CUDA)
    if place.component and wanted and cuda:
        wheel = f"nvidia-cudnn-cu{cuda.major}"
        others = ", ".join(pin.asker.name for pin in asked_otherwise(facts, wheel, wanted))
        if not others:
            return install(facts, wheel + wanted)
        note = "{others} asks for another cuDNN and may break: better give TensorFlow and {others} "
        note += "an environment each. To have TensorFlow right here:"
        fix = install(facts, wheel + wanted, safety="review")
        return replace(fix, note=note, params={"others": others}, requirements=())
    note = (
        "Install cuDNN {wanted} for CUDA {cuda} and make it the copy that the loader finds first."
    )
    return manual("install-cudnn", note, wanted=wanted or "", cuda=str(cuda))


RULE = Rule(
    code="DNN101",
    slug="cudnn-wrong-version",
    layer="cudnn",
    severity="error",
    title="cuDNN {found} is not the one that TensorFlow {tensorflow} needs",
    why="{reason}",
    needs=(F.LIBRARIES, F.CUDNN_INSTALLED, F.TF_VERSION, F.TF_PACKAGE, F.TF_CUDA),
    judge=judge,
    explains=("SMK201", "SMK103"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "cudnn",
            loader__libraries=[{"name": "cudnn", "soname": "libcudnn.so.9", "found": []}],
            cudnn__installed=[
                {
                    "path": "/usr/lib/x86_64-linux-gnu/libcudnn.so.8",
                    "via": "ld.so.cache",
                    "version": "8.9.7",
                }
            ],
        ),
        fires(
            "linux-rtx3080-tf29-cuda116",
            "cudnn",
            loader__libraries=[
                {
                    "name": "cudnn",
                    "soname": "libcudnn.so.8",
                    "found": [
                        {"path": "/opt/libcudnn.so.8", "via": "LD_LIBRARY_PATH", "version": "8.0.5"}
                    ],
                }
            ],
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
