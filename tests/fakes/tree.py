"""A source whose whole file system is a test's: a folder of this machine, or paths of another."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from envcheck.probes.source import Live


class Rooted(Live):
    """``root`` stands for /: real files and links, and nothing of the machine outside of it."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        super().__init__(env, cwd="/")
        self.root = os.path.realpath(root)
        self.platform, self.machine = "linux", "x86_64"

    def read(self, path: str) -> str:
        return super().read(self.root + path)

    def glob(self, pattern: str) -> tuple[str, ...]:
        return tuple(path.removeprefix(self.root) for path in super().glob(self.root + pattern))

    def exists(self, path: str) -> bool:
        return super().exists(self.root + path)

    def realpath(self, path: str) -> str:
        return super().realpath(self.root + path).removeprefix(self.root)


class Windows(Live):
    """Files of a Windows machine, as texts by path."""

    def __init__(self, files: Mapping[str, str], env: Mapping[str, str]) -> None:
        super().__init__(env, cwd="C:\\work")
        self.files, self.platform, self.machine = dict(files), "win32", "AMD64"
        self.paths = {
            path[: found.start()] for path in files for found in re.finditer(r"\\", path)
        } | set(files)

    def read(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def glob(self, pattern: str) -> tuple[str, ...]:
        depth = pattern.count("\\")
        same = (path for path in self.paths if path.count("\\") == depth)
        return tuple(sorted(path for path in same if fnmatchcase(path, pattern)))

    def exists(self, path: str) -> bool:
        return path in self.paths

    def realpath(self, path: str) -> str:
        return path


class Fenced(Live):
    """This machine's files below one folder; elsewhere it finds nothing."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        super().__init__(env, cwd=str(folder))
        self.inside = (str(folder), os.path.realpath(folder))

    def read(self, path: str) -> str:
        if not path.startswith(self.inside):
            raise FileNotFoundError(2, "No such file or directory", path)
        return super().read(path)

    def glob(self, pattern: str) -> tuple[str, ...]:
        return super().glob(pattern) if pattern.startswith(self.inside) else ()

    def exists(self, path: str) -> bool:
        return path.startswith(self.inside) and super().exists(path)
