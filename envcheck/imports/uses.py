"""Python text -> the uses of TensorFlow and Keras in it: imports, attribute chains, settings.

Only names are followed, and only as far as a reader would: imports, `x = tf.keras`, literals of
`importlib.import_module`. A name that is bound to anything else in its scope is left alone.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from envcheck.imports.index import ROOTS
from envcheck.imports.scopes import Scope, bind, dotted, literal_import
from envcheck.imports.successors import OTHERS

IMPORTED = (*ROOTS, *OTHERS)
Kind = Literal["import", "from", "chain"]
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException", ""}
ATTRIBUTE_ERRORS = {"AttributeError", "Exception", "BaseException", ""}
VERSION_WORDS = ("version", "hasattr", "type_checking", "tf2", "tf1", "find_spec", "keras_3")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Place:
    """Where it stands: lines from 1, columns in UTF-8 bytes from 0, as ast counts them."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Use:
    """``paths`` are what the written name may stand for: several where a fallback binds it too.
    A `from` has the module in ``paths`` and in ``name`` what it takes of it, `*` or "".

    ``guards`` are the `try` blocks around it that would catch its failure (-1: a condition on
    the version), ``fallbacks`` those in whose handlers it stands. ``base`` is how many parts of
    the path the alias itself stands for. ``sole`` is false where others stand in its statement.
    """

    kind: Kind
    paths: tuple[str, ...]
    place: Place
    name: str = ""
    alias: str = ""
    guards: tuple[int, ...] = ()
    fallbacks: tuple[int, ...] = ()
    base: int = 1
    statement: Place | None = None
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that runs when the file is loaded, in this order. ``name`` is the package or the
    variable, ``value`` what is set or the call as written, ``path`` what an import or a call names
    in full. ``branches`` are the conditions around it by number, and which side it is on."""

    what: Literal["import", "set", "call"]
    name: str
    value: str
    place: Place
    path: str = ""
    branches: tuple[tuple[int, bool], ...] = ()

    def excludes(self, other: Event) -> bool:
        """Whether only one of the two can run."""
        return any((number, not side) in other.branches for number, side in self.branches)


@dataclass(frozen=True, slots=True)
class Uses:
    uses: tuple[Use, ...]
    events: tuple[Event, ...]


def read(tree: ast.Module) -> Uses:
    reader = _Reader()
    reader.scope(tree.body, None)
    return Uses(tuple(reader.uses), tuple(reader.events))


def place_of(node: ast.stmt | ast.expr | ast.alias) -> Place:
    end_line = node.end_lineno or node.lineno
    return Place(node.lineno, node.col_offset, end_line, node.end_col_offset or 0)


class _Reader:
    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.events: list[Event] = []
        self.guards: tuple[tuple[int, frozenset[str]], ...] = ()
        self.fallbacks: tuple[int, ...] = ()
        self.branches: tuple[tuple[int, bool], ...] = ()
        self.depth = 0
        self.tries = 0
        self.conditions = 0

    def scope(self, body: Sequence[ast.AST], parent: Scope | None, is_class: bool = False) -> None:
        scope = Scope(parent, is_class)
        for node in body:
            bind(node, scope)
        for node in body:
            self.visit(node, scope)

    def function(self, node: ast.AST, scope: Scope) -> None:
        inner = Scope(scope)
        assert isinstance(node, FUNCTIONS)
        spec = node.args
        for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg):
            if arg is not None:
                inner.opaque.add(arg.arg)
                self.parts((arg.annotation,), scope)
        self.parts((*spec.defaults, *spec.kw_defaults), scope)
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        if not isinstance(node, ast.Lambda):
            self.parts((*node.decorator_list, node.returns), scope)
        for part in body:
            bind(part, inner)
        self.depth += 1
        for part in body:
            self.visit(part, inner)
        self.depth -= 1

    def parts(self, nodes: Iterable[ast.AST | None], scope: Scope) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node, scope)

    def visit(self, node: ast.AST, scope: Scope) -> None:
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, scope)
            return
        # ast.iter_child_nodes, without its generators: most of a parsed file's time is spent here.
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item, scope)
            elif isinstance(value, ast.AST):
                self.visit(value, scope)

    def ignore(self, node: ast.AST, scope: Scope) -> None:
        """A leaf."""

    def defined(self, node: ast.ClassDef, scope: Scope) -> None:
        self.parts((*node.decorator_list, *node.bases, *node.keywords), scope)
        self.scope(node.body, scope, is_class=True)

    def called(self, node: ast.Call, scope: Scope) -> None:
        self.call(node, scope)
        self.visit(node.func, scope)
        self.parts(node.args, scope)
        for keyword in node.keywords:
            self.visit(keyword.value, scope)

    def assigned(self, node: ast.Assign, scope: Scope) -> None:
        self.setting(node)
        self.parts(node.targets, scope)
        self.visit(node.value, scope)

    def attempt(self, node: ast.AST, scope: Scope) -> None:
        handlers: list[ast.ExceptHandler] = getattr(node, "handlers", [])
        caught = frozenset(name for handler in handlers for name in _caught(handler.type))
        self.tries += 1
        number, before = self.tries, self.guards
        self.guards = (*before, (number, caught))
        self.parts(getattr(node, "body", ()), scope)
        self.guards = before
        outer = self.fallbacks
        self.fallbacks = (*outer, number)
        for handler in handlers:
            self.parts(handler.body, scope)
        self.fallbacks = outer
        self.parts(getattr(node, "orelse", ()), scope)
        self.parts(getattr(node, "finalbody", ()), scope)

    def condition(self, node: ast.If | ast.IfExp, scope: Scope) -> None:
        self.visit(node.test, scope)
        before = self.guards
        if _is_about_versions(node.test):
            self.guards = (*before, (-1, frozenset([""])))
        self.conditions += 1
        number, outer = self.conditions, self.branches
        for side, branch in ((True, node.body), (False, node.orelse)):
            self.branches = (*outer, (number, side))
            self.parts(branch if isinstance(branch, list) else (branch,), scope)
        self.guards, self.branches = before, outer

    def context(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        """`contextlib.suppress(ImportError)` and `pytest.raises` expect the failure."""
        before = self.guards
        for item in node.items:
            self.parts((item.context_expr, item.optional_vars), scope)
            call = item.context_expr
            if isinstance(call, ast.Call) and dotted(call.func)[-1:] in (["suppress"], ["raises"]):
                caught = frozenset(name for arg in call.args for name in _caught(arg))
                self.guards = (*self.guards, (-1, caught))
        self.parts(node.body, scope)
        self.guards = before

    def caught_by(self, errors: set[str]) -> tuple[int, ...]:
        return tuple(number for number, caught in self.guards if caught & errors)

    def imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        del scope
        guards, statement = self.caught_by(IMPORT_ERRORS), place_of(node)
        if isinstance(node, ast.Import):
            for item in node.names:
                self.imported(item.name, item, item.asname or "", guards, statement)
        elif not node.level and node.module and node.module.split(".")[0] in IMPORTED:
            for item in node.names:
                self.loaded(f"{node.module}.{item.name}", statement)
                self.uses.append(
                    Use(
                        "from",
                        (node.module,),
                        place_of(item),
                        item.name,
                        item.asname or "",
                        guards,
                        self.fallbacks,
                        statement=statement,
                    )
                )

    def imported(
        self,
        path: str,
        node: ast.alias | ast.Call,
        alias: str,
        guards: tuple[int, ...],
        statement: Place,
    ) -> None:
        if path.split(".")[0] not in IMPORTED:
            return
        self.loaded(path, statement)
        self.uses.append(
            Use(
                "import",
                (path,),
                place_of(node),
                alias=alias,
                guards=guards,
                fallbacks=self.fallbacks,
                statement=statement,
                literal=isinstance(node, ast.Call),
            )
        )

    def chain(self, node: ast.Attribute, scope: Scope) -> None:
        parts = dotted(node)
        if not parts:
            self.parts(ast.iter_child_nodes(node), scope)
            return
        paths = scope.look(parts[0])
        if not paths or not isinstance(node.ctx, ast.Load):
            return
        self.uses.append(
            Use(
                "chain",
                tuple(".".join([path, *parts[1:]]) for path in paths),
                place_of(node),
                alias=parts[0],
                guards=self.caught_by(ATTRIBUTE_ERRORS),
                fallbacks=self.fallbacks,
                base=len(parts) - 1,
            )
        )

    def call(self, node: ast.Call, scope: Scope) -> None:
        path = literal_import(node)
        if path:
            self.imported(path, node, "", self.caught_by(IMPORT_ERRORS), place_of(node))
        parts = dotted(node.func)
        paths = scope.look(parts[0]) if parts else ()
        if paths:
            full, written = ".".join([paths[0], *parts[1:]]), ".".join(parts)
            self.ran("call", paths[0].split(".")[0], written, place_of(node), full)
        elif isinstance(node.func, ast.Call):
            self.applied(node.func, node, scope)
        names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        if parts[-2:] in (["environ", "setdefault"], ["os", "putenv"]) and len(names) == 2:
            self.ran("set", str(names[0]), str(names[1]), place_of(node))
        elif parts[-2:] == ["environ", "update"]:
            for name, value in _updates(node):
                self.ran("set", name, value, place_of(node))

    def applied(self, made: ast.Call, node: ast.Call, scope: Scope) -> None:
        """`layers.Dense(2)(x)`: what making the layer leaves undone, its weights, is done now."""
        parts = dotted(made.func)
        paths = scope.look(parts[0]) if parts else ()
        if paths and "layers" in (full := [*paths[0].split("."), *parts[1:]]):
            written = f"{'.'.join(parts)}(...)"
            self.ran("call", full[0], written, place_of(node), f"{'.'.join(full)}()")

    def setting(self, node: ast.Assign) -> None:
        """`os.environ["NAME"] = "value"`"""
        for target in node.targets:
            if not (isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)):
                continue
            where = target.value
            if (dotted(where) or [getattr(where, "attr", "")])[-1] == "environ":
                self.ran("set", str(target.slice.value), _literal(node.value), place_of(node))

    def loaded(self, path: str, at: Place) -> None:
        self.ran("import", path.split(".")[0], "", at, path)

    def ran(
        self,
        what: Literal["import", "set", "call"],
        name: str,
        value: str,
        at: Place,
        path: str = "",
    ) -> None:
        if self.depth == 0:
            self.events.append(Event(what, name, value, at, path, self.branches))


def _updates(node: ast.Call) -> Iterator[tuple[str, str]]:
    """What `os.environ.update({"NAME": "value"}, NAME="value")` sets."""
    for arg in node.args:
        if isinstance(arg, ast.Dict):
            for key, value in zip(arg.keys, arg.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), _literal(value)
    for keyword in node.keywords:
        if keyword.arg:
            yield keyword.arg, _literal(keyword.value)


def _literal(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _is_about_versions(test: ast.expr) -> bool:
    """A condition that asks what is installed: its branches are for other versions, too."""
    for part in ast.walk(test):
        name = getattr(part, "id", "") or getattr(part, "attr", "")
        if isinstance(name, str) and any(word in name.lower() for word in VERSION_WORDS):
            return True
    return False


def _caught(node: ast.expr | None) -> Iterator[str]:
    if node is None:
        yield ""
    elif isinstance(node, ast.Tuple):
        for item in node.elts:
            yield from _caught(item)
    else:
        yield (dotted(node) or ["?"])[-1]


_HANDLERS: dict[type, Callable[[_Reader, Any, Scope], None]] = {
    ast.FunctionDef: _Reader.function,
    ast.AsyncFunctionDef: _Reader.function,
    ast.Lambda: _Reader.function,
    ast.ClassDef: _Reader.defined,
    ast.Import: _Reader.imports,
    ast.ImportFrom: _Reader.imports,
    ast.Try: _Reader.attempt,
    ast.If: _Reader.condition,
    ast.IfExp: _Reader.condition,
    ast.With: _Reader.context,
    ast.AsyncWith: _Reader.context,
    ast.Attribute: _Reader.chain,
    ast.Call: _Reader.called,
    ast.Assign: _Reader.assigned,
    ast.Name: _Reader.ignore,
    ast.Constant: _Reader.ignore,
}
if sys.version_info >= (3, 11):
    _HANDLERS[ast.TryStar] = _Reader.attempt
