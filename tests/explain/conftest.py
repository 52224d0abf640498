"""``explained("text")``: what a log is explained as, without this machine."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from envcheck import rules
from envcheck.explain import knowledge, reader, reason
from envcheck.explain.model import Explanation
from envcheck.explain.reason import Knowledge
from envcheck.matrix import Matrix
from envcheck.model import Facts


@pytest.fixture(scope="session")
def known(matrix: Matrix) -> Knowledge:
    return knowledge.load(rules.discover(), matrix)


@pytest.fixture(scope="session")
def explained(known: Knowledge) -> Callable[..., Explanation]:
    gates = knowledge.gates(known)

    def explain(log: str | bytes, live: Facts | None = None) -> Explanation:
        raw = log.encode() if isinstance(log, str) else log
        return reason.explain(reader.read(io.BytesIO(raw), gates), known, live)

    return explain
