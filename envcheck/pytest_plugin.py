"""The pytest plugin: ``--envcheck`` and ``@pytest.mark.gpu``.

pytest loads it in every run of an environment that has envcheck: nothing is imported, looked
for or run until a test or an option asks for it.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

if TYPE_CHECKING:
    from envcheck.api import Result
    from envcheck.policy import Resolved

MARK = "gpu: needs a GPU that works; skipped where none is expected, fails where one is demanded"
CHECKED = pytest.StashKey["Result | str"]()
"""The session's check, or why it could not be made."""
FAILED = pytest.StashKey[bool]()
DECIDED = pytest.StashKey["Decision"]()
FROM_CONTROLLER = "envcheck_gpu"


class Decision(NamedTuple):
    """What becomes of the tests marked gpu, and why."""

    action: Literal["run", "skip", "fail"]
    reason: str = ""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("envcheck")
    group.addoption(
        "--envcheck",
        action="store_true",
        help="Check the machine and this Python environment once; fail the session where that "
        "fails. See `envcheck policy`.",
    )
    group.addoption(
        "--envcheck-expect",
        choices=("gpu", "cpu"),
        help="What the machine is for. Default: as the policy says.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARK)


# --- the session's check: in the controller, where there are workers


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.getoption("--envcheck") and not is_worker(config):
        from envcheck.model import EnvcheckError

        try:
            config.stash[CHECKED] = look(settled(config))
        except EnvcheckError as error:
            if error.exit_code == 2:
                raise pytest.UsageError(f"envcheck: {error}") from error
            config.stash[CHECKED] = str(error)


def settled(config: pytest.Config) -> Resolved:
    """The policy of the project that is tested. Raises EnvcheckError (2) for a broken one."""
    from envcheck import api, policy

    file = policy.find(str(config.rootpath))
    if file is not None and Path(file).is_relative_to(Path.cwd()):
        file = str(Path(file).relative_to(Path.cwd()))
    return api.settle({"expect": config.getoption("--envcheck-expect")}, file)


def look(settled: Resolved) -> Result:
    """Raises EnvcheckError."""
    from envcheck import api

    return api.run(None, settled)


def pytest_report_header(config: pytest.Config) -> str | None:
    checked = config.stash.get(CHECKED, None)
    return None if checked is None else f"envcheck: {verdict_of(checked)}"


def verdict_of(checked: Result | str) -> str:
    return checked if isinstance(checked, str) else str(checked).partition("\n")[0]


def passed(checked: Result | str) -> bool:
    return not isinstance(checked, str) and checked.ok


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: what the controller knows, so that no worker looks again."""
    if CHECKED in node.config.stash:
        node.workerinput[FROM_CONTROLLER] = tuple(decision(node.config))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    checked = session.config.stash.get(CHECKED, None)
    fine = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if checked is not None and not passed(checked) and session.exitstatus in fine:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    checked = config.stash.get(CHECKED, None)
    if checked is None:
        return
    if passed(checked) and config.getoption("verbose") <= 0:
        if config.getoption("verbose") < 0:  # there was no header
            terminalreporter.write_line(f"envcheck: {verdict_of(checked)}")
        return
    terminalreporter.write_sep("=", "envcheck")
    terminalreporter.write_line(str(checked))


# --- tests marked gpu


def decision(config: pytest.Config) -> Decision:
    """Made once: in the controller with --envcheck, else where the first such test runs."""
    if DECIDED not in config.stash:
        told = getattr(config, "workerinput", {}).get(FROM_CONTROLLER)
        config.stash[DECIDED] = Decision(*told) if told else decide(config)
    return config.stash[DECIDED]


def decide(config: pytest.Config) -> Decision:
    """A GPU is demanded where the policy says `expect = "gpu"` or requires something of one;
    without such a word it is only hoped for."""
    from envcheck.model import EnvcheckError
    from envcheck.policy import DEFAULT, OF_GPU

    try:
        said = settled(config)
        expect = said.values["expect"]
        if expect.value == "cpu":
            return Decision("skip", f"no GPU is expected here ({asked_by(expect.origin)})")
        checked = config.stash.get(CHECKED, None) or look(without_training(said))
    except EnvcheckError as error:
        return Decision("fail", f"envcheck: {error}")
    why = checked if isinstance(checked, str) else checked.why_no_gpu()
    if not why:
        return Decision("run")
    rows = said.policy.require if said.policy else ()
    needed = [f"{row.file}:{row.line}" for row in rows if row.key in OF_GPU]
    origins = [] if expect.origin == DEFAULT else [asked_by(expect.origin)]
    for origin in (*origins, *needed):
        return Decision("fail", f"{why}; a GPU is demanded ({origin})\n{what_to_do(checked)}")
    return Decision("skip", f"no GPU works here: {why}")


def what_to_do(checked: Result | str) -> str:
    finding = None if isinstance(checked, str) else checked.gpu_finding()
    return "" if finding is None or isinstance(checked, str) else checked.remedy(finding)


def asked_by(origin: str) -> str:
    return "--envcheck-expect" if origin == "the call" else origin


def without_training(settled: Resolved) -> Resolved:
    from envcheck.policy import Value

    return settled._replace(values={**settled.values, "smoke": Value("off", "the plugin")})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures, which may ask for the GPU themselves."""
    if item.get_closest_marker("gpu") is None:
        return
    decided = decision(item.config)
    if decided.action == "skip":
        pytest.skip(decided.reason)
    if decided.action == "fail":
        item.stash[FAILED] = True
        pytest.fail(decided.reason, pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Such a test has failed; it is not that its setup is broken."""
    outcome = yield
    if call.when == "setup" and FAILED in item.stash:
        outcome.get_result().when = "call"
