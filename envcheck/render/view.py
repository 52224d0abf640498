"""Report -> View: every decision about what is shown, in which order and words.

The formats only lay a View out. All text that came from the machine passes :func:`clean`, so
that no control character of it reaches a terminal.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from envcheck import facts as F
from envcheck import report as reports
from envcheck.model import (
    SEVERITIES,
    Finding,
    Fix,
    Ignored,
    Place,
    Report,
    Severity,
    StackLayer,
    Status,
    Verdict,
)
from envcheck.render.i18n import Translator, english


class FixView(NamedTuple):
    """``commands`` are argument vectors; ``note`` says what no command can do."""

    note: str
    commands: tuple[tuple[str, ...], ...]
    caution: str = ""


class FindingView(NamedTuple):
    severity: str
    code: str
    title: str
    why: str
    evidence: tuple[tuple[str, str], ...]
    """(what was seen, where)"""
    fixes: tuple[FixView, ...]
    confidence: str
    rows: tuple[str, ...]
    children: tuple[FindingView, ...] = ()
    slug: str = ""
    layer: str = ""
    subject: str = ""
    place: Place | None = None
    """Where in the user's code, with slashes."""
    fails: bool = False
    """Whether it is at or above the threshold."""


class IgnoredView(NamedTuple):
    """``because`` is the policy's entry in words."""

    finding: FindingView
    because: str

    @property
    def line(self) -> str:
        return f"{self.finding.code} {self.finding.title}: {self.because}"


class View(NamedTuple):
    status: Status
    exit_code: int
    headline: str
    first: FixView | None
    """What to do first: the fixes of all roots as one command where that is possible."""
    target: str
    layers: tuple[StackLayer, ...]
    findings: tuple[FindingView, ...]
    unknown: tuple[str, ...]
    unknown_groups: tuple[str, ...]
    """The same, with one line for all rules that lack the same."""
    counts: str
    ignored: tuple[IgnoredView, ...] = ()


class Commands(NamedTuple):
    """How commands are written for the person who pastes them."""

    windows: bool
    cwd: str
    home: str
    here: str = ""
    """The folder that the paths of scanned code begin in."""
    repository: str = ""
    """The repository's folder, where a pipeline names it."""

    def shorten(self, path: str) -> str:
        """The path as one would type it: relative below the current folder, ~ below home."""
        slash = "\\" if self.windows else "/"
        for folder, short in ((self.cwd, ""), (self.home, "" if self.windows else "~/")):
            base = folder.rstrip(slash) + slash
            if len(base) > 1 and path.startswith(base) and (short or folder == self.cwd):
                rest = path[len(base) :]
                # A bare word would be looked up on PATH.
                return short + rest if short or slash in rest else f".{slash}{rest}"
        return path

    def in_repository(self, file: str) -> str:
        """A scanned file's path with slashes, from the repository's folder where that is known."""
        path = file.replace("\\", "/") if self.windows else file
        root = self.repository.rstrip("/\\").replace(os.sep, "/") + "/"
        full = os.path.normpath(os.path.join(self.here, path)).replace(os.sep, "/")
        inside = len(root) > 1 and full.startswith(root)
        return full[len(root) :] if inside else path.removeprefix("./")

    def words(self, argv: Sequence[str]) -> list[str]:
        """The command's words as the shell wants them, PowerShell on Windows, else POSIX."""
        short = [self.shorten(word) if "/" in word or "\\" in word else word for word in argv]
        if not self.windows:
            return [_posix(word) for word in short]
        first = _power_shell(short[0])
        return [f"& {first}" if first != short[0] else first, *map(_power_shell, short[1:])]

    def line(self, argv: Sequence[str]) -> str:
        return " ".join(self.words(argv))


def _posix(word: str) -> str:
    """Quoted where it must be, but for a leading ``~/``, which the shell has to see bare."""
    if word.startswith("~/"):
        return "~/" + _posix(word[2:]) if word[2:] else word
    if word.isprintable():
        return shlex.quote(word)
    escapes = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'" else f"\\x{byte:02x}"
        for byte in word.encode("utf-8", "surrogateescape")
    )
    return f"$'{escapes}'"


