"""The stack as a picture: what each layer provides to the one above, and where that breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envcheck import facts as F
from envcheck.model import Facts, StackLayer
from envcheck.render.html.tags import Markup, tag
from envcheck.render.sheet import Sheet
from envcheck.render.terminal import NAMES, UNICODE_MARKS
from envcheck.render.view import FindingView, clean

TITLES = {**NAMES, "driver": "Driver", "imports": "Your imports", "smoke": "Coffee network"}
PROVIDERS = {
    "imports": ("keras",),
    "smoke": ("keras",),
    "keras": ("tensorflow",),
    "tensorflow": ("python", "cuda", "cudnn"),
    "python": ("system",),
    "cuda": ("driver",),
    "driver": ("gpu",),
}
"""Who provides to whom, from the top down."""
ORDER = (
    "smoke",
    "imports",
    "keras",
    "tensorflow",
    "cudnn",
    "cuda",
    "driver",
    "gpu",
    "python",
    "system",
)
"""As they are read one below the other, on a narrow screen."""


@dataclass(frozen=True, slots=True)
class Break:
    """What a layer's findings mean for it: ``causes`` begin here, ``follows`` come from below."""

    causes: tuple[FindingView, ...] = ()
    follows: tuple[tuple[FindingView, FindingView], ...] = ()
    """(what it follows from, the finding)"""


def picture(sheet: Sheet) -> Markup:
    layers: dict[str, StackLayer] = {layer.layer: layer for layer in sheet.view.layers}
    names = [name for name in ORDER if name in layers or (name == "system" and _system(sheet))]
    breaks = {name: _breaks(sheet, name) for name in names}
    return tag(
        "div",
        [
            part
            for name in names
            for part in (
                *_edges(sheet, name, names, layers.get(name), breaks[name]),
                _node(sheet, name, layers.get(name), breaks[name]),
            )
        ],
        cls="stack",
    )


def _breaks(sheet: Sheet, layer: str) -> Break:
    roots = sheet.view.findings
    return Break(
        tuple(item for item in roots if item.layer == layer and item.severity != "info"),
        tuple((root, child) for root in roots for child in root.children if child.layer == layer),
    )


def _node(sheet: Sheet, name: str, layer: StackLayer | None, broken: Break) -> Markup:
    if layer is None:
        return tag(
            "div",
            tag("div", tag("span", "System", cls="name"), cls="top"),
            tag("div", _system(sheet), cls="version"),
            cls="node plain n-system",
        )
    texts = [text for text in (layer.version, layer.note) if text]
    if layer.version and layer.status != "unknown":
        texts = [layer.version]
    return tag(
        "div",
        tag(
            "div",
            tag("span", UNICODE_MARKS[layer.status], cls="mark", aria_hidden="true"),
            tag("span", TITLES[name], cls="name"),
            tag("span", layer.status.replace("-", " "), cls="hidden"),
            cls="top",
        ),
        tag("div", "; ".join(texts), cls="version") if texts else "",
        tag("div", layer.where, cls="where") if layer.where else "",
        list(_badges(broken)),
        cls=f"node {layer.status} n-{name}" + (" breaks" if broken.causes else ""),
    )


def _badges(broken: Break) -> Iterator[Markup]:
    for code in dict.fromkeys(finding.code for finding in broken.causes):
        yield tag("a", f"breaks here: {code}", href=f"#{code}", cls="badge")
    for root, code in {
        child.code: (root.code, child.code) for root, child in broken.follows
    }.values():
        yield tag("a", f"follows: {code}", href=f"#{root}-{code}", cls="badge soft")


def _edges(
    sheet: Sheet, provider: str, names: Iterable[str], layer: StackLayer | None, broken: Break
) -> Iterator[Markup]:
    """From a provider up to each of its users."""
    users = [user for user in names if provider in PROVIDERS.get(user, ())]
    if not users:
        return
    state = _state(layer, broken)
    label = clean(_provides(sheet.report.facts, provider, state))
    for user in users:
        # Said where the user is not drawn right above.
        to = tag("span", f"to {TITLES[user]}: " if label else f"to {TITLES[user]}", cls="to")
        text = tag("span", to, label)
        yield tag("div", text, cls=f"edge {state} e-{provider} to-{user}")


def _state(layer: StackLayer | None, broken: Break) -> str:
    if layer is None:
        return "ok"
    if layer.status in ("skipped", "not-applicable"):
        return "unused"
    if layer.status == "error":
        return "broken" if broken.causes else "hit"
    return layer.status


def _provides(facts: Facts, provider: str, state: str) -> str:
    """What stands beside the arrow."""
    if state == "unused":
        return "not used"
    if state == "unknown":
        return "could not be looked at"
    if provider in ("cuda", "cudnn"):
        return _libraries(facts, provider)
    cuda = facts.value(F.DRIVER_CUDA)
    devices = facts.value(F.GPU_DEVICES) or ()
    capabilities = sorted({str(item.compute_capability) for item in devices})
    texts = {
        "gpu": "compute capability " + ", ".join(capabilities) if capabilities else "",
        "driver": f"runs CUDA up to {cuda}" if cuda else "",
        "python": f"Python {facts.value(F.TARGET_PYTHON) or ''}",
        "system": f"glibc {facts.value(F.TARGET_GLIBC) or ''}",
        "tensorflow": f"TensorFlow {facts.value(F.TF_VERSION) or ''}",
        "keras": f"Keras {facts.value(F.KERAS_VERSION) or ''}",
    }
    text = texts[provider].rstrip()
    return "" if text == "glibc" else text


def _libraries(facts: Facts, provider: str) -> str:
    libraries = facts.value(F.LIBRARIES) or ()
    wanted = [row for row in libraries if row.name.startswith("cudnn") == (provider == "cudnn")]
    found = [row for row in wanted if row.found]
    if len(wanted) == 1:
        return wanted[0].soname if found else f"{wanted[0].soname} not found"
    return f"{len(found)} of {len(wanted)} libraries found" if wanted else ""


def _system(sheet: Sheet) -> str:
    facts = sheet.report.facts
    keys = (F.SYSTEM_DISTRIBUTION, F.SYSTEM_OS, F.SYSTEM_ARCH, F.SYSTEM_CONTAINER)
    return clean(", ".join(value for key in keys if (value := facts.value(key))))
