"""Several lines decide together: the traps of this field, one each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from benchmarks.explain_score import faults
from envcheck.explain import document
from envcheck.explain.model import Explanation
from envcheck.model import Facts, absent
from tests.conftest import ROOT

CASES = sorted((ROOT / "tests" / "explain" / "cases").glob("*.json"))
SCHEMA = json.loads(
    (ROOT / "envcheck" / "schemas" / "explanation.schema.json").read_text(encoding="utf-8")
)
Explain = Callable[..., Explanation]
CUINIT = "E tensorflow/stream_executor/cuda/cuda_driver.cc:271] failed call to cuInit: "
NO_DEVICE = CUINIT + "CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected\n"
CUDART = (
    "W tensorflow/stream_executor/platform/default/dso_loader.cc:64] Could not load dynamic "
    "library "
    "'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open shared object file: No such file "
    "or directory\n"
    "I tensorflow/stream_executor/cuda/cudart_stub.cc:29] Ignore above cudart dlerror if you do "
    "not "
    "have a GPU set up on your machine.\n"
)
TENSORRT = "W tensorflow/x.cc:38] TF-TRT Warning: Could not find TensorRT\n"
CONVOLUTION = "UnknownError: Failed to get convolution algorithm. This is probably because cuDNN\n"


def codes(explanation: Explanation) -> list[str]:
    return [cause.code for cause in explanation.causes]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_produced_case(path: Path, explained: Explain) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    answer = document.document(explained(case["log"]))
    assert list(faults(case, answer)) == []
    Draft202012Validator(SCHEMA).validate(answer)


def test_there_are_enough_cases() -> None:
    kinds = [json.loads(path.read_text(encoding="utf-8"))["id"] for path in CASES]
    assert len(kinds) >= 60
    assert len([name for name in kinds if name.startswith("healthy-")]) >= 20


@pytest.mark.parametrize(
    ("more", "verdict", "first"),
    [
        ("I x.cc:1] kernel version seems to match DSO: 515.65.1\n", "environment", "GPU102"),
        ("I x.cc:1] kernel driver does not appear to be running on this host (node7): "
         "/proc/driver/nvidia/version does not exist\n", "environment", "DRV101"),
        ("E x.cc:1] kernel version 515.65.1 does not match DSO version 515.48.7 -- cannot\n",
         "environment", "DRV102"),
        ("Epoch 1/5\nI x.cc:1] kernel driver does not appear to be running on this host (node7): "
         "/proc/driver/nvidia/version does not exist\n", "harmless", "SMK909"),
    ],
)  # fmt: skip
def test_no_device_is_four_things(more: str, verdict: str, first: str, explained: Explain) -> None:
    explanation = explained(NO_DEVICE + more)
    assert (explanation.verdict, codes(explanation)[0]) == (verdict, first)


def test_the_program_s_own_error_below_frightening_lines(explained: Explain) -> None:
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "/home/u/train.py", line 57, in main\n'
        "TypeError: not all arguments converted during string formatting\n"
    )
    explanation = explained(CUDART + TENSORRT + traceback)
    assert explanation.verdict == "not-environment"
    cause = explanation.causes[0]
    assert cause.title.format_map(cause.params) == (
        "The program itself fails: TypeError: not all arguments converted during string formatting"
    )
    assert "/home/u/train.py, line 57" in cause.summary.format_map(cause.params)
    assert [line.number for line in cause.evidence] == [6]


def test_only_noise_is_harmless(explained: Explain) -> None:
    explanation = explained(TENSORRT + CUDART.splitlines()[1] + "\n")
    assert explanation.verdict == "harmless"
    assert [item.name for item in explanation.noise] == ["tensorrt-missing", "cudart-ignorable"]


def test_convolution_algorithm_is_memory_unless_a_version_stands_above(explained: Explain) -> None:
    assert codes(explained(CONVOLUTION)) == ["SMK903"]
    version = (
        "E x.cc:1] Loaded runtime CuDNN library: 8.0.4 but source was compiled with: 8.1.0.  "
        "CuDNN\n"
    )
    explanation = explained(version + CONVOLUTION)
    assert codes(explanation)[0] == "DNN101"
    steps = [step for fix in explanation.causes[0].fixes for step in fix.steps]
    assert ("python", "-m", "pip", "install", "nvidia-cudnn-cu11>=8.1,<9") in steps


def test_a_newer_major_of_cudnn_is_not_called_older(explained: Explain) -> None:
    cause = explained(
        "Loaded runtime CuDNN library: 7102 (compatibility version 7100) but source was compiled "
        "with 6021 (compatibility version 6000)\n"
    ).causes[0]
    assert "7.1.2" in cause.title.format_map(cause.params)
    assert "newer by a major release" in cause.summary.format_map(cause.params)


def test_the_first_of_two_errors_that_are_chained(explained: Explain) -> None:
    explanation = explained(
        "ImportError: cannot import name 'get_config' from 'tensorflow.python.eager.context' (x)\n"
        "The above exception was the direct cause of the following exception:\n"
        "RuntimeError: Failed to import transformers.trainer because of the following error\n"
    )
    assert codes(explanation) == ["KER201"]


def test_runtime_version_as_a_log_line_is_harmless(explained: Explain) -> None:
    line = "cannot import name 'runtime_version' from 'google.protobuf'\n"
    assert explained("ERROR:absl:" + line).verdict == "harmless"
    assert codes(explained("ImportError: " + line)) == ["TFX302"]


@pytest.mark.parametrize(
    ("wanted", "found", "fix"), [("96", "88", "numpy<2"), ("88", "96", "numpy")]
)
def test_the_direction_of_numpy(wanted: str, found: str, fix: str, explained: Explain) -> None:
    cause = explained(
        "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected "
        f"{wanted} from C header, got {found} from PyObject\n"
    ).causes[0]
    assert cause.code == "TFX301"
    assert cause.fixes[0].steps[0][-1] == fix


def test_pip_without_a_network_is_not_pythons_fault(explained: Explain) -> None:
    pip = (
        "ERROR: Could not find a version that satisfies the requirement tensorflow (from versions: "
        "none)\n"
    )
    assert codes(explained(pip)) == ["PYE102"]
    network = "WARNING: Retrying after: NewConnectionError: Failed to establish a new connection\n"
    assert codes(explained(network + pip)) == ["PYE901"]


def test_versions_of_the_log_go_through_the_rules(explained: Explain) -> None:
    explanation = explained(
        "ERROR: pip's dependency resolver does not currently take into account all the packages.\n"
        "tensorflow 2.15.1 requires keras<2.16,>=2.15.0, but you have keras 3.3.3 which is "
        "incompatible.\n"
    )
    facts = explanation.facts
    assert (facts["tensorflow.version"].value, facts["keras.version"].value) == ("2.15.1", "3.3.3")
    assert {"TFX304", "KER201"} == set(codes(explanation))
    keras = next(cause for cause in explanation.causes if cause.code == "KER201")
    assert keras.title.format_map(keras.params) == "Keras 3.3.3 does not fit TensorFlow 2.15.1"


def test_a_program_that_does_without_something_and_trains(explained: Explain) -> None:
    line = "No module named 'wandb'\n"
    assert codes(explained("ModuleNotFoundError: " + line)) == ["TFX303"]
    run = "Epoch 1/2\n10/10 - 1s 2ms/step - loss: 0.1\n"
    assert explained("WARNING: logging is off: " + line + run).verdict == "harmless"


def test_nothing_known_is_unknown(explained: Explain) -> None:
    explanation = explained("the moon is full\n")
    assert (explanation.verdict, explanation.causes) == ("unknown", ())


def test_this_machine_confirms_and_refutes(
    explained: Explain, machine: Callable[..., Facts]
) -> None:
    log = "AttributeError: Duplicate registrations for type 'experimentalOptimizer'\n"
    broken = explained(log, machine("linux-none-tf215-keras3")).causes[0]
    assert (broken.code, broken.confirmed, broken.confidence) == ("KER201", True, "certain")
    assert broken.fixes[0].steps[0][-1] == "keras>=2.15.0,<2.16"
    healthy = explained(log, machine("linux-none-tf221")).causes[0]
    assert (healthy.confirmed, healthy.confidence) == (False, "possible")


def test_a_machine_with_a_gpu_is_never_told_that_it_is_harmless(
    explained: Explain, machine: Callable[..., Facts]
) -> None:
    log = "Could not find cuda drivers on your machine, GPU will not be used.\n"
    gpu = machine("linux-rtx4090-tf220-wheels")
    none = machine("linux-rtx4090-tf220-wheels", {"gpu.hardware": absent("no GPU")})
    assert explained(log, gpu).verdict == "environment"
    assert explained(log, none).verdict == "harmless"


def _answers(explained: Explain) -> list[dict[str, Any]]:
    return [document.document(explained(log)) for log in (CUDART, CONVOLUTION, "?\n", NO_DEVICE)]


def test_the_document_is_of_its_schema(explained: Explain) -> None:
    for answer in _answers(explained):
        Draft202012Validator(SCHEMA).validate(answer)
