"""XLA will find no libdevice, which it links into what it compiles for the GPU (R18)."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import nowhere
from envcheck.matrix import Matrix
from envcheck.matrix.specs import parse_version
from envcheck.model import Facts, Fix, Match, Severity
from envcheck.remedies import install, manual
from envcheck.rules import Rule, fires, silent
from envcheck.wheels import own_pins


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    version, smoke = parse_version(facts.value(F.TF_VERSION) or "0"), facts.value(F.SMOKE)
    rule = matrix.rule("R18")
    if version < parse_version(rule.data["compiles_from"]):
        return
    # It may have trained on the GPU all the same, where the step asked for nothing of libdevice.
    severity: Severity = "warning" if smoke and smoke.ok and "GPU" in smoke.place else "error"
    since = {"wheel": rule.data["wheel_from"], "prefix": rule.data["prefix_from"]}
    if _is_condas(facts):
        since["prefix"] = "0"  # conda-forge's builds look there
    roots = [root for root in facts.value(F.XLA_ROOTS) or () if root.libdevice]
    if any(version >= parse_version(since.get(root.via, "0")) for root in roots):
        return
    if nowhere(facts, "cudart"):
        return  # LIB101: what brings the CUDA runtime brings libdevice as well
    kits = [kit.path for kit in facts.value(F.CUDA_TOOLKITS) or () if kit.libdevice]
    elsewhere = [root.path for root in roots] + kits
    yield Match(
        subject="libdevice",
        severity=severity,
        confidence="likely",
        params={"tensorflow": str(version)},
        evidence=(facts.evidence(F.XLA_ROOTS, "none has nvvm/libdevice/libdevice.10.bc"),),
        rows=rule.sources,
        fixes=tuple(_fixes(facts, elsewhere)),
    )


def _is_condas(facts: Facts) -> bool:
    rows = facts.value(F.TARGET_DISTRIBUTIONS) or ()
    return any(row.name == facts.value(F.TF_PACKAGE) and row.installer == "conda" for row in rows)


def _fixes(facts: Facts, elsewhere: list[str]) -> Iterator[Fix]:
    nvcc = next((name + pin for name, pin in own_pins(facts).items() if "-cuda-nvcc" in name), None)
    if nvcc:
        yield install(facts, nvcc)
    elif elsewhere:
        note = "Name a folder that has nvvm/libdevice in it, in the shell that starts your program:"
        flag = f"XLA_FLAGS=--xla_gpu_cuda_data_dir={elsewhere[0]}"
        yield manual("set-xla-flags", note, ("export", flag))
    else:
        note = "Install nvcc of CUDA {cuda} (conda: cuda-nvcc) and name its folder in XLA_FLAGS: "
        note += "--xla_gpu_cuda_data_dir=FOLDER, the one that has nvvm/libdevice in it."
        yield manual("install-nvcc", note, cuda=str(facts.value(F.TF_CUDA)))


RULE = Rule(
    code="CUD105",
    slug="no-libdevice-for-xla",
    layer="cuda",
    severity="error",
    title="XLA, which TensorFlow {tensorflow} trains with on a GPU, will not find libdevice",
    why="A plain fit() compiles its step, and then fails with `libdevice not found at "
    "./libdevice.10.bc`. TensorFlow's wheels do not bring the file; nvcc's package does.",
    needs=(F.XLA_ROOTS, F.TF_VERSION, F.CUDA_TOOLKITS, F.TF_REQUIRES, F.TARGET_DISTRIBUTIONS),
    judge=judge,
    explains=("SMK103",),
    signs=("libdevice",),
    cases=(
        fires("linux-rtx4090-tf220-wheels", "libdevice", cuda__xla_roots=[]),
        fires(
            "linux-rtx3080-tf29-cuda116",
            "libdevice",
            tensorflow__version="2.12.1",
            cuda__xla_roots=[{"path": "/v/nvidia/cuda_nvcc", "via": "wheel", "libdevice": True}],
        ),
        silent("linux-rtx3080-tf29-cuda116", cuda__xla_roots=[]),
        silent(
            "linux-rtx4090-tf220-wheels",
            cuda__xla_roots=[],
            loader__libraries=[{"name": "cudart", "soname": "libcudart.so.12", "found": []}],
        ),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
