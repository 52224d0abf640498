"""`envcheck explain` and `envcheck run` as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run, plain_environment

LOG = (
    "Traceback (most recent call last):\n"
    "AttributeError: module 'tensorflow' has no attribute 'Session'\n"
)
PYTHON = sys.executable


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_text(LOG)
    return path


def test_the_first_line_is_what_to_do(envcheck: Run, log: Path) -> None:
    done = envcheck("explain", str(log))
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "Do: Use tf.compat.v1.Session with tf.compat.v1.disable_eager_execution(), or let "
        "TensorFlow's converter rewrite the file: tf_upgrade_v2 --infile OLD.py --outfile NEW.py"
    )
    assert "line 2: AttributeError: module 'tensorflow' has no attribute 'Session'" in done.stdout


def test_json_and_a_log_that_is_piped_in(log: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "envcheck", "explain", "-", "--format", "json"],
        input=log.read_bytes(),
        capture_output=True,
        env=plain_environment(),
    )
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["schema"], answer["verdict"]) == (
        1,
        "envcheck.explanation/1",
        "environment",
    )
    assert answer["causes"][0]["code"] == "IMP902"


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", 3, "it is empty, so there is nothing to explain."),
        (bytes(range(256)) * 8, 3, "this is no text, so there is nothing to explain."),
        (b"Epoch 1/5\n10/10 - 1s 2ms/step - loss: 0.1\n", 0, ""),
        (b"nothing that is known\n", 3, ""),
    ],
)
def test_exit_codes(content: bytes, code: int, says: str, envcheck: Run, tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(content)
    done = envcheck("explain", str(path))
    assert done.returncode == code
    assert done.stderr == (f"envcheck: {path}: {says}\n" if says else "")


def test_wrong_usage(envcheck: Run, tmp_path: Path) -> None:
    for argument, says in (
        (str(tmp_path), f"{tmp_path}: this is a folder, not a log."),
        (
            str(tmp_path / "no.log"),
            f"{tmp_path}/no.log: it cannot be read (No such file or directory).",
        ),
        ("XYZ123", "XYZ123: there is no such code; envcheck explain --list names all."),
    ):
        done = envcheck("explain", argument)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"envcheck: {says}\n")


def test_the_page_of_a_code_and_the_list(envcheck: Run) -> None:
    page = envcheck("explain", "ker201")
    assert page.returncode == 0
    assert page.stdout.startswith("KER201 keras-version-mismatch\n")
    assert "Lines in a log that point to it:" in page.stdout
    own = envcheck("explain", "DRV901").stdout
    assert own.startswith("DRV901 secure-boot-refuses-the-module\n")
    listed = envcheck("explain", "--list").stdout
    assert {"KER201", "DRV901", "LIB101"} <= {line[:6] for line in listed.splitlines()}


def test_control_characters_never_reach_the_terminal(envcheck: Run, tmp_path: Path) -> None:
    path = tmp_path / "evil.log"
    path.write_bytes(b"TypeError: \x1b]0;owned\x07 \x1b[2J \x9b31m \xe2\x80\xae bad\n")
    out = envcheck("explain", str(path)).stdout
    assert all(char == "\n" or char.isprintable() for char in out)


def run_child(code: str, *more: str, **popen: object) -> subprocess.Popen[bytes]:
    command = [PYTHON, "-m", "envcheck", "run", "--", PYTHON, "-c", code, *more]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        **popen,  # type: ignore[call-overload]
    )


def test_output_input_and_exit_code_pass_unchanged() -> None:
    code = (
        "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read() + b'\\0\\xff\\r\\n');"
        "sys.stderr.write('warn\\n'); sys.exit(0)"
    )
    out, err = (child := run_child(code)).communicate(b"in\x1b[31m\n")
    assert (out, err, child.returncode) == (b"in\x1b[31m\n\0\xff\r\n", b"warn\n", 0)


def test_arguments_are_the_program_s_own() -> None:
    out, _ = run_child("import sys; print(sys.argv[1:])", "--help", "-v", "--", "x").communicate()
    assert out == b"['--help', '-v', '--', 'x']\n"


def test_a_failure_is_explained_on_stderr() -> None:
    child = run_child('import sys; sys.stderr.write("TypeError: slip\\n"); sys.exit(7)')
    out, err = child.communicate()
    assert (out, child.returncode) == (b"", 7)
    text = err.decode()
    assert text.startswith("TypeError: slip\n\nenvcheck: the program ended with 7.\nDo: ")
    assert "The environment is not the reason." in text


def test_a_signal_is_an_exit_code_and_signals_are_passed_on() -> None:
    died = run_child("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    died.communicate()
    assert died.returncode == 128 + signal.SIGKILL
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    waiting = run_child(code)
    assert waiting.stdout
    assert waiting.stdout.readline() == b"ready\n"
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate()
    assert waiting.returncode == 5


def test_no_such_program(envcheck: Run, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    assert envcheck("run", "--", "no-such-program").returncode == 127
    assert envcheck("run", "--", str(plain)).returncode == 126
    assert envcheck("run").returncode == 2


def test_a_terminal_stays_a_terminal() -> None:
    ours, childs = pty.openpty()
    code = "import sys; print(sys.stdout.isatty(), sys.stderr.isatty(), end='')"
    child = subprocess.Popen(
        [PYTHON, "-m", "envcheck", "run", "--", PYTHON, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=childs,
        stderr=subprocess.PIPE,
        env=plain_environment(),
    )
    _, err = child.communicate()
    os.close(childs)
    said = os.read(ours, 1000)
    os.close(ours)
    assert (said, err, child.returncode) == (b"True False", b"", 0)


def test_output_arrives_while_the_program_runs() -> None:
    child = run_child("import sys; print('half', end='', flush=True); sys.stdin.read()")
    assert child.stdout and child.stdin
    assert os.read(child.stdout.fileno(), 100) == b"half"
    child.stdin.close()
    child.wait()
    child.stdout.close()
    assert child.stderr
    child.stderr.close()
    assert child.returncode == 0


PROGRAM = "import tensorflow as tf\nprint(tf.reduce_sum(tf.ones((2, 2))))\n"
BROKEN = (
    ("tf29-mixed", PROGRAM, ("TFX302", "TFX301", "KER201")),
    ("empty312", PROGRAM, ("TFX101",)),
    ("tf221", "import tensorflow as tf\ntf.Session()\n", ("IMP902",)),
    ("tf215", "from keras.layers.recurrent import LSTM\n", ("IMP901",)),
    ("tf221", "from keras.utils import np_utils\n", ("IMP903", "KER901", "IMP901")),
)
HEALTHY = (("tf221", PROGRAM), ("tf215", PROGRAM), ("tf29", PROGRAM))


def _train(python: Path, program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(program)
    return subprocess.run(
        [PYTHON, "-m", "envcheck", "run", "--", str(python), "train.py"],
        cwd=folder,
        env=plain_environment(),
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.lab
@pytest.mark.parametrize(("name", "program", "codes"), BROKEN)
def test_run_on_a_broken_environment(
    name: str, program: str, codes: tuple[str, ...], lab: Callable[[str], Path], tmp_path: Path
) -> None:
    done = _train(lab(name), program, tmp_path)
    assert done.returncode == 1
    answer = done.stderr.split("envcheck: the program ended with 1.\n")[1]
    assert answer.startswith("Do: ")
    assert any(code in answer for code in codes)


@pytest.mark.slow
@pytest.mark.lab
@pytest.mark.parametrize(("name", "program"), HEALTHY)
def test_run_on_a_healthy_environment(
    name: str, program: str, lab: Callable[[str], Path], tmp_path: Path
) -> None:
    done = _train(lab(name), program, tmp_path)
    assert (done.returncode, "envcheck:" in done.stderr) == (0, False)
    assert done.stdout == "tf.Tensor(4.0, shape=(), dtype=float32)\n"
