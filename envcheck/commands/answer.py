"""What `envcheck matrix show` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`headline` answers the question; `facts` are label and text; `rows` are what it rests on."""

    headline: str
    facts: tuple[tuple[str, str], ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[str, ...] = ()
