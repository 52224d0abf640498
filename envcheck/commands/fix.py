"""`envcheck fix`: mends what a check finds, and takes it back where that made it worse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envcheck.commands import layout

if TYPE_CHECKING:
    from envcheck.changes.offers import Offer
    from envcheck.collect import Wishes
    from envcheck.model import Expect, Report
    from envcheck.render.view import Commands

MEANING = {
    "safe": "changes packages of this environment only, and can be undone",
    "review": "look at it first; run it by its name",
    "manual": "for you to do: envcheck only prints it",
}


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--apply", "apply_", is_flag=True, help="Do it: the safe ones, or those named.")
@click.option(
    "--python",
    metavar="PATH",
    help="The environment to mend. Default: the active one, else `python` on PATH.",
)
@click.option(
    "--expect", type=click.Choice(["gpu", "cpu"]), default="gpu", show_default=True,
    help="What the machine is for.",
)  # fmt: skip
@click.option(
    "--smoke/--no-smoke",
    default=None,
    help="Train the coffee network in the checks. Default: with --apply, before and after.",
)
@click.option("--wait/--no-wait", default=True, help="Wait for another envcheck at work here.")
def fix(
    ids: tuple[str, ...],
    apply_: bool,
    python: str | None,
    expect: Expect,
    smoke: bool | None,
    wait: bool,
) -> int:
    """Mend what a check finds: first shown, done with --apply.

    The check is made anew. Before anything is changed the environment is copied (hard links:
    it costs no space), afterwards it is checked again; where that is worse than before,
    everything is taken back. `envcheck undo` takes it back later.

    \b
    envcheck fix                     show what could be done
    envcheck fix --apply             do what is safe
    envcheck fix --apply KER101      do this one

    Exit codes: those of the check.
    """
    from envcheck.collect import Wishes

    if ids and not apply_:
        raise click.UsageError(f"To run {' '.join(ids)}: envcheck fix --apply {' '.join(ids)}")
    trains = smoke if smoke is not None else apply_
    if apply_:
        return _apply(ids, Wishes(python, trains), expect, wait)
    report = look(Wishes(python, trains), expect)
    click.echo("\n".join(_shown(report, python)))
    return _code(report)


def look(wishes: Wishes, expect: Expect) -> Report:
    """The check, as `envcheck check` makes it."""
    from envcheck import report as reports
    from envcheck.cli import gather
    from envcheck.probes.source import Live

    facts, knowledge, timings = gather(Live(), wishes, None, expect)
    return reports.judged(facts, knowledge, expect, timings)


def _code(report: Report) -> int:
    from envcheck.verdict import judge_report

    return judge_report(report).exit_code


def commands_of(report: Report) -> Commands:
    import os

    from envcheck import facts as F
    from envcheck.render.view import Commands

    return Commands(
        windows=report.facts.value(F.SYSTEM_OS) == "windows",
        cwd=report.facts.value(F.TARGET_CWD) or "",
        home=os.environ.get("USERPROFILE" if os.name == "nt" else "HOME", ""),
    )


# --- shown


def _shown(report: Report, python: str | None) -> list[str]:
    from envcheck import facts as F
    from envcheck.changes.offers import offers, safe_ones

    offered = offers(report)
    commands = commands_of(report)
    where = commands.shorten(report.facts.value(F.TARGET_PREFIX) or "this environment")
    command = typed("fix", python) + " --apply"
    lines = [layout.paragraph(_headline(offered, bool(safe_ones(offered)), where, command))]
    lines.append(layout.paragraph("Nothing has been changed. The check was made just now."))
    shown = None
    for offer in offered:
        if offer.finding is not shown:
            lines += ["", layout.paragraph(f"{offer.finding.severity}: {_title(offer)}")]
        shown = offer.finding
        lines += _offer_lines(offer, commands)
    used = dict.fromkeys(offer.safety for offer in offered)
    lines += [""] if used else []
    lines += [layout.paragraph(f"{name}: {MEANING[name]}.", "        ", "") for name in used]
    return lines


def typed(command: str, python: str | None) -> str:
    """The command for the same environment."""
    import shlex

    return f"envcheck {command}" + (f" --python {shlex.quote(python)}" if python else "")


def _headline(offered: Sequence[Offer], safe: bool, where: str, command: str) -> str:
    if not offered:
        return f"There is nothing to mend in {where}."
    if safe:
        return f"To mend {where} run {command}: it does what is safe of the fixes below."
    if all(offer.safety == "manual" for offer in offered):
        return f"What is wrong with {where} only you can mend: see below."
    name = next(offer.id for offer in offered if offer.safety == "review")
    return f"Look at the fixes for {where} below, then run one by name: {command} {name}"


def _title(offer: Offer) -> str:
    from envcheck.render.i18n import english
    from envcheck.render.view import fill

    return fill(offer.finding.title, offer.finding.params, english)


def _offer_lines(offer: Offer, commands: Commands) -> list[str]:
    from envcheck.render.i18n import english
    from envcheck.render.view import clean, fill

    first = f"  {offer.id:9} {offer.safety:7} "
    note = fill(offer.fix.note, offer.fix.params, english)
    lines = [layout.paragraph(note, " " * 20, first)] if note else []
    for number, step in enumerate(offer.fix.steps):
        start = first if number == 0 and not note else " " * 20
        lines.append(start + clean(commands.line(step)))
    return lines


# --- done


def _apply(ids: tuple[str, ...], wishes: Wishes, expect: Expect, wait: bool) -> int:
    from envcheck.changes import session, site
    from envcheck.changes.offers import named, offers, safe_ones, steps_of, touched
    from envcheck.changes.store import Store
    from envcheck.cli import no_child_left
    from envcheck.probes.source import Live
    from envcheck.probes.target import choose

    here = site.ask(choose(Live(), wishes.python).python)
    site.refuse(here)
    store = Store(here.prefix)
    with no_child_left(), store.locked(wait, say):
        session.recover(store, say)
        before = look(wishes, expect)
        offered = offers(before)
        chosen = named(offered, ids) if ids else safe_ones(offered)
        if not chosen:
            click.echo("\n".join(_shown(before, wishes.python)))
            return _code(before)
        steps = steps_of(chosen)
        roots = [*here.folders, *map(Path, touched(steps))]
        say(f"Mending {here.prefix}: " + ", ".join(offer.id for offer in chosen) + ".")
        with session.changing(store, roots, say) as change:
            say(f"The output goes to {change.log}")
            session.run_steps(change, steps, here.prefix, Path.cwd(), say)
            say("Checking again.")
            after = look(wishes, expect)
            if worse(before, after):
                raise _worse(after)
    return _report_done(after, wishes.python)


def say(text: str) -> None:
    """Progress goes where a pipe does not take it for the answer."""
    click.echo(text, err=True)


def worse(before: Report, after: Report) -> bool:
    """More errors, or as many and more warnings, or less that could be looked at."""
    return _score(after) > _score(before)


def _score(report: Report) -> tuple[int, int, int]:
    severities = [finding.severity for finding in report.findings]
    return severities.count("error"), len(report.not_evaluated), severities.count("warning")


def _worse(after: Report) -> Exception:
    from envcheck.model import EnvcheckError
    from envcheck.render.i18n import english
    from envcheck.render.view import fill, root_findings

    roots = [fill(finding.title, finding.params, english) for finding in root_findings(after)]
    return EnvcheckError(
        "After the fix the check was worse, so everything is as it was before. It said: "
        + "; ".join(roots)
    )


def _report_done(after: Report, python: str | None) -> int:
    from envcheck.render.i18n import english
    from envcheck.render.view import fill, root_findings

    left = [
        fill(finding.title, finding.params, english)
        for finding in root_findings(after)
        if finding.severity != "info"
    ]
    if not left:
        click.echo("Mended: nothing is left of it. To take it back: " + typed("undo", python))
    else:
        click.echo("Done; what is left: " + "; ".join(left) + ".")
        click.echo(f"To take this back: {typed('undo', python)}")
    return _code(after)
