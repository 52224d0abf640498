"""The requirements of every TensorFlow from 2.4 on, resolved against the package index."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from envcheck.matrix import Matrix
from envcheck.plan import Demands, answer
from envcheck.plan.formats import Sheet, render

CARD = {"gpu": True, "card": "RTX 3090", "capability": "8.6"}
MINORS = [f"2.{minor}" for minor in range(4, 22)]


@pytest.mark.slow
@pytest.mark.parametrize("tensorflow", MINORS)
@pytest.mark.parametrize("card", [{}, CARD], ids=["cpu", "gpu"])
def test_it_installs_as_it_stands(
    matrix: Matrix, tmp_path: Path, tensorflow: str, card: dict[str, object]
) -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the requirements are for Linux x86_64, where old sdists have to be built")
    found = answer(Demands(tensorflow=tensorflow, **card), matrix)  # type: ignore[arg-type]
    for number, plan in enumerate(found.plans):
        path = tmp_path / f"requirements-{number}.txt"
        path.write_text(render("pip", Sheet(found, plan, matrix)), encoding="utf-8")
        done = subprocess.run(
            [str(Path(sys.executable).parent / "uv"), "pip", "compile", "--quiet",
             "--python-version", plan.python, "--python-platform", "x86_64-manylinux_2_28",
             str(path)],
            env={**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"\n{plan.package}==" in done.stdout or f"\n{plan.package}[" in done.stdout
