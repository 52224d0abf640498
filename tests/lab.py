"""Real Python environments with real packages, made with uv and kept in .lab/.

An environment is a Python version and the installation steps that make it, each as a user
would have typed it. It is built when a test first asks for it; its folder's name holds a hash
of the recipe, so a changed recipe is a new environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parent.parent / ".lab"
# As the tests began: an environment that one test asks for serves the others, whatever that test
# has done to its variables.
MACHINE = dict(os.environ)
PYENV = Path("~/.pyenv").expanduser()


@dataclass(frozen=True)
class Recipe:
    """``packages`` go in first, with uv; ``pip`` are argument lists for the venv's own pip."""

    python: str
    packages: tuple[str, ...] = ()
    pip: tuple[tuple[str, ...], ...] = ()

    @property
    def setuptools(self) -> tuple[str, ...]:
        """82 has no pkg_resources, which any tensorboard up to 2.20 wants: a finding (TFX306)."""
        named = any(package.startswith("setuptools") for package in self.packages)
        return () if named else ("setuptools<82",)

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((self, self.setuptools)).encode()).hexdigest()[:8]


TF215 = ("tensorflow-cpu==2.15.1",)
RECIPES = {
    # Healthy.
    "tf221": Recipe("3.13", ("tensorflow-cpu==2.21.0",)),
    "tf215": Recipe("3.11", TF215),
    # A newer Keras forced over the one that TensorFlow 2.15 pins.
    "tf215-keras3": Recipe("3.11", TF215, (("install", "keras==3.15.1"),)),
    # The same, "mended" with --ignore-installed: two dist-infos, and pip check is content.
    "tf215-duplicate-keras": Recipe(
        "3.11",
        TF215,
        (
            ("install", "keras==3.15.1"),
            ("install", "--ignore-installed", "--no-deps", "keras==2.15.0"),
        ),
    ),
    # Everything that a `pip install --upgrade` of the neighbours does to an old TensorFlow.
    "tf29-mixed": Recipe(
        "3.10",
        ("tensorflow-cpu==2.9.1",),
        (("install", "keras==2.8.0", "protobuf==4.25.9", "numpy==2.2.6"),),
    ),
    "tf29": Recipe("3.10", ("tensorflow-cpu==2.9.1", "numpy<2", "protobuf<3.20")),
    # With CUDA's own wheels: several gigabytes each, for slow tests.
    "tf215-cuda": Recipe("3.11", ("tensorflow[and-cuda]==2.15.1",)),
    "tf220-cuda": Recipe("3.12", ("tensorflow[and-cuda]==2.20.0",)),
    "tf221-cuda": Recipe("3.13", ("tensorflow[and-cuda]==2.21.0",)),
    # Its wheel has no extra for them.
    "tf29-cuda": Recipe("3.10", ("tensorflow==2.9.1", "numpy<2", "protobuf<3.20")),
    # The coffee network runs in all of these (tests/coffee/test_coffee_matrix.py).
    "tf24": Recipe("3.8", ("tensorflow-cpu==2.4.4", "protobuf<3.20")),
    "tf29-py37": Recipe("3.7", ("tensorflow-cpu==2.9.1", "protobuf<3.20")),
    "tf210": Recipe("3.9", ("tensorflow-cpu==2.10.1", "numpy<2")),
    "tf212": Recipe("3.10", ("tensorflow-cpu==2.12.1",)),
    "tf216": Recipe("3.12", ("tensorflow-cpu==2.16.2",)),
    "tf216-legacy": Recipe("3.12", ("tensorflow-cpu==2.16.2", "tf-keras==2.16.0")),
    "tf218": Recipe("3.12", ("tensorflow-cpu==2.18.1",)),
    "tf220": Recipe("3.13", ("tensorflow-cpu==2.20.0",)),
    # With the packages that continue what TensorFlow and Keras dropped.
    "tf215-successors": Recipe("3.11", (*TF215, "scikeras<0.13", "tf-slim")),
    "tf221-successors": Recipe(
        "3.13", ("tensorflow-cpu==2.21.0", "scikeras>=0.13", "tf-slim", "tf-keras==2.21.0")
    ),
}
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
# Pythons with pip alone.
RECIPES.update({f"empty{version.replace('.', '')}": Recipe(version) for version in PYTHONS})


def python_of(name: str) -> Path:
    """The environment's interpreter; built first where it is not there yet."""
    recipe = RECIPES[name]
    home = LAB / f"{name}-{recipe.digest}"
    LAB.mkdir(exist_ok=True)
    with (LAB / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            build(recipe, home)
            (home / ".ready").touch()
    return home / "bin" / "python"


def copy_of(name: str, where: Path) -> Path:
    """A fresh environment of the same recipe, for a test that changes it."""
    build(RECIPES[name], where)
    return where / "bin" / "python"


def build(recipe: Recipe, home: Path) -> None:
    base = interpreter(recipe.python)
    # --seed: pip stands in it, as in an environment that `python -m venv` made.
    uv("venv", "--quiet", "--seed", "--python", base, str(home))
    python = str(home / "bin" / "python")
    if recipe.packages:
        uv("pip", "install", "--quiet", "--python", python, *recipe.packages, *recipe.setuptools)
    for args in recipe.pip:
        argv = [python, "-m", "pip", "--quiet", *args]
        subprocess.run(argv, check=True, capture_output=True, env=MACHINE)


def interpreter(version: str) -> str:
    """A Python of this minor version, or a skip: PATH and pyenv are looked at."""
    roots = [Path(MACHINE.get("PYENV_ROOT", PYENV)) / "versions"]
    found = sorted(path for root in roots for path in root.glob(f"{version}.*/bin/python"))
    if found:
        return str(found[-1])
    on_path = shutil.which(f"python{version}", path=MACHINE.get("PATH"))
    if on_path and _runs(on_path):
        return on_path
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    pytest.skip(f"needs Python {version}, which is neither on PATH nor in pyenv")


def _runs(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, env=MACHINE).returncode == 0


def at_start(site: Path, source: str) -> None:
    """Has each Python with this site-packages run this before all else. Not as sitecustomize:
    Debian's Python has one of its own, which comes first."""
    (site / "at_start.py").write_text(source, encoding="utf-8")
    (site / "at_start.pth").write_text("import at_start\n", encoding="utf-8")


def uv(*args: str) -> None:
    program = Path(sys.executable).parent / "uv"
    # The system's certificates, as pip takes them, whatever uv of this release calls that.
    env = {**MACHINE, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    subprocess.run([str(program), *args], check=True, capture_output=True, env=env)
