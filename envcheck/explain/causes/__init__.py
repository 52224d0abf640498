"""What may be the case: data, one entry each, found by being in this folder.

A cause whose code is a rule's says in general words what the rule says with versions; from 901
on a code is explained only: no check can see it, or none does yet.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from envcheck.explain.model import Cause


def discover() -> tuple[Cause, ...]:
    """Every cause, by key. Raises ValueError for one that is there twice."""
    found: dict[str, Cause] = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        for cause in importlib.import_module(f"{__name__}.{path.stem}").CAUSES:
            if cause.key in found:
                raise ValueError(f"{path.stem}: {cause.key} is taken")
            found[cause.key] = cause
    return tuple(found[key] for key in sorted(found))
