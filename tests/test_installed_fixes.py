"""What the rules on CUDA and cuDNN tell to do, word for word, and what the stack shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix
from envcheck.report import DESCRIBE
from envcheck.rules import discover

RULES = {rule.code: rule for rule in discover()}
WHEELS, SYSTEM = "linux-rtx4090-tf220-wheels", "linux-rtx3080-tf29-cuda116"
PIP = ("/home/user/coffee/venv/bin/python", "-m", "pip", "install")
EXACT = [
    'nvidia-cusparse-cu12==12.5.1.3; extra == "and-cuda"',
    'nvidia-nvjitlink-cu12==12.5.82; extra == "and-cuda"',
]
V100 = [{"index": 0, "name": "Tesla V100-SXM2-16GB", "compute_capability": "7.0"}]
H100 = [{"index": 0, "name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0"}]


def wheel(name: str, version: str) -> dict[str, Any]:
    path = f"/v/{name.replace('-', '_')}-{version}.dist-info"
    return {"name": name, "version": version, "location": "/v", "path": path}


def kit(version: str, **more: Any) -> dict[str, Any]:
    path = f"/usr/local/cuda-{version}"
    return {"path": path, "version": version, "source": f"{path}/version.json", **more}


def library(name: str, *found: tuple[str, str, str]) -> dict[str, Any]:
    rows = [
        {"path": path, "via": via, "version": version, "component": name * (via == "RUNPATH")}
        for path, via, version in found
    ]
    return {"name": name, "soname": f"lib{name}.so", "found": rows}


OLD_NVJITLINK = [
    wheel("tensorflow", "2.20.0"),
    wheel("nvidia-cusparse-cu12", "12.5.10.65"),
    wheel("nvidia-nvjitlink-cu12", "12.5.82"),
]
NO_CUDART = [library("cudart")]


@pytest.mark.parametrize(
    ("code", "machine_name", "edits", "steps", "note"),
    [
        pytest.param(
            "CUD102", WHEELS, {"target.distributions": OLD_NVJITLINK},
            ((*PIP, "nvidia-nvjitlink-cu12>=12.9,<13.0"),), "",
            id="a newer nvJitLink, where TensorFlow admits one",
        ),
        pytest.param(
            "CUD102", WHEELS,
            {"target.distributions": OLD_NVJITLINK, "tensorflow.requires": EXACT},
            ((*PIP, "nvidia-cusparse-cu12==12.5.1.3", "nvidia-nvjitlink-cu12==12.5.82"),), "",
            id="the cuSPARSE of old, where TensorFlow pins both",
        ),
        pytest.param(
            "CUD105", SYSTEM,
            {"tensorflow.version": "2.12.1", "cuda.xla_roots": [],
             "cuda.toolkits": [kit("11.6"), kit("11.8", libdevice=True)]},
            (("export", "XLA_FLAGS=--xla_gpu_cuda_data_dir=/usr/local/cuda-11.8"),),
            "Name a folder that has nvvm/libdevice in it, in the shell that starts your program:",
            id="a toolkit that has libdevice",
        ),
        pytest.param(
            "CUD106", WHEELS,
            {"loader.libraries": NO_CUDART, "cuda.toolkits": [kit("11.8"), kit("13.0")]},
            ((*PIP, "tensorflow[and-cuda]==2.20.0"),), "",
            id="wheels, where TensorFlow has the extra",
        ),
        pytest.param(
            "CUD106", SYSTEM,
            {"loader.libraries": NO_CUDART, "cuda.toolkits": [kit("12.4")],
             "system.os": "windows", "tensorflow.version": "2.9.1"},
            (), "Install CUDA 11.2 beside it (it does not replace the one that is there) and name "
            "its bin in PATH.",
            id="Windows",
        ),
        pytest.param(
            "CUD108", SYSTEM,
            {"loader.libraries": NO_CUDART, "loader.ld_library_path": "/a",
             "cuda.toolkits": [kit("11.2"), kit("11.6"), kit("12.4", found=["/usr/local/cuda"])]},
            (("export", "LD_LIBRARY_PATH=/usr/local/cuda-11.6/lib64:/a"),),
            "Name its folder in the shell that starts your program:",
            id="the newest toolkit that fits, before what is there",
        ),
        pytest.param(
            "DNN103", WHEELS,
            {"gpu.devices": V100,
             "loader.libraries": [library("cudnn", ("/v/libcudnn.so.9", "RUNPATH", "9.28.0.42"))]},
            ((*PIP, "nvidia-cudnn-cu12>=9.3.0.75,<9.11"),), "",
            id="a cuDNN of old that TensorFlow still admits",
        ),
        pytest.param(
            "DNN103", SYSTEM, {"gpu.devices": H100}, (),
            "Install cuDNN >=8.6,<9 for CUDA 11 and make it the copy that the loader finds first.",
            id="never a cuDNN of another major",
        ),
    ],
)  # fmt: skip
def test_fix(
    machine: Callable[..., Facts],
    matrix: Matrix,
    code: str,
    machine_name: str,
    edits: dict[str, Any],
    steps: tuple[tuple[str, ...], ...],
    note: str,
) -> None:
    facts = machine(machine_name, edits)
    (match,) = RULES[code].judge(facts, matrix)
    fix: Fix = match.fixes[0]
    assert (fix.steps, fix.note.format_map(fix.params)) == (steps, note)


def test_the_wheels_of_a_newer_cuda_are_of_one_cuda(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    """Each newest version that TensorFlow's own extra admits, as pip would choose them."""
    card = [{"index": 0, "name": "NVIDIA B200", "compute_capability": "10.0"}]
    facts = machine(WHEELS, {"tensorflow.version": "2.21.0", "gpu.devices": card})
    (match,) = RULES["GPU203"].judge(facts, matrix)
    wanted = match.fixes[0].requirements
    assert len(wanted) == 12
    assert "nvidia-cuda-runtime-cu12==12.9.79" in wanted
    assert "nvidia-cublas-cu12==12.9.3.13" in wanted


