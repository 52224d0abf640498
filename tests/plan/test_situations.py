"""What the planner answers in many situations, and that the matrix justifies each answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from envcheck.judge import Stack, judge
from envcheck.matrix import Matrix
from envcheck.plan import Answer, Demands, Plan, answer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = tomllib.loads((Path(__file__).parent / "situations.toml").read_text(encoding="utf-8"))[
    "situation"
]


def answer_of(row: dict[str, Any], matrix: Matrix) -> Answer:
    demands = dict(row["demands"])
    if "card" in demands:
        product = matrix.gpu(demands["card"])
        assert product is not None
        demands.update(gpu=True, capability=str(product.compute_capability))
    return answer(Demands(**demands), matrix)


def facts_of(plan: Plan) -> dict[str, str]:
    names = ("tensorflow", "python", "way", "cuda", "cudnn", "keras", "tf_keras")
    values = {name: getattr(plan, name) for name in names}
    values.update(driver=plan.least_driver, verdict=plan.judgement.verdict)
    return {name: value for name, value in values.items() if value}


@pytest.mark.parametrize("row", TABLE, ids=[row["name"] for row in TABLE])
def test_situation(row: dict[str, Any], matrix: Matrix) -> None:
    found = answer_of(row, matrix)
    if "plan" in row:
        assert facts_of(found.plans[0]) == row["plan"]
        return
    assert found.conflict is not None and found.plans == ()
    ways = [f"{way.fits}: TensorFlow {way.plan.tensorflow}" for way in found.conflict.nearest]
    assert (list(found.conflict.demands), ways) == (row["conflict"], row["ways"])


@pytest.mark.parametrize("row", TABLE, ids=[row["name"] for row in TABLE])
def test_every_plan_is_justified(row: dict[str, Any], matrix: Matrix) -> None:
    """The judge passes it as it stands, and each line has a reason and a source."""
    found = answer_of(row, matrix)
    plans = found.plans or tuple(way.plan for way in found.conflict.nearest if found.conflict)
    assert plans
    for plan in plans:
        assert judge(stack_of(plan, found.demands), matrix).verdict == plan.judgement.verdict
        assert plan.judgement.verdict in ("tested", "compatible")
        for choice in plan.choices:
            assert choice.reason, choice
            assert choice.sources and set(choice.sources) <= set(matrix.sections["sources"])


def stack_of(plan: Plan, demands: Demands) -> Stack:
    """From what the plan says, with the least driver that it names."""
    least = (plan.least_driver or "").lstrip(">=").split(",")[0] or None
    gpu = plan.uses_gpu
    return Stack(
        package=plan.package,
        tensorflow=plan.tensorflow,
        python=plan.python,
        keras=plan.keras,
        tf_keras=plan.tf_keras,
        cuda=plan.cuda,
        cudnn=plan.cudnn,
        driver=least,
        gpu=demands.card if gpu else None,
        compute_capability=demands.capability if gpu else None,
        os=plan.os,
        arch=plan.arch,
        glibc=demands.glibc,
        cuda_from=("system" if plan.way == "system" else "wheels") if gpu else None,
        ld_library_path=None if plan.way in ("cpu", "wheels") else True,
    )


def test_the_seed_has_its_two_stacks(matrix: Matrix) -> None:
    """The tested one first, then the one that is on record by minor version compatibility."""
    for system in ("linux", "windows"):
        demands = Demands(os=system, gpu=True, tensorflow="2.9.1")  # type: ignore[arg-type]
        first, second = answer(demands, matrix).plans[:2]
        assert (first.cuda, first.cudnn, first.judgement.verdict) == ("11.2", "8.1", "tested")
        assert (second.cuda, second.cudnn, second.judgement.verdict) == (
            "11.6.0",
            "8.4.0",
            "compatible",
        )
        (cuda,) = (choice for choice in second.choices if choice.name == "cuda")
        assert "minor version compatibility covers CUDA 11.x" in cuda.reason
        assert "field-cuda116" in cuda.sources


REMARKS = [
    (
        {"os": "windows", "gpu": True},
        "TensorFlow 2.10.1 is the last that can use a GPU on native Windows. Under WSL2 on the "
        "same machine it is 2.20.0: envcheck plan --os wsl2",
    ),
    (
        {"card": "H100", "driver": "535.104.05"},
        "Driver 535.104.05 holds you at TensorFlow 2.16.2: with driver >=555.42.02 it would be "
        "2.20.0.",
    ),
    (
        {"card": "RTX 5090", "driver": "580.65.06"},
        "TensorFlow 2.21.0 is the first on the package index that runs on compute capability "
        "12.0: older ones end with CUDA_ERROR_INVALID_PTX. It has no machine code for this card, "
        "so the first start compiles its kernels, which takes minutes once.",
    ),
]


@pytest.mark.parametrize(("demands", "remark"), REMARKS)
def test_what_must_be_known_at_once(demands: dict[str, Any], remark: str, matrix: Matrix) -> None:
    assert answer_of({"demands": demands}, matrix).remarks == (remark,)


def test_the_older_of_two_reasons_is_not_lost(matrix: Matrix) -> None:
    found = answer_of({"demands": {"tensorflow": "2.4", "cuda": "11.2", "gpu": True}}, matrix)
    assert found.conflict is not None
    assert found.conflict.reason == (
        "tensorflow 2.4.4 opens libcusolver.so.10 (CUDA 11.2 has libcusolver.so.11); without it "
        "there is no GPU."
    )
