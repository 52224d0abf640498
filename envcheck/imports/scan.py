"""Files -> findings, in several processes where there are many files."""

from __future__ import annotations

import ast
import multiprocessing
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from envcheck.imports import codes, files, judge, rewrite, sift, uses
from envcheck.imports.files import Source
from envcheck.imports.findings import (
    Remedies,
    finding,
    finding_of,
    fixes_for,
    is_fixable,
    unreadable,
)
from envcheck.imports.index import ROOTS
from envcheck.imports.problem import Flavour, Judged, Problem
from envcheck.imports.stack import Resolver, Stack
from envcheck.imports.uses import Place
from envcheck.model import Finding, ParseError

_CHUNK = 100
_IGNORE = re.compile(r"#\s*envcheck:\s*ignore(?:\[([\w\s,]*)\])?")


@dataclass(frozen=True, slots=True)
class FileResult:
    path: str
    findings: tuple[Finding, ...] = ()
    flavours: tuple[Flavour, ...] = ()
    unknown: tuple[str, ...] = ()
    project: str = ""
    fixable: bool = False
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    files: int
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    fixable: tuple[str, ...]
    """Files with a finding that has one right answer."""
    stopped: bool = False
    """A limit was reached: there are more files than were read."""


@dataclass(frozen=True, slots=True)
class Read:
    """One file's uses and what is wrong with them."""

    data: bytes
    source: Source
    uses: uses.Uses
    judged: Judged


