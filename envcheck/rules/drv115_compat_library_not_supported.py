"""A forward compatibility libcuda (cuda-compat) on a card that does not allow it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.devices import cuda_code
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

REFUSED = {
    803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    804: "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    path, code = facts.value(F.DRIVER_LIBCUDA) or "", cuda_code(facts)
    if code not in REFUSED or not ("/compat" in path or code == 804):
        return
    devices = facts.value(F.GPU_DEVICES) or ()
    folder = path.rsplit("/", 1)[0]
    yield Match(
        subject="libcuda.so.1",
        params={
            "path": path,
            "release": str(facts.value(F.DRIVER_RELEASE) or "of this machine"),
            "gpus": ", ".join(sorted({device.title for device in devices})) or "This card",
            "error": f"{REFUSED[code]} ({code})",
        },
        evidence=(
            facts.evidence(F.DRIVER_LIBCUDA),
            facts.evidence(F.DRIVER_RELEASE),
            facts.evidence(F.DRIVER_CUDA_INIT, f"cuInit: {code}"),
            facts.evidence(F.LD_LIBRARY_PATH),
        ),
        fixes=(
            manual(
                "leave-out-compat",
                "Take {folder} out of LD_LIBRARY_PATH and of /etc/ld.so.conf.d (then `ldconfig`), "
                "or remove the package cuda-compat from the image: then the host's own libcuda is "
                "used. If the program needs a newer CUDA, update the host's driver.",
                folder=folder,
            ),
        ),
    )


REFUSES = {"status": "error", "code": 804, "name": REFUSED[804]}
RULE = Rule(
    code="DRV115",
    slug="compat-library-not-supported",
    layer="driver",
    severity="error",
    title="The forward compatibility library {path} does not work on this card",
    why="{gpus} has the driver {release}, and only data-centre cards may run another libcuda than "
    "that of their driver. CUDA answers {error}.",
    needs=(F.DRIVER_LIBCUDA, F.DRIVER_CUDA_INIT),
    judge=judge,
    explains=("DRV102", "DRV119", "SMK201", "SMK202"),
    cases=(
        fires(
            "linux-rtx4090-tf220-wheels",
            "libcuda.so.1",
            driver__libcuda="/usr/local/cuda/compat/libcuda.so.590.44.01",
            driver__cuda_init=REFUSES,
        ),
        silent(
            "linux-rtx4090-tf220-wheels",
            driver__libcuda="/usr/local/cuda/compat/libcuda.so.590.44.01",
        ),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
