"""`envcheck scan`: which imports of the user's code work with these TensorFlow and Keras."""

from __future__ import annotations

import difflib
import os
import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envcheck.model import (
    EnvcheckError,
    Fact,
    Facts,
    LayerStatus,
    NotEvaluated,
    Report,
    StackLayer,
    known,
    not_applicable,
)
from envcheck.outputs import Delivery, deliver, output_options
from envcheck.policy import Resolved, governed
from envcheck.verdict import judge_report

if TYPE_CHECKING:
    from envcheck.engine import Outcome
    from envcheck.imports.findings import Remedies
    from envcheck.imports.scan import Scan
    from envcheck.imports.stack import Stack


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--tensorflow", metavar="VERSION", help="Judge against this TensorFlow.")
@click.option(
    "--keras",
    metavar="VERSION",
    help="Judge against this Keras. Default: the one that pip installs beside that TensorFlow.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="Judge against what is installed in this environment. Default: the active one, else "
    "`python` on PATH.",
)
@click.option("--fix", is_flag=True, help="Rewrite what has one right answer, then judge again.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, and change nothing.")
@output_options
@governed
def scan(
    settled: Resolved,
    paths: tuple[Path, ...],
    tensorflow: str | None,
    keras: str | None,
    python: str | None,
    fix: bool,
    diff: bool,
    **asked: Any,
) -> int:
    """Judge the TensorFlow and Keras imports of your code.

    PATHS are Python files, notebooks or folders, by default the current folder. Nothing is run or
    imported. What .gitignore names is left out, links are not followed.

    \b
    envcheck scan                        against what is installed
    envcheck scan --tensorflow 2.21      would it work after an upgrade?
    envcheck scan --tensorflow 2.21 --diff

    A line with `# envcheck: ignore[IMP301]` is not judged by that code.
    """
    from envcheck.imports import scan as scanner
    from envcheck.imports.here import remedies_of

    if python and (tensorflow or keras):
        raise EnvcheckError("--python and --tensorflow or --keras exclude each other.", 2)
    began = time.monotonic()
    places = list(paths) or [Path()]
    stack, facts = _given(tensorflow, keras) if tensorflow or keras else _installed(python)
    given = {"tensorflow": tensorflow, "keras": keras, "python": python}
    remedies = remedies_of(stack, facts, given)
    found = scanner.scan(places, stack, remedies=remedies)
    if diff:
        return _print_diff(found, stack, remedies)
    if fix:
        _rewrite(found, stack, remedies)
        found = scanner.scan(places, stack, remedies=remedies)
    if not paths:
        facts = facts.merged({"code.scan": _read(found)})
    built = report_of(found, facts, {"scan": time.monotonic() - began}, settled)
    return deliver(built, judge_report(built, settled.setting("fail-on")), Delivery(**asked))


def _given(tensorflow: str | None, keras: str | None) -> tuple[Stack, Facts]:
    from envcheck.imports.stack import Stack, admitted

    tf_minor = _minor("--tensorflow", tensorflow) if tensorflow else ()
    stack = admitted(tf_minor) if tf_minor else Stack((), (), ())
    if keras:
        stack = replace(stack, keras=_minor("--keras", keras))
    facts = {}
    for name, version in (("tensorflow", stack.tensorflow), ("keras", stack.keras)):
        if version:
            text = ".".join(map(str, version))
            given = tensorflow if name == "tensorflow" else keras
            source = f"--{name}" if given else "what pip installs beside TensorFlow"
            facts[f"{name}.version"] = known(given or text, source)
    return stack, Facts(facts)


def _minor(option: str, version: str) -> tuple[int, int]:
    from envcheck.imports.index import minor_of

    try:
        return minor_of(version)
    except ValueError:
        raise EnvcheckError(f"{option} {version}: this is not a version such as 2.15.", 2) from None


def _installed(python: str | None) -> tuple[Stack, Facts]:
    """What the target has, as `envcheck check` sees it."""
    from envcheck.imports.here import stack_of
    from envcheck.probes import target
    from envcheck.probes.source import Live

    source = Live()
    chosen = target.choose(source, python)
    child = target.spawn(source, chosen, 10.0)
    facts = Facts(target.collect(source, chosen, child, given=python is not None))
    return stack_of(facts, source), facts


def _rewrite(found: Scan, stack: Stack, remedies: Remedies) -> None:
    from envcheck.imports import rewrite
    from envcheck.imports.scan import fixes_of

    rewritten = []
    for path in found.fixable:
        fixed = fixes_of(path, stack)
        if fixed is None:
            continue
        try:
            rewrite.replace_file(Path(path), fixed[1])
        except OSError as error:
            raise EnvcheckError(f"{path}: it could not be rewritten ({error.strerror}).") from error
        rewritten.append(fixed)
    click.echo(f"envcheck: {len(rewritten)} files rewritten.", err=True)
    _say_needed(rewritten, stack, remedies)


