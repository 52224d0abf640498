"""What every format is given, and the lines that several of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envcheck.changes import links
from envcheck.commands.layout import paragraph
from envcheck.matrix import Matrix
from envcheck.matrix.model import WHEEL_FOLDERS
from envcheck.model import EnvcheckError
from envcheck.plan.model import Answer, Plan

LINKS_GO_TO = links.HOME


@dataclass(frozen=True)
class Sheet:
    """`plan` is the chosen one of `answer.plans`. `here`: it is for this machine. `command`: what
    the user typed, without the format."""

    answer: Answer
    plan: Plan | None
    matrix: Matrix
    here: bool = False
    command: tuple[str, ...] = ("envcheck", "plan")

    @property
    def chosen(self) -> Plan:
        """Raises EnvcheckError, with the reason, where nothing fits."""
        if self.plan is None:
            assert self.answer.conflict is not None
            raise EnvcheckError(self.answer.conflict.reason, 1)
        return self.plan


def header(sheet: Sheet, first: str = "") -> Iterator[str]:
    """What to do with it, what it is and where it comes from: the comment at the top of a file."""
    plan = sheet.chosen
    texts = (
        first,
        f"{plan.title}: {plan.judgement.verdict}.",
        f"Made by envcheck plan, matrix {sheet.matrix.version}.",
        *sheet.answer.remarks,
        *plan.notes,
    )
    yield from comment(*texts)


def comment(*texts: str) -> Iterator[str]:
    """Wrapped lines that begin with #."""
    for text in texts:
        if text:
            yield paragraph(text, "# ")


def lines_of(plan: Plan) -> tuple[str, ...]:
    """Everything that pip is to be told."""
    return (*plan.requirements, *plan.constraints)


def library_folders(plan: Plan) -> tuple[str, ...]:
    """The nvidia/<folder>/lib of a plan that names them in LD_LIBRARY_PATH."""
    return tuple(sorted({WHEEL_FOLDERS.get(name, name) for name in plan.path}))


def without_root(sheet: Sheet) -> Plan:
    """The chosen plan, or where it takes CUDA from the machine, one of the same TensorFlow that
    takes it from pip. Raises EnvcheckError where there is none."""
    plan = sheet.chosen
    if plan.way != "system":
        return plan
    for other in sheet.answer.plans:
        if other.tensorflow == plan.tensorflow and other.way != "system":
            return other
    raise EnvcheckError(
        f"TensorFlow {plan.tensorflow} needs CUDA {plan.cuda}, which pip has no packages for: "
        "take --format conda.",
        1,
    )
