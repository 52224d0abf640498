"""Fixtures: ``pytest_plugins = ("tests.fakes.plugin",)`` in a test module."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fakes.nvidia import HERE, FakeLibraries, FakeMachine, compile_libraries


@pytest.fixture(scope="session")
def fake_libraries(tmp_path_factory: pytest.TempPathFactory) -> FakeLibraries:
    """Compiled once per session (once per worker with pytest-xdist)."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux":
        pytest.skip("the fake driver is for Linux")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc) on PATH")
    return compile_libraries(compiler, tmp_path_factory.mktemp("fake-nvidia"))


@pytest.fixture
def fake_machine(
    fake_libraries: FakeLibraries, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], FakeMachine]:
    """Lays out a machine in a folder of its own, by its name in ``machines`` or by its text."""
    return lambda description: fake_libraries.machine(
        description, tmp_path_factory.mktemp("machine")
    )


@pytest.fixture(scope="session")
def runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a libcudart.so.12 is that does what CUDART_FAULT says."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("cudart")
    command = [compiler, "-shared", "-fPIC", "-Wl,-soname,libcudart.so.12"]
    library = str(folder / "libcudart.so.12")
    subprocess.run([*command, "-o", library, str(HERE / "cudart.c")], check=True)
    return str(folder)
