"""Two folders on sys.path have a keras; the first one wins, wherever TensorFlow is."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import pins, refusals
from envcheck.matrix import Matrix
from envcheck.matrix.specs import admits
from envcheck.model import Facts, Fix, Match, Severity
from envcheck.places import lies_in
from envcheck.remedies import install, manual, remove_copy_steps
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    copies = {row.location: row for row in reversed(facts.value(F.KERAS_COPIES) or ())}
    found, tensorflow = facts.value(F.KERAS_IMPORT), facts.value(F.TF_IMPORT)
    if len(copies) < 2 or found is None:
        return
    origins = {row.path: row for row in facts.value(F.TARGET_PATH) or ()}
    ordered = [copies[path] for path in origins if path in copies]
    winner = next((row for row in ordered if lies_in(found.folder, row.location)), ordered[0])
    beside = [row for row in ordered if tensorflow and lies_in(tensorflow.folder, row.location)]
    keep = (beside or [row for row in ordered if origins[row.location].origin == "site"])[:1]
    keep = keep or [winner]
    others = tuple(row for row in ordered if row is not keep[0])
    refused = bool(refusals(facts, matrix, "keras")) and winner is not keep[0]
    differ = len({row.version for row in ordered}) > 1
    severity: Severity = "error" if refused else "warning" if differ else "info"
    steps = tuple(step for row in others for step in remove_copy_steps(facts, row, "keras"))
    pin = pins(facts).get("keras", "")
    version = keep[0].version
    fits = not pin or not version or admits(pin, version)
    more = () if fits else (install(facts, f"keras{pin}").steps[0],)
    entry = origins[winner.location]
    yield Match(
        subject="keras",
        severity=severity,
        params={
            "winner": f"{winner.name} {winner.version}",
            "folder": winner.location,
            "origin": f"{entry.origin} {entry.via}".strip(),
            "others": ", ".join(f"{row.version} in {row.location}" for row in others),
            "remove": ", ".join(row.location for row in others),
        },
        evidence=tuple(
            facts.evidence(F.KERAS_COPIES, f"{row.name} {row.version}", row.path) for row in ordered
        ),
        fixes=(
            Fix("one-keras-folder", "review", (*steps, *more)),
            manual("path-entry", _note(entry.origin), where=entry.via or entry.path),
        ),
    )


def _note(origin: str) -> str:
    return {
        "PYTHONPATH": "Or take {where} out of PYTHONPATH.",
        "user-site": "Or set PYTHONNOUSERSITE=1, which leaves {where} out.",
        "pth": "Or take the folder out of {where}.",
    }.get(origin, "Or start Python elsewhere: {where} is first on its path.")


SITE = "/home/user/coffee/venv/lib/python3.11/site-packages"
TWO = [
    {"name": "keras", "version": "3.15.1", "location": "/home/user/libs", "path": "/home/user/l"},
    {"name": "keras", "version": "2.15.0", "location": SITE, "path": SITE + "/keras.dist-info"},
]
PATH = [
    {"path": "/home/user/libs", "origin": "PYTHONPATH"},
    {"path": SITE, "origin": "site"},
]
IMPORT = {"kind": "package", "folder": "/home/user/libs/keras"}
RULE = Rule(
    code="KER102",
    slug="keras-in-two-folders",
    layer="keras",
    severity="error",
    title="Two folders have a keras, and {winner} of {folder} wins",
    why="That folder (from {origin}) comes first on sys.path. The copy to remove is the one in "
    "{remove}: TensorFlow's own environment keeps one. pip sees the first copy only.",
    needs=(F.KERAS_COPIES, F.KERAS_IMPORT, F.TARGET_PATH, F.TF_IMPORT),
    judge=judge,
    explains=("KER2", "KER3", "SMK1", "TFX304", "PYE302"),
    signs=("keras", "Keras"),
    cases=(
        fires(
            "linux-none-tf215-keras3",
            "keras",
            keras__copies=TWO,
            keras__import=IMPORT,
            target__path=PATH,
        ),
        silent("linux-none-tf215-duplicate-keras"),
        silent("linux-none-tf221"),
    ),
)
