"""`coffee-smoke --python TARGET`, with targets that die on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coffee_smoke import ladder, launcher, rungs, supervisor
from tests.coffee.documents import valid
from tests.conftest import plain_environment

# The CPU is asked for: the driver of the machine that the tests run on is none of theirs.
OPTIONS = ("--json", "--device", "cpu")
BELOW = ("driver", "context", "runtime")


@pytest.fixture
def launch(tmp_path, monkeypatch, capsys):
    """Runs the launcher where `tensorflow` is the given source: (exit code, document)."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("PYTHON")]:
        monkeypatch.delenv(name)

    def run(tensorflow, *options):
        (tmp_path / "tensorflow.py").write_text(tensorflow, encoding="utf-8")
        code = launcher.main(["--python", sys.executable, *OPTIONS, *options])
        return code, valid(capsys.readouterr().out)

    return run


def above(document):
    """The first rung that is TensorFlow's, and the states of those that stand on it."""
    assert [(r["name"], r["status"]) for r in document["rungs"][:3]] == [
        (name, "skipped") for name in BELOW
    ]
    assert [r["name"] for r in document["rungs"]] == [r.name for r in rungs.RUNGS]
    rung, *rest = document["rungs"][3:]
    assert {r["status"] for r in rest} == {"not-run"}
    assert document["ok"] is False
    return rung["name"], rung["status"], rung["detail"]


def test_what_the_child_found_is_passed_on(launch):
    code, document = launch("import sys; sys.exit(0)")
    assert code == 1
    assert above(document) == ("import", "failed", "0")
    assert document["rungs"][3]["error"]["type"] == "SystemExit"
    assert document["target"] == {"python": sys.executable, "why": "--python"}
    assert [w["returncode"] for w in document["workers"]] == [0, 1]


def test_an_exit_that_looks_like_success(launch):
    code, document = launch("import os; os._exit(0)")
    assert code == 1
    assert above(document) == ("import", "failed", "exited with 0 and gave no result")
    assert document["rungs"][3]["error"]["type"] == "Died"


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SIGSEGV", "killed by SIGSEGV"),
        ("SIGKILL", "killed by SIGKILL, as the kernel does when memory runs out"),
    ],
)
def test_a_signal(launch, name, said):
    number = int(getattr(signal, name))
    log = "import sys; print('last words', file=sys.stderr, flush=True)\n"
    code, document = launch(f"{log}import os; os.kill(os.getpid(), {number})")
    assert code == 1
    assert above(document) == ("import", "failed", said)
    assert document["rungs"][3]["log"] == ["last words"]


HANG = (
    "import subprocess, sys, time\n"
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open({pid!r}, 'w').write(str(p.pid))\n"
    "time.sleep(600)\n"
)


@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_a_rungs_deadline_kills_the_childs_children_too(launch, tmp_path):
    code, document = launch(HANG.format(pid=str(tmp_path / "pid")), "--rung-timeout", "2")
    assert code == 1
    assert above(document) == ("import", "failed", "ended after 2 s without an answer")
    assert document["rungs"][3]["error"]["type"] == "Hung"
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_the_deadline_of_all_of_it(launch, tmp_path):
    code, document = launch(HANG.format(pid=str(tmp_path / "pid")), "--timeout", "3")
    assert code == 1
    name, status, detail = above(document)
    assert (name, status) == ("import", "failed")
    assert detail.endswith(" s without an answer")


def test_what_still_holds_the_pipes_does_not_hold_us(launch, tmp_path):
    leaves = HANG.replace('time.sleep(600)\n"', "").rpartition("time.sleep")[0]
    code, document = launch(leaves.format(pid=str(tmp_path / "pid")) + "import os; os._exit(7)")
    assert code == 1
    assert above(document) == ("import", "failed", "exited with 7 and gave no result")
    assert is_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="a signal of a pipe")
def test_a_supervisor_that_is_killed_leaves_no_worker(tmp_path):
    source = f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    (tmp_path / "tensorflow.py").write_text(source + "time.sleep(600)\n", encoding="utf-8")
    folder = str(Path(launcher.__file__).parent)
    supervisor = subprocess.Popen(
        [sys.executable, folder, *OPTIONS], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    for _ in range(200):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.05)
    supervisor.kill()
    supervisor.wait()
    assert is_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("end", ["os._exit(7)", "time.sleep(600)"])
