"""Facts -> comparable values, and two of them -> what differs."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from envcheck.baseline.decisions import DECISIONS, Decision, Kind
from envcheck.baseline.reduce import Ask, Value
from envcheck.model import GPU_LAYERS, Facts, Key, Layer

Values = Mapping[str, Value | None]
PACKAGES = "target.installed"


class Snapshot(NamedTuple):
    """``values`` by fact, None where it was looked for and is not there, or has no meaning there;
    ``unknown`` are those that could not be looked at, with the reason."""

    values: Values
    unknown: Mapping[str, str]


class Drift(NamedTuple):
    """``item`` is the entry of a fact that is a mapping. ``before`` and ``now`` are None where it
    is not there."""

    fact: str
    item: str
    layer: Layer
    what: str
    before: str | None
    now: str | None


def snapshot(facts: Facts, ask: Ask, kinds: Container[Kind] = ("locked",)) -> Snapshot:
    values: dict[str, Value | None] = {}
    unknown: dict[str, str] = {}
    for name, decision in DECISIONS.items():
        if decision.kind not in kinds or decision.reduce is None or not _asked(decision, ask):
            continue
        fact = facts.fact(Key(name, str))
        if fact.state == "unknown":
            unknown[name] = fact.reason
        else:
            values[name] = decision.reduce(facts, ask) if fact.state == "known" else None
    return Snapshot(values, unknown)


def _asked(decision: Decision, ask: Ask) -> bool:
    return ask.expect == "gpu" or decision.layer not in GPU_LAYERS


def packages_of(values: Values) -> frozenset[str]:
    found = values.get(PACKAGES)
    return frozenset(found) if isinstance(found, dict) else frozenset()


def differences(before: Values, now: Values) -> tuple[Drift, ...]:
    """Of the facts that both know, in the order of the decisions."""
    return tuple(
        drift
        for name in DECISIONS
        if name in before and name in now and before[name] != now[name]
        for drift in _of_one(name, before[name], now[name])
    )


def _of_one(name: str, before: Value | None, now: Value | None) -> Iterator[Drift]:
    if not (isinstance(before, dict) and isinstance(now, dict)):
        yield _drift(name, "", shown(before), shown(now))
        return
    for item in sorted({*before, *now}):
        if before.get(item) != now.get(item):
            yield _drift(name, item, before.get(item), now.get(item))


def _drift(name: str, item: str, before: str | None, now: str | None) -> Drift:
    decision = DECISIONS[name]
    what = decision.what.format(item=item) if item else WHOLE.get(name, decision.what)
    return Drift(name, item, layer_of(decision.layer, item), what, before, now)


WHOLE = {
    "loader.libraries": "CUDA libraries of TensorFlow",
    "loader.cudnn_parts": "parts of cuDNN",
    "loader.driver_libraries": "libraries of the driver",
    PACKAGES: "packages",
    "target.variables": "variables",
}
"""A fact that is a mapping, where one side has none at all."""


def shown(value: Value | None) -> str | None:
    """The names alone, where a mapping stands against nothing."""
    if value is None or isinstance(value, str):
        return value
    return ", ".join(value)


def layer_of(layer: Layer, item: str) -> Layer:
    """A library's or a package's own, as far as its name says it."""
    if item.startswith(("libcudnn", "nvidia-cudnn")):
        return "cudnn"
    if item.startswith("nvidia-"):
        return "cuda"
    return "keras" if item.startswith(("keras", "tf-keras")) else layer


NAMES = {
    "keras.version": "keras",
    "tf_keras.version": "tf-keras",
    "numpy.version": "numpy",
    "protobuf.version": "protobuf",
}
"""Facts that are a package's version."""


def package_of(drift: Drift, tensorflow: str = "tensorflow") -> str:
    """The package whose version has drifted, TensorFlow's by the name given; empty where it is
    something else."""
    if drift.fact == "tensorflow.version":
        return tensorflow
    return drift.item if drift.fact == PACKAGES else NAMES.get(drift.fact, "")


def grouped(drifts: tuple[Drift, ...]) -> tuple[tuple[Drift, ...], ...]:
    """Each drift with those that merely follow from it behind it."""
    led = {drift: leader(drift, drifts) for drift in drifts}
    return tuple(
        (drift, *(other for other in drifts if other != drift and led[other] == drift))
        for drift in drifts
        if led[drift] == drift
    )


def leader(drift: Drift, drifts: tuple[Drift, ...]) -> Drift:
    """The drift that this one follows from, or itself. The packages follow TensorFlow: with
    another one pip installs others."""
    named = {other.fact: other for other in drifts if not other.item}
    follows = "tensorflow.version" if package_of(drift) else DECISIONS[drift.fact].follows
    found = _wheel(drift, drifts) or named.get(follows)
    return leader(found, drifts) if found and found != drift else drift


def _wheel(drift: Drift, drifts: tuple[Drift, ...]) -> Drift | None:
    """The wheel whose change changed this library."""
    if drift.fact != "loader.libraries":
        return None
    for other in drifts:
        named = re.fullmatch(r"nvidia-(.+?)(?:-cu\d+)?", other.item)
        component = named[1].replace("-", "_") if named else ""
        if component and f" in wheel {component}," in f"{drift.before} {drift.now}":
            return other
    return None
