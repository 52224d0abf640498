"""``envcheck.check()``: in a program, in a thread, in a notebook."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import html5lib
import jsonschema
import pytest

import envcheck as package
from envcheck import report, verdict
from envcheck.cli import load_knowledge
from envcheck.facts import BY_ITSELF
from envcheck.model import Facts
from tests.conftest import ROOT, Run, plain_environment
from tests.test_signals import is_alive, waited_for

SCHEMA = json.loads((ROOT / "envcheck/schemas/report.schema.json").read_text(encoding="utf-8"))


def program(
    text: str, cwd: Path, python: object = sys.executable, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-c", text],
        cwd=cwd,
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(autouse=True)
def of_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """``check`` reads the environment of this process, which other tests share."""
    for name in [name for name in os.environ if not name.startswith("PYTEST_")]:
        monkeypatch.delenv(name)
    for name, value in plain_environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def judged(machine: Callable[..., Facts]) -> Callable[..., package.Result]:
    """The result that a check of a recorded machine would give."""

    def build(name: str, expect: Any = "cpu", **edits: Any) -> package.Result:
        facts = machine(name, edits)
        built = report.judged(facts, load_knowledge(expect), expect)
        return package.Result(built, verdict.judge_report(built))

    return build


def test_importing_it_costs_nothing(tmp_path: Path) -> None:
    text = (
        "import sys; before = set(sys.modules); import envcheck\n"
        "print(sorted(set(sys.modules) - before))\n"
        "print(envcheck.__all__ == sorted(envcheck.__all__), set(envcheck.__all__) < "
        "set(dir(envcheck)))\n"
        "try:\n    envcheck.nothing\nexcept AttributeError as error:\n    print(error)\n"
    )
    done = program(text, tmp_path, sys.executable)
    assert done.stdout.splitlines() == [
        "['envcheck']",
        "True True",
        "module 'envcheck' has no attribute 'nothing'",
    ]


def test_it_looks_at_the_interpreter_that_it_runs_in(
    lab: Callable[[str], Path], tmp_path: Path
) -> None:
    """Not at the active environment, which is what the command looks at."""
    text = "import envcheck; print(envcheck.check(expect='cpu').facts['target.executable'].value)"
    other = lab("empty311").parent.parent
    done = program(text, tmp_path, VIRTUAL_ENV=str(other), PATH=f"{other}/bin:/usr/bin:/bin")
    assert (done.stdout, done.stderr) == (f"{sys.executable}\n", "")
    text = text.replace("expect=", f"{str(other)!r}, expect=")
    assert program(text, tmp_path).stdout == f"{other}/bin/python\n"


def test_it_prints_nothing_and_ends_nothing(lab: Callable[[str], Path], tmp_path: Path) -> None:
    text = (
        "import envcheck, pathlib\n"
        f"r = envcheck.check(pathlib.Path({str(lab('empty311'))!r}), expect='cpu')\n"
        "print(r.ok, r.status, r.exit_code, [f.code for f in r.findings], r.findings[0].text)\n"
    )
    done = program(text, tmp_path, GITHUB_ACTIONS="true")
    assert done.stderr == ""
    assert done.stdout == (
        "False fail 1 ['TFX101'] TensorFlow is not installed in this environment\n"
    )


def test_it_says_what_the_command_says(
    lab: Callable[[str], Path], envcheck: Run, tmp_path: Path
) -> None:
    python = str(lab("empty311"))
    args = ("--python", python, "--expect", "cpu", "--no-smoke", "--no-scan")
    text = f"import envcheck; r = envcheck.check({python!r}, expect='cpu'); "
    printed = envcheck(*args).stdout.replace("left out by --no-smoke", "left out by default")
    assert program(text + "print(r)", tmp_path).stdout == printed
    assert program(text + "print(repr(r))", tmp_path).stdout == printed
    ours = json.loads(program(text + "print(r.to_json(), end='')", tmp_path).stdout)
    jsonschema.validate(ours, SCHEMA)
    said = envcheck(*args, "--format", "json").stdout
    theirs = json.loads(said.replace("left out by --no-smoke", "left out by default"))
    assert {**ours, "timings": 0} == {**theirs, "timings": 0}


def test_a_lock_is_compared_with(lab: Callable[[str], Path], envcheck: Run, tmp_path: Path) -> None:
    python = str(lab("empty311"))
    args = ("--python", python, "--expect", "cpu", "--no-smoke", "--force")
    assert envcheck("lock", *args).returncode == 0
    file = tmp_path / "envcheck.lock.json"
    result = package.check(python, expect="cpu", lock=file)
    assert [finding.code for finding in result.findings] == ["TFX101"]
    file.write_text(file.read_text(encoding="utf-8").replace('"3.11"', '"3.12"'), "utf-8")
    result = package.check(python, expect="cpu", lock=str(file))
    assert "Python: 3.11 here, 3.12 in the lock" in [item.text for item in result.findings]
    with pytest.raises(package.EnvcheckError, match="there is no lock file"):
        package.check(python, lock=tmp_path / "none.json")


def test_a_policy_says_what_the_call_does_not(lab: Callable[[str], Path], tmp_path: Path) -> None:
    python, file = str(lab("empty311")), tmp_path / "envcheck.toml"
    file.write_text('expect = "cpu"\n[require]\npython = ">=3.12"\n', encoding="utf-8")
    result = package.check(python, policy=file)
    assert [finding.code for finding in result.findings] == ["TFX101", "POL101"]
    assert result.report.expect == "cpu"
    assert package.check(python, policy=file, expect="gpu").report.expect == "gpu"
    file.write_text("expect = 7\n", encoding="utf-8")
    with pytest.raises(package.EnvcheckError, match=r"envcheck\.toml:1"):
        package.check(python, policy=file)


@pytest.mark.parametrize(
    ("name", "expect", "edits", "why"),
    [
        ("linux-rtx4090-tf220-wheels", "gpu", {}, ""),
        # An error that has nothing to do with the GPU.
        ("linux-rtx4090-tf220-wheels", "gpu", {"numpy.version": "1.21.0"}, ""),
        ("linux-rtx4090-tf220-wheels", "cpu", {}, "no GPU is expected"),
        ("linux-none-tf221", "gpu", {}, "This machine has no NVIDIA GPU"),
        (
            "windows-rtx3060-tf211",
            "gpu",
            {},
            "TensorFlow 2.11.0 has no GPU support on this system",
        ),
    ],
)
def test_why_there_is_no_gpu(
    judged: Callable[..., package.Result], name: str, expect: str, edits: Any, why: str
) -> None:
    result = judged(name, expect, **edits)
    assert result.why_no_gpu() == why
    finding = result.gpu_finding()
    assert (finding is None) is (not why or expect == "cpu")
    if finding:
        assert result.remedy(finding)


def test_the_advice_is_what_a_caller_can_write(judged: Callable[..., package.Result]) -> None:
    result = judged("linux-none-tf221", "gpu", **{"target.chosen": BY_ITSELF})
    finding = result.gpu_finding()
    assert finding and result.remedy(finding) == (
        "Use a machine or a job with a GPU. If this one is meant to have none, say so in the call "
        'or in the policy: expect = "cpu"'
    )


def test_a_result_that_failed_can_raise(judged: Callable[..., package.Result]) -> None:
    good = judged("linux-none-tf221")
    good.raise_for_findings()
    assert good.ok
    assert str(good).startswith("✓ PASS: everything fits together\n")
    bad = judged("linux-none-tf29-mixed")
    with pytest.raises(package.CheckFailed) as caught:
        bad.raise_for_findings()
    assert caught.value.result is bad
    assert caught.value.exit_code == 1
    assert str(caught.value).splitlines()[0] == "✗ FAIL: numpy 2.2.6 does not fit TensorFlow 2.9.1"
    assert "First: venv/bin/python -m pip install" in str(caught.value)
    assert isinstance(caught.value, package.EnvcheckError)
    # As a pool of processes hands it to its parent.
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.exit_code) == (str(caught.value), 1)
    assert again.result.to_json() == bad.to_json()


def test_what_could_not_be_assessed_is_not_ok(judged: Callable[..., package.Result]) -> None:
    from envcheck.model import unknown

    result = judged("linux-none-tf221", **{"keras.backend": unknown("unreadable")})
    assert (result.ok, result.status, result.exit_code) == (False, "inconclusive", 3)
    assert result.not_evaluated
    with pytest.raises(package.CheckFailed):
        result.raise_for_findings()


def test_wrong_words_and_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="expect must be one of gpu, cpu, not 'tpu'"):
        package.check(expect="tpu")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fail_on must be one of"):
        package.check(fail_on="never")  # type: ignore[arg-type]
    for seconds in (-1, 0, float("nan")):
        with pytest.raises(ValueError, match="timeout must be a number of seconds above 0, not "):
            package.check(timeout=seconds)
        with pytest.raises(ValueError, match="smoke_timeout must be a number of seconds above 0"):
            package.check(smoke_timeout=seconds)
    with pytest.raises(ValueError, match="timeout must be a number of seconds above 0, not '3'"):
        package.check(timeout="3")  # type: ignore[arg-type]
    with pytest.raises(package.EnvcheckError, match="there is no such file or folder"):
        package.check("/no/such/python")
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(package.EnvcheckError, match="has no interpreter of its own"):
        package.check()


def test_in_threads_at_once_it_leaves_signals_alone(lab: Callable[[str], Path]) -> None:
    python = str(lab("empty311"))
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    before = [signal.getsignal(getattr(signal, name)) for name in names]
    found: list[str] = []

    def look() -> None:
        found.append(package.check(python, expect="cpu").status)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == ["fail"] * 3
    assert [signal.getsignal(getattr(signal, name)) for name in names] == before


def test_interrupted_it_leaves_no_child(tmp_path: Path) -> None:
    """A training that hangs, and the stop button of a notebook."""
    package_folder = tmp_path / "tensorflow"
    package_folder.mkdir()
    (package_folder / "__init__.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n')\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    text = (
        "import envcheck\n"
        "try:\n    envcheck.check(expect='cpu', smoke=True)\n"
        "except KeyboardInterrupt:\n    print('stopped')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", text],
        env=plain_environment(PYTHONPATH=str(tmp_path)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    (pid,) = waited_for(tmp_path / "pid")
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60) == ("stopped\n", "")
    assert not is_alive(pid)


# --- as HTML


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linux-none-tf221", ["PASS", "everything fits together"]),
        ("linux-none-tf29-mixed", ["FAIL", "Do this first:", "KER201", "pip install"]),
    ],
)
def test_a_cell_is_complete_html_without_scripts(
    judged: Callable[..., package.Result], name: str, words: list[str]
) -> None:
    html = judged(name)._repr_html_()
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    fragment = parser.parseFragment(html)
    assert parser.errors == []
    assert len(fragment) == 1, "one element, and nothing of it outside"
    names = {element.tag for element in fragment.iter()}
    assert not names & {"script", "link", "iframe", "img", "object"}
    assert not re.search(r"\son\w+=|javascript:|https?://|@import|url\(", html)
    text = " ".join("".join(fragment.itertext()).split())
    assert [word for word in words if word not in text] == []
    assert len(html) < 20_000


def test_the_style_of_a_cell_stays_in_it(judged: Callable[..., package.Result]) -> None:
    html = judged("linux-none-tf221")._repr_html_()
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    assert style
    selectors = [
        part.strip() for rule in re.findall(r"([^{}]+)\{", style[1]) for part in rule.split(",")
    ]
    assert selectors
    assert [selector for selector in selectors if not selector.startswith(".envcheck-cell")] == []


def test_a_cell_is_readable_in_light_and_dark_notebooks(
    judged: Callable[..., package.Result],
) -> None:
    """What is coloured brings its own background; all other text has the notebook's colour."""
    from envcheck.render.html.notebook import STYLE

    colours = re.findall(r"(?<!-)\bcolor: ([^;}]+)", STYLE)
    assert set(colours) == {"#fff", "inherit"}
    for background in re.findall(r"\.badge[^{]*\{[^}]*background: (#\w{6})", STYLE):
        assert 1.05 / (luminance(background) + 0.05) >= 4.5, background


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_hostile_text_is_text(judged: Callable[..., package.Result]) -> None:
    bad = "<script>alert(1)</script>\x1b[31m\u202e" + "x" * 100_000
    result = judged("linux-none-tf221", **{"keras.version": bad, "numpy.version": bad})
    html = result._repr_html_()
    assert "<script" not in html
    assert "\x1b" not in html and "\u202e" not in html
    assert "\x1b" not in str(result) and "\u202e" not in str(result)
    assert len(html) < 100_000


