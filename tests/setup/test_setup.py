"""`envcheck setup`: real environments, made by uv or pip, and what is left where it fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.setup.pythons import base_of
from tests import lab as laboratory
from tests.conftest import plain_environment

Setup = Callable[..., subprocess.CompletedProcess[str]]


def shell(tmp_path: Path, **more: str) -> dict[str, str]:
    """The user's: their home, the lab's Pythons on PATH, and where the package index is."""
    kept = ("PIP_", "UV_", "SSL_", "REQUESTS_")
    told = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    pythons = [Path(laboratory.interpreter("3.11")).parent, *more.pop("first", "").split(":")]
    path = ":".join([*map(str, pythons), "/usr/bin", "/bin"])
    told.setdefault("UV_CACHE_DIR", str(Path("~/.cache/uv").expanduser()))
    told.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1", UV_PYTHON_DOWNLOADS="never")
    return plain_environment(**told, PATH=path, HOME=str(tmp_path), **more)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    def run(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "envcheck", "setup", *argv],
            cwd=tmp_path,
            env=shell(tmp_path, **env),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize(
    ("tensorflow", "python"),
    [
        ("2.9", "3.10"),
        ("2.11", "3.9"),
        ("2.13", "3.8"),
        ("2.15", "3.11"),
        ("2.18", "3.12"),
        ("2.21", "3.13"),
    ],
)
def test_it_is_made_and_trains(setup: Setup, tmp_path: Path, tensorflow: str, python: str) -> None:
    first = str(Path(laboratory.interpreter(python)).parent)
    done = setup("coffee", "--tensorflow", tensorflow, "--python", python, "--gpu", "none",
                 first=first)  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert re.match(
        rf"{tmp_path}/coffee is ready: TensorFlow {tensorflow}\.\d on Python {python}, and the "
        r"coffee network trained on CPU:0\. ",
        text,
    ), done.stdout
    assert f"Activate it: source {tmp_path}/coffee/bin/activate" in text
    assert (tmp_path / "coffee" / ".envcheck" / "logs" / "setup.log").exists()
    assert not (tmp_path / "coffee" / ".envcheck" / "unfinished").exists()


def test_a_folder_that_is_there_is_not_touched(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("1", encoding="utf-8")
    done = setup("mine")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path}/mine is there already and has not been touched." in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["a"]
    done = setup("mine", "--into")
    assert done.returncode == 2 and "this is no Python environment" in done.stderr


NOWHERE = {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
           "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0",
           "UV_HTTP_TIMEOUT": "1", "UV_NO_CACHE": "1"}  # fmt: skip
"""No package index is at this address, and nothing is in a cache."""


def test_where_it_fails_nothing_is_left_but_the_log(setup: Setup, tmp_path: Path) -> None:
    done = setup("new", "--python", "3.11", "--gpu", "none", **NOWHERE)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{tmp_path}/new has been removed again (--keep leaves it)." in done.stderr
    assert not (tmp_path / "new").exists()
    log = re.search(r"\(log: (.*)\)", done.stderr)
    assert log is not None and "127.0.0.1" in Path(log[1]).read_text(encoding="utf-8")
    Path(log[1]).unlink()


def test_keep_leaves_it_and_the_next_one_begins_anew(setup: Setup, tmp_path: Path) -> None:
    setup("new", "--python", "3.11", "--gpu", "none", "--keep", **NOWHERE)
    assert (tmp_path / "new" / ".envcheck" / "unfinished").exists()
    done = setup("new", "--python", "3.11", "--gpu", "none", **NOWHERE)
    assert done.returncode == 3
    assert not (tmp_path / "new").exists()


def test_wishes_that_contradict_each_other(setup: Setup, tmp_path: Path) -> None:
    done = setup("new", "--tensorflow", "2.9", "--python", "3.12", "--gpu", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "TensorFlow 2.9 and Python 3.12 do not go together" in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_nothing_is_left(tmp_path: Path, name: str) -> None:
    """While the installer waits for a package index that never answers."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        env = shell(tmp_path, **{**NOWHERE, "UV_DEFAULT_INDEX": index, "UV_INDEX_URL": index,
                                 "UV_HTTP_TIMEOUT": "600"})  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "envcheck", "setup", "new", "--python", "3.11", "--gpu", "none"],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        requirements = tmp_path / "new" / ".envcheck" / "requirements.txt"
        for _ in range(1200):
            if requirements.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        os.kill(process.pid, getattr(signal, name))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert f"{tmp_path}/new has been removed again (--keep leaves it)." in err
    assert not (tmp_path / "new").exists()


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    from envcheck.model import EnvcheckError

    assert base_of("3.9", {"3.9": "/opt/python3.9"}, None) == "/opt/python3.9"
    assert base_of("3.9", {"3.11": "/opt/python3.11"}, "/usr/bin/uv") == "3.9"
    with pytest.raises(EnvcheckError, match=r"Python 3.9 is not on this machine \(there are 3.8"):
        base_of("3.9", {"3.8": "/opt/python3.8"}, None)


def test_the_kernel_of_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from envcheck.setup.make import kernelspec

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    folder = kernelspec(Path("/v/bin/python"), "envcheck-v", "TensorFlow 2.20.0 (v)", tmp_path)
    assert folder == tmp_path / ".local/share/jupyter/kernels/envcheck-v"
    spec = json.loads((folder / "kernel.json").read_text(encoding="utf-8"))
    assert spec == {
        "argv": ["/v/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "TensorFlow 2.20.0 (v)",
        "language": "python",
    }


def test_conda_that_is_not_there(setup: Setup) -> None:
    if shutil.which("conda", path="/usr/bin:/bin"):
        pytest.skip("this machine has conda in /usr/bin")
    done = setup("new", "--conda", "--gpu", "none")
    assert done.returncode == 2
    assert "There is no conda, mamba or micromamba on PATH" in done.stderr
