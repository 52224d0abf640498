"""The pytest plugin in real pytest runs, on machines with and without a (fake) NVIDIA driver."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import plain_environment
from tests.fakes.nvidia import FakeMachine

pytest_plugins = ("tests.fakes.plugin",)

TESTS = """
import pytest

@pytest.fixture
def card():
    print("the fixture ran")

@pytest.mark.gpu
def test_gpu(card):
    pass

def test_plain():
    pass
"""
DEMAND = 'expect = "gpu"\n'
NO_GPU = "TensorFlow is not installed"

Session = Callable[..., subprocess.CompletedProcess[str]]
Machines = Callable[[str], FakeMachine]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """pytest in a child, in a project with these tests, on a machine."""
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("this machine has an NVIDIA driver of its own")

    def run(
        *args: str, machine: FakeMachine | None = None, tests: str = TESTS, **files: str
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(tests, encoding="utf-8")
        (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
        words = ["-m", "pytest", "--strict-markers", "-p", "no:cacheprovider", *args]
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=plain_environment(**(machine.env if machine else {})),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def counts(done: subprocess.CompletedProcess[str]) -> str:
    """The last line's numbers: "1 passed, 1 skipped"."""
    found = re.search(r"^=*\s*((?:\d+ \w+(?:, )?)+) in ", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    return found[1]


# --- without being asked


def test_it_is_there_and_does_nothing(session: Session) -> None:
    """No import of envcheck's, no look at the machine, no line of output."""
    tests = (
        "import sys\n\ndef test_it():\n"
        "    ours = [name for name in sys.modules if name.startswith('envcheck')]\n"
        "    assert sorted(ours) == ['envcheck', 'envcheck.pytest_plugin']\n"
    )
    done = session(tests=tests, envcheck__toml="this is not TOML")
    assert (done.returncode, counts(done), done.stderr) == (0, "1 passed", "")
    body = [line for line in done.stdout.splitlines() if not line.startswith("plugins:")]
    assert "envcheck" not in "\n".join(body).replace("envcheck.toml", "")


def test_the_marker_is_registered(session: Session) -> None:
    done = session("--markers")
    assert "@pytest.mark.gpu: needs a GPU that works; skipped where none is expected" in done.stdout


# --- the marker


@pytest.mark.parametrize(
    ("machine", "policy", "args", "outcome", "says"),
    [
        ("rtx3080", "", (), "2 passed", ""),
        ("rtx3080", DEMAND, (), "2 passed", ""),
        # A GPU that works is not used where none is expected.
        ("rtx3080", 'expect = "cpu"\n', (), "1 passed, 1 skipped", "(envcheck.toml:1)"),
        ("no_gpus", "", (), "1 passed, 1 skipped", "no GPU works here: "),
        ("no_gpus", 'expect = "cpu"\n', (), "1 passed, 1 skipped", "no GPU is expected here"),
        ("no_gpus", DEMAND, (), "1 failed, 1 passed", "; a GPU is demanded (envcheck.toml:1)"),
        ("no_gpus", "[require]\ngpus = 1\n", (), "1 failed, 1 passed", "(envcheck.toml:2)"),
        (None, '[require]\ndriver = ">=500"\n', (), "1 failed, 1 passed", "(envcheck.toml:2)"),
        # Nothing of a GPU is required: it is only hoped for.
        (None, '[require]\npython = ">=3.8"\n', (), "1 passed, 1 skipped", "no GPU works here: "),
        ("gpu_lost", DEMAND, (), "1 failed, 1 passed", "a GPU is demanded"),
        ("rtx3080", '[require]\ngpu = "H100"\n', (), "1 failed, 1 passed", '"H100"'),
        (None, DEMAND, ("--envcheck-expect", "cpu"), "1 passed, 1 skipped", "--envcheck-expect"),
        (None, "", ("--envcheck-expect", "gpu"), "1 failed, 1 passed", "(--envcheck-expect)"),
        (None, "expect = 7\n", (), "1 failed, 1 passed", "envcheck.toml:1"),
    ],
)
def test_what_becomes_of_a_marked_test(
    session: Session,
    fake_machine: Machines,
    machine: str | None,
    policy: str,
    args: tuple[str, ...],
    outcome: str,
    says: str,
) -> None:
    fake = fake_machine(machine) if machine else None
    files = {"envcheck__toml": policy} if policy else {}
    done = session("-rs", *args, machine=fake, **files)
    assert counts(done) == outcome
    assert done.returncode == (1 if "failed" in outcome else 0)
    assert says in done.stdout
    # It never came to the fixture that would have asked for the GPU.
    assert "the fixture ran" not in done.stdout
    assert done.stderr == ""


def test_a_failure_says_why_and_what_to_do_and_is_no_error_of_setup(
    session: Session, tmp_path: Path
) -> None:
    done = session("--junitxml", "a.xml", pyproject__toml="[tool.envcheck]\nexpect = 'gpu'\n")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "a GPU is demanded" in line][:1]
    assert line == "This machine has no NVIDIA GPU; a GPU is demanded (pyproject.toml:2)"
    assert "\nUse a machine or a job with a GPU." in done.stdout
    assert "FAILED test_it.py::test_gpu" in done.stdout
    suite = ElementTree.parse(tmp_path / "a.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")


