"""The header and the library of one cuDNN, or two libraries in one folder, differ in version."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.library_path import winner
from envcheck.matrix import Matrix
from envcheck.model import Facts, Match
from envcheck.places import innermost
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    used = winner(facts, "cudnn")
    copies = facts.value(F.CUDNN_COPIES) or ()
    in_use = innermost(used.path, (copy.path for copy in copies)) if used else None
    for copy in copies:
        versions = [version for version in copy.libraries if version.count(".") > 1]
        packaged = copy.package.partition(" ")[2]
        if copy.via == "wheel" and packaged and "," not in copy.package:
            versions.append(packaged)
        odd = [v for v in versions if copy.header and not _same(v, copy.header)]
        if not odd:
            continue
        # Programs load the library; the header is for those that are compiled here.
        yield Match(
            subject=copy.path,
            severity="warning" if copy.path == in_use else "info",
            params={
                "path": copy.path,
                "header": copy.header or "",
                "library": " and ".join(versions),
            },
            evidence=(
                facts.evidence(F.CUDNN_COPIES, f"header {copy.header}", copy.header_file),
                facts.evidence(
                    F.CUDNN_COPIES, f"library {', '.join(versions)}", copy.package or copy.path
                ),
            ),
            fixes=(
                manual(
                    "one-cudnn",
                    "Install one cuDNN there again, header and libraries together, and remove "
                    "the files of the other (libcudnn*, cudnn*.h).",
                ),
            ),
        )


def _same(library: str, header: str) -> bool:
    """A wheel has a build number behind: 9.3.0.75 is of header 9.3.0."""
    return f"{library}.".startswith(f"{header}.")


def _copy(**more: object) -> list[dict[str, object]]:
    return [{"path": "/usr/local/cuda-11.6", "via": "toolkit", "header_file": "/h", **more}]


RULE = Rule(
    code="DNN102",
    slug="header-of-another-cudnn",
    layer="cudnn",
    severity="warning",
    title="cuDNN in {path} is a mixture: its header says {header}, its library {library}",
    why="One was copied over another. cuDNN is several libraries that must be of one version, and "
    "what is compiled against the header expects that version.",
    needs=(F.CUDNN_COPIES, F.LIBRARIES),
    judge=judge,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "/usr/local/cuda-11.6",
            cudnn__copies=_copy(libraries=["8.4.0"], header="8.9.7"),
        ),
        silent("linux-rtx3080-tf29-cuda116", cudnn__copies=_copy(libraries=["8"], header="8.9.7")),
        silent("linux-rtx3080-tf29-cuda116"),
        silent("linux-rtx4090-tf220-wheels"),
    ),
)
