"""cuSPARSE is linked against a newer nvJitLink than the one that is installed with it (R17)."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import winner
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import install
from envcheck.rules import Rule, fires, silent
from envcheck.versions import CudaRelease
from envcheck.wheels import cuda_wheels, own_pins, within_pins

CUSPARSE, NVJITLINK = "nvidia-cusparse-cu12", "nvidia-nvjitlink-cu12"


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    wheels = {wheel.name: wheel for wheel in cuda_wheels(facts, matrix)}
    cusparse, nvjitlink = wheels.get(CUSPARSE), wheels.get(NVJITLINK)
    used = winner(facts, "cusparse")
    if cusparse is None or nvjitlink is None or used is None or not used.component:
        return
    rule = matrix.rule("R17")
    # A release that the table does not have needs at least what the one before it does.
    table = [(CudaRelease.parse(v), need) for v, need in rule.data["needs_nvjitlink"].items()]
    have = CudaRelease.parse(cusparse.row.version or "0")
    needed = max((row for row in table if row[0] <= have), default=None)
    linked = CudaRelease.parse(nvjitlink.row.version or "0")
    if needed is None or linked.line >= CudaRelease.parse(needed[1]).line:
        return
    yield Match(
        subject=NVJITLINK,
        params={
            "cusparse": cusparse.title,
            "nvjitlink": nvjitlink.title,
            "symbol": "__nvJitLinkComplete_" + needed[1].replace(".", "_"),
        },
        evidence=(
            facts.evidence(F.LIBRARIES, cusparse.title, used.path),
            facts.evidence(F.TARGET_DISTRIBUTIONS, nvjitlink.title, nvjitlink.row.path),
        ),
        rows=rule.sources,
        fixes=(_fix(facts, matrix, f">={needed[1]},<13"),),
    )


def _fix(facts: Facts, matrix: Matrix, specifier: str) -> Fix:
    """A newer nvJitLink; where TensorFlow pins an older one, both as TensorFlow pins them."""
    wanted = within_pins(facts, matrix, NVJITLINK, specifier)
    if wanted:
        return install(facts, NVJITLINK + wanted)
    own = own_pins(facts)
    return install(facts, *(name + own.get(name, "") for name in (CUSPARSE, NVJITLINK)))


RULE = Rule(
    code="CUD102",
    slug="nvjitlink-too-old",
    layer="cuda",
    severity="error",
    title="{nvjitlink} is older than {cusparse}, which cannot be loaded with it",
    why="libcusparse needs the symbol {symbol} of libnvJitLink.so.12, which came with that CUDA "
    "release. The wheels name no version of each other, so pip does not see it. Without cuSPARSE "
    "TensorFlow uses no GPU.",
    needs=(F.LIBRARIES, F.TARGET_DISTRIBUTIONS, F.TARGET_INSTALLED, F.TF_REQUIRES),
    judge=judge,
    explains=("SMK201", "SMK202", "LIB"),
    signs=("cusparse", "cusolver", "CPU"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            NVJITLINK,
            target__distributions=[
                {"name": CUSPARSE, "version": "12.5.10.65", "location": "/v", "path": "/v/s"},
                {"name": NVJITLINK, "version": "12.8.93", "location": "/v", "path": "/v/j"},
            ],
        ),
        silent("linux-rtx4090-tf220-wheels"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
