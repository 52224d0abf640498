"""``envcheck.check()``: the check for notebooks and programs. It prints nothing, ends nothing,
and leaves the signals of the process that calls it alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

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
from envcheck.probes.source import RUNNING, Child, Live, LiveChild, end_all

if TYPE_CHECKING:
    from envcheck.outputs import Desk
    from envcheck.policy import Resolved
    from envcheck.probes.target import Target

Smoke = bool | Literal["quick"]
SMOKE: Mapping[object, str] = {True: "full", False: "off", "quick": "quick"}
DEFAULTS: Mapping[str, Any] = {
    "expect": "gpu",
    "fail-on": "error",
    "smoke": "off",
    "timeout": 10.0,
    "smoke-timeout": 300.0,
}
"""Without a training: a program that has imported TensorFlow holds the GPU's memory itself."""
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

    def why_no_gpu(self) -> str:
        """Why TensorFlow cannot compute on a GPU here, in a sentence; empty where it can."""
        from envcheck import facts as F
        from envcheck.model import GPU_LAYERS

        if self.report.expect == "cpu":
            return "no GPU is expected"
        finding = self.gpu_finding()
        if finding is not None:
            return finding.text
        for item in self.not_evaluated:
            if item.layer in GPU_LAYERS:
                return f"it could not be looked at: {item.reason}"
        return "" if self.facts.value(F.GPU_DEVICES) else "no GPU answers"

    def gpu_finding(self) -> Finding | None:
        """The first error that keeps TensorFlow from a GPU."""
        from envcheck.model import GPU_LAYERS
        from envcheck.rules import discover

        codes = {rule.code for rule in discover() if rule.gpu_only}
        for finding in self.findings:
            about = finding.layer in GPU_LAYERS or finding.code in codes
            if about and finding.severity == "error":
                return finding
        return None

    def remedy(self, finding: Finding) -> str:
        """What mends it first, in words and commands; what follows from another goes with that."""
        from envcheck.render.sheet import command_lines

        sheet = self._desk().sheet("terminal")
        key = finding.caused_by or finding.key
        roots = [row for row in sheet.view.findings if (row.code, row.subject) == key]
        if not roots or not roots[0].fixes:
            return ""
        fix = roots[0].fixes[0]
        return "\n".join(filter(None, (fix.note, *command_lines(fix, sheet.commands))))

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
        # The verdict and what to do first.
        super().__init__(str(result).split("\n\n")[0], result.exit_code)
        self.result = result

    def __reduce__(self) -> tuple[type[CheckFailed], tuple[Result]]:
        """A pool of processes sends it; the message alone would not make it anew."""
        return type(self), (self.result,)


def check(
    python: str | os.PathLike[str] | None = None,
    *,
    expect: Expect | None = None,
    smoke: Smoke | None = None,
    fail_on: Severity | None = None,
    timeout: float | None = None,
    smoke_timeout: float | None = None,
    policy: str | os.PathLike[str] | None = None,
    lock: str | os.PathLike[str] | None = None,
) -> Result:
    """Check this machine and a Python environment, from outside, in children.

    ``python`` is an interpreter, a virtual environment or a conda prefix; without one it is the
    interpreter that runs this. ``policy`` (envcheck.toml) and ``lock`` (envcheck.lock.json) are
    files; none is looked for. What neither the call nor the policy says: a GPU is expected,
    errors fail, each probe has 10 seconds, nothing is trained. ``smoke`` True or "quick" trains
    the coffee network for at most 300 seconds; a notebook that holds the GPU's memory must leave
    it some.

    Raises :class:`EnvcheckError` where there is nothing to look at, ValueError for a wrong word or
    number.
    """
    _refuse("expect", expect, get_args(Expect))
    _refuse("fail_on", fail_on, get_args(Severity))
    _refuse("smoke", smoke, (True, False, "quick"))
    for name, seconds in (("timeout", timeout), ("smoke_timeout", smoke_timeout)):
        number = isinstance(seconds, (int, float)) and seconds > 0
        if seconds is not None and not number:
            raise ValueError(f"{name} must be a number of seconds above 0, not {seconds!r}")
    asked = {
        "expect": expect,
        "smoke": None if smoke is None else SMOKE[smoke],
        "fail-on": fail_on,
        "timeout": timeout,
        "smoke-timeout": smoke_timeout,
    }
    settled = settle(asked, None if policy is None else os.fspath(policy))
    return run(None if python is None else os.fspath(python), settled, lock)


def settle(asked: Mapping[str, Any], file: str | None) -> Resolved:
    """What was asked, over the policy in this file, over the defaults. Raises EnvcheckError (2)."""
    from envcheck.policy import DEFAULT, Resolved, Value, read

    policy = None if file is None else read(file)
    values = {name: Value(value, DEFAULT) for name, value in DEFAULTS.items()}
    for name, (value, line) in (policy.settings if policy else {}).items():
        values[name] = Value(value, f"{policy.file}:{line}" if policy else "")
    for name, value in asked.items():
        if value is not None:
            values[name] = Value(value, "the call")
    return Resolved(values, policy)


def run(given: str | None, settled: Resolved, lock: str | os.PathLike[str] | None = None) -> Result:
    """Raises EnvcheckError."""
    from envcheck import report
    from envcheck.baseline import lockfile
    from envcheck.cli import load_knowledge, wishes_of
    from envcheck.collect import Collector
    from envcheck.verdict import judge_report

    expect: Expect = settled.setting("expect")
    locked = None if lock is None else lockfile.read(Path(lock))
    source = OwnChildren()
    collector = Collector(source, wishes_of(given, settled))
    try:
        collector.start(None if given is not None else running_interpreter())
        knowledge = load_knowledge(expect)
        facts = settled.added(collector.finish())
    finally:
        source.end()
    facts = locked.joined(facts, expect) if locked else facts
    built = report.judged(facts, knowledge, expect, collector.timings)
    return Result(built, judge_report(built, settled.setting("fail-on")))


def _refuse(name: str, given: object, admitted: Sequence[object]) -> None:
    if given is not None and given not in admitted:
        words = ", ".join(map(str, admitted))
        raise ValueError(f"{name} must be one of {words}, not {given!r}")


def running_interpreter() -> Target:
    """Raises EnvcheckError where Python runs inside another program."""
    from envcheck.facts import BY_ITSELF
    from envcheck.probes.target import Target

    if not sys.executable:
        raise EnvcheckError(
            "This Python runs inside another program and has no interpreter of its own: name one, "
            "envcheck.check(python=...)."
        )
    return Target(sys.executable, BY_ITSELF)


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
        end_all([row for row in self._children if isinstance(row, LiveChild) and row in RUNNING])
