"""Children: every way in which one can end is a result, and nothing of it stays behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from envcheck.probes import source as sources
from envcheck.probes.source import Live, NotRecorded, Recorded, Recording


def run(code: str, timeout: float = 20.0) -> sources.Completed:
    return Live().spawn("t", [sys.executable, "-S", "-c", code], timeout).result()


@pytest.mark.parametrize(
    ("code", "ended", "number"),
    [
        ("print('hello')", "exit", 0),
        ("import sys; sys.exit(7)", "exit", 7),
        ("import os; os.kill(os.getpid(), 11)", "signal", 11),
        ("import time; time.sleep(60)", "timeout", 9),
        ("import signal, time; signal.signal(15, 1); time.sleep(60)", "timeout", 9),
    ],
)
def test_endings(code: str, ended: str, number: int) -> None:
    completed = run(code, 1.5 if ended == "timeout" else 20.0)
    assert (completed.ended, completed.code) == (ended, number)


@pytest.mark.parametrize(("seconds", "said"), [(0.1, "0.1"), (2.5, "2.5"), (300.0, "300")])
def test_a_deadline_is_said_as_it_was_given(seconds: float, said: str) -> None:
    completed = sources.Completed("timeout", 9, seconds=seconds)
    assert completed.describe() == f"did not answer in {said} s"


def test_a_program_that_is_not_there() -> None:
    completed = Live().spawn("t", ["/no/such/program"], 5).result()
    assert completed.ended == "not-started"
    assert completed.describe() == "could not be started: No such file or directory"


def test_output_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_OUTPUT", 1_000_000)
    completed = run("while True: print('x' * 10000)")
    assert completed.ended == "flood"
    assert len(completed.stdout) <= 1_000_000


def test_megabytes_on_both_streams_do_not_block() -> None:
    completed = run("import sys; sys.stderr.write('e' * 3000000); sys.stdout.write('o' * 3000000)")
    assert (len(completed.stdout), len(completed.stderr)) == (3_000_000, 3_000_000)


def test_undecodable_bytes_are_replaced() -> None:
    assert run("import os; os.write(1, b'a\\xffb')").stdout == "a\ufffdb"


@pytest.mark.parametrize("how", ["time.sleep(60)", "pass"])
def test_grandchildren_do_not_outlive_the_child(tmp_path: Path, how: str) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        f"{how}\n"
    )
    run(code, 2.0)
    pid = int(pid_file.read_text())
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    pytest.fail("the grandchild is still there")


def test_progress_is_told_while_the_child_runs() -> None:
    heard: list[str] = []
    code = "import sys; sys.stderr.write('one\\n')"
    Live().spawn("t", [sys.executable, "-S", "-c", code], 20, progress=heard.append).result()
    assert "".join(heard) == "one\n"


def test_what_was_recorded_is_told_again_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("text", encoding="utf-8")
    recording = Recording(Live(env={"A": "b"}, cwd="/somewhere"))
    argv = [sys.executable, "-S", "-c", "print('hi')"]
    live = recording.spawn("greet", argv, 20).result()
    recording.read(str(tmp_path / "there"))
    with pytest.raises(FileNotFoundError):
        recording.read(str(tmp_path / "missing"))
    recording.glob(f"{tmp_path}/*")
    raw = tmp_path / "raw"
    raw.mkdir()
    import json

    (raw / "calls.json").write_text(json.dumps(recording.calls), encoding="utf-8")
    context = {"env": {"A": "b"}, "cwd": "/somewhere", "platform": "linux", "machine": "x86_64"}
    (raw / "context.json").write_text(json.dumps(context), encoding="utf-8")

    recorded = Recorded(raw)
    (tmp_path / "there").write_text("changed since", encoding="utf-8")
    assert recorded.spawn("greet", ["other"], 1).result() == live
    assert recorded.spawn("never", argv, 1).result().error == "not recorded"
    assert recorded.read(str(tmp_path / "there")) == "text"
    assert recorded.glob(f"{tmp_path}/*") == (str(tmp_path / "there"),)
    with pytest.raises(FileNotFoundError):
        recorded.read(str(tmp_path / "missing"))
    with pytest.raises(NotRecorded):
        recorded.read("/etc/hostname")
    with pytest.raises(NotRecorded):
        recorded.glob("/*")
    assert (recorded.env["A"], recorded.cwd) == ("b", "/somewhere")


def test_a_removed_working_folder_is_no_reason_to_fail(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    os.chdir(gone)
    try:
        gone.rmdir()
        assert Live().cwd == os.sep
    finally:
        os.chdir(before)
