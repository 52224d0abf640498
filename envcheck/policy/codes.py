"""Every code that a finding can have."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def known_codes() -> frozenset[str]:
    """The rules' by their files' names, so that none is imported, and the code scan's."""
    return frozenset(path.stem[:6].upper() for path in _rules()) | scan_codes()


def _rules() -> list[Path]:
    return list((Path(__file__).parent.parent / "rules").glob("[!_]*.py"))


@cache
def scan_codes() -> frozenset[str]:
    from envcheck.imports import codes

    return frozenset(code.code for code in codes.ALL)
