"""A package of the user's folder or of PYTHONPATH wins over the environment's own."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match, Severity
from envcheck.remedies import manual, remove_copy_steps
from envcheck.requirements import unmet
from envcheck.rules import Rule, fires, silent

FRONT = ("user-site", "PYTHONPATH", "pth")
FOLDERS = {"protobuf": "google/protobuf"}


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    entries = {row.path: row for row in facts.value(F.TARGET_PATH) or ()}
    copies: dict[str, list[F.Distribution]] = {}
    for row in facts.value(F.TARGET_DISTRIBUTIONS) or ():
        copies.setdefault(row.name, []).append(row)
    refused = {item.name for item in unmet(facts)}
    for name, rows in copies.items():
        first = rows[0]
        entry = entries.get(first.location)
        others = [row for row in rows if row.location != first.location]
        if not others or entry is None or entry.origin not in FRONT or name.startswith("keras"):
            continue
        differ = any(row.version != first.version for row in others)
        # `pip install --user` over the system's packages is a habit, and mostly harmless.
        meant = entry.origin == "user-site" or not differ
        severity: Severity = "error" if name in refused else "info" if meant else "warning"
        package = FOLDERS.get(name, name.replace("-", "_"))
        yield Match(
            subject=name,
            severity=severity,
            params={
                "name": name,
                "first": f"{first.version} in {first.location}",
                "others": ", ".join(f"{row.version} in {row.location}" for row in others),
                "origin": entry.origin,
            },
            evidence=tuple(
                facts.evidence(F.TARGET_DISTRIBUTIONS, f"{name} {row.version}", row.path)
                for row in rows
            ),
            fixes=(
                Fix("remove-copy", "review", remove_copy_steps(facts, first, package)),
                manual("no-user-site", "Or set PYTHONNOUSERSITE=1 / clear PYTHONPATH."),
            ),
        )


RULE = Rule(
    code="PYE302",
    slug="copy-in-front-of-the-environment",
    layer="python",
    severity="error",
    title="{name} {first} wins over {others}",
    why="Its folder (from {origin}) comes before the environment's own on sys.path. `pip list` "
    "and `pip install` of the environment do not change it.",
    needs=(F.TARGET_DISTRIBUTIONS, F.TARGET_PATH, F.TARGET_INSTALLED, F.TARGET_PYTHON),
    judge=judge,
    explains=("TFX30", "SMK1"),
    signs=("numpy", "protobuf", "ml_dtypes", "h5py", "typing_extensions"),
    cases=(
        fires(
            "linux-none-tf221",
            "numpy",
            target__path=[
                {"path": "/home/user/.local/lib", "origin": "user-site"},
                {"path": "/v", "origin": "site"},
            ],
            target__distributions=[
                {
                    "name": "numpy",
                    "version": "1.24.0",
                    "location": "/home/user/.local/lib",
                    "path": "/home/user/.local/lib/numpy-1.24.0.dist-info",
                },
                {"name": "numpy", "version": "2.2.0", "location": "/v", "path": "/v/n"},
            ],
        ),
        silent("linux-none-tf221"),
    ),
)
