"""Version specifiers: membership, intersection, ranges of Pythons.

`packaging` is imported when first needed: it costs 10 ms that a run without
TensorFlow need not pay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version


@lru_cache(maxsize=1024)
def _specifier(text: str) -> SpecifierSet:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(text)


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """Raises packaging's InvalidVersion, which is a ValueError."""
    from packaging.version import Version

    return Version(text)


@lru_cache(maxsize=4096)
def admits(specifier: str, version: str) -> bool:
    """True where the version is in the range; pre-releases count as what they are."""
    return _specifier(specifier).contains(parse_version(version), prereleases=True)


def newest_admitted(specifier: str, versions: Iterable[str]) -> str | None:
    """The newest final release in the range: what pip would take."""
    fitting = [v for v in versions if admits(specifier, v) and not parse_version(v).is_prerelease]
    return max(fitting, key=parse_version) if fitting else None


@lru_cache(maxsize=1024)
def intersect(first: str | None, second: str | None) -> str | None:
    """One specifier for both, with the tighter bounds only: >=1.20 and <2 to >=1.20,<2."""
    if not first or not second:
        return first or second
    clauses = [c for text in (first, second) for c in text.split(",") if c.strip()]
    lower = [c for c in clauses if c.startswith((">", "~="))]
    upper = [c for c in clauses if c.startswith("<")] + [
        _upper_of_compatible(c) for c in clauses if c.startswith("~=")
    ]
    fixed = [c for c in clauses if c.startswith("==")]
    excluded = [c for c in clauses if c.startswith("!=")]
    if fixed:
        return ",".join(dict.fromkeys(fixed))
    tightest = [
        *([_at_least(max(lower, key=_bound))] if lower else []),
        *([min(upper, key=_bound)] if upper else []),
    ]
    return ",".join([*tightest, *dict.fromkeys(excluded)])


def _bound(clause: str) -> Version:
    return parse_version(re.sub(r"^[<>=~!]+\s*", "", clause))


def _at_least(clause: str) -> str:
    return re.sub(r"^~=", ">=", clause)


def _upper_of_compatible(clause: str) -> str:
    """~=1.19.2 forbids 1.20, ~=2.6 forbids 3 (PEP 440)."""
    release = list(_bound(clause).release[:-1])
    release[-1] += 1
    return "<" + ".".join(str(number) for number in release)


def is_impossible(specifier: str) -> bool:
    """Whether a lower bound is not below an upper one. Other contradictions, such as those of !=,
    are not looked for."""
    lower: list[tuple[Version, bool]] = []
    upper: list[tuple[Version, bool]] = []
    for clause in map(str.strip, specifier.split(",")):
        if clause.startswith("==") and clause.endswith(".*"):
            stem = clause[2:-2].strip()
            lower.append((parse_version(f"{stem}.dev0"), False))
            upper.append((_bound(_upper_of_compatible(f"~={stem}.0")), False))
            continue
        if clause.startswith((">", "~=", "==")):
            lower.append((_bound(clause), clause[1] != "="))
        if clause.startswith(("<", "==")):
            upper.append((_bound(clause), clause[1] == "="))
        if clause.startswith("~="):
            upper.append((_bound(_upper_of_compatible(clause)), False))
    return bool(lower and upper) and max(lower) >= min(upper)


def lower_bound(specifier: str) -> str | None:
    """The version after >=, ~= or ==."""
    found = re.search(r"(?:>=|~=|==)\s*([^,\s]+)", specifier)
    return found.group(1) if found else None


def python_range(pythons: Iterable[str]) -> str:
    """("3.7", "3.8", "3.9", "3.10") to "3.7-3.10"; gaps become commas."""
    numbers = sorted(tuple(int(part) for part in text.split(".")) for text in pythons)
    runs: list[list[tuple[int, ...]]] = []
    for number in numbers:
        if runs and runs[-1][-1][0] == number[0] and runs[-1][-1][1] + 1 == number[1]:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        _dotted(run[0]) if len(run) == 1 else f"{_dotted(run[0])}-{_dotted(run[-1])}"
        for run in runs
    )


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in number)
