"""`coffee-smoke --python TARGET`, with targets that die on the way."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from coffee_smoke import launcher


@pytest.fixture
def launch(tmp_path, monkeypatch, capsys):
    """Runs the launcher where `tensorflow` is the given source: (exit code, document)."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("PYTHON")]:
        monkeypatch.delenv(name)

    def run(tensorflow, *options):
        (tmp_path / "tensorflow.py").write_text(tensorflow, encoding="utf-8")
        code = launcher.main(["--python", sys.executable, "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return run


def first(document):
    rung = document["rungs"][0]
    return rung["name"], rung["status"], rung["detail"]


def test_what_the_child_found_is_passed_on(launch):
    code, document = launch("import sys; sys.exit(0)")
    assert code == 1
    assert document["rungs"][0]["error"]["type"] == "SystemExit"
    assert document["target"] == {"python": sys.executable, "why": "--python"}
    assert document["child"]["returncode"] == 1


def test_an_exit_that_looks_like_success(launch):
    code, document = launch("import os; os._exit(0)")
    assert code == 1
    assert document["ok"] is False
    assert first(document) == ("import", "failed", "exited with 0 and gave no result")
    assert [r["status"] for r in document["rungs"][1:]] == ["not-run"] * 6


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL"])
def test_a_signal(launch, name):
    number = int(getattr(signal, name))
    code, document = launch(f"import os; os.kill(os.getpid(), {number})")
    assert code == 1
    assert first(document) == ("import", "failed", "killed by " + name)


@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_the_deadline_kills_the_childs_children_too(launch, tmp_path):
    hang = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid))\n"
        "time.sleep(600)\n"
    )
    code, document = launch(hang, "--timeout", "3")
    assert code == 1
    assert first(document) == ("import", "failed", "hung until the deadline")
    assert document["child"]["timed_out"] is True
    assert is_gone(int((tmp_path / "pid").read_text()))


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


def test_earlier_rungs_keep_what_the_dead_child_had_said_of_them():
    stderr = (
        "noise\ncoffee-smoke: import ...\ncoffee-smoke: import passed: TensorFlow 2.9.1\n"
        "coffee-smoke: devices ...\ncoffee-smoke: devices passed: 1 GPU\n"
        "coffee-smoke: beans ...\ncoffee-smoke: beans failed: no cuBLAS\n"
        "coffee-smoke: forward not-run: needs beans, which failed\ncoffee-smoke: train ...\n"
    )
    ended = launcher.Ended(-6, False, "", stderr)
    document = launcher.document_of_the_dead(ended)
    assert [(r["name"], r["status"], r["detail"]) for r in document["rungs"]] == [
        ("import", "passed", "TensorFlow 2.9.1"),
        ("devices", "passed", "1 GPU"),
        ("beans", "failed", "no cuBLAS"),
        ("forward", "not-run", "needs beans, which failed"),
        ("fit", "not-run", "the child ended in train"),
        ("train", "failed", "killed by SIGABRT"),
        ("decide", "not-run", "the child ended in train"),
    ]


@pytest.mark.parametrize(
    ("stdout", "document"),
    [
        ("", None),
        ("garbage\n", None),
        ("abc{\n", None),
        ("abc[1]\n", None),
        ('noise\nabc{"ok": true}\nnoise\n', {"ok": True}),
    ],
)
def test_only_a_whole_document_behind_the_nonce_counts(stdout, document):
    assert launcher.parse_document(stdout, "abc") == document
