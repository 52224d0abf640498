"""The installed protobuf cannot run the code that was generated into this TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import refusals
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import install
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    for reason in refusals(facts, matrix, "protobuf")[:1]:
        yield Match(
            subject="protobuf",
            params={
                "tensorflow": facts.value(F.TF_VERSION) or "",
                "protobuf": facts.value(F.PROTOBUF_VERSION) or "",
                "reason": reason.text,
            },
            evidence=(facts.evidence(F.PROTOBUF_VERSION),),
            rows=reason.source,
            fixes=(install(facts, f"protobuf{reason.wanted}"),) if reason.wanted else (),
        )


RULE = Rule(
    code="TFX302",
    slug="protobuf-not-admitted",
    layer="tensorflow",
    severity="error",
    title="protobuf {protobuf} does not fit TensorFlow {tensorflow}",
    why="{reason}",
    needs=(F.PROTOBUF_VERSION, F.TF_VERSION, F.TF_PACKAGE),
    judge=judge,
    explains=("SMK1",),
    signs=("protobuf", "Descriptors cannot", "GetPrototype"),
    cases=(
        fires("linux-none-tf29-mixed", "protobuf"),
        fires("linux-none-tf221", "protobuf", protobuf__version="5.29.5"),
        silent("linux-none-tf221"),
        silent("linux-rtx3080-tf29-cuda116"),
    ),
)
