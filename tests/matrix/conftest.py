"""The shipped matrix, read once for all of these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envcheck.matrix import Matrix, load_matrix, shipped_path


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    return load_matrix(shipped_path())


@pytest.fixture(scope="session")
def content() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shipped_path().read_text(encoding="utf-8"))
    return found


@pytest.fixture
def file_of(tmp_path: Path) -> Any:
    """Writes a changed matrix and gives its path."""

    def write(changed: Any, name: str = "matrix.json") -> Path:
        path = tmp_path / name
        path.write_text(changed if isinstance(changed, str) else json.dumps(changed))
        return path

    return write
