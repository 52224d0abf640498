"""A notebook kernel or an editor starts another interpreter than the one looked at."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.places import prefix_of, same_folder
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent

GONE = "{file} names it, and it is not there any more: {what} cannot start."


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    prefix = facts.value(F.TARGET_PREFIX) or ""
    minor = ".".join((facts.value(F.TARGET_PYTHON) or "").split(".")[:2])
    rows = [row for row in facts.value(F.POINTERS) or () if row.kind != "script"]
    kernels = [row for row in rows if row.kind == "kernel"]
    right = any(same_folder(prefix_of(row.python), prefix) for row in kernels)
    # Kernels of other environments are no harm where the target has one or nobody needs any.
    harmless = right or not facts.value(F.NOTEBOOKS)
    for row in rows:
        fits = row.version == minor if row.version else same_folder(prefix_of(row.python), prefix)
        foreign = row.kind == "kernel" and not row.file.startswith(prefix + "/")
        if fits or (foreign and harmless):
            continue
        what = f"the Jupyter kernel `{row.name}`" if row.kind == "kernel" else row.name
        what = f"PyCharm ({row.name})" if row.kind == "pycharm" else what
        yield Match(
            subject=f"{row.kind}:{row.name}",
            confidence="possible" if row.kind == "pycharm" else "certain",
            params={"what": what, "file": row.file, "python": row.python or row.name},
            why=None if row.exists else GONE,
            evidence=(facts.evidence(F.POINTERS, row.python or row.name, row.file),),
            fixes=(_fix(facts, row),),
        )


def _fix(facts: Facts, row: F.Pointer) -> Fix:
    python = facts.value(F.TARGET_EXECUTABLE) or ""
    if row.kind == "kernel":
        note = "Make the target a kernel, and choose it (needs ipykernel there)."
        return manual(
            "kernel", note, (python, "-m", "ipykernel", "install", "--user", "--name", row.name)
        )
    note = "Choose {python} as the project's interpreter in {what}."
    return manual("choose-interpreter", note, python=python, what=row.name)


RULE = Rule(
    code="PYE202",
    slug="pointer-to-another-interpreter",
    layer="python",
    severity="warning",
    title="{what} runs {python}, not the environment that is looked at",
    why="So says {file}. What is mended here does not reach the code that runs there.",
    needs=(F.POINTERS, F.NOTEBOOKS, F.TARGET_PREFIX, F.TARGET_PYTHON),
    judge=judge,
    cases=(
        fires(
            "linux-none-tf221",
            "vscode:VS Code",
            interpreters__pointers=[
                {
                    "kind": "vscode",
                    "name": "VS Code",
                    "file": "/home/user/coffee/.vscode/settings.json",
                    "python": "/usr/bin/python3",
                }
            ],
        ),
        silent("linux-none-tf221"),
    ),
)
