"""Paths of any machine, compared as text: the interpreters that rules speak of."""

from __future__ import annotations


def prefix_of(python: str) -> str:
    """The environment of an interpreter: /v of /v/bin/python and of C:\\v\\Scripts\\python.exe."""
    folder = python.replace("\\", "/").rpartition("/")[0]
    parent, _, name = folder.rpartition("/")
    return parent if name.lower() in ("bin", "scripts") else folder


def same_folder(first: str, second: str) -> bool:
    return _plain(first) == _plain(second)


def _plain(path: str) -> str:
    return path.replace("\\", "/").rstrip("/")
