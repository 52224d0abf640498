"""The wheel: what it carries, and that installing it changes nothing that was there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import lab as laboratory
from tests.conftest import MACHINES, ROOT, plain_environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    laboratory.uv("build", "--quiet", "--wheel", "--out-dir", str(out), str(ROOT))
    (path,) = out.glob("envcheck-*.whl")
    return path


def run(python: Path, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *args],
        cwd=cwd,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_it_carries(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "envcheck/compat_matrix.json",
        "envcheck/target_probe.py",
        "envcheck/py.typed",
        "envcheck/schemas/diff.schema.json",
        "envcheck/schemas/lock.schema.json",
        "envcheck/schemas/report.schema.json",
        "envcheck/locale/zh/LC_MESSAGES/envcheck.mo",
        "envcheck/render/html/beans.json",
        "envcheck/render/html/copy.js",
        "envcheck/render/html/style.css",
        "coffee_smoke/__main__.py",
        "coffee_smoke/weights.json",
    } <= names
    assert [name for name in names if name.startswith("tests")] == []


def test_it_works_from_there(wheel: Path, tmp_path: Path) -> None:
    python = laboratory.copy_of("empty311", tmp_path / "venv")
    laboratory.uv("pip", "install", "--quiet", "--python", str(python), str(wheel))
    machine = str(MACHINES / "linux-none-tf29-mixed")
    completed = run(python, "-m", "envcheck", "replay", machine, "--expect", "cpu", cwd=tmp_path)
    assert completed.returncode == 1, completed.stderr
    assert completed.stdout.splitlines()[0].endswith("numpy 2.2.6 does not fit TensorFlow 2.9.1")
    script = subprocess.run(
        [str(python.parent / "envcheck"), "--version"], capture_output=True, text=True, check=True
    )
    assert script.stdout == "envcheck 0.1.0\n"


def freeze(python: Path) -> list[str]:
    done = subprocess.run(
        [str(python), "-m", "pip", "freeze", "--all"], capture_output=True, text=True, check=True
    )
    return sorted(done.stdout.splitlines())


@pytest.mark.lab
def test_installing_it_beside_tensorflow_changes_no_version(wheel: Path, tmp_path: Path) -> None:
    python = laboratory.copy_of("tf29", tmp_path / "venv")
    before = freeze(python)
    assert "tensorflow-cpu==2.9.1" in before
    done = run(python, "-m", "pip", "install", "--quiet", str(wheel), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = freeze(python)
    assert set(before) <= set(after)
    added = {line.split("==")[0].split(" @")[0] for line in set(after) - set(before)}
    assert {"envcheck", "click", "psutil"} <= added


def test_dependencies_have_lower_bounds_and_no_upper_ones() -> None:
    import tomli

    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in (*project["dependencies"], *project["optional-dependencies"]["smoke"]):
        requirement, _, _ = line.partition(";")
        assert ">=" in requirement
        assert "<" not in requirement
        assert "==" not in line


def test_no_registry_is_named_anywhere() -> None:
    hosts = ("python" + "hosted", "pypi" + ".org/simple", "registry." + "npm")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        assert [host for host in hosts if host in text] == [], name


def test_the_translations_are_compiled(tmp_path: Path) -> None:
    for source in (ROOT / "envcheck" / "locale").rglob("*.po"):
        out = tmp_path / "envcheck.mo"
        program = str(Path(sys.executable).parent / "pybabel")
        subprocess.run(
            [program, "-q", "compile", "-i", str(source), "-o", str(out)],
            check=True,
            capture_output=True,
        )
        assert out.read_bytes() == source.with_suffix(".mo").read_bytes()


def test_heavy_imports_stay_out_of_a_check(lab: Callable[[str], Path]) -> None:
    """What a plain check loads decides how fast it is."""
    code = (
        "import sys\n"
        f"sys.argv = ['envcheck', 'replay', {str(MACHINES / 'linux-none-tf221')!r}, '-q']\n"
        "from envcheck.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'rich', 'psutil', 'pynvml', 'requests', 'remotezip', 'tensorflow', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
