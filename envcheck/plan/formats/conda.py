"""An environment.yml: Python and, where the plan has no wheels for it, CUDA from conda-forge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envcheck.plan.formats.sheet import Sheet, header, lines_of
from envcheck.plan.model import Plan

CUDA_12 = ("cuda-cudart", "libcublas", "libcufft", "libcusolver", "libcusparse")


def render(sheet: Sheet) -> str:
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    plan = sheet.chosen
    name = f"tensorflow-{plan.tensorflow}"
    kept = tuple(note for note in plan.notes if "--format conda" not in note)
    sheet = replace(sheet, plan=replace(plan, notes=kept))
    yield from header(sheet, "Make it with: conda env create --file environment.yml")
    if plan.way == "system":
        yield "# CUDA and cuDNN are taken from conda-forge; its packages are not in the matrix."
        if plan.os != "windows":
            yield "# Then, inside the environment, name its libraries for TensorFlow, once:"
            yield "# conda env config vars set LD_LIBRARY_PATH=$CONDA_PREFIX/lib"
    yield f"name: {name}"
    yield "channels:"
    yield "  - conda-forge"
    yield "  - nodefaults"
    yield "dependencies:"
    yield f"  - python={plan.python}"
    yield "  - pip"
    yield from (f"  - {package}" for package in conda_packages(plan))
    yield "  - pip:"
    yield from (f'      - "{line}"' for line in lines_of(plan))
    if plan.variables:
        yield "variables:"
        yield from (f'  {key}: "{value}"' for key, value in plan.variables.items())


def conda_packages(plan: Plan) -> tuple[str, ...]:
    """conda-forge's names: one package up to CUDA 11.8, one per library from 12 on."""
    if plan.way != "system" or plan.cuda is None:
        return ()
    series = ".".join(plan.cuda.split(".")[:2])
    cudnn = ".".join((plan.cudnn or "").split(".")[:2])
    if int(series.split(".")[0]) < 12:
        return (f"cudatoolkit={series}", f"cudnn={cudnn}")
    return (f"cuda-version={series}", *CUDA_12, f"cudnn={cudnn}")