def _say_needed(fixed: Sequence[tuple[bytes, bytes]], stack: Stack, remedies: Remedies) -> None:
    """The packages that the new imports need, where it is not known that they are there."""
    from envcheck.imports.settings import LEGACY

    needed = set()
    for old, new in fixed:
        needed |= {root for root in remedies.installs if root.encode() in new}
        if LEGACY.encode() in new and LEGACY.encode() not in old:
            needed.add("tf_keras")
    for root in sorted(needed if stack.absent is None else ()):
        command = shlex.join(remedies.installs[root].steps[-1])
        click.echo(f"envcheck: they need {root} now: {command}", err=True)


def _print_diff(found: Scan, stack: Stack, remedies: Remedies) -> int:
    """Exit code 1 where --fix would change something, as `diff` does."""
    from envcheck.cli import write
    from envcheck.imports.scan import fixes_of
    from envcheck.render.view import clean

    texts, changed = [], []
    for path in found.fixable:
        fixed = fixes_of(path, stack)
        if fixed is None:
            continue
        changed.append(fixed)
        old, new = (data.decode("utf-8", "replace").splitlines() for data in fixed)
        lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="")
        texts += [clean(line.replace("\t", "    ")) for line in lines]
    write("".join(f"{text}\n" for text in texts))
    _say_needed(changed, stack, remedies)
    return 1 if texts else 0


def _read(found: Scan) -> Fact:
    """The whole current folder."""
    counts = Counter(finding.code for finding in found.findings if finding.severity != "info")
    value = {"files": found.files, "stopped": found.stopped, "findings": dict(counts)}
    return known(value, os.getcwd())


def _judged(found: Scan, facts: Facts, settled: Resolved) -> Outcome:
    """The findings as the policy leaves them, and those about its entries for code."""
    from envcheck.engine import Outcome, run_rules

    if settled.policy is None:
        return Outcome(found.findings, (), found.files)
    from envcheck.commands.matrix import load
    from envcheck.policy.codes import scan_codes
    from envcheck.rules import FAMILIES, discover

    facts = settled.added(facts)
    ignores = [row._asdict() for row in settled.policy.ignores if row.code in scan_codes()]
    nothing = not_applicable("a scan judges code only")
    facts = facts.merged(
        {
            "policy.require": nothing,
            "policy.ignores": known(ignores, settled.policy.file) if ignores else nothing,
        }
    )
    rules = discover([name for name in FAMILIES if name != "POL"])
    outcome = run_rules(rules, facts, load(None), "cpu", found.findings)
    return outcome.joined(outcome.code)


def report_of(found: Scan, facts: Facts, timings: dict[str, float], settled: Resolved) -> Report:
    """A report of the layers that a scan looks at; ``checked`` counts the files."""
    from envcheck import __version__
    from envcheck import facts as F
    from envcheck.imports.stack import PROJECTS

    skipped = tuple(
        NotEvaluated(
            "IMP301",
            "module-not-there",
            "imports",
            f"the names of this {PROJECTS[root]} are not known: {_range(root)}",
            (f"{root}.version",),
        )
        for root in found.unknown
    )
    outcome = _judged(found, facts, settled)
    severities = {finding.severity for finding in outcome.findings if finding.layer == "imports"}
    status: LayerStatus = "ok" if found.files else "unknown"
    for severity in ("warning", "error"):
        if severity in severities:
            status = "warning" if severity == "warning" else "error"
    count = f"{found.files} files read" if found.files else "there is no Python file here"
    versions = []
    for layer, key in (("tensorflow", F.TF_VERSION), ("keras", F.KERAS_VERSION)):
        fact = facts.fact(key)
        has: LayerStatus = "ok" if fact.state == "known" else "skipped"
        text = str(fact.value) if fact.state == "known" else ""
        versions.append(
            StackLayer("tensorflow" if layer == "tensorflow" else "keras", has, text, fact.source)
        )
    return Report(
        envcheck_version=__version__,
        matrix_version="",
        matrix_overlay=None,
        expect="cpu",
        facts=settled.added(facts),
        stack=(*versions, StackLayer("imports", status, count, os.getcwd())),
        findings=outcome.findings,
        not_evaluated=skipped,
        checked=found.files,
        timings=timings,
        ignored=outcome.ignored,
    )


def _range(root: str) -> str:
    from envcheck.imports import index

    releases = index.load(root).releases
    return f"envcheck knows {releases[0]} to {releases[-1]}"