def scan(
    paths: Sequence[Path],
    stack: Stack,
    processes: int = 0,
    limits: files.Limits | None = None,
    remedies: Remedies | None = None,
) -> Scan:
    """Judge every file below the paths, within the limits. Raises EnvcheckError for a path that
    is not there."""
    limits = limits or files.Limits()
    found = files.find(paths, limits)
    roots = tuple(os.path.abspath(path) for path in paths if path.is_dir())
    head = list(islice(found, _CHUNK))
    worker = _Worker(stack, roots, remedies or Remedies())
    count = processes or _cores()
    count_files = 0
    results: list[FileResult] = []
    for number, kept in _run(worker, head, found, count):
        count_files += number
        results += kept
    results.sort(key=lambda result: result.path)
    findings = [finding for result in results for finding in result.findings]
    findings += _mixed(results, stack)
    return Scan(
        files=count_files,
        findings=tuple(sorted(findings, key=_order)),
        unknown=tuple(sorted({root for result in results for root in result.unknown})),
        fixable=tuple(result.path for result in results if result.fixable),
        stopped=limits.reached,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run(
    worker: _Worker, head: list[str], rest: Iterator[str], processes: int
) -> Iterator[tuple[int, list[FileResult]]]:
    """(number of files, those with something to say) of one chunk after the other."""
    second = list(islice(rest, _CHUNK))
    if processes < 2 or not second or "fork" not in multiprocessing.get_all_start_methods():
        yield worker(head)
        yield worker(second)
        for chunk in iter(lambda: list(islice(rest, _CHUNK)), []):
            yield worker(chunk)
        return
    worker.sieve.warm()
    context = multiprocessing.get_context("fork")
    with context.Pool(processes, _adopt, (worker,)) as pool:
        chunks = _chunks([head, second], rest)
        yield from pool.imap_unordered(_work, chunks)


def _chunks(first: Iterable[list[str]], rest: Iterator[str]) -> Iterator[list[str]]:
    yield from first
    yield from iter(lambda: list(islice(rest, _CHUNK)), [])


_worker: _Worker | None = None


def _adopt(worker: _Worker) -> None:
    global _worker
    _worker = worker


def _work(paths: list[str]) -> tuple[int, list[FileResult]]:
    assert _worker is not None
    return _worker(paths)


class _Worker:
    def __init__(self, stack: Stack, roots: tuple[str, ...], remedies: Remedies) -> None:
        self.remedies = remedies
        self.resolver = Resolver(stack)
        self.sieve = sift.Sieve(self.resolver)
        self.roots = roots
        self._owners: dict[str, str] = {}
        self._projects: dict[str, str] = {}

    def __call__(self, paths: list[str]) -> tuple[int, list[FileResult]]:
        results = [result for path in paths if (result := self.file(path))]
        return len(paths), results

    def file(self, path: str) -> FileResult | None:
        """None where there is nothing to say."""
        try:
            with open(path, "rb", buffering=0) as stream:
                data = stream.read()
        except OSError as error:
            return FileResult(path, (unreadable(path, 1, error.strerror or "?"),))
        if not any(word in data for word in self.sieve.words):
            return None
        folder = os.path.dirname(path)
        owner = self.owner(folder)
        if not path.endswith(".ipynb"):
            flavours = self.sieve.clean(data, owner)
            if flavours is not None:
                if not flavours:
                    return None
                return FileResult(path, flavours=flavours, project=self.project(folder))
        return self.parsed(path, data, owner)

    def parsed(self, path: str, data: bytes, owner: str) -> FileResult:
        try:
            read = read_data(path, data, self.resolver, owner)
        except ParseError as error:
            return FileResult(path, (unreadable(path, 1, str(error)),))
        except SyntaxError as error:
            return FileResult(path, (unreadable(path, error.lineno or 1, error.msg),))
        lines = read.source.text.splitlines() or [""]
        findings: dict[tuple[str, str, int], Finding] = {}
        fixable = False
        for problem in read.judged.problems:
            if _is_ignored(problem, lines):
                continue
            fixable |= is_fixable(problem)
            # `from gone import a, b` lacks one module, not two.
            key = (problem.code.code, problem.params.get("path", ""), problem.place.line)
            if key not in findings:
                fixes = fixes_for(problem, path, self.resolver.stack, self.remedies)
                findings[key] = finding_of(problem, path, read.source, lines, tuple(fixes))
        return FileResult(
            path,
            tuple(findings.values()),
            read.judged.flavours,
            read.judged.unknown,
            self.project(os.path.dirname(path)),
            fixable,
            judge.is_legacy(read.uses),
        )

    def owner(self, folder: str) -> str:
        """tensorflow, keras or tf_keras where the folder is a part of that package itself."""
        known = self._owners.get(folder)
        if known is None:
            parent, name = os.path.split(folder)
            if parent == folder or not name:
                known = ""
            elif name in ROOTS and os.path.isfile(os.path.join(folder, "__init__.py")):
                known = name
            else:
                known = self.owner(parent)
            self._owners[folder] = known
        return known

    def project(self, folder: str) -> str:
        """The folder whose files belong to one program: with a project's file in it, a package
        of site-packages, else the folder that was asked for."""
        known = self._projects.get(folder)
        if known is None:
            full = os.path.abspath(folder)
            parent = os.path.dirname(full)
            marks = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
            if (
                full in self.roots
                or parent == full
                or os.path.basename(parent) in ("site-packages", "dist-packages")
                or any(os.path.exists(os.path.join(full, mark)) for mark in marks)
            ):
                known = full
            elif any(full.startswith(root + os.sep) for root in self.roots):
                known = self.project(parent)
            else:
                known = full
            self._projects[folder] = known
        return known


def read_data(path: str, data: bytes, resolver: Resolver, owner: str) -> Read:
    """Raises ParseError and SyntaxError."""
    source = files.decode_notebook(data) if path.endswith(".ipynb") else files.decode(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the scanned code: "\d" and the like
            tree = ast.parse(source.text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ParseError(str(error)) from error
    found = uses.read(tree)
    is_in_package = os.path.isfile(os.path.join(os.path.dirname(path), "__init__.py"))
    return Read(data, source, found, judge.judge(found, resolver, owner, is_in_package))


def _is_ignored(problem: Problem, lines: Sequence[str]) -> bool:
    place = (problem.use.statement if problem.use else None) or problem.place
    for line in lines[place.line - 1 : place.end_line]:
        found = _IGNORE.search(line)
        if found and (found[1] is None or problem.code.code in re.split(r"[\s,]+", found[1])):
            return True
    return False


def _mixed(results: Sequence[FileResult], stack: Stack) -> Iterator[Finding]:
    """Programs that reach Keras in two ways. The way that more files take is the program's; each
    of the others is named once, where it is met first."""
    programs: dict[str, dict[str, list[tuple[FileResult, Flavour]]]] = {}
    for result in results:
        for flavour in result.flavours:
            ways = programs.setdefault(result.project, {})
            ways.setdefault(flavour.name, []).append((result, flavour))
    for ways in programs.values():
        main, *others = sorted(ways, key=lambda name: (-len(ways[name]), name))
        for other in others:
            (first, here), (second, there) = ways[other][0], ways[main][0]
            both = replace(stack, legacy=stack.legacy or first.legacy or second.legacy)
            alike = judge.identity(both, main) == judge.identity(both, other)
            params = {
                "path": other,
                "other": main,
                "other_file": second.path,
                "other_line": str(there.line),
                "stack": stack.title("tensorflow"),
                "file": first.path,
                "line": str(here.line),
                "column": str(here.column + 1),
            }
            problem = Problem(
                codes.MIXED,
                Place(here.line, here.column, here.line, here.column),
                why=codes.MIXED_ALIKE if alike else "",
                severity="info" if alike else None,
                confidence="certain" if stack.tensorflow else "possible",
            )
            at = f"{first.path}:{here.line}:{here.column + 1}"
            yield finding(problem, params, at, f"import of {other}", ())


def _order(finding: Finding) -> tuple[int, str, int, int, str]:
    rank = ("error", "warning", "info").index(finding.severity)
    params = finding.params
    return rank, params["file"], int(params["line"]), int(params["column"]), finding.code


def fixes_of(path: str, stack: Stack) -> tuple[bytes, bytes] | None:
    """A file's content and what --fix makes of it; None where there is nothing to do."""
    worker = _Worker(stack, (), Remedies())
    data = Path(path).read_bytes()
    try:
        read = read_data(path, data, worker.resolver, worker.owner(os.path.dirname(path)))
    except (ParseError, SyntaxError):
        return None
    lines = read.source.text.splitlines() or [""]
    problems, taken = read.judged.problems, read.uses.uses
    if read.judged.legacy:
        problems, taken = read.judged.legacy.problems, read.judged.legacy.uses
    asked = [item for item in problems if not _is_ignored(item, lines)]
    edits = rewrite.edits(read.source.text, asked, taken)
    if read.judged.legacy:
        edits = (rewrite.choice_of_keras2(read.source.text), *edits)
    new = rewrite.rewritten(Path(path), data, read.source, edits)
    return (data, new) if new is not None and new != data else None
