"""Report -> the fixes that can be chosen, and the steps of those that were."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envcheck.model import EnvcheckError, Finding, Fix, Report, Safety
from envcheck.render.view import root_findings


@dataclass(frozen=True)
class Offer:
    """``id`` is what the user types: the finding's code, with a number from its second on."""

    id: str
    finding: Finding
    fix: Fix
    first: bool
    """Whether it is the finding's first fix: the others are alternatives to it."""

    @property
    def safety(self) -> Safety:
        """A step that only a shell can take (export, unset) is the user's."""
        return self.fix.safety if runnable(self.fix) else "manual"


def runnable(fix: Fix) -> bool:
    return bool(fix.steps) and not fix.needs_root and all(map(_has_program, fix.steps))


def _has_program(step: Sequence[str]) -> bool:
    return os.path.isabs(step[0]) or shutil.which(step[0]) is not None


def offers(report: Report) -> tuple[Offer, ...]:
    """Those of the findings that nothing else explains."""
    found: list[Offer] = []
    count: dict[str, int] = {}
    for finding in root_findings(report):
        for number, fix in enumerate(finding.fixes):
            count[finding.code] = count.get(finding.code, 0) + 1
            more = f"-{count[finding.code]}" if count[finding.code] > 1 else ""
            found.append(Offer(finding.code + more, finding, fix, number == 0))
    return tuple(found)


def safe_ones(offered: Sequence[Offer]) -> tuple[Offer, ...]:
    """The first fix of every error and warning, where it is safe."""
    return tuple(
        offer
        for offer in offered
        if offer.first and offer.safety == "safe" and offer.finding.severity != "info"
    )


def named(offered: Sequence[Offer], ids: Sequence[str]) -> tuple[Offer, ...]:
    """Raises EnvcheckError for an id that is not there, or that only a person can do."""
    by_id = {offer.id: offer for offer in offered}
    for name in ids:
        if name.upper() not in by_id:
            known = ", ".join(by_id) or "none"
            raise EnvcheckError(f"There is no fix {name}; there are: {known}.", 2)
        if by_id[name.upper()].safety == "manual":
            raise EnvcheckError(f"{name} is for you to do: envcheck only prints it.", 2)
    return tuple(by_id[name.upper()] for name in dict.fromkeys(ids))


def steps_of(chosen: Sequence[Offer]) -> tuple[tuple[str, ...], ...]:
    """Installations into the same place as one, so that the resolver sees all of them."""
    steps: list[tuple[str, ...]] = []
    at: dict[tuple[tuple[str, ...], ...], int] = {}
    for offer in chosen:
        wanted = offer.fix.requirements
        if wanted and offer.fix.stem in at:
            place = at[offer.fix.stem]
            more = tuple(word for word in wanted if word not in steps[place])
            steps[place] += more
            continue
        steps += offer.fix.steps
        if wanted:
            at[offer.fix.stem] = len(steps) - 1
    return tuple(steps)


def touched(steps: Sequence[Sequence[str]]) -> Iterator[str]:
    """Paths that rm and mv name: to be copied first, wherever they lie."""
    for step in steps:
        if step[0] in ("rm", "mv", "Remove-Item", "Move-Item"):
            yield from (word for word in step[1:] if not word.startswith("-"))
