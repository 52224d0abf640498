"""``envcheck.check()``: the check for notebooks and programs. It prints nothing, ends nothing,
and leaves the signals of the process that calls it alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from envcheck.model import (
    EnvcheckError,
    Expect,
    Facts,
    Finding,
    NotEvaluated,
    Report,
    Severity,
    Status,
    Verdict,
)
from envcheck.probes.source import RUNNING, Child, Live, LiveChild

if TYPE_CHECKING:
    from envcheck.outputs import Desk
    from envcheck.probes.target import Target

__all__ = ["CheckFailed", "EnvcheckError", "Result", "check"]


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a check found. In a notebook it shows itself; as text it is what `envcheck` prints."""

    report: Report
    verdict: Verdict

    @property
    def ok(self) -> bool:
        """Whether it passed. What could not be assessed has not."""
        return self.verdict.exit_code == 0

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def exit_code(self) -> int:
        """As the command ends with: 0 passed, 1 findings, 3 could not assess."""
        return self.verdict.exit_code

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Root causes first, the worst first."""
        return self.report.findings

    @property
    def not_evaluated(self) -> tuple[NotEvaluated, ...]:
        return self.report.not_evaluated

    @property
    def facts(self) -> Facts:
        return self.report.facts

    def raise_for_findings(self) -> None:
        """Raises :class:`CheckFailed` where this is not :attr:`ok`."""
        if not self.ok:
            raise CheckFailed(self)

    def to_dict(self) -> dict[str, Any]:
        """The document of schema ``envcheck.report/1``."""
        from envcheck.render import json

        return json.document(self.report, self.verdict)

    def to_json(self) -> str:
        """The same as text."""
        return self._render("json")

    def _render(self, name: str) -> str:
        from envcheck.render import formats

        return formats.render(name, self._desk().sheet(name))

    def _desk(self) -> Desk:
        from envcheck.outputs import Delivery, Desk

        return Desk(self.report, self.verdict, Delivery())

    def __str__(self) -> str:
        return self._render("terminal").rstrip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from envcheck.render.html.notebook import notebook

        return notebook(self._desk().sheet("html"))


class CheckFailed(EnvcheckError):
    """A check that did not pass: its verdict and what to do first. ``result`` has the rest."""

    def __init__(self, result: Result) -> None:
        lines = str(result).split("\n\n")[0]
        super().__init__(lines, result.exit_code)
        self.result = result


def check(
    python: str | os.PathLike[str] | None = None,
    *,
    expect: Expect = "gpu",
    smoke: bool = False,
    fail_on: Severity = "error",
    lock: str | os.PathLike[str] | None = None,
    timeout: float = 10.0,
    smoke_timeout: float = 300.0,
) -> Result:
    """Check this machine and a Python environment, from outside, in children.

    ``python`` is an interpreter, a virtual environment or a conda prefix; without one it is the
    interpreter that runs this. ``smoke`` trains the coffee network, too, for which a notebook
    that holds the GPU's memory must leave room. ``lock`` is a lock file to compare with.
    Deadlines in seconds, of each probe and of the training.

    Raises :class:`EnvcheckError` where there is nothing to look at, ValueError for a wrong word.
    """
    _refuse("expect", expect, get_args(Expect))
    _refuse("fail_on", fail_on, get_args(Severity))
    from envcheck import report
    from envcheck.baseline import lockfile
    from envcheck.cli import load_knowledge
    from envcheck.collect import Collector, Wishes
    from envcheck.verdict import judge_report

    locked = None if lock is None else lockfile.read(Path(lock))
    source = OwnChildren()
    given = None if python is None else os.fspath(python)
    collector = Collector(source, Wishes(given, smoke, timeout, timeout, smoke_timeout))
    try:
        collector.start(None if given is not None else running_interpreter())
        knowledge = load_knowledge(expect)
        facts = collector.finish()
    finally:
        source.end()
    facts = locked.joined(facts, expect) if locked else facts
    built = report.judged(facts, knowledge, expect, collector.timings)
    return Result(built, judge_report(built, fail_on))


def _refuse(name: str, given: object, admitted: Sequence[str]) -> None:
    if given not in admitted:
        raise ValueError(f"{name} must be one of {', '.join(admitted)}, not {given!r}")


def running_interpreter() -> Target:
    """Raises EnvcheckError where Python runs inside another program."""
    from envcheck.probes.target import Target

    if not sys.executable:
        raise EnvcheckError(
            "This Python runs inside another program and has no interpreter of its own: name one, "
            "envcheck.check(python=...)."
        )
    return Target(sys.executable, "the interpreter that called envcheck.check()")


class OwnChildren(Live):
    """This machine, and the children of one check: other checks may run in other threads."""

    def __init__(self) -> None:
        super().__init__()
        self._children: list[Child] = []

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        timeout: float,
        *,
        env: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Child:
        child = super().spawn(name, argv, timeout, env=env, progress=progress)
        self._children.append(child)
        return child

    def end(self) -> None:
        """Those that nobody has waited for, whatever the reason."""
        for child in self._children:
            if isinstance(child, LiveChild) and child in RUNNING:
                child.kill()
                RUNNING.discard(child)
