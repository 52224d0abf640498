"""The files of a scan: found below folders, read, and notebooks made into Python text."""

from __future__ import annotations

import io
import json
import math
import os
import re
import time
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envcheck.model import EnvcheckError, ParseError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIXES = (".py", ".pyw", ".ipynb")
SKIPPED = frozenset(
    (".git", ".hg", ".svn", "__pycache__", "node_modules", ".ipynb_checkpoints", ".tox", ".nox")
)
# A magic, a shell escape or a question: at the start of a line, or what an assignment takes.
_MAGIC = re.compile(r"^\s*(?:[%!?]|[\w.]+\?{1,2}\s*$)|^\s*[\w, ]+=\s*[%!]")
_ENV_MAGIC = re.compile(r"^(\s*)%(?:set_)?env\s+(\w+)[=\s]\s*(.*?)\s*$")
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass(frozen=True, slots=True)
class Source:
    """Python text. Of a notebook ``cells`` are (first line in the text, number of the cell in
    the file, its number among all cells); else empty."""

    text: str
    encoding: str = "utf-8"
    cells: tuple[tuple[int, int], ...] = ()

    def where(self, line: int) -> tuple[str, int]:
        """`` cell 3`` and the line in it for a notebook."""
        if not self.cells:
            return "", line
        first, number = max(cell for cell in self.cells if cell[0] <= line)
        return f" cell {number}", line - first + 1


@dataclass(slots=True)
class Limits:
    """How much is looked at: so many files, and until then on the clock of time.monotonic()."""

    files: float = math.inf
    until: float = math.inf
    reached: bool = False
    """There is more than was looked at."""

    def reach(self, files: int = 0) -> bool:
        if files >= self.files or time.monotonic() > self.until:
            self.reached = True
        return self.reached


def find(paths: Sequence[Path], limits: Limits) -> Iterator[str]:
    """Every Python file and notebook below the paths, sorted in each folder; a file given by
    name is taken whatever it is called. Raises EnvcheckError for a path that is not there."""
    for number, path in enumerate(_all(paths, limits)):
        if limits.reach(number):
            return
        yield path


def _all(paths: Sequence[Path], limits: Limits) -> Iterator[str]:
    for path in paths:
        if not path.exists():
            raise EnvcheckError(f"{path}: there is no such file or folder.", 2)
    for path in paths:
        if path.is_dir():
            yield from _below(str(path), _Ignored.above(path), limits)
        else:
            yield str(path)


def _below(folder: str, ignored: _Ignored, limits: Limits) -> Iterator[str]:
    if limits.reach():  # a tree of data has folders without end and no Python in them
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    names = {entry.name for entry in entries}
    if ".gitignore" in names:
        ignored = ignored.within(folder)
    for entry in entries:
        # A link may lead out of the tree, and what it leads to inside is met anyway.
        if entry.is_symlink():
            continue
        if entry.is_dir():
            if entry.name in SKIPPED or os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                continue
            if not ignored.has(entry.path + "/"):
                yield from _below(entry.path, ignored, limits)
        elif entry.name.endswith(SUFFIXES) and not ignored.has(entry.path):
            yield entry.path.removeprefix(os.curdir + os.sep)


@dataclass(frozen=True, slots=True)
class _Ignored:
    """The .gitignore files that hold for a folder, the outermost first."""

    specs: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    @classmethod
    def above(cls, path: Path) -> _Ignored:
        """Those between the repository's root and the folder, which was asked for by name: where
        they leave it out as a whole, they do not hold inside."""
        found = cls()
        top = path.resolve()
        parents = [top, *top.parents]
        root = next((one for one in parents if (one / ".git").exists()), None)
        if root is None:
            return found
        for folder in reversed(parents[1 : parents.index(root) + 1]):
            if (folder / ".gitignore").is_file():
                found = found.within(str(folder))
        return cls() if found.has(str(top) + "/") else found

    def within(self, folder: str) -> _Ignored:
        from pathspec import GitIgnoreSpec

        try:
            lines = Path(folder, ".gitignore").read_text("utf-8", "replace").splitlines()
        except OSError:
            return self
        base = os.path.abspath(folder)
        return _Ignored((*self.specs, (base, GitIgnoreSpec.from_lines(lines))))

    def has(self, path: str) -> bool:
        """The innermost file that says anything decides."""
        if not self.specs:
            return False
        full = os.path.abspath(path) + ("/" if path.endswith("/") else "")
        for base, spec in reversed(self.specs):
            if not full.startswith(base + os.sep):
                continue
            verdict = spec.check_file(full[len(base) + 1 :].replace(os.sep, "/")).include
            if verdict is not None:
                return verdict
        return False


def decode(data: bytes) -> Source:
    """Python source as its own declaration says (PEP 263). Raises ParseError."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return Source(data.decode(encoding), encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise ParseError(f"its encoding cannot be read ({error})") from error


def decode_notebook(data: bytes) -> Source:
    """The code cells of a notebook, one after the other. Raises ParseError; gives no text for
    one in another language than Python."""
    cells = code_cells(load_notebook(data))
    lines: list[str] = []
    starts = []
    for number, text in cells:
        starts.append((len(lines) + 1, number))
        lines += python_of_cell(text).split("\n")
    return Source("\n".join(lines) + "\n", "utf-8", tuple(starts))


def load_notebook(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise ParseError(f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("cells", []), list):
        raise ParseError("it is not a notebook")
    return document


def code_cells(document: dict[str, Any]) -> list[tuple[int, str]]:
    """(number of the cell, from 1; its text) of each code cell."""
    spec = document.get("metadata", {}).get("kernelspec", {})
    if str(spec.get("language", "python")).lower() != "python":
        return []
    found = []
    for number, cell in enumerate(document.get("cells", []), 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            found.append((number, "".join(source) if isinstance(source, list) else str(source)))
    return found


def python_of_cell(text: str) -> str:
    """The cell with its magics made into Python of the same number of lines."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((line for line in lines if line.strip()), "").strip()
    if first.startswith("%%") and not first.startswith(_PYTHON_CELLS):
        return "\n" * (len(lines) - 1)
    result, continued = [], False
    for line in lines:
        magic = continued or bool(_MAGIC.match(line))
        setting = _ENV_MAGIC.match(line)
        continued = magic and line.rstrip().endswith("\\")
        if setting:
            indent, name, value = setting.groups()
            line = f"{indent}__import__('os').environ[{name!r}] = {value!r}"
        elif magic:
            line = line[: len(line) - len(line.lstrip())] + "pass"
        result.append(line)
    return "\n".join(result)