# --- where it is used


def test_in_a_real_notebook(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    cells = [
        "import sys, signal; import envcheck\nbefore = signal.getsignal(signal.SIGINT)",
        "result = envcheck.check(expect='cpu')\nresult",
        "print(result.facts['target.executable'].value == sys.executable)\n"
        "print(signal.getsignal(signal.SIGINT) is before)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE],
        input=nbformat.writes(notebook),
        cwd=tmp_path,
        env=plain_environment(HOME=str(tmp_path), JUPYTER_PATH="", IPYTHONDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    executed = nbformat.reads(done.stdout, as_version=4)
    del nbclient
    (shown,) = executed.cells[1].outputs
    assert shown.output_type == "execute_result"
    assert 'class="envcheck-cell"' in shown.data["text/html"]
    assert shown.data["text/plain"].splitlines()[0].startswith("✗ FAIL: ")
    assert executed.cells[2].outputs[0].text == "True\nTrue\n"


EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client import AsyncKernelManager

class Own(AsyncKernelManager):
    @property
    def kernel_spec(self):
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, language="python", display_name="this")

book = nbformat.reads(sys.stdin.read(), as_version=4)
NotebookClient(book, timeout=240, kernel_manager_class=Own).execute()
sys.stdout.write(nbformat.writes(book))
"""

CONSUMER = """
import pathlib
import envcheck

result: envcheck.Result = envcheck.check(pathlib.Path("venv"), expect="cpu", smoke=True)
code: int = result.exit_code
codes: list[str] = [finding.code for finding in result.findings]
text: str = result.to_json()
html: str = result._repr_html_()
try:
    result.raise_for_findings()
except envcheck.CheckFailed as failed:
    again: envcheck.Result = failed.result
except envcheck.EnvcheckError as error:
    print(error)
"""


def test_it_is_typed_for_those_who_use_it(tmp_path: Path) -> None:
    def check(text: str) -> tuple[int, str]:
        (tmp_path / "consumer.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
        done = subprocess.run(
            [*command, "consumer.py"],
            cwd=tmp_path,
            env=plain_environment(MYPYPATH=str(ROOT)),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    assert check(CONSUMER) == (0, "Success: no issues found in 1 source file\n")
    code, text = check(CONSUMER.replace('expect="cpu"', 'expect="tpu"'))
    assert code == 1
    assert 'Argument "expect" to "check" has incompatible type "Literal[\'tpu\']"' in text
