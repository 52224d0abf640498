"""All that an explanation rests on, loaded once."""

from __future__ import annotations

from envcheck.explain import causes, match, reader, signatures
from envcheck.explain.reason import Knowledge
from envcheck.matrix import Matrix
from envcheck.rules import Rule


def load(rules: tuple[Rule, ...], matrix: Matrix) -> Knowledge:
    return Knowledge(
        signatures.discover(),
        {cause.key: cause for cause in causes.discover()},
        rules,
        matrix,
    )


def gates(knowledge: Knowledge) -> reader.Gates:
    return reader.gates_for(match.literals(knowledge.signatures))
