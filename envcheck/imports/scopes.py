"""Names and what they stand for, scope by scope: what a statement binds, as far as TensorFlow and
Keras go."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from envcheck.imports.index import ROOTS


@dataclass(slots=True)
class Scope:
    parent: Scope | None
    is_class: bool = False
    paths: dict[str, list[str]] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)

    def look(self, name: str) -> tuple[str, ...]:
        scope: Scope | None = self
        while scope is not None:
            if not (scope.is_class and scope is not self):
                if name in scope.opaque:
                    return ()
                if name in scope.paths:
                    return tuple(scope.paths[name])
            scope = scope.parent
        return ()


def dotted(node: ast.expr) -> list[str]:
    """`a.b.c` to its parts; empty where it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [*parts, node.id][::-1] if isinstance(node, ast.Name) else []


def literal_import(node: ast.expr) -> str:
    """The module that `importlib.import_module("x")` or `__import__("x")` names."""
    if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
        return ""
    if dotted(node.func)[-1:] not in (["import_module"], ["__import__"]):
        return ""
    value = node.args[0].value
    return value if isinstance(value, str) and value.split(".")[0] in ROOTS else ""


def bind(node: ast.AST, scope: Scope) -> None:
    """What a statement binds in this scope, nested statements included, functions not."""
    if isinstance(node, ast.Import):
        for item in node.names:
            _bind_path(scope, item.asname or item.name.split(".")[0], _target(item))
    elif isinstance(node, ast.ImportFrom):
        for item in node.names:
            path = "" if node.level or not node.module else f"{node.module}.{item.name}"
            _bind_path(scope, item.asname or item.name, path)
    elif isinstance(node, ast.Assign) and _bind_assigned(node, scope):
        return
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        scope.opaque.add(node.name)
    elif isinstance(node, ast.expr):
        return  # only a target binds; comprehensions have a scope of their own
    elif isinstance(node, ast.ExceptHandler) and node.name:
        scope.opaque.add(node.name)
        _bind_parts(node.body, scope)
    else:
        _bind_targets(node, scope)
        _bind_parts(ast.iter_child_nodes(node), scope)


def _bind_parts(nodes: Iterable[ast.AST], scope: Scope) -> None:
    for node in nodes:
        bind(node, scope)


def _bind_targets(node: ast.AST, scope: Scope) -> None:
    """Names that an assignment, a loop, a `with` or a `match` binds."""
    if isinstance(node, (ast.Assign, ast.Delete)):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For, ast.AsyncFor)):
        targets = [node.target]
    elif isinstance(node, ast.withitem):
        targets = [node.optional_vars] if node.optional_vars else []
    elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
        targets = [ast.Name(node.name, ast.Store())]
    else:
        return
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
                scope.opaque.add(part.id)


def _target(item: ast.alias) -> str:
    return item.name if item.asname else item.name.split(".")[0]


def _bind_path(scope: Scope, name: str, path: str) -> None:
    if path.split(".")[0] in ROOTS:
        known = scope.paths.setdefault(name, [])
        if path not in known:
            known.append(path)
    else:
        scope.opaque.add(name)


def _bind_assigned(node: ast.Assign, scope: Scope) -> bool:
    """`keras = tf.keras` and `tf = None`; False where it is another assignment."""
    if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return False
    name = node.targets[0].id
    if isinstance(node.value, ast.Constant) and node.value.value is None:
        return True
    parts = dotted(node.value)
    paths = scope.look(parts[0]) if len(parts) > 1 else ()
    for path in (*(".".join([path, *parts[1:]]) for path in paths), literal_import(node.value)):
        if path:
            _bind_path(scope, name, path)
    return bool(paths) or bool(literal_import(node.value))
