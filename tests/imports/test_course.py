"""A folder of old course code before and after `envcheck scan --fix`, on real TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from envcheck.commands.scan import scan
from tests import lab
from tests.imports import course

# What has no successor with the same interface: explained, and left as it was.
LEFT = {
    "crf.py": (
        "IMP304",
        "tensorflow.contrib.crf",
        "TensorFlow Addons had it as tfa.text and has ended with TensorFlow 2.15. There "
        "crf_log_likelihood makes a new variable where the former one took that of its "
        "variable_scope: give it transition_params.",
    ),
    "learn.py": (
        "IMP304",
        "tensorflow.contrib.learn.python.learn.datasets.mnist.read_data_sets",
        "Nothing has its interface: the data sets are in tf.keras.datasets, estimators ended "
        "with TensorFlow 2.15.",
    ),
    "mnist.py": (
        "IMP301",
        "tensorflow.examples",
        "The data is in tf.keras.datasets.mnist.",
    ),
    "multi_gpu.py": (
        "IMP302",
        "keras.utils.multi_gpu_model",
        "Use tf.distribute.MirroredStrategy.",
    ),
}
# What sets TF_USE_LEGACY_KERAS where TensorFlow brings Keras 3.
OF_KERAS2 = [
    *("contrib_rnn.py", "contrib_rnn_module.py", "layers_of_tf.py"),
    *("session_config.py", "session_of_keras.py"),
]
FINE_BEFORE = {
    "tf215-successors": [
        *("mixed.py", "optimizers.py", "preprocessing.py", "preprocessing_chain.py"),
        *("preprocessing_of_tf.py", "private.py"),
    ],
    "tf221-successors": ["mixed.py", "optimizers.py", "private.py"],
}


def imported(python: Path, folder: Path, names: list[str]) -> list[str]:
    """Those of the files that import, or whose cells run."""
    env = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    child = subprocess.run(
        [str(python), "-c", course.RUN, *names], cwd=folder, env=env, capture_output=True, text=True
    )
    said = [json.loads(line) for line in child.stdout.splitlines() if line.startswith('["')]
    assert [name for name, _ in said] == names, child.stderr
    return [name for name, result in said if result == "ok"]


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("environment", sorted(FINE_BEFORE))
def test_old_course_code_imports(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = lab.python_of(environment)
    names = course.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert imported(python, tmp_path, names) == FINE_BEFORE[environment]
    result = CliRunner().invoke(
        scan, ["--python", str(python), "--fix", "--format", "json"], standalone_mode=False
    )
    legacy = [name for name in names if "TF_USE_LEGACY_KERAS" in (tmp_path / name).read_text()]
    assert legacy == ([] if environment == "tf215-successors" else OF_KERAS2)
    others = [name for name in names if name not in legacy]
    fine = [*imported(python, tmp_path, others), *imported(python, tmp_path, legacy)]
    assert sorted(fine) == sorted(name for name in names if name not in LEFT)
    errors = [item for item in json.loads(result.stdout)["findings"] if item["severity"] == "error"]
    assert sorted({item["params"]["file"] for item in errors}) == sorted(LEFT)


@pytest.mark.parametrize("tensorflow", ["2.15", "2.21"])
@pytest.mark.parametrize("name", sorted(LEFT))
def test_what_is_left_is_explained(
    name: str, tensorflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text(course.FILES[name])
    monkeypatch.chdir(tmp_path)
    options = ["--tensorflow", tensorflow, "--fix", "--format", "json"]
    result = CliRunner().invoke(scan, options, standalone_mode=False)
    (finding,) = json.loads(result.stdout)["findings"]
    (fix,) = finding["fixes"]
    assert (finding["code"], finding["params"]["path"], fix["note"]) == LEFT[name]
    assert (tmp_path / name).read_text() == course.FILES[name]


@pytest.mark.parametrize("way", ["--fix", "--diff"])
@pytest.mark.parametrize("tensorflow", ["2.15", "2.21"])
def test_what_the_rewritten_files_need_is_said(
    way: str, tensorflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    options = ["--tensorflow", tensorflow, way, "--format", "json"]
    result = CliRunner().invoke(scan, options, standalone_mode=False)
    install = "python -m pip install"
    scikeras = "'scikeras" + ("<" if tensorflow == "2.15" else ">=") + "0.13'"
    keras2 = f"envcheck: they need tf_keras now: {install} 'tf-keras==2.21.*'"
    first = ["envcheck: 23 files rewritten."] if tensorflow == "2.21" else []
    first = first or ["envcheck: 20 files rewritten."]
    assert result.stderr.splitlines() == [
        *(first if way == "--fix" else ()),
        f"envcheck: they need scikeras now: {install} {scikeras}",
        *([keras2] if tensorflow == "2.21" else ()),
        f"envcheck: they need tf_slim now: {install} tf-slim",
    ]


def test_a_successor_that_is_not_installed(tmp_path: Path) -> None:
    from envcheck.imports.scan import scan as scan_files
    from envcheck.imports.stack import Stack

    (tmp_path / "a.py").write_text("import tf_slim as slim\nfrom scikeras import wrappers\n")
    known = Stack((2, 15), (2, 15), None, absent=("tf_slim",))
    (finding,) = scan_files([tmp_path], known).findings
    assert (finding.code, finding.params["package"]) == ("IMP305", "tf-slim")
    assert scan_files([tmp_path], Stack((2, 15), (2, 15))).findings == ()
