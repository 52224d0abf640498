"""The steps that make an environment: a new folder, the packages, the links."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from envcheck.changes.run import run_step
from envcheck.changes.store import Store
from envcheck.model import EnvcheckError
from envcheck.plan import Plan
from envcheck.plan.formats.sheet import lines_of

Say = Callable[[str], None]
UNFINISHED = "unfinished"
"""A file in .envcheck of an environment that is being made."""


@dataclass(frozen=True)
class Tools:
    """``uv`` and ``conda`` are programs; ``base`` is the Python to make a venv of."""

    base: str
    uv: str | None = None
    conda: str | None = None


def python_in(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def check_folder(folder: Path, into: bool) -> None:
    """Raises EnvcheckError where there is something already that is not ours to touch."""
    if not os.path.lexists(folder):
        return
    if (folder / ".envcheck" / UNFINISHED).exists():
        shutil.rmtree(folder)  # our own, of a setup that was killed
        return
    if not into:
        raise EnvcheckError(
            f"{folder} is there already and has not been touched. Name another folder, or install "
            f"into it: envcheck setup --into {folder}",
            2,
        )
    if not python_in(folder).exists():
        raise EnvcheckError(f"--into {folder}: this is no Python environment.", 2)


def make(plan: Plan, folder: Path, tools: Tools, log: Path, say: Say) -> None:
    """Raises StepFailed. The folder is marked as unfinished until `finish`."""
    state = folder / ".envcheck"

    def step(*argv: str) -> None:
        run_step(argv, log, say, mark=folder)

    if not folder.exists():
        try:
            _new(plan, folder, tools, step)
        finally:
            if folder.exists():
                _mark(state)
    _mark(state)
    requirements = state / "requirements.txt"
    requirements.write_text("\n".join(lines_of(plan)) + "\n", encoding="utf-8")
    python = str(python_in(folder))
    if tools.uv:
        step(tools.uv, "pip", "install", "--python", python, "--requirements", str(requirements))
    else:
        step(python, "-m", "pip", "install", "--requirement", str(requirements))


def _mark(state: Path) -> None:
    state.mkdir(exist_ok=True)
    (state / UNFINISHED).touch()


def _new(plan: Plan, folder: Path, tools: Tools, step: Callable[..., None]) -> None:
    if tools.conda:
        channel = ("--channel", "conda-forge", "--override-channels")
        step(tools.conda, "create", "--yes", "--prefix", str(folder), *channel,
             *_conda_packages(plan))  # fmt: skip
    elif tools.uv:
        step(tools.uv, "venv", "--seed", "--python", tools.base, str(folder))
    else:
        step(tools.base, "-m", "venv", str(folder))


def _conda_packages(plan: Plan) -> tuple[str, ...]:
    from envcheck.plan.formats.conda import conda_packages

    return (f"python={plan.python}", "pip", *conda_packages(plan))


def link(plan: Plan, folder: Path) -> tuple[Path, ...]:
    """The links that this plan needs; `undo` removes them."""
    from envcheck.changes import links, site

    if not plan.links:
        return ()
    packages = site.ask(str(python_in(folder))).folders[0]
    return links.make(Store(folder), packages, plan.links)


def finish(folder: Path, log: Path) -> Path:
    """Keep the log with the environment; it is whole now."""
    state = folder / ".envcheck"
    (state / "logs").mkdir(exist_ok=True)
    kept = state / "logs" / "setup.log"
    shutil.move(str(log), kept)
    (state / ".gitignore").write_text("*\n", encoding="utf-8")
    (state / UNFINISHED).unlink(missing_ok=True)
    return kept


def kernelspec(python: Path, name: str, title: str, home: Path) -> Path:
    """What `ipykernel install --user` writes. Jupyter looks in the user's folder for data."""
    import json
    import sys

    if sys.platform == "darwin":
        base = home / "Library" / "Jupyter"
    elif os.name == "nt":
        base = Path(os.environ.get("APPDATA") or home) / "jupyter"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter"
    folder = base / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    text = json.dumps({"argv": argv, "display_name": title, "language": "python"}, indent=1)
    (folder / "kernel.json").write_text(text + "\n", encoding="utf-8")
    return folder
