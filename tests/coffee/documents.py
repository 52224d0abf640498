"""Documents of `coffee-smoke --json`, held to their schema."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "envcheck/schemas/smoke.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def valid(text: str) -> Any:
    """The one document that was printed. Raises ValidationError."""
    document = json.loads(text)
    VALIDATOR.validate(document)
    return document
