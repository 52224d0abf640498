"""Facts and findings -> Report: the stack, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from envcheck import __version__
from envcheck import facts as F
from envcheck.engine import Outcome, run_rules
from envcheck.library_path import winner
from envcheck.model import (
    GPU_LAYERS,
    LAYERS,
    Expect,
    Facts,
    Key,
    Layer,
    LayerStatus,
    Report,
    StackLayer,
)
from envcheck.places import innermost

if TYPE_CHECKING:
    from envcheck.cli import Knowledge
    from envcheck.matrix import Matrix

SHOWN = 3
"""Toolkits and copies in a line; the facts have them all."""

SUBJECTS: Mapping[Layer, Key[object]] = {
    "driver": F.DRIVER_RELEASE,
    "gpu": F.GPU_DEVICES,
    "cuda": F.LIBRARIES,
    "cudnn": F.LIBRARIES,
    "python": F.TARGET_PYTHON,
    "tensorflow": F.TF_IMPORT,
    "keras": F.KERAS_VERSION,
    "imports": F.SHADOWS,
    "smoke": F.SMOKE,
}
"""The fact that a layer stands for: its state is the layer's where no finding speaks."""


def build(
    facts: Facts,
    outcome: Outcome,
    matrix: Matrix,
    expect: Expect,
    timings: Mapping[str, float] | None = None,
) -> Report:
    return Report(
        envcheck_version=__version__,
        matrix_version=matrix.version,
        matrix_overlay=str(matrix.overlay) if matrix.overlay else None,
        expect=expect,
        facts=facts,
        stack=tuple(_layer(layer, facts, outcome, expect) for layer in LAYERS),
        findings=outcome.findings,
        not_evaluated=outcome.not_evaluated,
        checked=outcome.checked,
        timings=dict(timings or {}),
        rules=outcome.rules,
        ignored=outcome.ignored,
    )


def judged(
    facts: Facts, knowledge: Knowledge, expect: Expect, timings: Mapping[str, float] | None = None
) -> Report:
    """What all rules say of these facts."""
    outcome = run_rules(knowledge.rules, facts, knowledge.matrix, expect)
    return build(facts, outcome, knowledge.matrix, expect, timings)


def _layer(layer: Layer, facts: Facts, outcome: Outcome, expect: Expect) -> StackLayer:
    version, where = DESCRIBE[layer](facts)
    status, note = _status(layer, facts, outcome, expect)
    if layer == "imports" and status == "ok":
        version = ", ".join(part for part in ("no file in the way", version) if part)
    return StackLayer(layer, status, version, where, note)


def _status(
    layer: Layer, facts: Facts, outcome: Outcome, expect: Expect
) -> tuple[LayerStatus, str]:
    if expect == "cpu" and layer in GPU_LAYERS:
        return "not-applicable", "no GPU is expected"
    severities = [finding.severity for finding in outcome.findings if finding.layer == layer]
    fact = facts.fact(SUBJECTS[layer])
    for severity in ("error", "warning"):
        if severity in severities:
            return severity, "not found" if fact.state == "absent" else ""
    if fact.state == "unknown":
        return "unknown", fact.reason
    if layer in ("cuda", "cudnn") and _opened(facts, layer) and not _library(facts, layer):
        return "error", "not found"
    for skipped in outcome.not_evaluated:
        if skipped.layer == layer:
            return "unknown", skipped.reason
    if fact.state == "not-applicable":
        return ("skipped" if layer == "smoke" else "not-applicable"), fact.reason
    if fact.state == "absent":
        return "skipped", "not found"
    return "ok", ""


def _driver(facts: Facts) -> tuple[str, str]:
    release, cuda = facts.value(F.DRIVER_RELEASE), facts.value(F.DRIVER_CUDA)
    if release is None:
        module, library = facts.value(F.DRIVER_KERNEL_MODULE), facts.value(F.DRIVER_LIBRARY)
        parts = (("kernel module", module), ("library", library))
        return ", ".join(f"{name} {number}" for name, number in parts if number), ""
    supports = f", supports CUDA up to {cuda}" if cuda else ""
    return f"{release}{supports}", facts.fact(F.DRIVER_RELEASE).source


def _gpu(facts: Facts) -> tuple[str, str]:
    devices = facts.value(F.GPU_DEVICES) or ()
    names: dict[str, int] = {}
    for device in devices:
        capability = f" ({device.compute_capability})" if device.compute_capability else ""
        title = device.title + capability
        names[title] = names.get(title, 0) + 1
    text = ", ".join(f"{count} x {name}" if count > 1 else name for name, count in names.items())
    return text, facts.fact(F.GPU_DEVICES).source if devices else ""


LIBRARY = {"cuda": "cudart", "cudnn": "cudnn"}
"""The library that stands for a layer."""


def _opened(facts: Facts, layer: Layer) -> bool:
    """Whether TensorFlow opens the layer's library."""
    return any(row.name == LIBRARY[layer] for row in facts.value(F.LIBRARIES) or ())


