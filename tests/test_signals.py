"""Signals: whatever ends envcheck ends its children first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests import lab as laboratory
from tests.conftest import plain_environment


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_no_child_is_left(tmp_path: Path, name: str) -> None:
    """An import that hangs, in a child that is a session of its own."""
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    python = str(laboratory.python_of("empty311"))
    process = subprocess.Popen(
        [sys.executable, "-m", "envcheck", "--python", python, "--expect", "cpu"],
        env=plain_environment(PYTHONPATH=str(tmp_path)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pid = waited_for(tmp_path / "pid")
    os.kill(process.pid, getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "envcheck: interrupted.")
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def waited_for(path: Path) -> int:
    for _ in range(600):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.05)
    raise AssertionError("the child never started")
