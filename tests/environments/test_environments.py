"""Every environment of the catalogue: what is found, and that the first fix mends it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import lab as laboratory
from tests.conftest import plain_environment
from tests.environments.catalogue import ALSO, BROKEN, HEALTHY, RAISES, Environment, Scene
from tests.test_lab import FIT

pytestmark = pytest.mark.lab


def parameters(*environments: Environment) -> list[Any]:
    return [
        pytest.param(item, id=item.name, marks=[pytest.mark.slow] if item.slow else [])
        for item in environments
    ]


def stage(item: Environment, folder: Path, *, fresh: bool) -> tuple[Scene, dict[str, str]]:
    """The environment in its setting, and the environment variables of the user's shell."""
    work, home = folder / "project", folder / "home"
    work.mkdir()
    home.mkdir()
    if item.system:
        python = system_python(laboratory.RECIPES[item.recipe], folder / "python")
    elif fresh or item.changes:
        python = laboratory.copy_of(item.recipe, folder / "venv")
    else:
        python = laboratory.python_of(item.recipe)
    scene = Scene(python, work, home)
    env = {"HOME": str(home), **(item.setting(scene) if item.setting else {})}
    return scene, plain_environment(**env)


def system_python(recipe: laboratory.Recipe, prefix: Path) -> Path:
    """A Python with a prefix of its own: the program copied, its library linked."""
    base = Path(laboratory.interpreter(recipe.python)).resolve()
    schemes = "import sysconfig; print('deb_system' in sysconfig.get_scheme_names())"
    if subprocess.run([base, "-c", schemes], capture_output=True, text=True).stdout == "True\n":
        pytest.skip("Debian's Python keeps its packages elsewhere: needs another one")
    library = Path("lib") / f"python{recipe.python}"
    (prefix / "bin").mkdir(parents=True)
    (prefix / library / "site-packages").mkdir(parents=True)
    shutil.copy(base, prefix / "bin" / "python")
    for path in (base.parent.parent / library).iterdir():
        if path.name != "site-packages":
            (prefix / library / path.name).symlink_to(path)
    for path in (base.parent.parent / "lib").glob("libpython*"):
        (prefix / "lib" / path.name).symlink_to(path)
    python = prefix / "bin" / "python"
    laboratory.uv(
        "pip", "install", "--quiet", "--break-system-packages", "--python", str(python), "pip",
        *recipe.packages, *recipe.setuptools,
    )  # fmt: skip
    return python


def check(item: Environment, scene: Scene, env: dict[str, str], *args: str) -> str:
    root = str(Path(__file__).resolve().parents[2])
    # envcheck itself is not to be touched by what the user's shell does to the target.
    launch = f"import sys; sys.path.insert(0, {root!r}); from envcheck.cli import main; main()"
    where = [] if item.active else ["--python", str(scene.python)]
    completed = subprocess.run(
        [sys.executable, "-I", "-c", launch, *where, "--expect", "cpu", *args],
        cwd=scene.work,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert completed.stderr == ""
    return completed.stdout


def codes(report: Any) -> dict[str, str]:
    """Code -> severity, and the code that it follows from."""
    return {
        row["code"]: row["severity"] + (f"<{row['caused_by']['code']}" if row["caused_by"] else "")
        for row in report["findings"]
    }


@pytest.mark.parametrize("item", parameters(*HEALTHY, *BROKEN))
def test_what_is_found(item: Environment, tmp_path: Path) -> None:
    scene, env = stage(item, tmp_path, fresh=False)
    report = json.loads(check(item, scene, env, "--no-smoke", "--format", "json"))
    assert (codes(report), report["not_evaluated"]) == (item.codes, [])


@pytest.mark.slow
@pytest.mark.parametrize("item", parameters(*(item for item in BROKEN if item.fit)))
def test_the_first_fix_repairs_it(item: Environment, tmp_path: Path) -> None:
    """The printed commands, in the user's own shell, then a fit in the same shell."""
    scene, env = stage(item, tmp_path, fresh=True)
    shell = {**env, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    program = f"{ALSO.get(item.name, '')}\n{FIT}"
    before = subprocess.run(
        [str(scene.python), "-c", program],
        cwd=scene.work,
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (before.returncode == 0) is (item.name not in RAISES)
    assert RAISES.get(item.name, "") in before.stderr
    text = check(item, scene, env, "--no-smoke")
    script = re.split(r"^Do this first:", text, flags=re.M)[1]
    # A note above the commands is prose; the commands are what is indented below it.
    lines = script.splitlines()
    commands = "\n".join(lines if is_command(lines[0]) else lines[first_command(lines) :])
    fit = f'"{scene.python}" -c "$ENVCHECK_FIT"'
    completed = subprocess.run(
        ["/bin/sh", "-e", "-c", f"{commands}\n{fit}"],
        cwd=scene.work,
        env={**shell, "ENVCHECK_FIT": FIT if item.name == "addons-of-215" else program},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, f"{script}\n{completed.stderr[-2000:]}"
    assert f"fitted with keras {item.fit}" in completed.stdout


PROGRAMS = ("rm ", "mv ", "unset ", "export ")


def is_command(line: str) -> bool:
    line = line.strip()
    return (
        not line
        or line.startswith(PROGRAMS)
        or re.match(r"\S*python\d*(\.\d+)? ", line) is not None
    )


def first_command(lines: list[str]) -> int:
    return next(number for number, line in enumerate(lines) if line.strip() and is_command(line))


def test_an_environment_whose_base_python_is_gone(tmp_path: Path) -> None:
    python = laboratory.copy_of("empty311", tmp_path / "venv")
    python.unlink()
    python.symlink_to("/opt/python-that-was/bin/python3.11")
    config = tmp_path / "venv" / "pyvenv.cfg"
    text = re.sub(r"^home = .*", "home = /opt/python-that-was/bin", config.read_text(), flags=re.M)
    config.write_text(text, encoding="utf-8")
    completed = subprocess.run(
        [sys.executable, "-m", "envcheck", "--no-smoke", "--python", str(python)],
        cwd=tmp_path,
        env=plain_environment(PYTHONPATH=os.getcwd()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 2
    assert "its base Python (/opt/python-that-was/bin) is gone" in completed.stderr