def test_the_stack_shows_what_is_here(machine: Callable[..., Facts]) -> None:
    own = "/usr/local/cuda-11.6"
    copies = [
        {"path": own, "via": "toolkit", "libraries": ["8.4.0"], "header": "8.4.0"},
        {"path": "/usr", "via": "system", "libraries": ["7.6.5"]},
    ]
    edits = {"cuda.toolkits": [kit("11.6"), kit("12.4")], "cudnn.copies": copies}
    facts = machine(SYSTEM, edits)
    assert DESCRIBE["cuda"](facts) == (
        "11.6.55, TensorFlow was built with 11.2, also here: 12.4 in /usr/local/cuda-12.4",
        f"{own}/lib64/libcudart.so.11.0",
    )
    assert DESCRIBE["cudnn"](facts) == (
        "8.4.0, TensorFlow was built with 8, also here: 7.6.5 in /usr",
        f"{own}/lib64/libcudnn.so.8",
    )
    nothing = machine(SYSTEM, {**edits, "loader.libraries": [library("cudart"), library("cudnn")]})
    assert DESCRIBE["cuda"](nothing) == (
        "none that TensorFlow finds, TensorFlow was built with 11.2, "
        f"here: 11.6 in {own}, 12.4 in /usr/local/cuda-12.4",
        "",
    )
    five = machine(SYSTEM, {**edits, "cuda.toolkits": [kit(f"11.{n}") for n in range(5)]})
    assert DESCRIBE["cuda"](five)[0].endswith("11.2 in /usr/local/cuda-11.2 …")


def test_a_mixture_that_nobody_loads_is_worth_a_word_only(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    """/usr/local/cuda-11.6, which is in use, lies in /usr, which is not."""
    mixed = {"libraries": ["8.4.0"], "header": "8.9.7", "header_file": "/h"}
    copies = [
        {"path": "/usr", "via": "system", **mixed},
        {"path": "/usr/local/cuda-11.6", "via": "toolkit", **mixed},
    ]
    facts = machine(SYSTEM, {"cudnn.copies": copies})
    matches = RULES["DNN102"].judge(facts, matrix)
    assert [match.severity for match in matches] == ["info", "warning"]