def _power_shell(word: str) -> str:
    if not word.isprintable():
        chars = (c if c.isprintable() and c not in '"`$' else f"$([char]{ord(c)})" for c in word)
        return '"' + "".join(chars) + '"'
    plain = re.fullmatch(r"[\w:\\./=~-]+", word)
    return word if plain else "'" + word.replace("'", "''") + "'"


LONGEST = 2000
"""Characters of one text of a machine that are shown; a name may be a megabyte long."""


def clean(text: str) -> str:
    """The text with every control character and direction mark made visible, and cut."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + "..."
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def fill(template: str, params: Mapping[str, str], translate: Translator) -> str:
    """A template's translation with its parameters, cleaned."""
    if not template:
        return ""
    shown = {name: _shortened(value) for name, value in params.items()}
    return clean(translate(template).format_map(shown))


def _shortened(value: str) -> str:
    """Both ends: what decides stands at the end of many a message."""
    return value if len(value) <= 400 else f"{value[:150]} ... {value[-200:]}"


def build_view(report: Report, verdict: Verdict, translate: Translator, commands: Commands) -> View:
    findings = tuple(
        _finding(report.findings[root], verdict.fail_on, translate, commands, children)
        for root, *numbers in reports.roots(report)
        for children in [[report.findings[number] for number in numbers]]
    )
    return View(
        status=verdict.status,
        exit_code=verdict.exit_code,
        headline=_headline(report, verdict, translate),
        first=_first(report, verdict, translate),
        target=_target(report, translate, commands),
        layers=tuple(_layer(layer, translate, commands) for layer in report.stack),
        findings=findings,
        unknown=tuple(_unknown(report, translate)),
        unknown_groups=tuple(_unknown_groups(report, translate)),
        counts=_counts(report, translate),
        ignored=tuple(
            IgnoredView(
                _finding(item.finding, verdict.fail_on, translate, commands),
                _because(item, translate),
            )
            for item in report.ignored
        ),
    )


def _because(item: Ignored, translate: Translator) -> str:
    text = translate("ignored until {expires}, because: {reason} ({where})")
    params = {"expires": item.expires, "reason": item.reason, "where": f"{item.file}:{item.line}"}
    return fill(text, params, english)


def _finding(
    finding: Finding,
    fail_on: Severity,
    translate: Translator,
    commands: Commands,
    children: Sequence[Finding] = (),
) -> FindingView:
    return FindingView(
        severity=finding.severity,
        code=finding.code,
        title=fill(finding.title, finding.params, translate),
        why=fill(finding.why, finding.params, translate),
        evidence=tuple(
            (clean(f"{item.fact} = {item.value}"), clean(item.source)) for item in finding.evidence
        ),
        fixes=tuple(_fix(fix, translate) for fix in finding.fixes),
        confidence=finding.confidence,
        rows=finding.rows,
        children=tuple(_finding(child, fail_on, translate, commands) for child in children),
        slug=finding.slug,
        layer=finding.layer,
        subject=clean(finding.subject),
        place=_place(finding.place, commands) if finding.place else None,
        fails=SEVERITIES.index(finding.severity) <= SEVERITIES.index(fail_on),
    )


def _place(place: Place, commands: Commands) -> Place:
    return replace(place, file=clean(commands.in_repository(place.file)))


def _fix(fix: Fix, translate: Translator) -> FixView:
    caution = {
        "review": translate("look at it before you run it"),
        "manual": translate("needs root") if fix.needs_root else "",
        "safe": "",
    }[fix.safety]
    return FixView(fill(fix.note, fix.params, translate), fix.steps, caution)


def root_findings(report: Report) -> list[Finding]:
    return [report.findings[root] for root, *_ in reports.roots(report)]


def _weighty(report: Report, verdict: Verdict) -> list[Finding]:
    """The roots without mere information, unless that fails, too."""
    every = verdict.fail_on == "info"
    return [item for item in root_findings(report) if every or item.severity != "info"]