def test_no_temporary_file_is_left(launch, tmp_path, end):
    """TensorFlow's autograph leaves the code that it generates where its process is cut off."""
    left = tmp_path / "left"
    source = "import os, tempfile, time\n_, name = tempfile.mkstemp()\n"
    source += f"open({str(left)!r}, 'w').write(name)\n"
    launch(source + end, "--rung-timeout", "2")
    folder = Path(left.read_text()).parent
    assert folder.name.startswith("coffee-smoke-") and not folder.exists()


def test_no_folder_is_left_of_a_python_that_does_not_start(tmp_path):
    python = tmp_path / "python"
    python.touch(mode=0o755)
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, str(Path(launcher.__file__).parent), "--python", str(python)],
        env={**plain_environment(), "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        timeout=60,
    )
    assert b"Exec format error" in done.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_folder_that_cannot_be_written_and_no_home(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no')", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(Path(launcher.__file__).parent), *OPTIONS],
        cwd="/proc" if os.path.isdir("/proc") else os.sep,  # not even root can write there
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert above(json.loads(done.stdout)) == ("import", "failed", "no")


@pytest.mark.parametrize(
    ("stdout", "said"), [("/dev/full", "[Errno 28] No space left on device"),
                         ("&-", "stdout is closed")]
)  # fmt: skip
def test_a_result_that_cannot_be_written(tmp_path, stdout, said):
    (tmp_path / "tensorflow.py").write_text("raise OSError", encoding="utf-8")
    command = f'exec "{sys.executable}" -m coffee_smoke --device cpu >{stdout}'
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env=plain_environment(PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"coffee-smoke: the result cannot be written: {said}" in done.stderr.splitlines()


def is_gone(pid):
    """Dead, or a zombie that an init process has yet to collect."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
            if stat.rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    "argv",
    [["--python", "no/such/python"], ["--python", "."], ["--nonsense"], ["--way", "magic"]],
)
def test_what_was_asked_wrongly_is_exit_2(argv, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = launcher.main(argv)
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert "coffee-smoke" in capsys.readouterr().err


def test_the_default_target_is_the_active_environment_then_the_path(tmp_path, monkeypatch):
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    python = tmp_path / inside
    python.parent.mkdir()
    python.write_text("")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(python.parent))
    assert launcher.find_target(None) == (str(python), "PATH")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    assert launcher.find_target(None) == (str(python), "VIRTUAL_ENV")
    assert launcher.find_target(str(tmp_path)) == (str(python), "--python")


class Play:
    """Stands for network processes: each worker is a small program that plays a part."""

    def __init__(self, folder):
        self.program = folder / "worker.py"

    def __call__(self, body):
        self.program.write_text(PLAYER + body, encoding="utf-8")
        said = []
        supervision = supervisor.Supervision(
            [sys.executable, str(self.program)], PLAYED, OPTIONS_PLAYED, said.append, 60.0, 5.0
        )
        document = supervision.run()
        return document, {r["name"]: (r["status"], r["detail"]) for r in document["rungs"]}


PLAYED = tuple(
    ladder.Rung(name, needs, supervisor.no_run)
    for name, needs in (("a", ()), ("b", ("a",)), ("c", ("a",)), ("train", ("a",)), ("d", ("b",)))
)
OPTIONS_PLAYED = ladder.Options(quick=False, device="cpu", way="auto", seed=1)
PLAYER = """
import json, os, sys, time
def given(name): return [v for k, v in zip(sys.argv, sys.argv[1:]) if k == name]
nonce, todo, results = given("--nonce")[0], given("--rungs")[0].split(","), []
def tell(name, status, detail=""):
    print("coffee-smoke: %s ..." % name, file=sys.stderr, flush=True)
    end(name, status, detail)
def end(name, status, detail=""):
    results.append({"name": name, "library": "", "status": status, "detail": detail,
                    "device": None, "seconds": 0})
    print(nonce + json.dumps({"rungs": results}), flush=True)
    print("coffee-smoke: %s %s: " % (name, status), file=sys.stderr, flush=True)
def die(name):
    print("coffee-smoke: %s ..." % name, "odd", sep="\\n", file=sys.stderr, flush=True)
    os.kill(os.getpid(), 6)
def done():
    last = {"rungs": results, "losses": given("--without"), "complete": True}
    print(nonce + json.dumps(last), flush=True)
"""


@pytest.fixture
def play(tmp_path):
    return Play(tmp_path)


def test_a_rung_that_dies_costs_itself_and_what_stands_on_it(play):
    document, rows = play(
        "tell('a', 'passed', 'fine')\n"
        "if 'b' in todo: die('b')\n"
        "tell('c', 'failed', 'bad'); tell('train', 'passed'); done()"
    )
    assert rows == {
        "a": ("passed", "fine"),
        "b": ("failed", "killed by SIGABRT"),
        "c": ("failed", "bad"),
        "train": ("passed", ""),
        "d": ("not-run", "needs b, which failed"),
    }
    assert document["rungs"][1]["log"] == ["odd"]


def test_a_way_that_dies_is_named_and_the_next_one_is_tried(play):
    document, rows = play(
        "for name in todo:\n"
        "    if name == 'train' and len(given('--without')) < 2:\n"
        "        print('coffee-smoke: train ...', file=sys.stderr, flush=True)\n"
        "        way = ['xla-loop', 'graph-loop'][len(given('--without'))]\n"
        "        print('coffee-smoke: train: trying', way, file=sys.stderr, flush=True)\n"
        "        os.kill(os.getpid(), 11)\n"
        "    tell(name, 'passed', 'fine')\n"
        "done()"
    )
    assert set(rows.values()) == {("passed", "fine")}
    assert [(t["way"], t["error"]["message"]) for t in document["way"]["tried"]] == [
        ("xla-loop", "killed by SIGSEGV"),
        ("graph-loop", "killed by SIGSEGV"),
    ]
    assert document["losses"] == ["xla-loop", "graph-loop"]


def test_what_dies_when_it_is_run_again_ends_it(play):
    _, rows = play("if 'a' in todo: tell('a', 'passed'); die('b')\ndie('a')")
    again = ("not-run", "a broke when it was run again: killed by SIGABRT")
    assert rows == {
        "a": ("passed", ""),
        "b": ("failed", "killed by SIGABRT"),
        "c": again,
        "train": again,
        "d": ("not-run", "needs b, which failed"),
    }


def test_what_died_is_not_run_again_for_what_stands_on_it(play):
    """The worker runs what its rungs need: `c` is left, and `d` would have `b` run once more."""
    _, rows = play(
        "if 'a' in todo: tell('a', 'passed', 'fine'); die('b')\n"
        "for name in todo: tell(name, 'passed', ','.join(todo))\n"
        "done()"
    )
    assert rows == {
        "a": ("passed", "fine"),
        "b": ("failed", "killed by SIGABRT"),
        "c": ("passed", "c,train"),
        "train": ("passed", "c,train"),
        "d": ("not-run", "needs b, which failed"),
    }


def test_where_no_time_is_left_every_rung_is_named(launch):
    code, document = launch("raise ImportError('no')", "--timeout", "1e-9")
    assert code == 1
    assert [(r["name"], r["status"], r["detail"]) for r in document["rungs"]] == [
        (rung.name, "not-run", "the time of 1e-09 s was over") for rung in rungs.RUNGS
    ]


def test_an_interpreter_that_does_not_start(play):
    document, rows = play("raise SystemExit(3)")
    assert rows.pop("start") == ("failed", "exited with 3 and gave no result")
    assert rows["a"] == ("not-run", "the interpreter did not start")
    assert {status for status, _ in rows.values()} == {"not-run"}
    assert document["ok"] is False


def test_a_cut_document_leaves_the_one_before_it(play):
    _, rows = play("tell('a', 'passed', 'fine')\nprint(nonce + '{\"rungs\": ')\nos._exit(0)")
    assert rows["a"] == ("passed", "fine")
    assert rows["b"] == ("failed", "exited with 0 and gave no result")


def test_a_worker_that_prints_without_end(play):
    _, rows = play(
        "import threading\nline = 'x' * 1000\n"
        "print('coffee-smoke: a ...', file=sys.stderr, flush=True)\n"
        "while True: print(line); print(line, file=sys.stderr)"
    )
    assert rows["a"][0] == "failed"
    assert rows["a"][1].endswith("s without an answer")
