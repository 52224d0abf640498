"""Signatures and causes are data: what holds for each of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envcheck import rules
from envcheck.explain import causes, match, signatures
from envcheck.explain.model import Cause, Ground, Signature
from envcheck.matrix import Matrix
from envcheck.model import Facts

if sys.version_info >= (3, 11):
    from re import _parser as parser
else:
    import sre_parse as parser

ROOT = Path(__file__).resolve().parent.parent.parent
SIGNATURES = signatures.discover()
CAUSES = causes.discover()
OPEN = 65
"""A repeat of more than this many characters counts as open-ended."""


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda item: item.name)
def test_a_signature_says_what_it_means(signature: Signature) -> None:
    keys = {cause.key for cause in CAUSES}
    assert signature.says
    assert all(len(text) >= 3 and "\n" not in text for text in signature.says)
    assert all(means.cause in keys for means in signature.means)
    assert all(0 < means.prior <= 1 for means in signature.means)
    assert bool(signature.note) == (signature.kind == "noise")
    assert not (signature.kind == "noise" and signature.means)


def test_every_condition_names_something_that_can_be() -> None:
    derived = set(re.findall(r'"([a-z0-9-]+)":', (ROOT / "envcheck/explain/reason.py").read_text()))
    known = derived | {signature.name for signature in SIGNATURES}
    named = {tag.lstrip("!") for one in SIGNATURES for means in one.means for tag in means.when}
    assert named - known == set()


def test_every_cause_is_reached() -> None:
    reached = {means.cause for signature in SIGNATURES for means in signature.means}
    assert {cause.key for cause in CAUSES} - reached == {"SMK901", "harmless"}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda item: item.key)
def test_a_code_is_a_rule_s_or_explained_only(cause: Cause) -> None:
    """So that an explanation and a check never speak of one thing under two names."""
    owned = {rule.code: rule.slug for rule in rules.discover()}
    if int(cause.code[3:]) < 901:
        assert owned.get(cause.code) == cause.slug
    else:
        assert cause.code not in owned
    assert cause.code[:3] in rules.FAMILIES


@pytest.mark.parametrize("cause", CAUSES, ids=lambda item: item.key)
@pytest.mark.parametrize("names", [{}, "odd"], ids=["nothing", "odd"])
def test_a_cause_has_words_whatever_was_captured(cause: Cause, names: Any, matrix: Matrix) -> None:
    """Not a single capture, and captures that are not what one expects."""
    if names == "odd":
        groups = {
            group
            for signature in SIGNATURES
            for pattern in signature.patterns
            for group in match.compiled(pattern).groupindex
        }
        numbers = ("cudnn_loaded", "cudnn_compiled", "cuda_wanted")
        names = {group: ("9.9.9" if group in numbers else "{odd} %s",) for group in groups}
    ground = Ground(Facts(), matrix, names, frozenset())
    params = cause.params(ground)
    for text in (cause.title, cause.summary):
        filled = text.format_map(params)
        assert filled.strip() and "  " not in filled
    for fix in cause.fixes(ground):
        assert fix.note.format_map(fix.params) or fix.steps
        assert all(isinstance(word, str) and word for step in fix.steps for word in step)
    if cause.verdict == "environment":
        assert tuple(cause.fixes(ground))


def _patterns() -> Iterator[tuple[str, str]]:
    for signature in SIGNATURES:
        for pattern in signature.patterns:
            yield signature.name, pattern
    yield "exception", match.EXCEPTION.pattern
    yield "frame", match.FRAME.pattern


def _open_repeats(parsed: Any, inside: bool = False) -> tuple[int, bool]:
    """(open-ended repeats on the longest way through, whether one stands in another)."""
    count, nested = 0, False
    for code, argument in parsed:
        name = str(code)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, most, body = argument
            is_open = most >= OPEN
            below, deeper = _open_repeats(body, inside or most > 1)
            nested |= deeper or (is_open and inside) or (most > 1 and below > 0)
            count += below + is_open
        elif name == "SUBPATTERN":
            below, deeper = _open_repeats(argument[-1], inside)
            count, nested = count + below, nested or deeper
        elif name == "BRANCH":
            ways = [_open_repeats(way, inside) for way in argument[1]]
            count += max(way[0] for way in ways)
            nested |= any(way[1] for way in ways)
    return count, nested


def _repeats(parsed: Any) -> Iterator[Any]:
    """The most times of every repeat."""
    for code, argument in parsed:
        name = str(code)
        if name.endswith("_REPEAT"):
            yield argument[1]
            yield from _repeats(argument[2])
        elif name == "SUBPATTERN":
            yield from _repeats(argument[-1])
        elif name == "BRANCH":
            for way in argument[1]:
                yield from _repeats(way)


@pytest.mark.parametrize(("name", "pattern"), list(_patterns()))
def test_no_pattern_can_blow_up(name: str, pattern: str) -> None:
    """No unbounded repeat at all, none long inside another, at most four long ones: a line has at
    most 4096 characters, so the work has a bound that does not depend on what is in it."""
    parsed = parser.parse(pattern)
    assert not any(most == parser.MAXREPEAT for most in _repeats(parsed)), name
    count, nested = _open_repeats(parsed)
    assert not nested
    assert count <= 4


def test_adversarial_lines_do_not_hang() -> None:
    """Every signature against lines that are made of its own texts and of what its repeats take.
    The child may take long on a busy machine; it fails only where it hangs."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.explain.adversary"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert child.stdout.strip() == f"{len(SIGNATURES)} signatures", child.stderr
