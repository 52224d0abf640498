"""What is wrong with one file, before its name is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from envcheck.imports import successors
from envcheck.imports.codes import Code
from envcheck.imports.successors import OTHERS
from envcheck.imports.uses import Place, Use
from envcheck.model import Confidence, Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding before it knows its file's name. ``new`` is the path to write instead."""

    code: Code
    place: Place
    params: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    severity: Severity | None = None
    confidence: Confidence = "certain"
    use: Use | None = None
    new: str = ""
    advice: str = ""
    also: tuple[tuple[Use, str], ...] = ()
    """Chains that have to be said otherwise below the new path, and how."""
    text: str = ""
    """The new path as the file says it, where the chain's own first name does not reach it."""
    legacy: Literal["", "file", "name"] = ""
    """Mended together with Keras 2: for what else the file takes, or for this name."""

    @property
    def spelled(self) -> str:
        """The new path as the file's own names say it: `tf.compat.v1.Session`; empty where there
        is none. Another package's path stands as it is, with an import of its own."""
        use, new = self.use, self.new
        if use is None or use.kind != "chain" or successors.root_of(new) in OTHERS:
            return new if use else ""
        target = ".".join(use.paths[0].split(".")[: -use.base])
        return use.alias + new[len(target) :] if new.startswith(target + ".") else self.text


@dataclass(frozen=True, slots=True)
class Flavour:
    """One way to reach Keras (`keras`, `tensorflow.keras`, …) and where it is used first."""

    name: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Judged:
    problems: tuple[Problem, ...]
    flavours: tuple[Flavour, ...]
    unknown: tuple[str, ...]
    """Packages whose version the index does not have, so that nothing was judged."""
    legacy: Legacy | None = None


@dataclass(frozen=True, slots=True)
class Legacy:
    """The same file as one for tf-keras, which it needs: its uses with `keras` as
    `tensorflow.keras`, and what mends them."""

    uses: tuple[Use, ...]
    problems: tuple[Problem, ...]
