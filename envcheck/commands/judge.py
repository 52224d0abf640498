"""`envcheck judge`: do these versions go together?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envcheck.commands import layout
from envcheck.commands.matrix import load

if TYPE_CHECKING:
    from envcheck.judge import Judgement, Stack
    from envcheck.matrix import Matrix

_PACKAGES = (
    "tensorflow",
    "tensorflow-gpu",
    "tensorflow-cpu",
    "tensorflow-intel",
    "tensorflow-macos",
)
_EXIT = {"tested": 0, "compatible": 0, "unverified": 3, "unsupported": 1, "broken": 1}
_MEANING = {
    "tested": "a row of the official table, or the exact pins of that release",
    "compatible": "not tested, but a stated rule covers it",
    "unverified": "no row and no rule speaks",
    "unsupported": "no such build, or outside a stated requirement",
    "broken": "it fails, or a required file or version is missing",
}


if TYPE_CHECKING:
    _TextType = click.ParamType[str]
else:
    _TextType = click.ParamType  # not generic before click 8.2


class _Version(_TextType):
    """Text that a given type of version can read."""

    name = "version"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from packaging.version import Version

        from envcheck import versions

        parse: Callable[[str], object] = (
            Version if self.kind == "Version" else (getattr(versions, self.kind).parse)
        )
        try:
            parse(str(value))
        except ValueError:
            self.fail(f"{value!r} is no {_WORDS[self.kind]}.", param, ctx)
        return str(value)


_WORDS = {
    "Version": "version number",
    "CudaRelease": "CUDA release such as 11.6.0",
    "CudnnRelease": "cuDNN release such as 8.4.0",
    "DriverRelease": "driver release such as 535.104.05",
    "ComputeCapability": "compute capability such as 8.6",
}


@click.command()
@click.option("--tensorflow", metavar="VERSION", help="2.9.1, or 2.16.1[and-cuda].")
@click.option(
    "--package",
    type=click.Choice(_PACKAGES),
    metavar="NAME",
    help="tensorflow (default), or tensorflow-gpu, -cpu, -intel, -macos.",
)
@click.option("--cuda", type=_Version("CudaRelease"), help="The toolkit, or the libraries in use.")
@click.option("--cudnn", type=_Version("CudnnRelease"))
@click.option("--driver", type=_Version("DriverRelease"), help="On WSL2 the Windows one.")
@click.option("--gpu", metavar="NAME", help='"RTX 3080", "A100-SXM4-80GB", 4090 ...')
@click.option("--compute-capability", type=_Version("ComputeCapability"), help="8.6, 12.0 ...")
@click.option("--python", type=_Version("Version"))
@click.option("--keras", type=_Version("Version"))
@click.option("--tf-keras", type=_Version("Version"))
@click.option("--numpy", type=_Version("Version"))
@click.option("--protobuf", type=_Version("Version"))
@click.option(
    "--os",
    type=click.Choice(("linux", "windows", "wsl2", "macos")),
    help="Linux on x86_64 is meant where nothing is said.",
)
@click.option("--arch", metavar="NAME", help="x86_64, aarch64, arm64.")
@click.option("--glibc", type=_Version("Version"))
@click.option(
    "--cuda-from",
    type=click.Choice(("wheels", "system", "conda")),
    help="wheels: pip's nvidia-* packages, as tensorflow[and-cuda] installs them.",
)
@click.option(
    "--ld-library-path/--no-ld-library-path",
    default=None,
    help="Whether LD_LIBRARY_PATH leads to those libraries.",
)
@click.option("--file", "path", type=click.Path(path_type=Path), help="Another matrix.")
@click.option(
    "--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True
)
def judge(path: Path | None, format_: str, **given: Any) -> int:
    """Say whether these versions go together, and by which rule.

    Only what is given is judged. Exit codes: 0 tested or compatible,
    1 unsupported or broken, 3 unverified.

    \b
    envcheck judge --tensorflow 2.9.1 --package tensorflow-gpu \\
        --cuda 11.6.0 --cudnn 8.4.0 --driver 510.39.01 --gpu "RTX 3080"
    envcheck judge --tensorflow 2.4.4 --cuda 11.2
    """
    from envcheck.judge import judge as judge_stack

    stack = _stack(given)
    known = load(path)
    result = judge_stack(stack, known)
    click.echo(
        _as_json(known, stack, result) if format_ == "json" else _as_text(known, stack, result)
    )
    return _EXIT[result.verdict]


def _stack(given: dict[str, Any]) -> Stack:
    """Takes `tensorflow-gpu==2.9.1` and `2.16.1[and-cuda]` apart. Raises UsageError."""
    from packaging.version import InvalidVersion, Version

    from envcheck.judge import Stack

    text = given["tensorflow"]
    if text is not None:
        found = re.match(
            r"(?:(?P<package>[a-z-]+)(?P<e1>\[and-cuda\])?==)?(?P<version>[^\[]+)"
            r"(?P<e2>\[and-cuda\])?$",
            text.strip(),
        )
        try:
            Version(found["version"] if found else text)
        except InvalidVersion as error:
            raise click.UsageError(f"--tensorflow: {text!r} is no version number.") from error
        assert found is not None
        given["tensorflow"] = found["version"]
        if found["package"] and given["package"] is None:
            if found["package"] not in _PACKAGES:
                raise click.UsageError(f"--tensorflow: no package {found['package']!r}.")
            given["package"] = found["package"]
        if (found["e1"] or found["e2"]) and given["cuda_from"] is None:
            given["cuda_from"] = "wheels"
    if all(value is None for value in given.values()):
        raise click.UsageError("Nothing to judge: give at least --tensorflow and one more.")
    return Stack(**given)


def _as_text(known: Matrix, stack: Stack, result: Judgement) -> str:
    head = f"{result.verdict}: {_MEANING[result.verdict]}."
    if result.verdict in ("unsupported", "broken"):
        head = f"{result.verdict}: {result.reasons[0].text}"
    lines = [layout.paragraph(head)]
    if not result.reasons:
        lines += ["", "There is no pair to compare: give two things that have to fit."]
    for reason in result.reasons:
        lines += ["", f"  {reason.verdict.upper():11}  {reason.subject}, rule {reason.rule}"]
        lines.append(layout.paragraph(reason.text, "    "))
        if reason.wanted and reason.verdict not in ("tested", "compatible"):
            lines.append(layout.paragraph(f"fits: {reason.wanted}", "    "))
        lines.append(layout.paragraph("source: " + ", ".join(reason.source), "    "))
    lines += [
        "",
        layout.paragraph(
            f"Matrix {known.version}. A rule in full: envcheck matrix show rule R3; "
            "a source: envcheck matrix show source cuda-notes."
        ),
    ]
    return "\n".join(lines)


def _as_json(known: Matrix, stack: Stack, result: Judgement) -> str:
    sources = dict.fromkeys(s for reason in result.reasons for s in reason.source)
    content = {
        "schema": "envcheck.judgement/1",
        "matrix_version": known.version,
        "stack": {
            name: value if isinstance(value, bool) else str(value)
            for name, value in vars(stack).items()
            if value is not None and name != "pins"
        },
        "verdict": result.verdict,
        "reasons": [
            {
                "rule": r.rule,
                "verdict": r.verdict,
                "subject": r.subject,
                "text": r.text,
                "wanted": r.wanted,
                "numbers": dict(r.numbers),
                "source": list(r.source),
            }
            for r in result.reasons
        ],
        "sources": {name: known.source(name) for name in sources},
    }
    return json.dumps(content, indent=2, ensure_ascii=False)
