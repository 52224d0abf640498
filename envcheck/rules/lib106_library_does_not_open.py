"""A library that the loader finds does not open, or takes the process with it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import take_out
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install, manual, reinstall_step
from envcheck.rules import Rule, fires, silent

WAYS = {
    "error": "it does not open",
    "crashed": "opening it ends the process",
    "silent": "opening it does not end",
}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    places = {row.soname: row.winner for row in facts.value(F.LIBRARIES) or ()}
    for row in facts.value(F.OPENED) or ():
        if row.status == "ok":
            continue
        yield Match(
            subject=row.soname,
            params={
                "soname": row.soname,
                "path": row.path,
                "how": WAYS.get(row.status, row.status),
                "detail": row.detail,
            },
            # A slow disk can be the reason, too.
            severity="warning" if row.status == "silent" else None,
            confidence="likely" if row.status == "silent" else "certain",
            evidence=(facts.evidence(F.OPENED, f"{row.status}: {row.detail}", row.path),),
            fixes=(_fix(facts, places.get(row.soname)),),
        )


def _fix(facts: Facts, place: F.Place | None) -> Fix:
    if place is not None and place.via == "LD_LIBRARY_PATH":
        return take_out(facts, place)
    stem = place.component.replace("_", "-") if place else ""
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        if stem and row.version and row.name.startswith(f"nvidia-{stem}-cu"):
            wheel = f"{row.name}=={row.version}"
            return Fix("reinstall", "safe", (reinstall_step(facts, wheel),))
    version = facts.value(F.TF_VERSION) or ""
    if place is not None and place.component:
        return install(facts, f"tensorflow[and-cuda]=={version}")
    path = place.path if place else ""
    return manual("replace-library", "Install {path} anew, from where it came.", path=path)


def opened(status: str, detail: str) -> list[dict[str, object]]:
    path = "/v/nvidia/cufft/lib/libcufft.so.11"
    return [{"soname": "libcufft.so.11", "path": path, "status": status, "detail": detail}]


MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB106",
    slug="library-does-not-open",
    layer="cuda",
    severity="error",
    title="{soname} is found, but {how}: {detail}",
    why="TensorFlow takes {path}. A child process that opened this file in the same environment "
    "did not get through; TensorFlow will not either.",
    needs=(F.OPENED, F.LIBRARIES, F.TARGET_DISTRIBUTIONS, F.TF_VERSION),
    judge=judge,
    explains=("SMK201", "SMK202", "SMK102"),
    cases=(
        fires(MACHINE, "libcufft.so.11", loader__opened=opened("error", "undefined symbol: x")),
        fires(MACHINE, "libcufft.so.11", loader__opened=opened("crashed", "SIGSEGV")),
        silent(MACHINE, loader__opened=opened("ok", "")),
        silent(MACHINE),
    ),
)