def _headline(report: Report, verdict: Verdict, translate: Translator) -> str:
    worst = next(iter(_weighty(report, verdict)), None)
    if worst and verdict.status in ("fail", "warn"):
        return fill(worst.title, worst.params, translate)
    if verdict.status == "inconclusive":
        if not report.checked:
            return translate("nothing could be checked")
        return translate("not everything could be checked")
    if report.ignored:
        return translate("all that does not fit is ignored by the policy")
    return translate("everything fits together")


def _first(report: Report, verdict: Verdict, translate: Translator) -> FixView | None:
    """The first fix of the first root; where the first fixes of several roots are one
    installation each into the same place, all of them as one command."""
    roots = [item for item in _weighty(report, verdict) if item.fixes]
    if not roots:
        return None
    worst = [item for item in roots if item.severity == roots[0].severity]
    head = worst[0].fixes[0]
    if not head.requirements:
        return _fix(head, translate)
    merged = list(head.requirements)
    for finding in worst[1:]:
        fix = finding.fixes[0]
        if fix.requirements and fix.stem == head.stem:
            merged += [word for word in fix.requirements if word not in merged]
    *before, last = head.stem
    steps = (*before, (*last, *_narrowest(merged)))
    return _fix(Fix(id=head.id, safety=head.safety, steps=steps), translate)


def _narrowest(requirements: Sequence[str]) -> list[str]:
    """Without a package's ranges where one of its versions is asked for."""
    fixed = {name for name, mark, _ in (word.partition("==") for word in requirements) if mark}
    return [
        word
        for word in requirements
        if "==" in word or re.split(r"[^\w.-]", word, maxsplit=1)[0] not in fixed
    ]


def _target(report: Report, translate: Translator, commands: Commands) -> str:
    executable = report.facts.value(F.TARGET_EXECUTABLE)
    if executable is None:
        return ""
    because = report.facts.value(F.TARGET_CHOSEN) or ""
    shown = clean(commands.shorten(executable))
    text = translate("target {python}, chosen by {because}").format(
        python=shown, because=clean(because)
    )
    if report.matrix_overlay is None:
        return text
    overlay = clean(commands.shorten(report.matrix_overlay))
    return text + translate("; matrix with your overlay {path}").format(path=overlay)


def _layer(layer: StackLayer, translate: Translator, commands: Commands) -> StackLayer:
    return StackLayer(
        layer.layer,
        layer.status,
        clean(_shortened(layer.version)),
        clean(commands.shorten(layer.where)),
        clean(translate(layer.note)) if layer.note else "",
    )


def _unknown(report: Report, translate: Translator) -> Iterator[str]:
    for item in report.not_evaluated:
        template = (
            "{code} {slug}: envcheck itself failed ({reason})"
            if item.crashed
            else "{code} {slug}: {reason}"
        )
        yield clean(translate(template).format(code=item.code, slug=item.slug, reason=item.reason))


def _unknown_groups(report: Report, translate: Translator) -> Iterator[str]:
    groups: dict[tuple[str, bool], dict[str, str]] = {}
    for item, line in zip(report.not_evaluated, _unknown(report, translate), strict=True):
        groups.setdefault((item.reason, item.crashed), {})[item.code] = line
    for (reason, crashed), rows in groups.items():
        if len(rows) == 1 or crashed:
            yield from rows.values()
        else:
            yield clean(f"{reason}: {', '.join(rows)}")


def _counts(report: Report, translate: Translator) -> str:
    numbers = {
        severity: sum(finding.severity == severity for finding in report.findings)
        for severity in ("error", "warning")
    }
    text = translate("errors: {errors}, warnings: {warnings}, not evaluated: {unknown}").format(
        errors=numbers["error"],
        warnings=numbers["warning"],
        unknown=len(report.not_evaluated),
    )
    if not report.ignored:
        return text
    return text + translate(", ignored: {ignored}").format(ignored=len(report.ignored))
