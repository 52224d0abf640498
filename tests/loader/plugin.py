"""Fixtures: ``pytest_plugins = ("tests.loader.plugin",)`` in a test module."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.loader.build import Toolbox


@pytest.fixture(scope="session")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Toolbox:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux":
        pytest.skip("the loader that is followed is that of Linux")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc) on PATH")
    return Toolbox(compiler, tmp_path_factory.mktemp("elf"))
