"""What a format is given, and what several of them say in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from envcheck.model import Report, RuleResult, Verdict
from envcheck.render.terminal import STATUS_WORDS
from envcheck.render.view import LONGEST, Commands, FindingView, FixView, View, clean


@dataclass(frozen=True, slots=True)
class Sheet:
    report: Report
    verdict: Verdict
    view: View
    commands: Commands

    @property
    def findings(self) -> tuple[FindingView, ...]:
        """Roots and what follows from them, the worst first."""
        roots = self.view.findings
        return (*roots, *(child for root in roots for child in root.children))

    @property
    def headline(self) -> str:
        return f"{STATUS_WORDS[self.view.status]}: {self.view.headline}"


def rules_of(sheet: Sheet) -> tuple[RuleResult, ...]:
    """Every rule by code, and the codes of findings that no rule has made."""
    known = {rule.code: rule for rule in (*sheet.report.rules, *_left_out(sheet.report))}
    ignored = (item.finding for item in sheet.report.ignored)
    for item in (*sheet.report.findings, *ignored):
        known.setdefault(
            item.code,
            RuleResult(
                item.code,
                item.slug,
                item.layer,
                item.severity,
                item.slug.replace("-", " ").capitalize() + ".",
                "found",
            ),
        )
    return tuple(
        replace(rule, about=clean(rule.about), reason=clean(rule.reason))
        for _, rule in sorted(known.items())
    )


def _left_out(report: Report) -> list[RuleResult]:
    """The rules that were not even loaded, because no GPU is expected."""
    if report.expect != "cpu" or not report.rules:
        return []
    from envcheck.engine import result_of
    from envcheck.rules import discover

    judged = {rule.code for rule in report.rules}
    return [
        result_of(rule, "not-applicable", "no GPU is expected")
        for rule in discover()
        if rule.code not in judged
    ]


def fingerprints(findings: Sequence[FindingView]) -> list[str]:
    """One for each finding: the same as long as the same is wrong with the same thing, wherever
    in its file, in whatever version. A repeated one is told apart by its number."""
    import hashlib

    seen: dict[tuple[str, ...], int] = {}
    found = []
    for finding in findings:
        # The subject of a finding in code begins with its line; one in the policy has none there.
        in_code = finding.place is not None and finding.layer == "imports"
        what = finding.subject.partition(" ")[2] if in_code else finding.subject
        key = (finding.code, finding.place.file if finding.place else "", what)
        seen[key] = seen.get(key, 0) + 1
        text = "\0".join((*key, str(seen[key])))
        found.append(hashlib.sha256(text.encode()).hexdigest()[:32])
    return found


def path_of(finding: FindingView) -> str:
    """A file of the repository, or a name that stands for the environment: readers of these
    formats need one."""
    file = finding.place.file if finding.place else ""
    return file or f"environment/{finding.layer}"


def command_lines(fix: FixView, commands: Commands) -> tuple[str, ...]:
    """The commands as they are pasted. One that nobody could paste is not cut, but left out."""
    lines = (commands.line(argv) for argv in fix.commands)
    return tuple(
        line if len(line) <= 10 * LONGEST else f"# {len(line)} characters: see --format json"
        for line in lines
    )


def lines_of(finding: FindingView, commands: Commands) -> Iterator[str]:
    """What there is to say about a finding below its title, as plain text."""
    if finding.why:
        yield finding.why
    for what, where in finding.evidence:
        yield f"seen: {what}" + (f" ({where})" if where else "")
    for number, fix in enumerate(finding.fixes):
        caution = f" ({fix.caution})" if fix.caution else ""
        lead = f"{'or' if number else 'fix'}{caution}: {fix.note}"
        lines = command_lines(fix, commands)
        if len(lines) == 1 and not fix.note:
            yield lead + lines[0]
        else:
            yield lead.rstrip()
            yield from (f"  {line}" for line in lines)
    for child in finding.children:
        yield f"follows from it: {child.code} {child.title}"
