"""A live source whose files are those of a test, so that nothing of the host is read."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from envcheck.loader.elf import Elf
from envcheck.probes.source import Live


class LiveWithFiles(Live):
    """Children are started for real; the files are the given texts, and one that is given as an
    error raises it when it is read. Environment and platform are the test's."""

    def __init__(
        self,
        env: Mapping[str, str],
        files: Mapping[str, str | OSError] | None = None,
        platform: str = "linux",
    ) -> None:
        super().__init__(env, cwd="/")
        self.files = dict(files or {})
        self.platform = platform
        self.machine = "x86_64"

    def read(self, path: str) -> str:
        text = self.files.get(path)
        if text is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        if isinstance(text, OSError):
            raise text
        return text

    def glob(self, pattern: str) -> tuple[str, ...]:
        return tuple(sorted(path for path in self.files if fnmatchcase(path, pattern)))

    def exists(self, path: str) -> bool:
        return any(file == path or file.startswith(path + "/") for file in self.files)

    def realpath(self, path: str) -> str:
        return path

    def elf(self, path: str) -> Elf:
        raise FileNotFoundError(2, "No such file or directory", path)
