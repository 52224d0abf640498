"""`envcheck setup`: makes a new environment from a plan, and trains in it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envcheck.commands import layout
from envcheck.commands.fix import look as check
from envcheck.commands.fix import say
from envcheck.commands.matrix import load
from envcheck.commands.plan import choose, look, wish_options, wished
from envcheck.model import EnvcheckError

if TYPE_CHECKING:
    from envcheck.model import Report
    from envcheck.plan import Plan
    from envcheck.setup.make import Tools


@click.command()
@click.argument("folder", default=".venv", type=click.Path(path_type=Path))
@wish_options
@click.option("--gpu", type=click.Choice(["none"]), help="Set the CPU up where there is a GPU.")
@click.option("--conda", is_flag=True, help="With conda or mamba, CUDA from conda-forge.")
@click.option("--into", is_flag=True, help="Install into an environment that is there already.")
@click.option("--keep", is_flag=True, help="Leave what there is where it fails.")
@click.option("--kernel", is_flag=True, help="Make it a Jupyter kernel, too.")
@click.option("--smoke/--no-smoke", default=True, help="Train the coffee network at the end.")
def setup(
    folder: Path,
    number: int,
    conda: bool,
    into: bool,
    keep: bool,
    kernel: bool,
    smoke: bool,
    **given: Any,
) -> int:
    """Make the environment that `plan` proposes, and try it.

    It is made in FOLDER (.venv), with uv where there is one, else with venv and pip. A folder
    that is there already is not touched. Where it fails nothing is left behind.

    \b
    envcheck setup                          what suits this machine best
    envcheck setup coffee --tensorflow 2.15
    envcheck setup --kernel                 for Jupyter, too

    Exit codes: those of the check at the end; 3 where it could not be made.
    """
    from envcheck.setup import make

    folder = Path(os.path.abspath(folder))
    make.check_folder(folder, into)
    if kernel:
        given["also"] = (*given["also"], "ipykernel")
    plan, tools = _planned(folder, number, conda, into, given)
    say(f"Making {folder}: {plan.title}.")
    with _made(folder, keep or into) as log:
        say(f"The output goes to {log}")
        make.make(plan, folder, tools, log, say)
        links = make.link(plan, folder)
        kept = make.finish(folder, log)
    if links:
        say(
            f"TensorFlow {plan.tensorflow} does not look where pip puts some CUDA libraries: "
            f"{len(links)} links in {links[0].parent} lead there. envcheck undo removes them."
        )
    say("Checking it" + (", and training the coffee network in it." if smoke else "."))
    report = _checked(folder, plan, smoke)
    jupyter = "envcheck setup --kernel makes it a kernel."
    if kernel:
        jupyter = _registered(folder, plan)
    lines = [*_closing(folder, plan, report, smoke), f"  Jupyter:  {jupyter}"]
    click.echo("\n".join([*lines, f"Log of the installation: {kept}"]))
    return _code(report)


def _code(report: Report) -> int:
    from envcheck.verdict import judge_report

    return judge_report(report).exit_code


def _planned(
    folder: Path, number: int, conda: bool, into: bool, given: dict[str, Any]
) -> tuple[Plan, Tools]:
    """The plan, for a Python that is here where that does not cost a better TensorFlow."""
    from envcheck.plan import answer
    from envcheck.plan.formats import Sheet, render
    from envcheck.plan.here import demands_of
    from envcheck.setup import make, pythons

    matrix = load(None)
    uv = pythons.find_uv()
    there = pythons.installed(uv)
    demands = wished(demands_of(look()), given)
    newest = sorted(there, key=lambda text: int(text.split(".")[1]), reverse=True)
    demands = replace(demands, prefer_python=tuple(newest))
    if into:
        demands = replace(demands, python=_minor_of(make.python_in(folder)))
    found = answer(demands, matrix)
    plan = choose(found.plans, number)
    if plan is None:
        raise EnvcheckError(render("table", Sheet(found, None, matrix, True)).strip(), 1)
    if plan.way == "system" and not conda:
        say("CUDA is to be of the machine: " + " ".join(plan.notes))
    program = _conda() if conda else None
    base = "" if into or program else pythons.base_of(plan.python, there, uv)
    return plan, make.Tools(base, None if conda else uv, program)


def _minor_of(python: Path) -> str:
    import subprocess

    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise EnvcheckError(f"{python} does not start: {done.stderr.strip()}")
    return done.stdout.strip()


def _conda() -> str:
    for name in ("mamba", "micromamba", "conda"):
        found = shutil.which(name)
        if found:
            return found
    raise EnvcheckError("There is no conda, mamba or micromamba on PATH: leave --conda out.", 2)


@contextlib.contextmanager
def _made(folder: Path, keep: bool) -> Iterator[Path]:
    """Whatever is raised within, Ctrl-C included, leaves no half environment; the log stays."""
    import tempfile

    from envcheck.cli import no_child_left

    new = not folder.exists()
    handle, name = tempfile.mkstemp(prefix="envcheck-setup-", suffix=".log")
    os.close(handle)
    try:
        with no_child_left():
            yield Path(name)
    except BaseException:
        if new and not keep:
            shutil.rmtree(folder, ignore_errors=True)
            say(f"{folder} has been removed again (--keep leaves it).")
        raise


def _checked(folder: Path, plan: Plan, smoke: bool) -> Report:
    from envcheck.collect import Wishes

    with _variables(plan):
        return check(Wishes(str(folder), smoke), "gpu" if plan.uses_gpu else "cpu")


@contextlib.contextmanager
def _variables(plan: Plan) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(plan.variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# --- the last words


def _closing(folder: Path, plan: Plan, report: Report, smoke: bool) -> list[str]:
    from envcheck.setup.make import python_in

    lines = [layout.paragraph(_headline(folder, plan, report, smoke)), ""]
    lines.append("  Activate it:  " + _activation(folder))
    lines += [f"  Set:          {name}={value}" for name, value in plan.variables.items()]
    python = str(python_in(folder))
    lines += [
        "",
        "  PyCharm:  Settings, Project, Python Interpreter, Add Interpreter, Existing:",
        f"            {python}",
        '  VS Code:  Ctrl+Shift+P, "Python: Select Interpreter":',
        f"            {python}",
    ]
    return lines


def _headline(folder: Path, plan: Plan, report: Report, smoke: bool) -> str:
    from envcheck import facts as F
    from envcheck.render.i18n import english
    from envcheck.render.view import fill, root_findings

    name = f"TensorFlow {plan.tensorflow} on Python {plan.python}"
    wrong = [
        fill(finding.title, finding.params, english)
        for finding in root_findings(report)
        if finding.severity != "info"
    ]
    if wrong:
        return f"{folder} is made, and not all is well: {'; '.join(wrong)}. See: envcheck fix"
    result = report.facts.value(F.SMOKE)
    if not smoke or result is None or not result.ok:
        return f"{folder} is ready: {name}."
    return f"{folder} is ready: {name}, and the coffee network trained on {result.place}."


def _activation(folder: Path) -> str:
    from envcheck.render.view import Commands

    if (folder / "conda-meta").is_dir():
        return f"conda activate {folder}"
    if os.name == "nt":
        return Commands(windows=True, cwd="", home="").line(
            (str(folder / "Scripts" / "Activate.ps1"),)
        )
    return Commands(windows=False, cwd="", home="").line(
        ("source", str(folder / "bin" / "activate"))
    )


def _registered(folder: Path, plan: Plan) -> str:
    from envcheck.setup.make import kernelspec, python_in

    title = f"TensorFlow {plan.tensorflow} ({folder.name})"
    name = f"envcheck-{folder.parent.name}-{folder.name}".lower().replace(" ", "-")
    where = kernelspec(python_in(folder), name, title, Path.home())
    return f"choose the kernel {title} ({where})"
