"""`envcheck fix` and `undo` on real broken environments."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import lab as laboratory
from tests.changes.trees import clone, digest
from tests.conftest import Run, plain_environment
from tests.environments.catalogue import BROKEN, Environment, Scene

pytestmark = pytest.mark.lab

MENDED = {
    "keras-nightly-too": (),
    "keras2-under-tf221": (),
    "keras-removed": (),
    "tf-keras-of-217": (),
    "legacy-without-tf-keras": (),
    "interrupted-pip": ("TFX106",),
    "file-cut-short": (),
    "wrapt-missing": (),
    "h5py-missing": (),
    "ml-dtypes-too-old": (),
    "tensorboard-of-219": (),
    "probability-of-218": (),
    "addons-of-215": ("TFX305",),
    "text-of-217": (),
    "numpy-2": (),
    "protobuf-4": (),
}
"""Environment to the fixes that are named, where the safe ones do not mend it."""


@dataclass(frozen=True)
class Site:
    """An environment of its own, for one test to break and mend."""

    scene: Scene
    env: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.scene.python.parent.parent

    def envcheck(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*argv),
            cwd=self.scene.work,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def argv(self, *argv: str) -> list[str]:
        return [sys.executable, "-m", "envcheck", *argv, "--python", str(self.scene.python)]

    def versions(self) -> str:
        """The list as pip prints it, to the byte."""
        argv = [str(self.scene.python), "-m", "pip", "list", "--format", "freeze", "--path"]
        env = plain_environment(PYTHONDONTWRITEBYTECODE="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
        done = subprocess.run(
            [*argv, str(self.scene.site)], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def files(self) -> dict[str, dict[str, str]]:
        return {name: digest(self.folder / name) for name in ("bin", "lib")}


def made(item: Environment, folder: Path) -> Site:
    work, home = folder / "project", folder / "home"
    work.mkdir()
    home.mkdir()
    scene = Scene(clone(item.recipe, folder / "venv"), work, home)
    env = {"HOME": str(home), **(item.setting(scene) if item.setting else {})}
    # What pip is told by the machine that runs the tests: where the package index is.
    told = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    return Site(scene, {**plain_environment(**told), **env})


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.parametrize("item", [pytest.param(e, id=e.name) for e in BROKEN if e.name in MENDED])
def test_it_is_mended_and_undone(item: Environment, tmp_path: Path) -> None:
    site = made(item, tmp_path)
    versions, files = site.versions(), site.files()
    ids = MENDED[item.name]
    fixed = site.envcheck("fix", "--apply", *ids, "--no-smoke", "--expect", "cpu")
    assert (fixed.returncode, fixed.stdout) == (
        0,
        "Mended: nothing is left of it. To take it back: "
        f"envcheck undo --python {site.scene.python}\n",
    ), fixed.stderr
    assert site.files() != files
    undone = site.envcheck("undo")
    assert undone.stdout == f"{site.folder} is again as it was before the fix.\n", undone.stderr
    assert site.versions() == versions
    assert site.files() == files
    nothing = site.envcheck("undo")
    assert (nothing.returncode, nothing.stdout) == (1, "")


def environment(name: str) -> Environment:
    return next(item for item in BROKEN if item.name == name)


@pytest.mark.slow
@pytest.mark.heavy
def test_it_trains_before_and_after(tmp_path: Path) -> None:
    site = made(environment("numpy-2"), tmp_path)
    fixed = site.envcheck("fix", "--apply", "--expect", "cpu")
    assert fixed.returncode == 0, fixed.stderr
    shown = re.sub(r"^\$ ", "", fixed.stderr.splitlines()[2])
    assert shown == f"{site.scene.python} -m pip install 'numpy>=1.23.5,<2.0.0'"


@pytest.mark.slow
@pytest.mark.heavy
def test_killed_at_any_moment_undo_still_brings_it_back(tmp_path: Path) -> None:
    """Five moments by a seed, spread over a whole run, and one in the middle of pip."""
    site = made(environment("numpy-2"), tmp_path)
    versions, files = site.versions(), site.files()
    arguments = site.argv("fix", "--apply", "--no-smoke", "--expect", "cpu")
    began = time.monotonic()
    site.envcheck("fix", "--apply", "--no-smoke", "--expect", "cpu")
    whole = time.monotonic() - began
    site.envcheck("undo")
    moments = random.Random(8)
    for moment in [*(moments.uniform(0.1, 1) * whole for _ in range(5)), None]:
        process = subprocess.Popen(
            arguments,
            cwd=site.scene.work,
            env=site.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if moment is None:
            in_the_middle_of_pip(site)
        else:
            time.sleep(moment)
        process.kill()
        process.wait()
        undone = site.envcheck("undo")
        assert undone.returncode in (0, 1), undone.stderr
        assert site.versions() == versions
        assert site.files() == files


def in_the_middle_of_pip(site: Site) -> None:
    """Until numpy's metadata is not what it was."""
    there = next(iter(site.scene.site.glob("numpy-*.dist-info")))
    for _ in range(6000):
        if not there.exists():
            return
        time.sleep(0.01)
    raise AssertionError("pip never removed the old numpy")


