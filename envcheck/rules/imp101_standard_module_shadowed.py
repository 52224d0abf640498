"""A file of the user is named like a standard module that TensorFlow imports."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.importers import IMPORTERS
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.remedies import manual, rename_step
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    for shadow in facts.value(F.SHADOWS) or ():
        if shadow.module not in IMPORTERS:
            continue  # nothing of TensorFlow asks for it: it is not hit
        suffix = ".py" if shadow.file.endswith(".py") else ""
        renamed = f"my_{shadow.module}{suffix}"
        folder = shadow.file[: -len(shadow.file.replace("\\", "/").rsplit("/", 1)[-1])]
        yield Match(
            subject=shadow.module,
            params={
                "module": shadow.module,
                "file": shadow.file,
                "importer": IMPORTERS[shadow.module] or "Python's own library",
            },
            confidence="likely",
            evidence=(facts.evidence(F.SHADOWS, f"import {shadow.module}", shadow.file),),
            fixes=(
                manual(
                    "rename",
                    "Rename it, and change the imports of your own that mean it.",
                    rename_step(facts, shadow.file, folder + renamed),
                ),
            ),
        )


RULE = Rule(
    code="IMP101",
    slug="standard-module-shadowed",
    layer="imports",
    severity="error",
    title="{file} takes the place of Python's own module `{module}`",
    why="Your program's folder comes first on sys.path. TensorFlow's import needs `{module}` "
    "({importer} asks for it) and gets this file.",
    needs=(F.SHADOWS,),
    judge=judge,
    explains=("SMK1",),
    cases=(
        fires(
            "linux-none-tf221",
            "random",
            imports__shadows=[{"module": "random", "file": "/home/user/coffee/random.py"}],
        ),
        silent("linux-none-tf221"),
        silent(
            "linux-none-tf221",
            imports__shadows=[{"module": "sqlite3", "file": "/home/user/coffee/sqlite3.py"}],
        ),
    ),
)