def _library(facts: Facts, layer: Layer) -> F.Place | None:
    """The file of it that TensorFlow gets."""
    return winner(facts, LIBRARY[layer])


def _cuda(facts: Facts) -> tuple[str, str]:
    """The runtime that TensorFlow will load, and the toolkits that are there beside it."""
    kits = [(str(kit.version), kit.path) for kit in facts.value(F.CUDA_TOOLKITS) or ()]
    return _library_layer(facts, "cuda", facts.value(F.TF_CUDA), kits)


def _cudnn(facts: Facts) -> tuple[str, str]:
    """The cuDNN that TensorFlow will load, and the copies that are there beside it."""
    copies = [(copy.version or "cuDNN", copy.path) for copy in facts.value(F.CUDNN_COPIES) or ()]
    return _library_layer(facts, "cudnn", facts.value(F.TF_CUDNN), copies)


def _library_layer(
    facts: Facts, layer: Layer, built: object, copies: Sequence[tuple[str, str]]
) -> tuple[str, str]:
    if facts.value(F.TF_CUDA_BUILD) is False:
        return "", ""
    place = _library(facts, layer)
    owner = innermost(place.path, (path for _, path in copies)) if place else None
    beside = [f"{version} in {path}" for version, path in copies if path != owner]
    parts = [place.version or "found"] if place else []
    parts += [] if place or not _opened(facts, layer) else ["none that TensorFlow finds"]
    parts += [f"TensorFlow was built with {built}"] if built else []
    if beside:
        word, more = "also here" if place else "here", " …" if len(beside) > SHOWN else ""
        parts.append(f"{word}: {', '.join(beside[:SHOWN])}{more}")
    return ", ".join(parts), place.path if place else ""


def _python(facts: Facts) -> tuple[str, str]:
    kind = facts.value(F.TARGET_KIND)
    version = facts.value(F.TARGET_PYTHON) or ""
    return (f"{version} ({kind})" if kind else version), facts.value(F.TARGET_EXECUTABLE) or ""


def _tensorflow(facts: Facts) -> tuple[str, str]:
    version, cuda_build = facts.value(F.TF_VERSION), facts.value(F.TF_CUDA_BUILD)
    found = facts.value(F.TF_IMPORT)
    where = found.folder or found.file if found else ""
    if version is None or (found and found.kind == "module"):
        return "", where  # a file of that name is no TensorFlow of that version
    build = {True: "CUDA build", False: "CPU build", None: ""}[cuda_build]
    detail = ", ".join(part for part in (facts.value(F.TF_PACKAGE), build) if part)
    return f"{version} ({detail})", where


def _keras(facts: Facts) -> tuple[str, str]:
    found = facts.value(F.KERAS_IMPORT)
    return facts.value(F.KERAS_VERSION) or "", found.folder if found else ""


def _imports(facts: Facts) -> tuple[str, str]:
    if facts.value(F.SHADOWS) is None:
        return "", ""
    code, where = facts.value(F.CODE), facts.value(F.TARGET_CWD) or ""
    if code is None:
        return "", where
    files = "1 file" if code.files == 1 else f"{code.files} files"
    end = " of more, then the time was over" if code.stopped else ""
    return f"{files} of code read{end}", where


def _smoke(facts: Facts) -> tuple[str, str]:
    result = facts.value(F.SMOKE)
    if result is None:
        return "", ""
    broken = result.failed()
    names = ", ".join(f"{rung.name} ({rung.library})" for rung in broken if rung.library)
    if not (result.ok or result.learned):
        return f"failed in the step {names or result.rung}", ""
    decisions = list(result.decisions)
    seconds = f" in {result.training_seconds:.1f} s" if result.training_seconds else ""
    right = f", {result.correct} of {result.total} beans right" if result.total else ""
    but = f"; broken: {names}" if names else ""
    epochs = " for one epoch" if len(result.losses) == 1 else ""
    return f"trained{epochs}{seconds}, decisions {decisions}{right}{but}", f"on {result.place}"


DESCRIBE: Mapping[Layer, Callable[[Facts], tuple[str, str]]] = {
    "driver": _driver,
    "gpu": _gpu,
    "cuda": _cuda,
    "cudnn": _cudnn,
    "python": _python,
    "tensorflow": _tensorflow,
    "keras": _keras,
    "imports": _imports,
    "smoke": _smoke,
}


def roots(report: Report) -> Sequence[tuple[int, ...]]:
    """Indices of the findings as a two-level tree: (root, child, child, …)."""
    index = {finding.key: number for number, finding in enumerate(report.findings)}
    tree: dict[int, list[int]] = {}
    for number, finding in enumerate(report.findings):
        if finding.caused_by is None or finding.caused_by not in index:
            tree.setdefault(number, [])
    for number, finding in enumerate(report.findings):
        if number not in tree and finding.caused_by is not None:
            tree[index[finding.caused_by]].append(number)
    return [(root, *children) for root, children in tree.items()]
