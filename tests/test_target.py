"""The target: chosen, looked at from inside, and what is said when it cannot be looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envcheck import facts as F
from envcheck.model import EnvcheckError, Facts, ParseError
from envcheck.probes import target
from envcheck.probes.source import Live
from tests import lab as laboratory
from tests.conftest import Run, plain_environment, report_of


def look(python: Path | str, cwd: Path, **env: str) -> dict[str, Any]:
    """The probe's document, run in this folder with this environment."""
    completed = subprocess.run(
        [str(python), str(target.PROBE)],
        cwd=cwd,
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(target.parse_document(completed.stdout))


def facts_of(python: Path | str, cwd: Path, **env: str) -> Facts:
    return Facts(target.parse_target(look(python, cwd, **env)))


def dist_info(folder: Path, name: str, version: str, metadata: bytes | None = None) -> Path:
    home = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    home.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n".encode()
    (home / "METADATA").write_bytes(text if metadata is None else metadata)
    return home


@pytest.mark.parametrize("version", laboratory.PYTHONS)
def test_every_python_from_37_on_can_be_looked_at(version: str, tmp_path: Path) -> None:
    python = laboratory.python_of(f"empty{version.replace('.', '')}")
    facts = facts_of(python, tmp_path)
    assert (facts.value(F.TARGET_PYTHON) or "").startswith(version + ".")
    assert facts.fact(F.TF_IMPORT).state == "absent"
    assert facts.value(F.SHADOWS) == ()
    entries = facts.value(F.TARGET_PATH) or ()
    assert (entries[0].path, entries[0].origin) == (str(tmp_path), "cwd")
    assert {entry.origin for entry in entries} <= {"cwd", "stdlib", "site", "pth", "user-site"}


STRAY = ("json", "random", "numbers", "re", "os", "site", "importlib", "typing", "code")


@pytest.mark.parametrize("variable", ["", "PYTHONPATH"])
def test_stray_modules_do_not_break_the_probe_and_are_seen(tmp_path: Path, variable: str) -> None:
    for name in STRAY:
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('stray')\n", encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {"PYTHONPATH": str(tmp_path)} if variable else {}
    # `-S`: without it, Python itself dies of a stray `site` in PYTHONPATH.
    completed = subprocess.run(
        [sys.executable, "-S", str(target.PROBE)],
        cwd=empty if variable else tmp_path,
        env=plain_environment(**env),
        capture_output=True,
        text=True,
        check=False,
    )
    document = target.parse_document(completed.stdout)
    found = {row["module"]: row["file"] for row in document["shadows"]}
    # `os` and `importlib` are loaded before any program starts; nothing can shadow them.
    assert {"json", "random", "numbers", "re", "typing", "code"} <= set(found)
    assert found["json"] == str(tmp_path / "json.py")
    assert "os" not in found


@pytest.mark.parametrize("version", ("3.7", "3.10", "3.11", "3.13"))
def test_every_name_that_a_user_may_give_a_file(tmp_path: Path, version: str) -> None:
    """Each on its own: files that raise, named like any module that the probe itself could use."""
    python = str(laboratory.python_of(f"empty{version.replace('.', '')}"))
    names = subprocess.run(
        [
            python,
            "-c",
            f"exec(open({str(target.PROBE)!r}).read().split('LIBRARY')[0])\nprint(*SHADOWABLE)",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout.split()
    assert {"random", "json", "numbers"} <= set(names)
    for name in names:
        (tmp_path / f"{name}.py").write_text("raise SystemError('stray')\n", encoding="utf-8")
    document = look(python, tmp_path)
    assert {row["module"] for row in document["shadows"]} >= {"random", "json", "numbers"}


def test_the_working_folder_may_be_gone(envcheck: Run, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    python = laboratory.python_of("empty311")
    command = f"cd {gone} && rmdir {gone} && {sys.executable} -m envcheck --python {python} -q"
    completed = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env=plain_environment(),
    )
    assert completed.returncode == 1
    assert completed.stdout == "✗ FAIL: TensorFlow is not installed in this environment\n"


def test_paths_with_characters_that_mean_something_elsewhere(envcheck: Run, tmp_path: Path) -> None:
    home = tmp_path / "a[1] *b'c\"é"
    laboratory.copy_of("empty311", home)
    for args, env in ((("--python", str(home)), {}), ((), {"VIRTUAL_ENV": str(home)})):
        completed = envcheck(*args, "--format", "json", "--no-smoke", **env)
        assert report_of(completed)["target"]["prefix"] == str(home)


def test_an_active_environment_without_python_is_said(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    env = {"VIRTUAL_ENV": "/deleted", "PATH": str(tmp_path / "bin")}
    assert target.choose(Live(env=env), None).because == (
        "`python` on PATH, since VIRTUAL_ENV names /deleted, which has no Python"
    )


def test_modules_are_resolved_as_the_users_program_would(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("", encoding="utf-8")
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text('__version__ = "2.4.3"\n', encoding="utf-8")
    (tmp_path / "numpy").mkdir()
    document = look(laboratory.python_of("empty311"), tmp_path)
    assert document["modules"]["tensorflow"] == {
        "kind": "module",
        "file": str(tmp_path / "tensorflow.py"),
        "folder": None,
        "version": None,
    }
    assert document["modules"]["keras"]["version"] == "2.4.3"
    assert document["modules"]["keras"]["folder"] == str(tmp_path / "keras")
    assert document["modules"]["numpy"] == {
        "kind": "namespace",
        "folders": [str(tmp_path / "numpy")],
    }
    assert document["modules"]["tf_keras"] == {"kind": "missing"}


def test_nothing_is_imported_to_be_looked_at(tmp_path: Path) -> None:
    for name in ("tensorflow", "keras", "google"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"open({str(tmp_path / 'imported')!r}, 'a').close()\n", encoding="utf-8"
        )
    (tmp_path / "google" / "protobuf").mkdir()
    (tmp_path / "google" / "protobuf" / "__init__.py").write_text(
        "__version__ = '4.25.9'\n", encoding="utf-8"
    )
    document = look(sys.executable, tmp_path)
    assert document["modules"]["google.protobuf"]["version"] == "4.25.9"
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    ("metadata", "version", "state"),
    [
        (None, "2.15.1", "ok"),
        (b"", "2.15.1", "bad"),
        (b"\xff\xfe\x00garbage\n", "2.15.1", "bad"),
        (b"Name: tensorflow\nVersion: \x1b[31mred\n", "\x1b[31mred", "ok"),
    ],
)
def test_bad_metadata(tmp_path: Path, metadata: bytes | None, version: str, state: str) -> None:
    dist_info(tmp_path, "tensorflow", "2.15.1", metadata)
    document = look(sys.executable, tmp_path, PYTHONPATH=str(tmp_path))
    rows = [row for row in document["distributions"] if row["location"] == str(tmp_path)]
    assert [(row["name"], row["version"], row["metadata"]) for row in rows] == [
        ("tensorflow", version, state)
    ]


def test_missing_metadata_and_odd_names(tmp_path: Path) -> None:
    (dist_info(tmp_path, "keras", "3.0.0") / "METADATA").unlink()
    (tmp_path / "keras.dist-info").mkdir()
    (tmp_path / "~ensorflow-2.15.1.dist-info").mkdir()
    (tmp_path / "Keras_Preprocessing-1.1.2-py3.7.egg-info").write_text(
        "Name: Keras-Preprocessing\nVersion: 1.1.2\n", encoding="utf-8"
    )
    document = look(sys.executable, tmp_path, PYTHONPATH=str(tmp_path))
    rows = [row for row in document["distributions"] if row["location"] == str(tmp_path)]
    assert [(row["name"], row["version"]) for row in rows] == [
        ("keras-preprocessing", "1.1.2"),
        ("keras", "3.0.0"),
        ("keras", None),
    ]
    assert document["leftovers"] == [str(tmp_path / "~ensorflow-2.15.1.dist-info")]


def test_ten_thousand_distributions(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"package_{number}-1.0.dist-info").mkdir()
    dist_info(tmp_path, "keras", "3.0.0")
    document = look(sys.executable, tmp_path, PYTHONPATH=str(tmp_path))
    assert len(document["installed"]) >= 10_001
    assert next(row["version"] for row in document["distributions"] if row["name"] == "keras") == (
        "3.0.0"
    )


def test_files_that_the_record_names_and_the_disk_has_not(tmp_path: Path) -> None:
    home = dist_info(tmp_path, "tensorflow-cpu", "2.15.1")
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "there.py").write_text("", encoding="utf-8")
    (home / "RECORD").write_text(
        "tensorflow/__init__.py,sha256=x,1\ntensorflow/there.py,,\n"
        '"tensorflow/with, comma.py",sha256=x,1\ntensorflow/include/header.h,,\n'
        "tensorflow/__pycache__/there.pyc,,\n",
        encoding="utf-8",
    )
    facts = facts_of(sys.executable, tmp_path, PYTHONPATH=str(tmp_path))
    (row,) = facts.value(F.TF_MISSING) or ()
    assert (row.files, row.missing) == (3, 2)
    assert row.missing_examples == ("tensorflow/__init__.py", "tensorflow/with, comma.py")
    resolution = facts.value(F.TF_IMPORT)
    assert resolution is not None
    assert resolution.kind == "namespace"


def test_path_entries_that_cannot_be_listed_are_named(tmp_path: Path) -> None:
    """What any user may meet as root may not: a folder on the path that is a file."""
    file = tmp_path / "not-a-folder"
    file.write_text("", encoding="utf-8")
    document = look(sys.executable, tmp_path, PYTHONPATH=f"{file}:{tmp_path / 'missing'}")
    origins = {row["path"]: row["origin"] for row in document["path"]}
    assert origins[str(file)] == "PYTHONPATH"


def test_pth_folders_are_followed(tmp_path: Path) -> None:
    python = laboratory.copy_of("empty311", tmp_path / "venv")
    extra = tmp_path / "extra"
    dist_info(extra, "keras", "2.15.0")
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "mine.pth").write_text(f"{extra}\n", encoding="utf-8")
    document = look(python, tmp_path)
    (entry,) = [row for row in document["path"] if row["path"] == str(extra)]
    assert (entry["origin"], entry["via"]) == ("pth", str(site / "mine.pth"))
    (row,) = document["distributions"]
    assert (row["name"], row["location"]) == ("keras", str(extra))


def script(folder: Path, text: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("echo junk", 2, "this is not a Python interpreter"),
        ("sleep 60", 3, "the interpreter did not answer in 1 s"),
        ("kill -SEGV $$", 2, "this is not a Python interpreter"),
        ("exit 1", 2, "this is not a Python interpreter"),
        ("yes", 3, "the interpreter"),
    ],
)
def test_a_python_that_is_none(
    envcheck: Run, tmp_path: Path, text: str, code: int, says: str
) -> None:
    completed = envcheck("--python", str(script(tmp_path, text)), "--timeout", "1")
    assert completed.returncode == code
    assert completed.stdout == ""
    assert says in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_a_python_path_that_is_wrong(envcheck: Run, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("", encoding="utf-8")
    for path, says in (
        (tmp_path / "nowhere", "there is no such file or folder"),
        (tmp_path, "this folder has no Python interpreter"),
        (plain, "cannot be run: Permission denied"),
        (Path("/bin/ls"), "this is not a Python interpreter"),
    ):
        completed = envcheck("--python", str(path))
        assert (completed.returncode, completed.stdout) == (2, "")
        assert says in completed.stderr
        assert len(completed.stderr.splitlines()) == 1


@pytest.mark.parametrize("version", ["2.7", "3.6"])
def test_a_python_that_is_too_old(envcheck: Run, version: str) -> None:
    python = laboratory.interpreter(version)
    completed = envcheck("--python", python)
    assert completed.returncode == 2
    assert completed.stderr == (
        f"envcheck: --python {python}: this is Python {version}; envcheck looks at 3.7 and later.\n"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("raise RuntimeError('boom')", 1),
        ("print('junk on stdout' * 1000)", 1),
        ("import sys; sys.stdout.close()", 1),
        ("raise SystemExit(0)", 3),
        ("import os; os._exit(0)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 3),
    ],
)
def test_a_start_that_misbehaves(envcheck: Run, tmp_path: Path, text: str, code: int) -> None:
    """What Python survives, envcheck reports on (no TensorFlow: 1); the rest is one sentence."""
    python = laboratory.copy_of("empty311", tmp_path / "venv")
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    laboratory.at_start(site, text)
    completed = envcheck("--python", str(python), "--format", "json", "--expect", "cpu")
    assert completed.returncode == code
    assert "Traceback" not in completed.stderr
    if code == 1:
        assert [row["code"] for row in report_of(completed)["findings"]] == ["TFX101"]
    else:
        assert "this Python starts but" in completed.stderr


def test_the_target_is_the_active_environment_else_the_python_on_path(tmp_path: Path) -> None:
    for name in ("venv", "conda", "path"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").symlink_to(sys.executable)
    env = {
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "CONDA_PREFIX": str(tmp_path / "conda"),
        "PATH": str(tmp_path / "path" / "bin"),
    }
    chosen = target.choose(Live(env=env), None)
    assert chosen.python == str(tmp_path / "venv" / "bin" / "python")
    assert chosen.because == "the active virtual environment (VIRTUAL_ENV)"
    del env["VIRTUAL_ENV"]
    assert target.choose(Live(env=env), None).python == str(tmp_path / "conda" / "bin" / "python")
    del env["CONDA_PREFIX"]
    assert target.choose(Live(env=env), None).because == "`python` on PATH"
    with pytest.raises(EnvcheckError, match="No Python was found on PATH") as error:
        target.choose(Live(env={"PATH": str(tmp_path)}), None)
    assert error.value.exit_code == 3


@pytest.mark.parametrize("text", ["", "{}", target.MARKER, target.MARKER + '{"schema": "other/1"}'])
def test_a_document_that_is_none(text: str) -> None:
    with pytest.raises(ParseError):
        target.parse_document(text)


def test_the_last_marked_line_is_the_document() -> None:
    row = json.dumps({"schema": "envcheck.target/1"})
    text = f"junk\n{target.MARKER}{row}\nmore junk"
    assert target.parse_document(text) == {"schema": "envcheck.target/1"}


BUILD_INFO = """
import collections
build_info = collections.OrderedDict([('cuda_version', '11.2'), ('is_cuda_build', True)])
"""


def test_build_info_is_read_as_text() -> None:
    assert target.parse_build_info(BUILD_INFO) == {"cuda_version": "11.2", "is_cuda_build": True}
    assert target.parse_build_info("build_info = {'is_cuda_build': False}") == {
        "is_cuda_build": False
    }
    for text in ("", "build_info = open('/etc/passwd')", "build_info = [", "other = {}"):
        with pytest.raises(ParseError):
            target.parse_build_info(text)


@pytest.mark.parametrize(
    ("config", "cuda", "names"),
    [
        (
            {"CUDA": "11.2", "CUDART": "11.0", "CUBLAS": "11", "CUFFT": "10", "CUDNN": "8"},
            "11.2",
            {
                "cudart": "libcudart.so.11.0",
                "cublas": "libcublas.so.11",
                "cublasLt": "libcublasLt.so.11",
                "cufft": "libcufft.so.10",
                "cudnn": "libcudnn.so.8",
            },
        ),
        ({"CUDA": "10.0", "CUBLAS": "10.0"}, "10.0", {"cublas": "libcublas.so.10.0"}),
        (
            {"CUDA": "64_112", "CUDART": "64_110", "CUBLAS": "64_11", "CUDNN": "64_8"},
            "11.2",
            {
                "cudart": "cudart64_110.dll",
                "cublas": "cublas64_11.dll",
                "cublasLt": "cublasLt64_11.dll",
                "cudnn": "cudnn64_8.dll",
            },
        ),
    ],
)
def test_the_libraries_that_tensorflow_opens(
    config: dict[str, str], cuda: str, names: dict[str, str]
) -> None:
    text = "\n".join(f'#define TF_{name}_VERSION "{value}"' for name, value in config.items())
    texts = {
        "build_info": {"path": "b", "text": "build_info = {'is_cuda_build': True}"},
        "cuda_config": {"path": "c", "text": text},
    }
    facts = target._build(texts)
    assert facts["tensorflow.cuda_built_for"].value == cuda
    assert facts["tensorflow.sonames"].value == names
