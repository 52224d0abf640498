"""Which files are read, and how their bytes become Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.imports import files
from envcheck.model import EnvcheckError, ParseError

Write = Callable[..., Path]


def found(*paths: str) -> list[str]:
    return list(files.find([Path(path) for path in paths], files.Limits()))


def test_gitignore_and_links(write: Write, tmp_path: Path) -> None:
    write(a="", data__b="", data__keep="", __pycache____c="", venv__d="", sub__e="")
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    (tmp_path / ".gitignore").write_text("data/*\n")
    (tmp_path / "data" / ".gitignore").write_text("!keep.py\n")
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    (tmp_path / "notes.txt").write_text("")
    assert found(".") == ["a.py", "data/keep.py", "sub/e.py"]
    assert found("venv", "notes.txt") == ["venv/d.py", "notes.txt"]


def test_what_is_asked_for_by_name_is_scanned_though_ignored(write: Write, tmp_path: Path) -> None:
    write(out__a="", out__b__c="")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("/out/\n")
    assert found(".") == []
    assert found("out") == ["out/a.py", "out/b/c.py"]


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(EnvcheckError, match=r"^gone: there is no such file or folder\.$") as error:
        found("gone")
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("x = 'ö'".encode(), "utf-8"),
        (b"\xef\xbb\xbfx = 1", "utf-8-sig"),
        (b"# coding: latin-1\nx = '\xf6'", "iso-8859-1"),
    ],
)
def test_encodings(data: bytes, encoding: str) -> None:
    source = files.decode(data)
    assert (source.encoding, source.text.encode(encoding)) == (encoding, data)


@pytest.mark.parametrize("data", [b"x = '\xf6'", b"# coding: nonsense\n"])
def test_an_encoding_that_cannot_be_read(data: bytes) -> None:
    with pytest.raises(ParseError):
        files.decode(data)


def notebook(*cells: str, language: str = "python") -> bytes:
    rows = [{"cell_type": "markdown", "source": "# title"}]
    rows += [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": rows, "metadata": {"kernelspec": {"language": language}}}).encode()


def test_notebook() -> None:
    data = notebook(
        "%matplotlib inline\n!pip install \\\n  keras\nfiles = !ls\nx = 1",
        "%%bash\nls | wc",
        "%%time\nimport keras\nkeras?\n%env KERAS_BACKEND=jax",
    )
    source = files.decode_notebook(data)
    assert source.text.splitlines() == [
        *("pass", "pass", "  pass", "pass", "x = 1"),
        *("", ""),
        *("pass", "import keras", "pass", "__import__('os').environ['KERAS_BACKEND'] = 'jax'"),
    ]
    assert source.where(5) == (" cell 2", 5)
    assert source.where(9) == (" cell 4", 2)


def test_a_notebook_of_another_language_has_no_python() -> None:
    assert files.decode_notebook(notebook("library(keras)", language="R")).text == "\n"


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cells": 1}'])
def test_no_notebook(data: bytes) -> None:
    with pytest.raises(ParseError):
        files.decode_notebook(data)
