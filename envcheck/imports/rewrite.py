"""Problems with one right answer -> edits of the text. Nothing but the named spans changes."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envcheck.imports import files
from envcheck.imports.files import Source
from envcheck.imports.judge import Problem
from envcheck.imports.uses import Place, Use


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands in ``place`` becomes ``text``."""

    place: Place
    text: str


def written(use: Use, new: str) -> str:
    """The new path as the file's own names say it: `tf.compat.v1.Session`; empty where they
    do not reach it, so that another import would be needed."""
    if use.kind != "chain":
        return new
    target = ".".join(use.paths[0].split(".")[: -use.base])
    return use.alias + new[len(target) :] if new.startswith(target + ".") else ""


def edits(source: str, problems: Iterable[Problem], uses: Sequence[Use]) -> tuple[Edit, ...]:
    """The edits for all problems that have one answer, in the order of the text."""
    found: list[Edit] = []
    moved: dict[Place, dict[Use, str]] = {}
    for problem in problems:
        use = problem.use
        if use is None or not problem.new or not written(use, problem.new):
            continue
        if use.kind == "chain":
            found.append(Edit(use.place, written(use, problem.new)))
        elif use.statement is not None:
            moved.setdefault(use.statement, {})[use] = problem.new
    for statement, changes in moved.items():
        inside = [use for use in uses if use.statement == statement]
        if inside[0].kind == "import":
            found += [Edit(use.place, f"{new} as {use.alias}") for use, new in changes.items()]
        else:
            edit = _from_statement(cut(source, statement), statement, inside, changes)
            found += [edit] if edit else []
    return tuple(sorted(found, key=lambda edit: (edit.place.line, edit.place.column)))


def _from_statement(
    text: str, statement: Place, inside: Sequence[Use], changes: dict[Use, str]
) -> Edit | None:
    """`from a import b, c` with what has moved. All of it to one module under the same names: only
    the module is replaced. Else it is written anew, but not where it holds a comment."""
    targets = {use: changes.get(use, f"{use.paths[0]}.{use.name}") for use in inside}
    homes = {new.rpartition(".")[0] for new in targets.values()}
    same = all(new.rpartition(".")[2] == use.name for use, new in targets.items())
    head = re.match(r"from(\s+)[\w.]+(\s+import)\b", text)
    if head is None:
        return None
    if len(homes) == 1 and same:
        return Edit(statement, f"from{head[1]}{homes.pop()}{head[2]}{text[head.end() :]}")
    if "#" in text or "\\" in text:
        return None
    groups: dict[str, list[str]] = {}
    for use, new in targets.items():
        home, _, name = new.rpartition(".")
        local = use.alias or use.name
        item = name if name == local else f"{name} as {local}"
        if item not in groups.setdefault(home, []):
            groups[home].append(item)
    lines = [f"from {home} import {', '.join(items)}" for home, items in groups.items()]
    return Edit(statement, ("\n" + " " * statement.column).join(lines))


def cut(source: str, place: Place) -> str:
    lines = source.encode().split(b"\n")[place.line - 1 : place.end_line]
    lines[-1] = lines[-1][: place.end_column]
    lines[0] = lines[0][place.column :]
    return b"\n".join(lines).decode()


def apply(source: str, changes: Iterable[Edit]) -> str:
    """The text with the edits made, each line's end as it was."""
    newline = b"\r\n" if "\r\n" in source else b"\n"
    lines = source.encode().split(b"\n")
    for edit in sorted(changes, key=lambda item: (item.place.line, item.place.column))[::-1]:
        place = edit.place
        before = lines[place.line - 1][: place.column]
        after = lines[place.end_line - 1][place.end_column :]
        text = edit.text.encode().replace(b"\r\n", b"\n").replace(b"\n", newline)
        lines[place.line - 1 : place.end_line] = (before + text + after).split(b"\n")
    return b"\n".join(lines).decode()


def rewritten(path: Path, data: bytes, source: Source, changes: Sequence[Edit]) -> bytes | None:
    """The file's new content; None where the edits cannot be made without changing more."""
    if not changes:
        return None
    if path.suffix == ".ipynb":
        return _notebook(data, source, changes)
    text = data.decode(source.encoding)
    if "\r" in text.replace("\r\n", ""):
        return None  # ast counts such lines otherwise
    new = apply(text, changes)
    try:
        ast.parse(new)
    except SyntaxError:
        return None
    return new.encode(source.encoding)


def _notebook(data: bytes, source: Source, changes: Sequence[Edit]) -> bytes | None:
    document = files.load_notebook(data)
    dump = next((one for one in _dumps() if one(document) == data), None)
    if dump is None:
        return None
    for number, text in files.code_cells(document):
        first = next(line for line, cell in source.cells if cell == number)
        mine = [
            Edit(_moved(edit.place, 1 - first), edit.text)
            for edit in changes
            if source.where(edit.place.line)[0] == f" cell {number}"
        ]
        if not mine:
            continue
        new = apply(text, mine)
        cell = document["cells"][number - 1]
        is_list = isinstance(cell["source"], list)
        cell["source"] = new.splitlines(keepends=True) if is_list else new
    return dump(document)


def _moved(place: Place, by: int) -> Place:
    return Place(place.line + by, place.column, place.end_line + by, place.end_column)


class _Dump:
    """One way in which notebooks are written."""

    def __init__(self, indent: int | None, ascii: bool, end: str) -> None:
        self.indent, self.ascii, self.end = indent, ascii, end

    def __call__(self, document: object) -> bytes:
        return (
            json.dumps(document, indent=self.indent, ensure_ascii=self.ascii) + self.end
        ).encode()


def _dumps() -> Iterator[_Dump]:
    for indent in (1, 2, 4, None):
        for ascii in (False, True):
            for end in ("\n", ""):
                yield _Dump(indent, ascii, end)


def replace_file(path: Path, data: bytes) -> None:
    """All or nothing: written beside it, then put in its place, with its permissions."""
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        shutil.copymode(target, name)
        os.replace(name, target)
    except OSError:
        os.unlink(name)
        raise
