"""A file of the user is named like a package that TensorFlow imports."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual
from envcheck.requirements import IMPORT_NAMES, asked, normalise
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    shadows = facts.value(F.PACKAGE_SHADOWS) or ()
    if not shadows:
        return
    askers = {normalise(item.name): row.name for row, item in reversed(list(asked(facts)))}
    owned = {row.location for row in facts.value(F.TARGET_DISTRIBUTIONS) or ()}
    for shadow in shadows:
        folder, _, name = shadow.file.replace("\\", "/").rpartition("/")
        asker = askers.get(IMPORT_NAMES.get(shadow.module, shadow.module).replace("_", "-"))
        # A folder with packages installed into it is no folder of scripts.
        if asker is None or folder in owned:
            continue
        yield Match(
            subject=shadow.module,
            confidence="likely",
            params={"module": shadow.module, "file": shadow.file, "asker": asker},
            evidence=(facts.evidence(F.PACKAGE_SHADOWS, f"import {shadow.module}", shadow.file),),
            fixes=(
                manual(
                    "rename",
                    "Rename it, and change the imports of your own that mean it.",
                    ("mv", shadow.file, f"{folder}/my_{name}"),
                ),
            ),
        )


RULE = Rule(
    code="IMP103",
    slug="neighbour-shadowed",
    layer="imports",
    severity="error",
    title="{file} takes the place of the package `{module}`, which {asker} imports",
    why="Your program's folder comes first on sys.path: {asker} asks for `{module}` and gets this "
    "file.",
    needs=(F.PACKAGE_SHADOWS, F.TARGET_DISTRIBUTIONS, F.SYSTEM_OS, F.TARGET_PYTHON),
    judge=judge,
    explains=("SMK1",),
    cases=(
        fires(
            "linux-none-tf221",
            "wrapt",
            imports__package_shadows=[{"module": "wrapt", "file": "/home/user/coffee/wrapt.py"}],
        ),
        silent(
            "linux-none-tf221",
            imports__package_shadows=[{"module": "gast", "file": "/home/user/coffee/gast.py"}],
            target__distributions=[],
        ),
        silent("linux-none-tf221"),
    ),
)
