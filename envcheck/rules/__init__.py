"""The rules: one file each, found by being in this folder.

A rule's file holds everything about it: code, name, severity, the facts that it needs, its
text, its fixes, and the recorded machines on which it fires and stays silent. It defines
``RULE = Rule(...)``; the test suite runs its cases, ``envcheck explain CODE`` prints its page.
A rule is a pure function of facts and matrix.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from envcheck.model import GPU_LAYERS, Facts, Key, Layer, Match, Severity, Unjudged

if TYPE_CHECKING:
    from envcheck.matrix import Matrix

FAMILIES = ("SYS", "DRV", "GPU", "CUD", "DNN", "LIB", "PYE", "TFX", "KER", "IMP", "SMK", "POL")
GPU_FAMILIES = ("DRV", "GPU", "CUD", "DNN", "LIB")
"""Those of the layers in ``model.GPU_LAYERS``: they do not apply where no GPU is expected."""


class Case(NamedTuple):
    """A recorded machine with edits (fact name -> its JSON value; None: absent; a
    :class:`~envcheck.model.Fact` as it stands) and the subjects that the rule then names."""

    machine: str
    subjects: tuple[str, ...]
    edits: Mapping[str, Any] = MappingProxyType({})


def fires(machine: str, *subjects: str, **edits: Any) -> Case:
    return Case(machine, subjects, _dotted(edits))


def silent(machine: str, **edits: Any) -> Case:
    return Case(machine, (), _dotted(edits))


def _dotted(edits: Mapping[str, Any]) -> dict[str, Any]:
    """``keras__version="3"`` names the fact ``keras.version``."""
    return {name.replace("__", "."): value for name, value in edits.items()}


class Rule(NamedTuple):
    """``title`` and ``why`` are templates over the parameters of a match. ``explains`` are the
    beginnings of findings that merely follow from this one, by code or by code and subject; where
    it has ``signs``, only of those that show one of these words. A ``gpu_only`` rule does not apply
    where no GPU is expected. ``about`` is the first line of the rule's file, set when it is
    found."""

    code: str
    slug: str
    layer: Layer
    severity: Severity
    title: str
    why: str
    needs: tuple[Key[Any], ...]
    judge: Callable[[Facts, Matrix], Iterable[Match | Unjudged]]
    cases: tuple[Case, ...]
    explains: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    gpu_only: bool = False
    about: str = ""


class RuleError(Exception):
    """A rule's file is not what a rule's file must be."""


def validate(rule: Rule, module: str) -> None:
    """Raises :class:`RuleError` where id, name and file do not agree."""
    if not re.fullmatch(rf"({'|'.join(FAMILIES)})\d{{3}}", rule.code):
        raise RuleError(f"{module}: {rule.code} is not a family and three digits")
    if module != f"{rule.code.lower()}_{rule.slug.replace('-', '_')}":
        raise RuleError(f"{module}: the file is not named after {rule.code} {rule.slug}")
    if rule.code[:3] in GPU_FAMILIES and rule.layer not in GPU_LAYERS:
        raise RuleError(f"{module}: {rule.code} is not of the layer {rule.layer}")


def discover(leave_out: Container[str] = ()) -> tuple[Rule, ...]:
    """Every rule in this folder, by code; those of the families left out are not even loaded."""
    rules: dict[str, Rule] = {}
    for path in Path(__file__).parent.glob("[!_]*.py"):
        if path.stem[:3].upper() in leave_out:
            continue
        module = importlib.import_module(f"{__name__}.{path.stem}")
        rule = module.RULE._replace(about=(module.__doc__ or "").partition("\n")[0])
        validate(rule, path.stem)
        if rule.code in rules:
            raise RuleError(f"{path.stem}: {rule.code} is taken")
        rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))
