"""A folder on sys.path belongs to another Python version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

LIBRARY = re.compile(
    r"[\\/]lib(?:32|64)?[\\/]python(\d\.\d+)[\\/]|[\\/]Python(\d)(\d+)[\\/]Lib[\\/]site-packages"
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    python = facts.value(F.TARGET_PYTHON) or ""
    minor = ".".join(python.split(".")[:2])
    rows = facts.value(F.TARGET_DISTRIBUTIONS) or ()
    for entry in facts.value(F.TARGET_PATH) or ():
        found = LIBRARY.search(entry.path + "/")
        if entry.origin not in ("PYTHONPATH", "pth", "other") or not found:
            continue
        number = found[1] or f"{found[2]}.{found[3]}"
        if number == minor:
            continue
        held = sorted(row.name for row in rows if row.location == entry.path)
        yield Match(
            subject=entry.path,
            severity="error" if held else "warning",
            params={
                "path": entry.path,
                "number": number,
                "python": python,
                "origin": entry.origin,
                "held": ", ".join(held) or "no package of TensorFlow's",
            },
            evidence=(facts.evidence(F.TARGET_PATH, f"from {entry.origin}", entry.path),),
            fixes=(_fix(facts, entry),),
        )


def _fix(facts: Facts, entry: F.PathEntry) -> Fix:
    if entry.origin == "PYTHONPATH" and facts.value(F.SYSTEM_OS) != "windows":
        return manual("path-entry", "And where your shell sets it.", ("unset", "PYTHONPATH"))
    where = entry.via or "PYTHONPATH"
    return manual("path-entry", "Take the folder out of {where}.", where=where)


RULE = Rule(
    code="PYE301",
    slug="path-of-another-python",
    layer="python",
    severity="error",
    title="{path} is of Python {number}, and this is Python {python}",
    why="It is on sys.path (from {origin}) and holds {held}. Compiled modules of another Python "
    "cannot be loaded, and its packages stand before the right ones.",
    needs=(F.TARGET_PATH, F.TARGET_DISTRIBUTIONS, F.TARGET_PYTHON),
    judge=judge,
    explains=("TFX30", "KER", "SMK1", "PYE302"),
    cases=(
        fires(
            "linux-none-tf221",
            "/opt/lib/python3.8/site-packages",
            target__path=[{"path": "/opt/lib/python3.8/site-packages", "origin": "PYTHONPATH"}],
        ),
        silent("linux-none-tf221"),
    ),
)
