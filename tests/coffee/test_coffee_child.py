"""The protocol, in a real child, with `tensorflow` packages made to misbehave."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import coffee_smoke

FOLDER = Path(coffee_smoke.__file__).parent
ORDER = ["import", "devices", "beans", "forward", "fit", "train", "decide"]
NONCE = "4c1d"
# The rungs of the driver would read the machine that the tests run on.
WORKER = ["--worker", "--nonce", NONCE, "--rungs", ",".join(ORDER)]

# Far enough to be a TensorFlow with Keras and one CPU; what comes after needs the real one.
SHELL = """
import types
__version__ = "2.99.0"
class Model:
    pass
Model.__module__ = "tensorflow.python.keras"
keras = types.SimpleNamespace(
    Model=Model, __version__="2.4.0", __file__="keras.py",
    backend=types.SimpleNamespace(
        backend=lambda: "jax", set_floatx=print, set_image_data_format=print))
sysconfig = types.SimpleNamespace(get_build_info=lambda: {"is_cuda_build": False})
Device = types.SimpleNamespace(name="/physical_device:CPU:0", device_type="CPU")
config = types.SimpleNamespace(
    list_physical_devices=lambda kind: [Device] if kind == "CPU" else [])
"""


def run(cwd, *options, argv=None, env=None):
    command = argv or [sys.executable, str(FOLDER)]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [*command, *WORKER, *options],
        cwd=cwd,
        env={**clean, **(env or {})},
        capture_output=True,
        timeout=60,
        check=False,
    )


def document_of(done):
    """Asserts that stdout is lines of the nonce and a JSON document, and nothing else; the
    last document is the whole one."""
    lines = done.stdout.decode("ascii").splitlines()
    assert all(line.startswith(NONCE) for line in lines)
    documents = [json.loads(line[len(NONCE) :]) for line in lines]
    assert [len(d["rungs"]) for d in documents] == [*range(1, len(documents)), len(ORDER)]
    assert ["complete" in d for d in documents] == [False] * (len(documents) - 1) + [True]
    return documents[-1]


def announced(done):
    return re.findall(r"^coffee-smoke: (\w+) \.\.\.$", done.stderr.decode(), re.M)


def statuses(document):
    assert [r["name"] for r in document["rungs"]] == ORDER
    return [r["status"] for r in document["rungs"]]


@pytest.fixture
def user(tmp_path):
    """A folder of the user's; `user(tensorflow=...)` writes modules into it."""
    folder = tmp_path / "user"
    folder.mkdir()

    def write(**modules):
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source, encoding="utf-8")
        return folder

    return write


def test_missing_tensorflow(user):
    done = run(user())
    document = document_of(done)
    assert done.returncode == 1
    assert document["ok"] is False
    assert statuses(document) == ["failed"] + ["not-run"] * 6
    error = document["rungs"][0]["error"]
    assert error["type"] == "ModuleNotFoundError"
    assert error["message"] == "No module named 'tensorflow'"
    assert document["tensorflow"] is None
    assert document["python"]["executable"] == sys.executable
    assert announced(done) == ["import"]


@pytest.mark.parametrize(
    "printing",
    [
        "print('garbage')",
        "import os; os.write(1, b'garbage\\n')",
        "import os; os.system('echo garbage')",
        "import sys; sys.__stdout__.write('garbage\\n')",
    ],
)
def test_what_tensorflow_prints_never_reaches_the_result(user, printing):
    done = run(user(tensorflow=printing + SHELL))
    document = document_of(done)
    assert b"garbage" in done.stderr
    assert done.returncode == 1
    assert statuses(document) == ["passed", "passed", "failed"] + ["not-run"] * 4
    assert document["devices"] == [
        {
            "name": "/physical_device:CPU:0",
            "type": "CPU",
            "details": {"device_name": None, "compute_capability": None},
        }
    ]
    assert document["tensorflow"]["version"] == "2.99.0"
    assert document["rungs"][2]["detail"] == (
        "Keras computes on jax, not on TensorFlow (KERAS_BACKEND or keras.json)"
    )
    assert announced(done) == ["import", "devices", "beans"]


def test_sys_exit_0_is_a_failed_import(user):
    done = run(user(tensorflow="import sys\nsys.exit(0)\n"))
    document = document_of(done)
    assert done.returncode == 1
    assert statuses(document) == ["failed"] + ["not-run"] * 6
    error = document["rungs"][0]["error"]
    assert (error["type"], error["message"]) == ("SystemExit", "0")
    assert any("tensorflow.py" in line for line in error["traceback"])


def test_keyboard_interrupt_is_a_failed_import(user):
    done = run(user(tensorflow="raise KeyboardInterrupt\n"))
    document = document_of(done)
    assert done.returncode == 1
    assert document["rungs"][0]["error"]["type"] == "KeyboardInterrupt"


def test_os_exit_0_leaves_no_result_and_the_rung_on_stderr(user):
    done = run(user(tensorflow="import os\nos._exit(0)\n"))
    assert (done.returncode, done.stdout) == (0, b"")
    assert announced(done) == ["import"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_segfault_leaves_no_result_and_the_rung_on_stderr(user):
    done = run(user(tensorflow="import ctypes\nctypes.string_at(0)\n"))
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, b"")
    assert announced(done) == ["import"]


