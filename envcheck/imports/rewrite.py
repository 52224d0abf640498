"""Problems with one right answer -> edits of the text.

Edits are spans that ``ast`` gives, not nodes of libcst: the file has been parsed already, what lies
outside a span cannot change whatever it is, and there is no dependency. Where a statement has to
be written anew, ``statements`` keeps its comments.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envcheck.imports import files, statements
from envcheck.imports.files import Source
from envcheck.imports.problem import Problem
from envcheck.imports.successors import OTHERS, root_of
from envcheck.imports.uses import Place, Use

# What makes a program one of graphs: a placeholder raises RuntimeError while execution is eager,
# and a session's own graph stays empty.
KERAS_SESSION = "keras.backend.get_session"
GRAPHS = tuple(
    f"tensorflow.compat.v1.{name}"
    for name in ("placeholder", "Session", "InteractiveSession", KERAS_SESSION)
)
# A file that handles its graph, or only configures Keras' session, runs without.
_GRAPH_IS_HANDLED = re.compile(
    r"disable_(?:eager_execution|v2_behavior)\b|enable_eager\w*|\bGraph\(|\bgraph\s*="
)
_GRAPH_RUNS = re.compile(r"\.run\(|\bplaceholder\(|\bget_session\(")
EAGER_OFF = "tensorflow.compat.v1.disable_eager_execution"
EAGER_OFF_ALONE = (
    "from tensorflow.compat.v1 import disable_eager_execution",
    "disable_eager_execution()",
)
"""Where the file has no name for TensorFlow itself."""


STANDARD = sys.stdlib_module_names


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands in ``place`` becomes ``text``."""

    place: Place
    text: str


def edits(source: str, problems: Iterable[Problem], uses: Sequence[Use]) -> tuple[Edit, ...]:
    """The edits for all problems that have one answer, in the order of the text."""
    found: list[Edit] = []
    moved: dict[Place, dict[Use, str]] = {}
    added: dict[Place, set[str]] = {}
    for problem in problems:
        use = problem.use
        if use is None or not problem.spelled:
            continue
        found += [Edit(chain.place, text) for chain, text in problem.also]
        if use.kind != "chain":
            if use.statement is not None:
                moved.setdefault(use.statement, {})[use] = problem.new
                taken = problem.params.get("path", "")
                graph = problem.new in GRAPHS or taken.endswith(KERAS_SESSION)
                graph = graph and _is_needed(EAGER_OFF, source)
                added.setdefault(use.statement, set()).update(EAGER_OFF_ALONE if graph else ())
            continue
        lines = {line for line in _lines_to_add(problem, use) if _is_needed(line, source)}
        binders = [other.statement for other in uses if other.statement and _binds(other, use)]
        if not lines or binders:
            found.append(Edit(use.place, problem.spelled))
        for statement in binders if lines else ():
            added.setdefault(statement, set()).update(lines)
    for statement, changes in moved.items():
        inside = [use for use in uses if use.statement == statement]
        if inside[0].kind == "import":
            found += [
                Edit(use.place, f"{new} as {use.alias}" if use.alias else new)
                for use, new in changes.items()
            ]
        else:
            edit = _from_statement(source, statement, inside, changes)
            found += [edit] if edit else []
    if any(line.endswith(f".{EAGER_OFF_ALONE[1]}") for lines in added.values() for line in lines):
        added = {at: lines - set(EAGER_OFF_ALONE) for at, lines in added.items()}
    found += [
        _behind(source, at, sorted(lines, key=_imports_first))
        for at, lines in added.items()
        if lines
    ]
    return tuple(sorted(found, key=lambda edit: (edit.place.line, edit.place.column)))


def _imports_first(line: str) -> tuple[bool, str]:
    return not line.startswith(("import ", "from ")), line


