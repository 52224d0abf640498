"""The commands for bash, or for PowerShell where the plan is for Windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envcheck.plan.formats.sheet import (
    LINKS_GO_TO,
    Sheet,
    comment,
    header,
    library_folders,
    lines_of,
)
from envcheck.plan.model import Plan


def render(sheet: Sheet) -> str:
    windows = sheet.chosen.os == "windows"
    return "\n".join(_powershell(sheet) if windows else _bash(sheet)) + "\n"


def quoted(words: Sequence[str]) -> str:
    """In double quotes, which bash and PowerShell read alike: no requirement holds a $."""
    return " ".join(f'"{word}"' for word in words)


def _bash(sheet: Sheet) -> Iterator[str]:
    plan = sheet.chosen
    yield "#!/usr/bin/env bash"
    yield from header(sheet)
    yield from comment(*root_commands(plan))
    yield "set -euo pipefail"
    yield f"python{plan.python} -m venv .venv"
    yield f".venv/bin/python -m pip install {quoted(lines_of(plan))}"
    yield from link_commands(plan, ".venv")
    yield from (f"export {name}={value}" for name, value in plan.variables.items())
    if plan.path:
        yield f'export LD_LIBRARY_PATH="{path_value(plan, "$PWD/.venv")}"'
        yield "# Set it in every shell that starts your program."
    yield f".venv/bin/python -c '{PROOF}'"


PROOF = "import tensorflow as tf; print(tf.config.list_physical_devices())"


def _powershell(sheet: Sheet) -> Iterator[str]:
    plan = sheet.chosen
    yield from header(sheet)
    yield from comment(*root_commands(plan))
    yield '$ErrorActionPreference = "Stop"'
    yield f"py -{plan.python} -m venv .venv"
    yield rf".\.venv\Scripts\python.exe -m pip install {quoted(lines_of(plan))}"
    yield 'if ($LASTEXITCODE) { throw "pip failed" }'
    yield from (f'$env:{name} = "{value}"' for name, value in plan.variables.items())
    yield rf".\.venv\Scripts\python.exe -c '{PROOF}'"


def root_commands(plan: Plan) -> Iterator[str]:
    """What a person with root has to do first; never run by envcheck."""
    if not plan.uses_gpu:
        return
    driver = plan.least_driver or ""
    if plan.os in ("windows", "wsl2"):
        yield f"On Windows itself: the NVIDIA driver {driver} from nvidia.com/drivers."
    else:
        yield f"As root, where the driver is not {driver} yet: sudo ubuntu-drivers install"
    if plan.way == "system":
        who = "As administrator" if plan.os == "windows" else "As root"
        yield (
            f"{who}: CUDA {plan.cuda} from developer.nvidia.com/cuda-toolkit-archive and cuDNN "
            f"{plan.cudnn} from developer.nvidia.com/cudnn-archive."
        )


def link_commands(plan: Plan, venv: str) -> Iterator[str]:
    """The links that `envcheck setup` makes, for bash."""
    if not plan.links:
        return
    nvidia = f"{venv}/lib/python{plan.python}/site-packages/nvidia"
    folders = " ".join(f"../../{name}/lib/*.so*" for name in plan.links)
    yield "# TensorFlow does not search these folders by itself."
    yield f'(cd "{nvidia}/{LINKS_GO_TO}/lib" && ln -sf {folders} .)'


def path_value(plan: Plan, venv: str) -> str:
    nvidia = f"{venv}/lib/python{plan.python}/site-packages/nvidia"
    return ":".join(f"{nvidia}/{name}/lib" for name in library_folders(plan))
