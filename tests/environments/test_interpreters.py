"""The files that name an interpreter, read as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from envcheck.model import ParseError, known
from envcheck.places import prefix_of, same_folder
from envcheck.probes.interpreters import collect, parse_idea, parse_kernel, parse_vscode, shebang
from envcheck.probes.source import Live


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("#!/v/bin/python\nimport sys\n", "/v/bin/python"),
        ("#!/v/bin/python3 -I\n", "/v/bin/python3"),
        ('#!"/a b/bin/python"\n', "/a b/bin/python"),
        ("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\" \"$@\"\n' '''\n", "/a b/bin/python"),
        ("#!/bin/sh\n'''exec' /v/bin/python \"$0\" \"$@\"\n", "/v/bin/python"),
        ("#!/usr/bin/env python3\n", None),
        ("#!/bin/sh\necho\n", None),
        ("\x7fELF", None),
        ("", None),
    ],
)
def test_the_interpreter_of_a_script(text: str, python: str | None) -> None:
    assert shebang(text) == python


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ('{"python.defaultInterpreterPath": "/v/bin/python"}', "/v/bin/python"),
        ('{"python.pythonPath": "${workspaceFolder}/.venv/bin/python"}', "/w/.venv/bin/python"),
        ('{"python.defaultInterpreterPath": "./.venv/bin/python"}', "/w/.venv/bin/python"),
        ('{\n  // "python.pythonPath": "/v/bin/python"\n}', None),
        ('{"python.defaultInterpreterPath": "python3"}', None),
        ('{"python.defaultInterpreterPath": "${env:PYTHON}/bin/python"}', None),
        ("not json", None),
    ],
)
def test_the_interpreter_of_vs_code(text: str, python: str | None) -> None:
    assert parse_vscode(text, "/w") == python


def test_the_sdk_of_pycharm() -> None:
    assert parse_idea('<c project-jdk-name="Python 3.9 (coffee)" />') == "Python 3.9 (coffee)"
    assert parse_idea("<c />") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"argv": ["R", "--slave"]}'])
def test_a_kernel_that_is_not_pythons(text: str) -> None:
    with pytest.raises(ParseError):
        parse_kernel(text)


def test_places_of_any_system() -> None:
    assert prefix_of("/v/bin/python") == "/v"
    assert prefix_of("C:\\v\\Scripts\\python.exe") == "C:/v"
    assert prefix_of("C:\\Python38\\python.exe") == "C:/Python38"
    assert same_folder("C:\\v", "C:/v/")


def test_commands_behind_links_and_shims(tmp_path: Path) -> None:
    """A link to the target's Python is the target's; what a shim starts is not known."""
    real, links = (tmp_path / name / "bin" for name in ("real", "links"))
    for folder in (real, links, tmp_path / "shims"):
        folder.mkdir(parents=True)
    (real / "python").write_text("", encoding="utf-8")
    (links / "python").symlink_to(real / "python")
    (tmp_path / "shims" / "pip").write_text("#!/usr/bin/env bash\n", encoding="utf-8")
    source = Live(env={"PATH": f"{tmp_path / 'shims'}:{links}"}, cwd=str(tmp_path))
    facts = collect(source, {"target.prefix": known(str(tmp_path / "real"), "")})
    assert facts["interpreters.commands"].value == [
        {"name": "python", "path": str(links / "python"), "python": str(real / "python")}
    ]
