"""What the policy does to findings: severities changed, and some of them ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from envcheck import facts as F
from envcheck.model import Fact, Facts, Finding, Ignored, known
from envcheck.policy.codes import scan_codes


class Settled(NamedTuple):
    """``code`` is None where the user's code was not read; ``unused`` is F.POLICY_UNUSED."""

    findings: list[Finding]
    code: list[Finding] | None
    ignored: tuple[Ignored, ...]
    unused: Fact


def settle(
    findings: Sequence[Finding],
    code: Sequence[Finding] | None,
    judged: frozenset[str],
    facts: Facts,
) -> Settled:
    """``judged`` are the codes of the rules that came to an answer."""
    entries = [row for row in facts.value(F.POLICY_IGNORES) or () if not is_expired(row, facts)]
    kept: list[Finding] = []
    kept_code: list[Finding] = []
    ignored: dict[tuple[str, str], Ignored] = {}
    used: set[F.Ignore] = set()
    for group, place in ((findings, kept), (code or (), kept_code)):
        for finding in weighed(group, facts):
            meant = [row for row in entries if is_meant(row, finding)]
            used |= set(meant)
            if not meant:
                place.append(finding)
                continue
            entry = max(meant, key=lambda row: row.expires)
            because = (entry.reason, entry.expires, entry.file, entry.line)
            ignored[finding.key] = Ignored(finding, *because)
    if code is not None and _read_all_code(facts):
        judged |= scan_codes()
    unused = [row._asdict() for row in entries if row not in used and row.code in judged]
    return Settled(
        kept,
        None if code is None else kept_code,
        tuple(ignored[key] for key in sorted(ignored)),
        known(unused, facts.fact(F.POLICY_FILE).source),
    )


def weighed(findings: Iterable[Finding], facts: Facts) -> list[Finding]:
    """With the severities that the policy gives."""
    given: Mapping[str, Any] = facts.value(F.POLICY_SEVERITY) or {}
    return [
        replace(finding, severity=given[finding.code]) if finding.code in given else finding
        for finding in findings
    ]


def is_expired(entry: F.Ignore, facts: Facts) -> bool:
    """Its last day is over. Dates as text, the year first, sort as dates."""
    return entry.expires < (facts.value(F.POLICY_TODAY) or "")


def is_meant(entry: F.Ignore, finding: Finding) -> bool:
    """Without a subject all findings of the code are; in a subject * and ? stand for anything."""
    if entry.code != finding.code:
        return False
    if entry.subject is None or entry.subject == finding.subject:
        return True
    parts = re.split(r"([*?])", entry.subject)
    wild = {"*": ".*", "?": "."}
    pattern = "".join(wild.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(pattern, finding.subject, re.S) is not None


def _read_all_code(facts: Facts) -> bool:
    """Whether the policy's own folder was read to the end: else another file may have what an
    entry is about."""
    scan, file = facts.value(F.CODE), facts.value(F.POLICY_FILE) or ""
    return scan is not None and not scan.stopped and not re.search(r"[\\/]", file)