def test_asking_for_a_gpu_where_none_is_listed(user):
    document = document_of(run(user(tensorflow=SHELL), "--device", "gpu"))
    assert statuses(document) == ["passed", "failed"] + ["not-run"] * 5
    assert document["rungs"][1]["detail"] == "a GPU was asked for and TensorFlow lists none"


def test_stray_modules_in_the_users_folder_do_not_break_our_own_imports(user):
    stray = "raise RuntimeError('stray')\n"
    names = ("json", "random", "traceback", "tokenize", "typing", "argparse", "ladder", "data")
    done = run(user(**dict.fromkeys(names, stray)))
    document = document_of(done)
    assert document["rungs"][0]["error"]["type"] == "ModuleNotFoundError"
    assert b"stray" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["json", "random"])
def test_a_stray_module_hits_tensorflow_as_it_hits_the_users_own_program(user, name):
    folder = user(**{name: "raise RuntimeError('stray')\n", "tensorflow": f"import {name}\n"})
    (folder / "train.py").write_text("import tensorflow\n", encoding="utf-8")
    own = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "RuntimeError: stray" in own.stderr
    error = document_of(run(folder))["rungs"][0]["error"]
    assert (error["type"], error["message"]) == ("RuntimeError", "stray")
    assert any(str(folder / f"{name}.py") in line for line in error["traceback"])


def test_the_search_path_is_that_of_the_users_program(user):
    show = "import sys\nraise ValueError(repr(sys.path))\n"
    folder = user(tensorflow=show)
    (folder / "train.py").write_text("import sys; print(repr(sys.path))\n", encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    own = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    error = document_of(run(folder))["rungs"][0]["error"]
    assert error["message"] == own.stdout.strip()


@pytest.mark.parametrize("options", [["-I"], ["-P"]])
@pytest.mark.parametrize("started", [FOLDER, FOLDER / "__main__.py"])
def test_safe_path_keeps_the_users_folder_out(user, options, started):
    if options == ["-P"] and sys.version_info < (3, 11):
        pytest.skip("-P came with Python 3.11")
    argv = [sys.executable, *options, str(started)]
    document = document_of(run(user(tensorflow=SHELL), argv=argv))
    assert document["rungs"][0]["error"]["type"] == "ModuleNotFoundError"


def test_pythonpath_is_searched_and_does_not_shadow_us(user, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "json.py").write_text("raise RuntimeError('stray')\n", encoding="utf-8")
    (other / "tensorflow.py").write_text(SHELL, encoding="utf-8")
    document = document_of(run(user(), env={"PYTHONPATH": str(other)}))
    assert document["tensorflow"]["file"] == str(other / "tensorflow.py")


def test_the_folder_beside_ours_is_not_searched_and_nothing_is_written(user, tmp_path):
    site = tmp_path / "site-packages"
    copy = site / "coffee_smoke"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (site / "tensorflow.py").write_text(SHELL, encoding="utf-8")
    document = document_of(run(user(), argv=[sys.executable, str(copy / "__main__.py")]))
    assert document["rungs"][0]["error"]["type"] == "ModuleNotFoundError"
    assert not (copy / "__pycache__").exists()
    # Given the folder, Python itself keeps the bytecode of __main__, before our first line.
    document = document_of(run(user(), argv=[sys.executable, str(copy)]))
    assert document["rungs"][0]["error"]["type"] == "ModuleNotFoundError"
    left = [path.name.split(".")[0] for path in copy.glob("__pycache__/*")]
    assert left == ["__main__"]


def test_python_dash_m_works_too(user):
    folder = user(tensorflow=SHELL, json="raise RuntimeError('stray')\n")
    done = run(
        folder, argv=[sys.executable, "-m", "coffee_smoke"], env={"PYTHONPATH": str(FOLDER.parent)}
    )
    assert statuses(document_of(done)) == ["passed", "passed", "failed"] + ["not-run"] * 4


def test_a_deleted_current_folder(user, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = (
        f"import os; os.rmdir({str(gone)!r}); os.execv({sys.executable!r}, "
        + repr([sys.executable, str(FOLDER), *WORKER])
        + ")"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=gone, capture_output=True, timeout=60, check=False
    )
    assert document_of(done)["rungs"][0]["error"]["type"] == "ModuleNotFoundError"


@pytest.mark.skipif(os.name == "nt", reason="sh")
def test_closed_stdout_is_exit_3(user):
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" "{FOLDER}" --worker >&-'],
        cwd=user(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(b"coffee-smoke: stdout is closed")


def test_every_rung_tells_how_it_ended(user):
    done = run(user(tensorflow=SHELL))
    told = re.findall(
        r"^coffee-smoke: (\w+) (passed|failed|skipped|not-run): ", done.stderr.decode(), re.M
    )
    assert told == list(zip(ORDER, ["passed", "passed", "failed"] + ["not-run"] * 4, strict=True))


def test_the_sources_are_python_37():
    import ast

    for path in sorted(FOLDER.glob("*.py")):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
        assert not re.search(r"^(import|from) (numpy|tensorflow)", path.read_text("utf-8"), re.M)
