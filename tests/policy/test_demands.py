"""Requirements against facts: met, not met, and not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envcheck import engine, rules
from envcheck.demands import admits_shortened, is_called
from envcheck.matrix import Matrix
from envcheck.model import Facts, not_applicable, unknown
from envcheck.rules.pol101_requirement_not_met import required

GPU = "linux-rtx3080-tf29-cuda116"
CPU = "linux-none-tf221"
RULES = [rule for rule in rules.discover() if rule.code == "POL101"]
T4 = {"name": "Tesla T4", "compute_capability": "7.5"}
A100 = {"name": "NVIDIA A100-SXM4-80GB", "compute_capability": "8.0"}
HUNG = unknown("the driver did not answer within 10 s")


@pytest.fixture
def judged(machine: Callable[..., Facts], matrix: Matrix) -> Callable[..., engine.Outcome]:
    def run(name: str, wanted: dict[str, str], edits: dict[str, Any]) -> engine.Outcome:
        facts = machine(name, {**edits, "policy.require": required(**wanted)})
        return engine.run_rules(RULES, facts, matrix, "gpu")

    return run


def cards(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"gpu.devices": [{**row, "index": number} for number, row in enumerate(rows)]}


CUDART = {"name": "cudart", "soname": "libcudart.so.12"}
CUDNN = {"name": "cudnn", "soname": "libcudnn.so.9"}


def library(row: dict[str, str], version: str | None) -> dict[str, Any]:
    place = {"path": f"/l/{row['soname']}", "via": "default", "version": version}
    return {"loader.libraries": [{**row, "found": [place]}], "loader.opened": []}


@pytest.mark.parametrize(
    ("name", "wanted", "edits", "found"),
    [
        # CUDA and cuDNN are compared without the build numbers behind them.
        (GPU, {"cuda": "<=11.6"}, {}, {}),
        (GPU, {"cuda": "==11.6"}, {}, {}),
        (GPU, {"cuda": ">=11.7"}, {}, {"cuda": "11.6"}),
        (GPU, {"cudnn": "<=9.3.0"}, library(CUDNN, "9.3.0.75"), {}),
        (GPU, {"cudnn": ">=9.4"}, library(CUDNN, "9.3.0.75"), {"cudnn": "9.3.0"}),
        (GPU, {"cudnn": ">=9"}, {"loader.libraries": [{**CUDNN, "found": []}]}, {"cudnn": "none"}),
        (CPU, {"cuda": ">=9"}, {}, {"cuda": "none"}),
        (CPU, {"driver": ">=400", "gpus": "1"}, {}, {"driver": "none", "gpus": "none"}),
        (CPU, {"tensorflow": "~=2.21.0", "keras": ">=3", "python": ">=3.10"}, {}, {}),
        (CPU, {"tensorflow": ">=2"}, {"tensorflow.version": None}, {"tensorflow": "none"}),
        (CPU, {"tensorflow": "==2.21.0"}, {"tensorflow.version": "2.21.0+nv25.1"}, {}),
        (CPU, {"driver": ">=400"}, {"driver.release": not_applicable("macOS")}, {"driver": "none"}),
        # Two GPUs, one of which fits.
        (GPU, {"gpu": "T4", "gpus": "1"}, cards(T4, A100), {}),
        (GPU, {"gpu": "T4", "gpus": "2"}, cards(T4, A100), {"gpu": "Tesla T4, " + A100["name"]}),
        (GPU, {"compute_capability": ">=8.0"}, cards(T4, A100), {}),
        (
            GPU,
            {"compute_capability": ">=8.0", "gpus": "2"},
            cards(T4, A100),
            {"compute-capability": "7.5 and 8.0"},
        ),
        (GPU, {"gpus": "3"}, cards(T4, T4, {**T4, "error": "lost"}), {"gpus": "2"}),
        # CUDA_VISIBLE_DEVICES takes some of them away.
        (GPU, {"gpus": "2"}, {**cards(T4, T4), "gpu.visible_devices": "0"}, {"gpus": "1"}),
        (GPU, {"gpus": "2"}, {**cards(T4, T4), "gpu.visible_devices": "1,0"}, {}),
        (GPU, {"gpus": "1"}, {**cards(T4), "gpu.visible_devices": ""}, {"gpus": "none"}),
        (GPU, {"gpu": "T4"}, {**cards(T4, T4), "gpu.visible_devices": "1"}, {}),
    ],
    ids=str,
)
def test_what_is_known(
    judged: Callable[..., engine.Outcome],
    name: str,
    wanted: dict[str, str],
    edits: dict[str, Any],
    found: dict[str, str],
) -> None:
    outcome = judged(name, wanted, edits)
    assert {row.subject: row.params["found"] for row in outcome.findings} == found
    assert outcome.not_evaluated == ()
    assert outcome.checked == 1


@pytest.mark.parametrize(
    ("wanted", "edits", "layer", "reason"),
    [
        (
            {"driver": ">=535"},
            {"driver.release": HUNG},
            "driver",
            "the policy requires NVIDIA driver >=535: the driver did not answer within 10 s",
        ),
        (
            {"gpus": "2"},
            {"gpu.devices": HUNG},
            "gpu",
            "the policy requires 2 GPUs: the driver did not answer within 10 s",
        ),
        (
            {"cuda": ">=11"},
            {"loader.libraries": unknown("ld.so.cache could not be read")},
            "cuda",
            "the policy requires CUDA >=11: ld.so.cache could not be read",
        ),
        (
            {"cudnn": ">=9.1"},
            library(CUDNN, "9"),
            "cudnn",
            "the policy requires cuDNN >=9.1: /l/libcudnn.so.9 says no more than 9 of its version",
        ),
        (
            {"cuda": ">=12"},
            library(CUDART, None),
            "cuda",
            "the policy requires CUDA >=12: /l/libcudart.so.12 does not say its version",
        ),
        (
            {"tensorflow": ">=2"},
            {"tensorflow.version": "two"},
            "tensorflow",
            "the policy requires TensorFlow >=2: 'two' is no version that can be compared",
        ),
        (
            {"compute_capability": ">=7.5"},
            cards({"name": "Tesla T4"}),
            "gpu",
            "the policy requires compute capability >=7.5: a GPU does not tell it",
        ),
        (
            {"gpu": "T4"},
            {**cards(T4, A100), "gpu.visible_devices": "0"},
            "gpu",
            'the policy requires a GPU "T4": CUDA_VISIBLE_DEVICES leaves some of unlike GPUs, and '
            "CUDA numbers them itself",
        ),
    ],
    ids=str,
)
def test_what_is_not_known_is_not_met_by_anybody(
    judged: Callable[..., engine.Outcome],
    wanted: dict[str, str],
    edits: dict[str, Any],
    layer: str,
    reason: str,
) -> None:
    outcome = judged(GPU, wanted, edits)
    assert outcome.findings == ()
    (item,) = outcome.not_evaluated
    assert (item.layer, item.reason) == (layer, reason)
    assert outcome.rules[0].answer == "not-evaluated"


def test_one_unknown_requirement_hides_no_other(judged: Callable[..., engine.Outcome]) -> None:
    wanted = {"driver": ">=535", "gpus": "1", "keras": ">=3"}
    outcome = judged(GPU, wanted, {"driver.release": HUNG, "gpu.devices": HUNG})
    assert [(row.subject, row.layer) for row in outcome.findings] == [("keras", "keras")]
    assert [item.layer for item in outcome.not_evaluated] == ["driver", "gpu"]
    assert [item.facts for item in outcome.not_evaluated] == [("driver.release",), ("gpu.devices",)]
    assert outcome.rules[0].answer == "found"


@pytest.mark.parametrize(
    ("wanted", "version", "answer"),
    [
        (">=9", "9", True),
        (">=8", "9", True),
        ("<9", "9", False),
        (">=10", "9", False),
        ("==9.*", "9", True),
        ("==9.1.*", "9", None),
        ("!=9.1.0", "9", None),
        (">=9.1", "9", None),
        (">9.6,<9.8", "9", None),
        (">=9.1", "9.1", True),
        (">=9.1.1", "9.1", None),
        (">=9.1.1", "9.2", True),
        (">=90", "9", False),
        (">=9.1.1", "9.1.0", False),
    ],
)
def test_a_version_that_is_known_in_part(wanted: str, version: str, answer: bool | None) -> None:
    assert admits_shortened(wanted, version, 3) is answer


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("A100", "NVIDIA A100-SXM4-80GB", True),
        ("a100-sxm4", "NVIDIA A100-SXM4-80GB", True),
        ("A10", "NVIDIA A100-SXM4-80GB", False),
        ("RTX 3080", "NVIDIA GeForce RTX 3080 Ti", True),
        ("*RTX 3080", "NVIDIA GeForce RTX 3080 Ti", False),
        ("*RTX 30?0", "NVIDIA GeForce RTX 3080", True),
        ("*[x]*", "a [x] b", True),
        ("(x+", "a (x+", True),
    ],
)
def test_a_gpu_by_its_name(pattern: str, name: str, fits: bool) -> None:
    assert is_called(name, pattern) is fits


def test_without_tensorflow_the_fix_is_what_the_policy_wants(
    machine: Callable[..., Facts], matrix: Matrix
) -> None:
    def first(wanted: str, python: str) -> tuple[list[tuple[str, bool]], tuple[str, ...]]:
        gone = dict.fromkeys(("import", "version", "package"))
        edits = {f"tensorflow.{name}": None for name in gone}
        edits |= {"target.python": python, "policy.require": required(tensorflow=wanted)}
        outcome = engine.run_rules(rules.discover(), machine(CPU, edits), matrix, "cpu")
        found = [(row.code, row.caused_by is None) for row in outcome.findings]
        return found, outcome.findings[0].fixes[0].steps[0]

    found, step = first("~=2.20.0", "3.13.0")
    assert found == [("TFX101", True), ("POL101", False)]
    assert step[-2:] == ("install", "tensorflow~=2.20.0")
    # No TensorFlow 2.9 is made for this Python.
    assert first("==2.9.*", "3.13.0")[1] == ("envcheck", "plan", "--tensorflow", "==2.9.*")


def fixes(outcome: engine.Outcome) -> list[tuple[str, tuple[tuple[str, ...], ...]]]:
    return [(fix.id, fix.steps) for finding in outcome.findings for fix in finding.fixes]


def test_the_fixes(judged: Callable[..., engine.Outcome]) -> None:
    pip = "/home/user/coffee/venv/bin/python", "-m", "pip", "install"
    plan = ("envcheck", "plan", "--keras", ">=3.16", "--cuda", ">=11")
    # TensorFlow 2.21 wants Keras >=3.12 and takes 3.16.
    found = fixes(judged(CPU, {"keras": ">=3.16", "cuda": ">=11"}, {}))
    assert found == [
        ("plan", (plan,)),
        ("install", ((*pip, "keras>=3.16"),)),
        ("plan", (plan,)),
    ]
    # Not what TensorFlow's own pin refuses.
    assert fixes(judged(CPU, {"keras": "<3"}, {})) == [
        ("plan", (("envcheck", "plan", "--keras", "<3"),))
    ]
    assert fixes(judged(GPU, {"driver": ">=535"}, {})) == [("update-driver", ())]
    assert fixes(judged(GPU, {"driver": "<500"}, {})) == [("install-driver", ())]
    assert fixes(judged(GPU, {"gpus": "2"}, {})) == [("other-machine", ())]
