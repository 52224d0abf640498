"""What a person reads first about a broken GPU side: one cause, and the thing to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from envcheck import engine, report, rules
from envcheck.matrix import Matrix
from envcheck.model import Facts, NotEvaluated, Report, not_applicable, unknown
from envcheck.render import i18n, terminal
from envcheck.render.view import Commands, build_view
from envcheck.verdict import judge_report

WHEELS, SYSTEM = "linux-rtx4090-tf220-wheels", "linux-rtx3080-tf29-cuda116"
PIP = "venv/bin/python -m pip install"
SONAMES = {
    "cudart": "libcudart.so.12",
    "cublas": "libcublas.so.12",
    "cudnn": "libcudnn.so.9",
}
OLD_SONAMES = {"cudart": "libcudart.so.11.0", "cudnn": "libcudnn.so.8"}
NO_SMOKE = not_applicable("left out by --no-smoke")


def libraries(sonames: Mapping[str, str], **found: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "soname": soname, "found": [found[name]] if name in found else []}
        for name, soname in sonames.items()
    ]


def unreached(path: str) -> dict[str, str]:
    return {"path": path, "via": "toolkit", "status": "unreached"}


def gpu(name: str, capability: str) -> list[dict[str, Any]]:
    return [{"index": 0, "name": name, "compute_capability": capability}]


def wheel(name: str, soname: str, **more: str) -> dict[str, Any]:
    place = {"path": f"/v/nvidia/{name}/lib/{soname}", "via": "wheel", "component": name, **more}
    return {"name": name, "soname": soname, "found": [place]}


BARE = {
    "loader.libraries": libraries(SONAMES),
    "loader.cudnn_parts": None,
    "loader.opened": None,
    "cudnn.installed": None,
    "cudnn.copies": None,
    "cuda.xla_roots": None,
}
TOOLKIT = [{"path": "/usr/local/cuda-12.4", "version": "12.4", "source": "version.json"}]
IN_TOOLKIT = unreached("/usr/local/cuda-12.4/lib64/libcudart.so.12")
NOUVEAU: dict[str, Any] = {
    "driver.release": None,
    "driver.nvml": {"status": "not-found"},
    "driver.cuda_init": None,
    "gpu.devices": None,
    "kernel.modules": ["nouveau"],
    "kernel.log": None,
}
TORCH = {
    "name": "torch",
    "version": "2.3.1",
    "location": "/v",
    "path": "/v/torch-2.3.1.dist-info",
    "requires": ["nvidia-cudnn-cu12==8.9.2.26"],
}
OTHER_CUDNN = {
    "loader.libraries": [{"name": "cudnn", "soname": "libcudnn.so.9", "found": []}],
    "cudnn.installed": [
        {
            "path": "/v/nvidia/cudnn/lib/libcudnn.so.8",
            "via": "wheel",
            "component": "cudnn",
            "version": "8.9.2.26",
        }
    ],
    "target.distributions": [TORCH],
}

PYTHON = "venv/bin/python"


def broken(*rungs: dict[str, str], **more: Any) -> dict[str, Any]:
    """A training that ended well with these rungs broken."""
    decided = {"name": "decide", "status": "passed"}
    rows = [{"status": "failed", **rung} for rung in rungs]
    result = {"ended": "finished", "ok": False, "device": "/device:GPU:0", "decisions": [1, 0]}
    return {"smoke.result": {**result, "rungs": [*rows, decided], **more}}


CONV = {
    "name": "conv2d",
    "error_type": "UnimplementedError",
    "error_message": "DNN library is not found.",
    "library": "cuDNN",
}
FULL = {
    **gpu("Tesla T4", "7.5")[0],
    "memory_mib": 15360,
    "used_mib": 15000,
    "processes": [{"pid": 4242, "mib": 14800, "name": "python3", "user": "anna"}],
}
OOM = {"name": "matmul", "error_type": "ResourceExhaustedError", "error_message": "out of memory"}

FIRST: dict[str, tuple[str, dict[str, Any], str, tuple[str, ...]]] = {
    "pip install tensorflow": (WHEELS, BARE, "LIB101", (f"{PIP} 'tensorflow[and-cuda]==2.20.0'",)),
    "three versions, and no pip": (
        "linux-none-tf29-mixed",
        {"target.has_pip": False, "target.kind": "venv"},
        "TFX301 TFX302 KER201 GPU101",
        (
            "venv/bin/python -m ensurepip",
            f"{PIP} 'numpy>=1.20,<2' 'protobuf>=3.9.2,<3.20' 'keras>=2.9.0rc0,<2.10.0'",
        ),
    ),
    "three versions, and uv in pip's place": (
        "linux-none-tf29-mixed",
        {"target.has_pip": False, "target.kind": "uv"},
        "TFX301 TFX302 KER201 GPU101",
        (
            "uv pip install --python venv/bin/python 'numpy>=1.20,<2' 'protobuf>=3.9.2,<3.20' "
            "'keras>=2.9.0rc0,<2.10.0'",
        ),
    ),
    "pip install tensorflow, and a toolkit without cuDNN": (
        WHEELS,
        {
            **BARE,
            "loader.libraries": libraries(SONAMES, cudart=IN_TOOLKIT),
            "cuda.toolkits": TOOLKIT,
        },
        "LIB101 CUD105",
        (f"{PIP} 'tensorflow[and-cuda]==2.20.0' 'nvidia-cuda-nvcc-cu12<13.0,>=12.5.82'",),
    ),
    "the extra of 2.14 cannot be resolved": (
        WHEELS,
        {
            **BARE,
            "tensorflow.version": "2.14.1",
            "tensorflow.cuda_built_for": "11.8",
            "loader.libraries": libraries(OLD_SONAMES),
            "target.python": "3.11.9",
            "target.distributions": None,
            "keras.version": "2.14.0",
            "numpy.version": "1.26.4",
            "protobuf.version": "4.25.3",
            "tensorflow.requires": None,
        },
        "LIB101",
        (
            f"{PIP} tensorflow==2.14.1 nvidia-cublas-cu11==11.11.3.6 "
            "nvidia-cuda-cupti-cu11==11.8.87 nvidia-cuda-nvcc-cu11==11.8.89 "
            "nvidia-cuda-runtime-cu11==11.8.89 nvidia-cudnn-cu11==8.7.0.84 "
            "nvidia-cufft-cu11==10.9.0.58 nvidia-curand-cu11==10.3.0.86 "
            "nvidia-cusolver-cu11==11.4.1.48 nvidia-cusparse-cu11==11.7.5.86 "
            "nvidia-nccl-cu11==2.16.5",
        ),
    ),
    "2.16.1, which the next patch mends": (
        WHEELS,
        {
            "tensorflow.version": "2.16.1",
            "tensorflow.requires": None,
            "numpy.version": "1.26.4",
            "protobuf.version": "4.25.3",
            "loader.libraries": [wheel("cufft", "libcufft.so.11", status="unreached")],
        },
        "LIB101",
        (f"{PIP} 'tensorflow[and-cuda]==2.16.2'",),
    ),
    "2.21.0, which only an older release mends": (
        WHEELS,
        {
            "tensorflow.version": "2.21.0",
            "loader.libraries": [wheel("cusolver", "libcusolver.so.11", status="unreached")],
        },
        "LIB101",
        ("export LD_LIBRARY_PATH=/v/nvidia/cusolver/lib",),
    ),
    "a card that is newer than TensorFlow": (
        WHEELS,
        {"gpu.devices": gpu("NVIDIA GeForce RTX 5090", "12.0")},
        "GPU201",
        (f"{PIP} 'tensorflow[and-cuda]==2.21.0'",),
    ),
    "a card that no newer driver drives": (
        WHEELS,
        {"gpu.devices": gpu("Tesla K80", "3.7"), "driver.release": "470.82.01"},
        "GPU201",
        ("envcheck matrix show gpu 'Tesla K80'",),
    ),
    "an old driver in WSL2": (
        WHEELS,
        {
            "system.os": "wsl2",
            "driver.release": "470.82",
            "driver.libcuda": "/usr/lib/wsl/lib/libcuda.so.1",
        },
        "DRV103",
        ("wsl.exe --shutdown",),
    ),
    "nouveau, without a driver": (
        WHEELS,
        {**NOUVEAU, "kernel.nvidia_built": None, "kernel.dkms": None},
        "DRV104",
        ("sudo ubuntu-drivers install", "sudo reboot"),
    ),
    "nouveau, with a driver": (
        WHEELS,
        {
            **NOUVEAU,
            "kernel.nvidia_built": [{"kernel": "5.15.0-91-generic", "path": "u/nvidia.ko"}],
            "kernel.dkms": None,
            "system.secure_boot": False,
        },
        "DRV104",
        ("sudo reboot",),
    ),
    "a kernel that is newer than the module": (
        WHEELS,
        {
            **NOUVEAU,
            "kernel.modules": None,
            "kernel.nvidia_built": [{"kernel": "5.15.0-89-generic", "path": "u/nvidia.ko"}],
            "kernel.dkms": None,
            "system.secure_boot": False,
        },
        "DRV106",
        (
            "sudo apt install linux-headers-5.15.0-91-generic",
            "sudo dkms autoinstall",
            "sudo modprobe nvidia",
        ),
    ),
    "a step that breaks for no known reason": (
        WHEELS,
        broken(CONV),
        "SMK103",
        (f"envcheck libs --python {PYTHON}", f"coffee-smoke -v --python {PYTHON}"),
    ),
    "a card that somebody has filled": (
        WHEELS,
        {
            "gpu.devices": [FULL],
            **broken(OOM, gpu_memory=[{"gpu": 0, "total_mib": 15360, "free_mib": 360}]),
        },
        "GPU308",
        ("kill 4242",),
    ),
    "cuDNN as torch wants it": (
        WHEELS,
        OTHER_CUDNN,
        "DNN101",
        (f"{PIP} 'nvidia-cudnn-cu12>=9.3,<10'",),
    ),
}


def judged(facts: Facts, matrix: Matrix) -> Report:
    return report.build(
        facts, engine.run_rules(rules.discover(), facts, matrix, "gpu"), matrix, "gpu"
    )


@pytest.mark.parametrize("name", sorted(FIRST))
def test_the_first_thing_to_do(name: str, machine: Callable[..., Facts], matrix: Matrix) -> None:
    base, edits, roots, commands = FIRST[name]
    built = judged(machine(base, {"smoke.result": NO_SMOKE, **edits}), matrix)
    errors = [row for row in built.findings if row.severity == "error" and row.caused_by is None]
    assert " ".join(row.code for row in errors) == roots
    written = Commands(windows=False, cwd="/home/user/coffee", home="/home/user")
    view = build_view(built, judge_report(built), i18n.english, written)
    assert view.first is not None
    assert tuple(written.line(argv) for argv in view.first.commands) == commands


def test_who_else_wants_a_wheel_is_said(machine: Callable[..., Facts], matrix: Matrix) -> None:
    built = judged(machine(WHEELS, {"smoke.result": NO_SMOKE, **OTHER_CUDNN}), matrix)
    fix = next(row for row in built.findings if row.code == "DNN101").fixes[0]
    assert (fix.safety, fix.params, fix.requirements) == ("review", {"others": "torch"}, ())


@pytest.mark.parametrize(
    ("package", "version"), [("tensorflow", "2.20.0"), ("tensorflow-gpu", "2.9.1")]
)
def test_a_release_that_does_not_find_its_own_libraries_is_said_to(
    package: str, version: str, machine: Callable[..., Facts], matrix: Matrix
) -> None:
    edits = {
        "gpu.devices": gpu("NVIDIA GeForce RTX 5090", "12.0"),
        "tensorflow.package": package,
        "tensorflow.version": version,
    }
    built = judged(machine(WHEELS, {"smoke.result": NO_SMOKE, **edits}), matrix)
    fix = next(row for row in built.findings if row.code == "GPU201").fixes[0]
    assert fix.note.startswith("TensorFlow {version} does not find all of its own CUDA libraries")
    assert fix.params == {"version": "2.21.0"}
    install = ("-m", "pip", "install", "tensorflow[and-cuda]==2.21.0")
    uninstall = ("-m", "pip", "uninstall", "--yes", "tensorflow-gpu")
    assert [step[1:] for step in fix.steps] == (
        [install] if package == "tensorflow" else [uninstall, install]
    )


def test_an_old_driver_of_a_container_is_the_hosts(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    edits = {"driver.release": "470.82.01", "system.container": "docker"}
    built = judged(machine(WHEELS, {"smoke.result": NO_SMOKE, **edits}), matrix)
    (finding,) = (row for row in built.findings if row.code == "DRV103")
    assert finding.fixes[0].note.startswith("On the host, not in this container, ")


def test_libraries_that_are_nowhere_are_called_not_installed(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    built = judged(machine(WHEELS, {"smoke.result": NO_SMOKE, **BARE}), matrix)
    (finding,) = (row for row in built.findings if row.code == "LIB101")
    assert finding.why.startswith("They are not installed: `pip install tensorflow` leaves ")
    assert [(row.value, row.source) for row in finding.evidence] == [
        ("libcudart.so.12, libcublas.so.12, libcudnn.so.9", "in no folder of the loader")
    ]
    layers = {row.layer: (row.status, row.version) for row in built.stack}
    words = "none that TensorFlow finds, TensorFlow was built with "
    assert layers["cuda"] == ("error", f"{words}12.5.1")
    assert layers["cudnn"] == ("error", f"{words}9")


def test_a_driver_that_does_not_answer_shows_its_parts(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    mismatch = unknown("NVML: Driver/library version mismatch")
    edits: dict[str, Any] = {
        "smoke.result": NO_SMOKE,
        "driver.release": mismatch,
        "gpu.devices": mismatch,
        "driver.library": "580.95.05",
        "driver.nvml": {"status": "error", "code": 18, "text": "Driver/library version mismatch"},
    }
    built = judged(machine(WHEELS, edits), matrix)
    assert built.stack[0].version == "kernel module 580.65.06, library 580.95.05"
    # A build with CUDA is one, whatever the driver says.
    assert {row.layer: row.status for row in built.stack}["tensorflow"] == "ok"


def unjudged(verbosity: int, machine: Callable[..., Facts], matrix: Matrix) -> list[str]:
    rows = (
        NotEvaluated("GPU101", "a", "gpu", "NVML: gone"),
        NotEvaluated("GPU102", "b", "gpu", "no log"),
        NotEvaluated("GPU103", "c", "gpu", "NVML: gone"),
        NotEvaluated("GPU104", "d", "gpu", "KeyError", crashed=True),
        NotEvaluated("GPU105", "e", "gpu", "KeyError", crashed=True),
    )
    facts = machine(WHEELS)
    built = report.build(facts, engine.Outcome((), rows, 1), matrix, "gpu")
    commands = Commands(windows=False, cwd="", home="")
    view = build_view(built, judge_report(built), i18n.english, commands)
    style = terminal.Style(ascii=True, verbosity=verbosity)
    text = terminal.render(view, style, i18n.english, commands)
    return text.partition("Could not be judged:\n")[2].partition("\n\n")[0].splitlines()


def test_rules_that_lack_the_same_share_a_line(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    assert unjudged(0, machine, matrix) == [
        "  ? NVML: gone: GPU101, GPU103",
        "  ? GPU102 b: no log",
        "  ? GPU104 d: envcheck itself failed (KeyError)",
        "  ? GPU105 e: envcheck itself failed (KeyError)",
    ]
    assert unjudged(1, machine, matrix)[:3] == [
        "  ? GPU101 a: NVML: gone",
        "  ? GPU102 b: no log",
        "  ? GPU103 c: NVML: gone",
    ]
