"""TensorFlow's folder is there, but not all of it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.places import is_users_folder
from envcheck.remedies import install, reinstall_step, uninstall_step
from envcheck.rules import Rule, fires, silent

LEFTOVER = (
    "{folder} is a leftover folder without __init__.py: Python imports it as an empty package, so "
    "every name of TensorFlow is missing from it."
)


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    found = facts.value(F.TF_IMPORT)
    incomplete = facts.value(F.TF_MISSING) or ()
    if found is None or is_users_folder(facts, F.TF_IMPORT):
        return
    if found.kind == "namespace":
        yield Match(
            subject="tensorflow",
            params={"count": "some", "folder": found.folder, "example": "__init__.py"},
            why=LEFTOVER,
            evidence=(facts.evidence(F.TF_IMPORT, "a folder without __init__.py", found.folder),),
            fixes=(_fix(facts, incomplete),),
        )
        return
    for row in incomplete:
        example = row.missing_examples[0] if row.missing_examples else ""
        yield Match(
            subject=row.name,
            params={
                "count": f"{row.missing} of {row.files}",
                "folder": row.location,
                "example": example,
            },
            evidence=(facts.evidence(F.TF_MISSING, ", ".join(row.missing_examples[:3]), row.path),),
            fixes=(_fix(facts, (row,)),),
        )


def _fix(facts: Facts, rows: tuple[F.Distribution, ...]) -> Fix:
    """Files are laid over what is there; dependencies stay as they are."""
    if rows:
        wanted = [f"{row.name}=={row.version}" if row.version else row.name for row in rows]
        return Fix("reinstall", "safe", (reinstall_step(facts, *wanted),))
    package = facts.value(F.TF_PACKAGE)
    if package is None:
        return install(facts, "tensorflow")
    return Fix(
        "reinstall",
        "safe",
        (
            uninstall_step(facts, package),
            (*install(facts, f"{package}=={facts.value(F.TF_VERSION)}").steps[0],),
        ),
    )


RULE = Rule(
    code="TFX102",
    slug="tensorflow-half-removed",
    layer="tensorflow",
    severity="error",
    title="TensorFlow is half removed: {count} files missing",
    why="pip's record names files that are not on the disk, such as {example}. Two TensorFlow "
    "packages share one folder: uninstalling one of them takes files of the other.",
    needs=(F.TF_IMPORT, F.TF_MISSING),
    judge=judge,
    explains=("TFX103", "SMK"),
    cases=(
        fires(
            "linux-none-tf221",
            "tensorflow-cpu",
            tensorflow__missing_files=[
                {
                    "name": "tensorflow-cpu",
                    "version": "2.21.0",
                    "location": "/v",
                    "path": "/v/tensorflow_cpu-2.21.0.dist-info",
                    "files": 2042,
                    "missing": 3,
                    "missing_examples": ["tensorflow/__init__.py"],
                }
            ],
        ),
        fires(
            "linux-none-tf221",
            "tensorflow",
            tensorflow__import={"kind": "namespace", "folder": "/v/tensorflow"},
        ),
        silent("linux-none-tf221"),
        silent("linux-none-tf221", tensorflow__import=None),
    ),
)