def small(tmp_path: Path) -> Site:
    """An environment with pip alone, and half a package that pip was interrupted in."""
    return made(Environment("leftovers", "empty311", {}, leftover), tmp_path)


def leftover(scene: Scene) -> dict[str, str]:
    (scene.site / "~umpy").mkdir()
    (scene.site / "~umpy" / "a.py").write_text("", encoding="utf-8")
    return {}


def test_nothing_is_changed_without_apply(tmp_path: Path) -> None:
    site = small(tmp_path)
    before = site.files()
    shown = site.envcheck("fix", "--expect", "cpu")
    assert site.files() == before and not (site.folder / ".envcheck").exists()
    text = " ".join(shown.stdout.split())
    assert text.startswith(
        f"To mend {site.folder} run envcheck fix --python {site.scene.python} --apply: it does "
        "what is safe of the fixes below. Nothing has been changed. The check was made just now."
    )


def test_a_fix_by_its_name_and_back(tmp_path: Path) -> None:
    """Only a folder is removed: the package index is not needed."""
    site = small(tmp_path)
    before = site.files()
    fixed = site.envcheck("fix", "--apply", "TFX106", "--no-smoke", "--expect", "cpu")
    assert fixed.stdout.startswith("Done; what is left: "), fixed.stderr
    assert not (site.scene.site / "~umpy").exists()
    log = site.folder / ".envcheck" / "logs" / "0001.log"
    assert f"The output goes to {log}" in fixed.stderr.splitlines()
    assert log.read_text(encoding="utf-8") == f"$ rm -r '{site.scene.site / '~umpy'}'\n"
    later = site.scene.site / "mine-1.dist-info"
    later.mkdir()
    refused = site.envcheck("undo")
    assert refused.returncode == 1 and "(mine-1)" in refused.stderr
    later.rmdir()
    assert site.envcheck("undo").returncode == 0
    assert site.files() == before


@pytest.mark.parametrize(
    ("ids", "complaint"),
    [
        (("KER999",), "There is no fix KER999; there are: TFX101, "),
        (("TFX101-9",), "There is no fix TFX101-9"),
    ],
)
def test_an_unknown_fix(tmp_path: Path, ids: tuple[str, ...], complaint: str) -> None:
    done = small(tmp_path).envcheck("fix", "--apply", *ids, "--no-smoke", "--expect", "cpu")
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_a_failing_pip_takes_everything_back(tmp_path: Path) -> None:
    """There is no package index at this address."""
    site = small(tmp_path)
    before = site.files()
    site.env.update(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_TIMEOUT="1")
    done = site.envcheck("fix", "--apply", "--no-smoke", "--expect", "cpu")
    assert done.returncode == 3
    assert "Taking everything back." in done.stderr
    assert "ended with status 1: ERROR: " in done.stderr
    assert site.files() == before
    assert list((site.folder / ".envcheck" / "changes").iterdir()) == []


