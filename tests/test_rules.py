"""Every rule: its own cases on recorded machines, and what its file must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import envcheck.rules
from envcheck.engine import applies, make_finding
from envcheck.matrix import Matrix
from envcheck.model import Facts
from envcheck.render.i18n import LOCALE
from envcheck.rules import FAMILIES, Case, Rule, RuleError, discover, validate

RULES = discover()
CASES = [(rule, case) for rule in RULES for case in rule.cases]


def name_of(value: object) -> str | None:
    if isinstance(value, Rule):
        return value.code
    if isinstance(value, Case):
        return f"{value.machine}-{'-'.join(value.edits) or 'as-recorded'}"
    return None


@pytest.mark.parametrize(("rule", "case"), CASES, ids=name_of)
def test_case(rule: Rule, case: Case, machine: Callable[..., Facts], matrix: Matrix) -> None:
    facts = machine(case.machine, case.edits)
    unknown = [key.name for key in rule.needs if facts.fact(key).state == "unknown"]
    assert unknown == []
    if not applies(rule, facts, "gpu"):
        assert case.subjects == ()
        return
    matches = tuple(rule.judge(facts, matrix))
    assert tuple(match.subject for match in matches) == case.subjects
    for match in matches:
        finding = make_finding(rule, match)
        # Every parameter of every text is there, and every word of every command is a word.
        assert finding.title.format_map(finding.params)
        assert finding.why.format_map(finding.params)
        assert finding.evidence
        for fix in finding.fixes:
            assert fix.steps or fix.note
            fix.note.format_map(fix.params)
            assert all(isinstance(word, str) and word for step in fix.steps for word in step)


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_rule_fires_somewhere_and_is_silent_somewhere(rule: Rule) -> None:
    assert any(case.subjects for case in rule.cases)
    assert any(not case.subjects for case in rule.cases)


def test_every_family_has_a_rule() -> None:
    assert {rule.code[:3] for rule in RULES} == set(FAMILIES)


def test_what_a_rule_explains_exists() -> None:
    codes = [rule.code for rule in RULES]
    for rule in RULES:
        for start in rule.explains:
            family, _, _ = start.partition(" ")
            assert [code for code in codes if code.startswith(family)], f"{rule.code}: {start}"


def test_a_rule_is_pure() -> None:
    """No rule's file opens, runs or reads anything: it imports knowledge and values only."""
    folder = Path(envcheck.rules.__path__[0])
    allowed = re.compile(
        r"^(from __future__|from collections|from dataclasses|from typing|import re$"
        r"|from envcheck(\.matrix)?(\.\w+)? import|import envcheck)"
    )
    for path in folder.glob("[a-z]*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("import ", "from ")):
                assert allowed.match(line), f"{path.name}: {line}"
            assert "open(" not in line, f"{path.name}: {line}"


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("ker999_other_name", "the file is not named after KER201"),
        ("xyz201_keras_version_mismatch", "the file is not named after KER201"),
    ],
)
def test_a_misnamed_file_is_refused(module: str, problem: str) -> None:
    rule = next(rule for rule in RULES if rule.code == "KER201")
    with pytest.raises(RuleError, match=problem):
        validate(rule, module)


def translations() -> dict[str, str]:
    from babel.messages.pofile import read_po

    with (LOCALE / "zh" / "LC_MESSAGES" / "envcheck.po").open("rb") as stream:
        return {str(item.id): str(item.string) for item in read_po(stream) if item.id}


def test_the_rules_are_translated() -> None:
    """Nearly all: a new rule touches one file, and is shown in English until somebody adds it."""
    translated = translations()
    texts = [text for rule in RULES for text in (rule.title, rule.why) if text != "{reason}"]
    missing = [text for text in texts if not translated.get(text)]
    assert len(missing) <= len(texts) // 10, missing


def test_a_translation_has_the_parameters_of_its_text() -> None:
    for text, translation in translations().items():
        fields = [sorted(re.findall(r"\{\w+", item)) for item in (text, translation)]
        assert fields[0] == fields[1], text