# --- --envcheck


def test_the_session_fails_with_the_check(session: Session) -> None:
    done = session("--envcheck", "--envcheck-expect", "cpu")
    assert counts(done) == "1 passed, 1 skipped"
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"envcheck: ✗ FAIL: {NO_GPU} in this environment" in lines
    summary = next(number for number, line in enumerate(lines) if re.match(r"=+ envcheck =+", line))
    assert lines[summary + 1] == f"✗ FAIL: {NO_GPU} in this environment"
    assert lines[summary + 2].startswith("  First: ")


PASSES = """
import pytest
from envcheck import pytest_plugin

class Good:
    ok = True
    def __str__(self): return "✓ PASS: everything fits together\\n\\nand so on"
    def why_no_gpu(self): return ""

def look(settled):
    with open("looked", "a") as stream: stream.write("x")
    return Good()

pytest_plugin.look = look
"""


@pytest.mark.parametrize(
    ("args", "shown"),
    [((), 1), (("-q",), 1), (("-v",), 2), (("-n", "2"), 1)],
)
def test_a_check_that_passes_is_one_line_and_is_made_once(
    session: Session, tmp_path: Path, args: tuple[str, ...], shown: int
) -> None:
    """With xdist in the controller alone. The check itself is replaced: whether it passes on
    the machine that runs this is not known."""
    tests = TESTS + "\n@pytest.mark.gpu\ndef test_second():\n    pass\n"
    done = session("--envcheck", *args, tests=tests, conftest__py=PASSES)
    assert (done.returncode, counts(done)) == (0, "3 passed"), done.stdout
    assert done.stdout.count("✓ PASS: everything fits together") == shown
    assert done.stdout.count("and so on") == shown - 1
    assert (tmp_path / "looked").read_text() == "x"


def test_with_workers_the_controller_decides(session: Session) -> None:
    done = session("--envcheck", "-n", "2", envcheck__toml=DEMAND)
    assert (done.returncode, counts(done)) == (1, "1 failed, 1 passed")
    assert "This machine has no NVIDIA GPU; a GPU is demanded (envcheck.toml:1)" in done.stdout
    assert len(re.findall(r"=+ envcheck =+", done.stdout)) == 1


def test_workers_without_a_session_check_look_themselves(
    session: Session, fake_machine: Machines
) -> None:
    done = session("-n", "2", machine=fake_machine("rtx3080"), envcheck__toml=DEMAND)
    assert (done.returncode, counts(done)) == (0, "2 passed")


def test_no_tests_do_not_hide_the_check(session: Session) -> None:
    done = session("--envcheck", tests="")
    assert done.returncode == 1


def test_a_broken_policy_is_wrong_usage(session: Session) -> None:
    done = session("--envcheck", envcheck__toml="expect = 7\n")
    assert done.returncode == 4
    assert "envcheck.toml:1" in done.stderr


def test_it_can_be_left_out(session: Session) -> None:
    done = session("-p", "no:envcheck", "--envcheck")
    assert done.returncode == 4
    assert "unrecognized arguments: --envcheck" in done.stderr
