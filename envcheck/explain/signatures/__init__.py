"""What lines mean: data, one entry each, found by being in this folder.

A new signature touches one file. Its ``says`` are searched as they stand, so they hold no
numbers that vary; a pattern has at most one open-ended repeat, so it cannot blow up.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from envcheck.explain.model import Signature


def discover() -> tuple[Signature, ...]:
    """Every signature, in the order of files and entries. Raises ValueError for a name twice."""
    found: dict[str, Signature] = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        for signature in importlib.import_module(f"{__name__}.{path.stem}").SIGNATURES:
            if signature.name in found:
                raise ValueError(f"{path.stem}: {signature.name} is taken")
            found[signature.name] = signature
    return tuple(found.values())
