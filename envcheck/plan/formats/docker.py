"""A Dockerfile: Python's own slim image and pip's CUDA; the driver comes from the host."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace

from envcheck.plan.formats.sheet import (
    LINKS_GO_TO,
    Sheet,
    header,
    library_folders,
    lines_of,
    without_root,
)
from envcheck.plan.model import Plan


def render(sheet: Sheet) -> str:
    plan = without_root(sheet)
    return "\n".join(_lines(plan, replace(sheet, plan=plan))) + "\n"


def _lines(plan: Plan, sheet: Sheet) -> Iterator[str]:
    gpus = " --gpus all" if plan.uses_gpu else ""
    run = f"Build and run it: docker build -t coffee . && docker run{gpus} coffee"
    yield from header(sheet, run)
    if plan.uses_gpu:
        yield "# The host needs the driver and the NVIDIA Container Toolkit."
    yield f"FROM python:{plan.python}-slim"
    yield ""
    yield "RUN useradd --create-home --uid 1000 user"
    yield ""
    yield "ENV PIP_NO_CACHE_DIR=1 \\"
    yield "    PIP_DISABLE_PIP_VERSION_CHECK=1 \\"
    yield from (f"    {name}={value} \\" for name, value in plan.variables.items())
    if plan.uses_gpu:
        yield "    NVIDIA_VISIBLE_DEVICES=all \\"
        yield "    NVIDIA_DRIVER_CAPABILITIES=compute,utility \\"
    if plan.path:
        site = f"/usr/local/lib/python{plan.python}/site-packages/nvidia"
        folders = ":".join(f"{site}/{name}/lib" for name in library_folders(plan))
        yield f"    LD_LIBRARY_PATH={folders} \\"
    yield "    PYTHONUNBUFFERED=1"
    yield ""
    if plan.links:
        yield "# TensorFlow does not search the folders of some libraries: they are linked."
    words = [shlex.quote(line) for line in lines_of(plan)]
    yield "RUN python -m pip install --no-cache-dir \\"
    yield from (f"        {word} \\" for word in words[:-1])
    yield f"        {words[-1]}" + (" \\" if plan.links else "")
    if plan.links:
        yield f"    && {_link_step(plan)}"
    yield ""
    yield "USER 1000"
    yield "WORKDIR /home/user"
    yield ""
    yield "CMD " + json.dumps(["python", "-c", PROOF])


PROOF = "import tensorflow as tf; print(tf.config.list_physical_devices())"


def _link_step(plan: Plan) -> str:
    """The same links that `envcheck setup` makes."""
    nvidia = f"/usr/local/lib/python{plan.python}/site-packages/nvidia"
    folders = " ".join(f"{nvidia}/{name}/lib/*.so*" for name in plan.links)
    return f"ln -s {folders} {nvidia}/{LINKS_GO_TO}/lib"
