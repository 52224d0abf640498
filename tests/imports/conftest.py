from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.imports import judge, uses
from envcheck.imports.stack import Resolver, admitted

Judge = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def codes_of() -> Judge:
    """(code, path) of each problem in a text under a TensorFlow."""

    def run(text: str, tensorflow: tuple[int, int] = (2, 15)) -> list[tuple[str, str]]:
        judged = judge.judge(uses.read(ast.parse(text)), Resolver(admitted(tensorflow)))
        return [(item.code.code, item.params["path"]) for item in judged.problems]

    return run


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Files by name in an empty folder, which becomes the current one."""
    monkeypatch.chdir(tmp_path)

    def make(**files: str | bytes) -> Path:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return make
