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
def test_nothing_is_left(tmp_path: Path, name: str) -> None:
    """An import that hangs, in a child that is a session of its own."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    python = str(laboratory.python_of("empty311"))
    process = subprocess.Popen(
        [sys.executable, "-m", "envcheck", "--python", python, "--expect", "cpu"],
        env=plain_environment(PYTHONPATH=str(tmp_path), TMPDIR=str(temporary)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    (pid,) = waited_for(tmp_path / "pid")
    assert [path.name[:13] for path in temporary.iterdir()] == ["coffee-smoke-"]
    os.kill(process.pid, getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "envcheck: interrupted.")
    assert_gone([pid])
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a signal of a pipe")
@pytest.mark.parametrize("where", ["probe", "training"])
def test_no_child_outlives_an_envcheck_that_was_killed(tmp_path: Path, where: str) -> None:
    """The target hangs, and so does what it has started: when Python starts (before a line of
    ours runs there), or in the import."""
    python = str(laboratory.python_of("empty311"))
    hangs = (
        f"import os, subprocess, sys, time\nif sys.prefix == {str(Path(python).parent.parent)!r}:\n"
        f"    child = subprocess.Popen(['sleep', '600'])\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}\\n')\n"
        "    time.sleep(600)\n"
    )
    name = "sitecustomize.py" if where == "probe" else "tensorflow/__init__.py"
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / name).write_text(hangs, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "envcheck", "--python", python, "--expect", "cpu"],
        env=plain_environment(PYTHONPATH=str(tmp_path)),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pids = waited_for(tmp_path / "pid")
    assert [is_alive(pid) for pid in pids] == [True, True]
    process.kill()
    process.wait(timeout=60)
    assert_gone(pids)


def assert_gone(pids: list[int]) -> None:
    """Within ten seconds: a killed process takes a moment to go where the machine is busy."""
    for _ in range(200):
        if not any(map(is_alive, pids)):
            return
        time.sleep(0.05)
    raise AssertionError([psutil.Process(pid).cmdline() for pid in pids if is_alive(pid)])


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def waited_for(path: Path) -> list[int]:
    """What is written there in the end: process ids, and a line's end."""
    for _ in range(600):
        if path.exists() and path.read_text().endswith("\n"):
            return [int(pid) for pid in path.read_text().split()]
        time.sleep(0.05)
    raise AssertionError("the child never started")
