"""`import tensorflow` or `import keras` would load a file of the user instead of the package."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.places import is_users_folder
from envcheck.remedies import manual, rename_step
from envcheck.rules import Rule, fires, silent

USERS = ("cwd", "PYTHONPATH")


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    folders = {
        entry.path: entry.origin
        for entry in facts.value(F.TARGET_PATH) or ()
        if entry.origin in USERS
    }
    owned = {row.location for row in facts.value(F.TARGET_DISTRIBUTIONS) or ()}
    for key, module in ((F.TF_IMPORT, "tensorflow"), (F.KERAS_IMPORT, "keras")):
        found = facts.value(key)
        if found is None or is_users_folder(facts, key):
            continue
        path = found.folder if found.kind in ("package", "namespace") else found.file
        folder, _, name = path.replace("\\", "/").rpartition("/")
        if folder not in folders or folder in owned:
            continue
        yield Match(
            subject=module,
            params={"module": module, "path": path, "origin": folders[folder]},
            evidence=(facts.evidence(key, f"import {module}", path),),
            fixes=(
                manual(
                    "rename",
                    "Rename it; a folder __pycache__ beside it may keep the old name: remove it.",
                    rename_step(facts, path, f"{folder}/my_{name}"),
                ),
            ),
        )


RULE = Rule(
    code="IMP102",
    slug="package-shadowed",
    layer="imports",
    severity="error",
    title="{path} takes the place of the package `{module}`",
    why="It stands first on sys.path (from {origin}), so `import {module}` loads it and never "
    "reaches the installed package.",
    needs=(F.TF_IMPORT, F.KERAS_IMPORT, F.TARGET_PATH, F.TARGET_DISTRIBUTIONS),
    judge=judge,
    explains=("TFX", "KER", "SMK"),
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow",
            target__path=[{"path": "/home/user/coffee", "origin": "cwd"}],
            tensorflow__import={"kind": "module", "file": "/home/user/coffee/tensorflow.py"},
        ),
        fires(
            "linux-none-tf221",
            "keras",
            target__path=[{"path": "/home/user/coffee", "origin": "cwd"}],
            keras__import={"kind": "package", "folder": "/home/user/coffee/keras"},
        ),
        silent("linux-none-tf221"),
        silent(
            "linux-none-tf221",
            target__path=[{"path": "/home/user/coffee", "origin": "cwd"}],
            keras__import={"kind": "namespace", "folder": "/home/user/coffee/keras"},
        ),
    ),
)
