"""The rungs below TensorFlow, on the fake driver, end to end through `coffee-smoke`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coffee_smoke
from tests.coffee.documents import valid
from tests.coffee.planted import CARD, claim_cuda
from tests.fakes.nvidia import FakeMachine

pytest_plugins = ("tests.fakes.plugin",)

FOLDER = Path(coffee_smoke.__file__).parent
Machine = Callable[[str], FakeMachine]


@pytest.fixture
def climb(tmp_path: Path) -> Callable[..., Any]:
    """The document of `coffee-smoke` where `import tensorflow` fails, as a CUDA build would."""

    def run(machine: FakeMachine | None, *options: str, **env: str) -> Any:
        claim_cuda(tmp_path / "site")
        (tmp_path / "site" / "tensorflow" / "__init__.py").write_text("raise ImportError('no')")
        fake = dict(machine.env) if machine else {}
        path = os.pathsep.join(
            filter(None, (env.pop("LIBRARIES", ""), fake.get("LD_LIBRARY_PATH")))
        )
        clean = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path / "site")}
        done = subprocess.run(
            [sys.executable, str(FOLDER), "--json", *options],
            cwd=tmp_path,
            env={**clean, **fake, **env, "LD_LIBRARY_PATH": path},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        return valid(done.stdout)

    return run


def below(document: Any) -> list[tuple[str, str, str]]:
    names = ("driver", "context", "runtime")
    return [(r["name"], r["status"], r["detail"]) for r in document["rungs"] if r["name"] in names]


def test_a_healthy_card(climb: Callable[..., Any], fake_machine: Machine, runtime_folder: str):
    document = climb(fake_machine(CARD), LIBRARIES=runtime_folder)
    assert below(document) == [
        ("driver", "passed", "supports CUDA up to 12.2; 1 GPU: Tesla T4"),
        ("context", "passed", "1 MiB came back unchanged; GPU 0 has 15109 of 15109 MiB free"),
        ("runtime", "passed", "CUDA 12.5 by libcudart.so.12, 1 GPU"),
    ]
    assert document["driver"] == {"cuda_supported": "12.2", "gpus": ["Tesla T4"]}
    assert document["gpu_memory"] == [
        {"index": 0, "total_mib": 15109, "free_mib": 15109, "used_mib": 0, "processes": []}
    ]


@pytest.mark.parametrize(
    ("fault", "rung", "said"),
    [
        (
            "function = cuInit\ndo = return 803",
            "driver",
            "cuInit answers CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803): system has unsupported "
            "display driver / cuda driver combination",
        ),
        (
            "function = cuInit\ndo = return 100",
            "driver",
            "cuInit answers CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device is detected",
        ),
        ("function = cuInit\ndo = crash", "driver", "killed by SIGSEGV"),
        ("function = cuInit\ndo = hang", "driver", "ended after 3 s without an answer"),
        (
            "function = cuDevicePrimaryCtxRetain\ndo = return 46",
            "context",
            "cuDevicePrimaryCtxRetain answers CUDA_ERROR_DEVICE_UNAVAILABLE (46): CUDA-capable "
            "device(s) is/are busy or unavailable",
        ),
        (
            "function = cuMemcpyDtoH_v2\ndo = return 999",
            "context",
            "cuMemcpyDtoH_v2 answers CUDA_ERROR_UNKNOWN (999): unknown error",
        ),
    ],
)
def test_the_rung_that_broke_is_named_and_the_rest_is_tried(
    climb: Callable[..., Any], fake_machine: Machine, fault: str, rung: str, said: str
):
    machine = fake_machine(f"{CARD}[fault planted]\n{fault}\n")
    document = climb(machine, "--rung-timeout", "3")
    rows = {r["name"]: r for r in document["rungs"]}
    assert (rows[rung]["status"], rows[rung]["detail"]) == ("failed", said)
    assert rows[rung]["library"] == "NVIDIA driver (libcuda)"
    assert rows["runtime"]["status"] == "not-run"
    # TensorFlow is tried nevertheless, in a process of its own.
    assert rows["import"]["error"]["type"] == "ImportError"


def test_memory_that_comes_back_changed(climb: Callable[..., Any], fake_machine: Machine):
    document = climb(fake_machine(CARD + "corrupt_copies = 1\n"))
    error = document["rungs"][1]["error"]
    assert error["type"] == "WrongNumbers"
    assert error["message"] == "GPU 0 gives back other bytes than it was given"


def test_a_full_card_names_who_holds_it(climb: Callable[..., Any], fake_machine: Machine):
    full = "used_mib = 15000\nprocesses = 4242:14990\n"
    fault = "[fault full]\nfunction = cuDevicePrimaryCtxRetain\ndo = return 2\n"
    document = climb(fake_machine(CARD + full + fault))
    assert document["rungs"][1]["detail"].startswith("cuDevicePrimaryCtxRetain answers ")
    (row,) = document["gpu_memory"]
    assert row["free_mib"] == 109
    assert row["processes"] == [{"pid": 4242, "mib": 14990, "self": False}]


def test_a_driver_library_that_does_not_load(climb: Callable[..., Any], fake_machine: Machine):
    machine = fake_machine(CARD)
    machine.spoil("libcuda.so")
    name, status, detail = below(climb(machine))[0]
    assert (name, status) == ("driver", "failed")
    assert detail.startswith("libcuda.so.1 cannot be opened")
    assert detail.endswith("file too short")


def test_a_hidden_gpu_is_no_fault(climb: Callable[..., Any], fake_machine: Machine):
    rows = below(climb(fake_machine(CARD), CUDA_VISIBLE_DEVICES="-1"))
    reason = "CUDA_VISIBLE_DEVICES=-1 hides every GPU"
    assert rows == [(name, "skipped", reason) for name in ("driver", "context", "runtime")]


def test_the_cpu_was_asked_for(climb: Callable[..., Any], fake_machine: Machine):
    machine = fake_machine(CARD)
    assert {status for _, status, _ in below(climb(machine, "--device", "cpu"))} == {"skipped"}
    assert machine.calls() == ()


def test_a_runtime_that_is_not_there(climb: Callable[..., Any], fake_machine: Machine):
    name, status, detail = below(climb(fake_machine(CARD)))[2]
    assert (name, status) == ("runtime", "failed")
    assert detail.startswith("libcudart.so.12: cannot open shared object file")


def test_a_runtime_that_does_not_load(
    climb: Callable[..., Any], fake_machine: Machine, tmp_path: Path
):
    (tmp_path / "libcudart.so.12").write_bytes(b"")
    _, status, detail = below(climb(fake_machine(CARD), LIBRARIES=str(tmp_path)))[2]
    assert (status, detail.split(": ")[1]) == ("failed", "file too short")


def test_a_runtime_that_is_too_new_for_the_driver(
    climb: Callable[..., Any], fake_machine: Machine, runtime_folder: str
):
    env = {"LIBRARIES": runtime_folder, "CUDART_FAULT": "cudaGetDeviceCount 35"}
    document = climb(fake_machine(CARD), **env)
    assert below(document)[2] == (
        "runtime",
        "failed",
        "cudaGetDeviceCount answers cudaErrorInsufficientDriver (35): CUDA driver version is "
        "insufficient for CUDA runtime version",
    )


def test_nothing_but_getters_is_asked_of_nvml(climb: Callable[..., Any], fake_machine: Machine):
    machine = fake_machine("memory_held")
    climb(machine)
    assert "nvmlDeviceGetComputeRunningProcesses_v3" in {call.function for call in machine.calls()}
    assert not any(call.changes for call in machine.calls())
