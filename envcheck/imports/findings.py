"""Problems of a file -> findings with the commands that mend them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from envcheck import model
from envcheck.imports import codes
from envcheck.imports.files import Source
from envcheck.imports.problem import Problem
from envcheck.imports.stack import Stack
from envcheck.imports.successors import OTHERS, root_of
from envcheck.imports.uses import Place
from envcheck.model import Evidence, Finding, Fix

IS_HERE = "It is `{new}` here."
WRITES = "It is `{new}` here; this writes it:"
WRITES_OTHER = "It is `{new}` of the package {project} now; this installs that and writes it:"
WRITES_KERAS2 = (
    "Only Keras 2 has `{new}`: this has the file set TF_USE_LEGACY_KERAS=1, with which tf.keras is "
    "the package tf-keras, and writes it:"
)


@dataclass(frozen=True, slots=True)
class Remedies:
    """What the printed commands need: the ``options`` that this scan was given, and how a package
    of ``successors.OTHERS`` is installed."""

    options: tuple[str, ...] = ()
    installs: Mapping[str, Fix] = field(default_factory=dict)


def is_fixable(problem: Problem) -> bool:
    return bool(problem.spelled)


def finding_of(
    problem: Problem, path: str, source: Source, lines: Sequence[str], fixes: tuple[Fix, ...]
) -> Finding:
    place = problem.place
    text = lines[place.line - 1] if place.line <= len(lines) else ""
    column = len(text.encode()[: place.column].decode("utf-8", "replace")) + 1
    cell, line = source.where(place.line)
    params = {**problem.params, "file": path + cell, "line": str(line), "column": str(column)}
    at = f"{path}{cell}:{line}:{column}"
    return finding(problem, params, at, text.strip(), fixes)


def finding(
    problem: Problem, params: dict[str, str], at: str, text: str, fixes: tuple[Fix, ...]
) -> Finding:
    """``params`` name its file, line and column."""
    code = problem.code
    return Finding(
        code=code.code,
        slug=code.slug,
        layer="imports",
        severity=problem.severity or code.severity,
        confidence=problem.confidence,
        subject=f"{at} {params.get('path', '')}".strip(),
        title=code.title,
        why=problem.why or code.why,
        params=params,
        evidence=(Evidence("code", text, at),),
        rows=(),
        fixes=fixes,
        place=_place(params),
    )


def _place(params: Mapping[str, str]) -> model.Place:
    notebook = re.fullmatch(r"(.*\.ipynb)(?: cell \d+)?", params["file"], re.S)
    if notebook:
        return model.Place(notebook[1])
    return model.Place(params["file"], int(params["line"]), int(params["column"]))


def fixes_for(problem: Problem, path: str, stack: Stack, remedies: Remedies) -> Iterator[Fix]:
    if is_fixable(problem):
        yield _rewriting(problem, path, stack, remedies)
    elif problem.new:
        yield Fix("import-from", "manual", note=IS_HERE, params={"new": problem.new})
    if problem.advice:
        params = {name: problem.params.get(name, "") for name in ("addon", "keras2")}
        yield Fix("advice", "manual", note=problem.advice, params=params)
    root = problem.params.get("package", "").replace("-", "_")
    if problem.code is codes.NOT_INSTALLED and root in remedies.installs:
        yield remedies.installs[root]


def _rewriting(problem: Problem, path: str, stack: Stack, remedies: Remedies) -> Fix:
    params, step = {"new": problem.new}, ("envcheck", "scan", "--fix", *remedies.options, path)
    root = root_of(problem.new)
    text, wanted = WRITES, []
    if problem.legacy:
        text = WRITES_KERAS2 if problem.legacy == "name" else WRITES
        wanted = ["tf_keras"] if stack.tf_keras is None or stack.absent is None else []
    if root in OTHERS and (stack.absent is None or root in stack.absent):
        text, wanted = WRITES_OTHER, [*wanted, root]
        params["project"] = OTHERS[root].project
    fixes = [remedies.installs[one] for one in wanted if one in remedies.installs]
    steps = (*(step for fix in fixes for step in fix.steps), step)
    return Fix("rewrite", "review" if wanted or problem.legacy else "safe", steps, text, params)


def unreadable(path: str, line: int, problem: str) -> Finding:
    place = Place(line, 0, line, 0)
    params = {"file": path, "line": str(line), "column": "1", "problem": problem}
    return finding(Problem(codes.UNREADABLE, place), params, f"{path}:{line}:1", problem, ())
