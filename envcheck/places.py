"""Paths of any machine, compared as text: the interpreters that rules speak of."""

from __future__ import annotations

from collections.abc import Iterable

from envcheck import facts as F
from envcheck.model import Facts, Key

USERS = ("cwd", "PYTHONPATH")
"""Origins on sys.path where users keep their own files."""


def prefix_of(python: str) -> str:
    """The environment of an interpreter: /v of /v/bin/python and of C:\\v\\Scripts\\python.exe."""
    folder = python.replace("\\", "/").rpartition("/")[0]
    parent, _, name = folder.rpartition("/")
    return parent if name.lower() in ("bin", "scripts") else folder


def same_folder(first: str, second: str) -> bool:
    return _plain(first) == _plain(second)


def lies_in(path: str, folder: str) -> bool:
    return _plain(path).startswith(_plain(folder) + "/")


def innermost(path: str, folders: Iterable[str]) -> str | None:
    """The folder that a path belongs to: of /usr and /usr/local/cuda the one that is nearer."""
    return max((folder for folder in folders if lies_in(path, folder)), key=len, default=None)


def is_users_folder(facts: Facts, module: Key[F.Resolution]) -> bool:
    """A folder of the user without __init__.py: Python takes such a one only where it finds no
    package, so it stands in nobody's way."""
    found = facts.value(module)
    if found is None or found.kind != "namespace":
        return False
    above = _plain(found.folder).rpartition("/")[0]
    return any(
        entry.origin in USERS and _plain(entry.path) == above
        for entry in facts.value(F.TARGET_PATH) or ()
    )


def _plain(path: str) -> str:
    return path.replace("\\", "/").rstrip("/")
