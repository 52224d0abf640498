"""The links of `setup`, with the real TensorFlow 2.21.0 and NVIDIA's real libraries."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.changes import links
from envcheck.changes.session import take_back
from envcheck.changes.store import Store
from tests import lab as laboratory
from tests.conftest import plain_environment
from tests.fakes.nvidia import FakeMachine

pytest_plugins = ("tests.fakes.plugin",)
SEES = 'import tensorflow as tf; print(len(tf.config.list_physical_devices("GPU")))'


@pytest.mark.lab
@pytest.mark.slow
def test_tensorflow_221_sees_the_gpu_through_them(
    tmp_path: Path, fake_machine: Callable[[str], FakeMachine]
) -> None:
    laboratory.uv("venv", "--python", laboratory.interpreter("3.13"), str(tmp_path / "venv"))
    python = tmp_path / "venv" / "bin" / "python"
    try:
        # 4 GB: only where they are in uv's cache already.
        wanted = "tensorflow[and-cuda]==2.21.0"
        laboratory.uv("pip", "install", "--offline", "--python", str(python), wanted)
    except subprocess.CalledProcessError:
        pytest.skip("uv's cache has no tensorflow[and-cuda]==2.21.0")
    machine = fake_machine("rtx3080")

    def gpus() -> str:
        env = plain_environment(**machine.env, HOME=str(tmp_path))
        done = subprocess.run(
            [str(python), "-c", SEES], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    store, site = Store(tmp_path / "venv"), tmp_path / "venv/lib/python3.13/site-packages"
    assert gpus() == "0"
    made = links.make(store, site, ("cusolver",))
    assert [path.name for path in made] == ["libcusolver.so.11", "libcusolverMg.so.11"]
    assert gpus() == "1"
    take_back(store.changes()[-1])
    assert gpus() == "0"