def _binds(other: Use, use: Use) -> bool:
    """Whether this import gives the chain its first name."""
    name = other.alias or other.name or other.paths[0].partition(".")[0]
    return other.kind != "chain" and not other.literal and name == use.alias


def _lines_to_add(problem: Problem, use: Use) -> Iterator[str]:
    """What the new path needs beside the import that is there."""
    other = OTHERS.get(root_of(problem.new))
    if other:
        yield f"import {other.imported}"
    if problem.text == problem.new:
        yield "import tensorflow"
    if problem.new in GRAPHS and problem.text:
        yield from EAGER_OFF_ALONE
    elif problem.new in GRAPHS:
        yield replace(problem, new=EAGER_OFF).spelled + "()"


def _is_needed(line: str, source: str) -> bool:
    if line.startswith("import "):
        return not re.search(rf"^\s*{line}\s*$", source, re.M)
    if "set_session" in source and not _GRAPH_RUNS.search(source):
        return False
    return not _GRAPH_IS_HANDLED.search(source)


def choice_of_keras2(source: str) -> Edit:
    """TF_USE_LEGACY_KERAS above all that may import TensorFlow, itself or through others."""
    first, has_os = _below_the_standard_library(ast.parse(source))
    setting = 'os.environ["TF_USE_LEGACY_KERAS"] = "1"'
    place = Place(first.lineno, first.col_offset, first.lineno, first.col_offset)
    lines = ([] if has_os else ["import os"]) + [setting]
    joint = "; " if first.col_offset else "\n"
    return Edit(place, joint.join([*lines, ""]))


def _below_the_standard_library(tree: ast.Module) -> tuple[ast.stmt | ast.expr, bool]:
    """The first statement that may import something else, and whether `os` is bound above it."""
    has_os = False
    for number, node in enumerate(tree.body):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
            has_os |= any(item.name == "os" and not item.asname for item in node.names)
        is_docstring = number == 0 and isinstance(node, ast.Expr)
        if not is_docstring and not {name.split(".")[0] for name in names} <= STANDARD:
            return node, has_os
        if not is_docstring and not names:
            return (getattr(node, "decorator_list", None) or [node])[0], has_os
    return tree.body[0], False


def _behind(source: str, statement: Place, lines: Sequence[str]) -> Edit:
    """Statements behind this one: below its line where nothing else stands in it."""
    row = source.split("\n")[statement.end_line - 1].encode()
    rest = row[statement.end_column :].decode().rstrip("\r")
    before = _before(source, statement)
    if before.strip() or (rest.strip() and not rest.lstrip().startswith("#")):
        place = Place(statement.end_line, statement.end_column, *_end(statement))
        return Edit(place, "".join(f"; {line}" for line in lines))
    column = statement.end_column + len(rest.encode())
    place = Place(statement.end_line, column, statement.end_line, column)
    return Edit(place, "".join(f"\n{before}{line}" for line in lines))


def _end(place: Place) -> tuple[int, int]:
    return place.end_line, place.end_column


def _before(source: str, place: Place) -> str:
    """What stands before it in its line: the indentation, or other statements."""
    return source.split("\n")[place.line - 1].encode()[: place.column].decode()


def _from_statement(
    source: str, statement: Place, inside: Sequence[Use], changes: dict[Use, str]
) -> Edit | None:
    """`from a import b, c` with what has moved. All of it to one module under the same names: only
    the module is replaced. Else it is written anew."""
    text = cut(source, statement)
    targets = [(changes.get(use, f"{use.paths[0]}.{use.name}"), use) for use in inside]
    homes = {new.rpartition(".")[0] for new, _ in targets}
    same = all(new.rpartition(".")[2] == use.name for new, use in targets)
    new = statements.with_module(text, min(homes)) if len(homes) == 1 and same else None
    if new is None:
        pairs = [(new, use.alias or use.name) for new, use in targets]
        new = statements.with_targets(text, pairs, _before(source, statement))
    return Edit(statement, new) if new else None


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