def system_python(prefix: Path) -> Path:
    """A Python of its own whose standard library has the mark of PEP 668."""
    base = Path(laboratory.interpreter("3.11")).resolve()
    library = prefix / "lib" / "python3.11"
    (prefix / "bin").mkdir(parents=True)
    library.mkdir(parents=True)
    os.symlink(base, prefix / "bin" / "real")
    for path in (base.parent.parent / "lib" / "python3.11").iterdir():
        if path.name not in ("site-packages", "EXTERNALLY-MANAGED"):
            (library / path.name).symlink_to(path)
    (library / "site-packages").mkdir()
    (library / "EXTERNALLY-MANAGED").write_text("[externally-managed]\n", encoding="utf-8")
    python = prefix / "bin" / "python"
    python.write_bytes(base.read_bytes())
    python.chmod(0o755)
    for path in (base.parent.parent / "lib").glob("libpython*"):
        (prefix / "lib" / path.name).symlink_to(path)
    return python


def test_a_system_python_is_refused(tmp_path: Path) -> None:
    python = system_python(tmp_path / "usr")
    done = subprocess.run(
        [sys.executable, "-m", "envcheck", "fix", "--apply", "--python", str(python)],
        env=plain_environment(HOME=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{tmp_path / 'usr'} belongs to the system" in done.stderr
    assert "(PEP 668)" in done.stderr and "envcheck setup .venv" in done.stderr


def test_the_mark_of_a_system_python_does_not_bind_its_virtual_environments(
    tmp_path: Path, envcheck: Run
) -> None:
    """Its own pip may not install; that of an environment made from it may."""
    system = system_python(tmp_path / "usr")
    subprocess.run([system, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    offered = {}
    for python in (system, tmp_path / "venv" / "bin" / "python"):
        argv = ("--python", str(python), "--format", "json", "--no-smoke", "--expect", "cpu")
        findings = json.loads(envcheck(*argv, HOME=str(tmp_path)).stdout)["findings"]
        (missing,) = [row for row in findings if row["code"] == "TFX101"]
        offered[python] = [fix["id"] for fix in missing["fixes"]]
    assert list(offered.values()) == [["new-environment"], ["install"]]


def test_condas_base_is_refused(tmp_path: Path) -> None:
    site = small(tmp_path)
    (site.folder / "conda-meta").mkdir()
    (site.folder / "conda-meta" / "conda-24.1.0-py311_0.json").write_text("{}", encoding="utf-8")
    done = site.envcheck("fix", "--apply")
    assert done.returncode == 3 and "conda's base environment" in done.stderr


def test_undo_where_nothing_was_done(tmp_path: Path, envcheck: Run) -> None:
    done = envcheck("undo", "--python", str(clone("empty311", tmp_path / "venv")))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"envcheck: envcheck has changed nothing in {tmp_path / 'venv'}.\n"


def test_a_worse_check_takes_everything_back(tmp_path: Path) -> None:
    """A pip that instead of installing breaks what is there."""
    site = small(tmp_path)
    laboratory.at_start(
        site.scene.site,
        "import sys, pathlib\n"
        "if 'pip' in sys.orig_argv and 'install' in sys.orig_argv:\n"
        "    site = pathlib.Path(__file__).parent\n"
        "    for name in ('~eras', '~rotobuf'):\n"
        "        (site / name).mkdir()\n"
        "    info = site / 'tensorflow-2.15.1.dist-info'\n"
        "    info.mkdir()\n"
        "    (info / 'METADATA').write_text('Name: tensorflow\\nVersion: 2.15.1\\n')\n"
        "    (info / 'RECORD').write_text('tensorflow/__init__.py,,\\n')\n"
        "    (site / 'keras-3.15.1.dist-info').mkdir()\n"
        "    (site / 'keras-3.15.1.dist-info' / 'METADATA').write_text("
        "'Name: keras\\nVersion: 3.15.1\\n')\n"
        "    import os; os._exit(0)\n",
    )
    before = site.files()
    done = site.envcheck("fix", "--apply", "--no-smoke", "--expect", "cpu")
    assert done.returncode == 3, done.stdout
    assert "After the fix the check was worse, so everything is as it was before." in done.stderr
    assert site.files() == before
