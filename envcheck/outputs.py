"""Where a report goes: to stdout in one format, to files in others, to GitHub by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from envcheck.model import EnvcheckError, Report, Verdict
from envcheck.verdict import COULD_NOT_ASSESS, USAGE

if TYPE_CHECKING:
    from envcheck.render.sheet import Sheet
    from envcheck.render.view import Commands

C = TypeVar("C", bound=Callable[..., Any])

FORMATS = ("terminal", "json", "junit", "sarif", "github", "gitlab", "markdown", "html")


class Output(NamedTuple):
    format: str
    path: Path


class Delivery(NamedTuple):
    """What the user asked of the output; see the options."""

    format_: str | None = None
    output: tuple[Output, ...] = ()
    redact: bool | None = None
    verbose: bool = False
    quiet: bool = False

    @property
    def verbosity(self) -> int:
        return 1 if self.verbose else -1 if self.quiet else 0


fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)


def output_options(command: C) -> C:
    for option in reversed(
        (
            fail_on_option,
            click.option(
                "--format",
                "format_",
                type=click.Choice(FORMATS),
                help="What is printed. Default: terminal; on GitHub Actions with annotations and "
                "a step summary.",
            ),
            click.option(
                "--output",
                multiple=True,
                metavar="[FORMAT=]FILE",
                callback=_parsed,
                help="Write a file, too; may be given several times. Its name says the format: "
                ".html .md .sarif .xml (JUnit) .json .txt, and gl-code-quality-report.json.",
            ),
            click.option(
                "--redact/--no-redact",
                default=None,
                help="Replace user, host, home, tokens and addresses. Default: in Markdown.",
            ),
            click.option("-v", "--verbose", is_flag=True, help="Show all evidence and sources."),
            click.option("-q", "--quiet", is_flag=True, help="Print the verdict only."),
        )
    ):
        command = option(command)
    return command


def _parsed(
    context: click.Context, option: click.Parameter, given: Sequence[str]
) -> tuple[Output, ...]:
    outputs = tuple(map(parse_output, given))
    places = set()
    for output in outputs:
        refuse_what_cannot_be_written(output.path)
        try:
            place = os.path.realpath(output.path)
        except OSError as error:  # the current folder was removed
            raise click.BadParameter(f"{output.path}: {error.strerror}.") from error
        if place in places:
            raise click.BadParameter(f"{output.path} is named twice: each file holds one format.")
        places.add(place)
    return outputs


def parse_output(text: str) -> Output:
    """``report.html`` or ``html=report``. Raises BadParameter."""
    from envcheck.render.formats import format_of

    name, given, file = text.partition("=")
    if not text or (given and not file):
        raise click.BadParameter("the file has no name.")
    if "-" in (text, file):
        raise click.BadParameter("a report goes to standard output with --format, such as json.")
    if given and name in FORMATS:
        return Output(name, Path(file))
    found = format_of(text)
    if found is None:
        raise click.BadParameter(
            f"the name of {text} says no format. Write FORMAT=FILE, such as html={text}; the "
            f"formats are {', '.join(FORMATS)}."
        )
    return Output(found, Path(text))


def refuse_what_cannot_be_written(path: Path) -> None:
    """Before anything is looked at: a check may take minutes. Raises BadParameter."""
    folder = path.parent
    if path.is_dir():
        problem = "this is a folder"
    elif not folder.is_dir():
        problem = f"there is no folder {folder}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        problem = "it may not be written"
    else:
        return
    raise click.BadParameter(f"{path}: {problem}.")


def deliver(report: Report, verdict: Verdict, asked: Delivery) -> int:
    """Print, write the files, and give the exit code."""
    from envcheck.cli import complain, write

    desk = Desk(report, verdict, asked)
    written = True
    try:
        write(desk.printed())
    except EnvcheckError as error:  # the files are written all the same
        complain(str(error))
        written = False
    problems = [problem for output in asked.output if (problem := desk.save(output))]
    for problem in problems:
        complain(problem)
    if problems:
        return USAGE
    return verdict.exit_code if written else verdict.exit_code or COULD_NOT_ASSESS


class Desk:
    """One report, laid out in as many formats as were asked for."""

    def __init__(self, report: Report, verdict: Verdict, asked: Delivery) -> None:
        self.report, self.verdict, self.asked = report, verdict, asked

    def printed(self) -> str:
        """The text for stdout."""
        on_github = os.environ.get("GITHUB_ACTIONS") == "true"
        name = self.asked.format_
        if name == "github" or (on_github and name is None):
            self._summarise()
        if name is None and on_github:
            import secrets

            from envcheck.render import github

            guarded = github.guarded(self._terminal(), secrets.token_hex(16))
            return guarded + github.render(self.sheet("github"))
        return self._terminal() if name in (None, "terminal") else self._render(name)

    def save(self, output: Output) -> str | None:
        """Why a file could not be written."""
        text = self._render(output.format)
        try:
            output.path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            return f"{output.path}: it could not be written: {error.strerror}."
        return None

    def _summarise(self) -> None:
        file = os.environ.get("GITHUB_STEP_SUMMARY")
        if not file:
            return
        from envcheck.cli import complain

        try:
            with open(file, "a", encoding="utf-8") as stream:
                stream.write(self._render("markdown"))
        except OSError as error:
            complain(f"the step summary could not be written: {error.strerror}.")

    def _render(self, name: str) -> str:
        from envcheck.render import formats

        return formats.render(name, self.sheet(name))

    def sheet(self, name: str) -> Sheet:
        """In English: what is written into files is read by others and by programs."""
        from envcheck.render import formats
        from envcheck.render.i18n import english
        from envcheck.render.sheet import Sheet
        from envcheck.render.view import build_view

        redact = self.asked.redact
        report, home = self._report(name in formats.PUBLIC if redact is None else redact)
        commands = commands_for(report, home)
        return Sheet(
            report, self.verdict, build_view(report, self.verdict, english, commands), commands
        )

    def _terminal(self) -> str:
        from envcheck.cli import terminal_style
        from envcheck.render import i18n, terminal
        from envcheck.render.view import build_view

        style = terminal_style(self.asked.verbosity)
        # Half a language would be spelled out in escapes where stdout cannot write it.
        translate = i18n.english if style.ascii else i18n.translator(os.environ)
        report, home = self._report(self.asked.redact or False)
        commands = commands_for(report, home)
        view = build_view(report, self.verdict, translate, commands)
        return terminal.render(view, style, translate, commands)

    def _report(self, redact: bool) -> tuple[Report, str]:
        """The report and the home folder that stands in it."""
        if not redact:
            return self.report, os.environ.get("USERPROFILE" if os.name == "nt" else "HOME", "")
        import socket

        from envcheck.redaction import HOME, redacted

        return redacted(self.report, os.path.expanduser("~"), socket.gethostname()), HOME


def commands_for(report: Report, home: str) -> Commands:
    """For the machine that the report is about, which may be a recorded one."""
    from envcheck.facts import SYSTEM_OS, TARGET_CWD
    from envcheck.probes.source import current_folder
    from envcheck.render.view import Commands

    return Commands(
        windows=report.facts.value(SYSTEM_OS) == "windows",
        cwd=report.facts.value(TARGET_CWD) or "",
        home=home,
        here=current_folder(),
        repository=os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or "",
    )
