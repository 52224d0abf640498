"""TensorFlow 2.21 lists no GPU where it does not find NVML, and says nothing about it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import add_folders, folder_of, numbers
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

FIRST = (2, 21)  # seen with LD_DEBUG: 2.20 does not open it before it lists GPUs


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    rows = {row.name: row for row in facts.value(F.DRIVER_LIBRARIES) or ()}
    version = facts.value(F.TF_VERSION) or ""
    cuda, nvml = rows.get("cuda"), rows.get("nvidia-ml")
    if nvml is None or nvml.winner is not None or cuda is None or cuda.winner is None:
        return
    if not version[:1].isdigit() or numbers(".".join(version.split(".")[:2])) < FIRST:
        return
    note = (
        "Install the rest of the driver of {cuda}; in a container, ask for it with "
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility."
    )
    yield Match(
        subject=nvml.soname,
        params={"soname": nvml.soname, "tensorflow": version, "cuda": cuda.winner.path},
        evidence=(
            facts.evidence(F.DRIVER_LIBRARIES, f"{nvml.soname}: in no folder of the loader"),
            facts.evidence(F.DRIVER_LIBRARIES, cuda.soname, cuda.winner.path),
        ),
        fixes=(
            add_folders(facts, folder_of(nvml.found[0].path))
            if nvml.found
            else manual("install-nvml", note, root=True, cuda=cuda.winner.path),
        ),
    )


def driver(*nvml: dict[str, str]) -> list[dict[str, object]]:
    cuda = {"path": "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "via": "ld.so.cache"}
    return [
        {"name": "cuda", "soname": "libcuda.so.1", "found": [cuda]},
        {"name": "nvidia-ml", "soname": "libnvidia-ml.so.1", "found": list(nvml)},
    ]


MACHINE = "linux-rtx4090-tf220-wheels"
RULE = Rule(
    code="LIB108",
    slug="nvml-not-found",
    layer="driver",
    severity="error",
    title="TensorFlow {tensorflow} needs {soname} to see a GPU, and the loader does not find it",
    why="Since 2.21 TensorFlow asks NVML for the GPUs before it uses them. Without that library "
    "it lists none, and says nothing.",
    needs=(F.DRIVER_LIBRARIES, F.TF_VERSION),
    judge=judge,
    explains=("GPU", "SMK201", "SMK202"),
    cases=(
        fires(
            MACHINE,
            "libnvidia-ml.so.1",
            tensorflow__version="2.21.0",
            loader__driver_libraries=driver(),
        ),
        fires(
            MACHINE,
            "libnvidia-ml.so.1",
            tensorflow__version="2.22.0rc0",
            loader__driver_libraries=driver(),
        ),
        silent(MACHINE, loader__driver_libraries=driver()),
        silent(
            MACHINE,
            tensorflow__version="2.21.0",
            loader__driver_libraries=driver({"path": "/d/libnvidia-ml.so.1", "via": "default"}),
        ),
    ),
)
