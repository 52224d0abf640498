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
LEFT = ["crf.py", "learn.py", "mnist.py", "multi_gpu.py", "session_config.py"]
# With Keras 3 TensorFlow's former cells raise AttributeError.
LEFT_OF_221 = ["contrib_rnn.py", "contrib_rnn_module.py", *LEFT]
FINE_BEFORE = {
    "tf215-successors": [
        *("mixed.py", "optimizers.py", "preprocessing.py", "preprocessing_of_tf.py", "private.py")
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
    left = LEFT if environment == "tf215-successors" else LEFT_OF_221
    assert imported(python, tmp_path, names) == [name for name in names if name not in left]
    errors = [item for item in json.loads(result.stdout)["findings"] if item["severity"] == "error"]
    assert sorted({item["params"]["file"] for item in errors}) == left
    assert all(item["fixes"] for item in errors)


@pytest.mark.parametrize("tensorflow", ["2.15", "2.21"])
def test_what_is_left_is_explained(
    tensorflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    options = ["--tensorflow", tensorflow, "--fix", "--format", "json"]
    result = CliRunner().invoke(scan, options, standalone_mode=False)
    errors = [item for item in json.loads(result.stdout)["findings"] if item["severity"] == "error"]
    left = LEFT if tensorflow == "2.15" else LEFT_OF_221
    assert sorted({item["params"]["file"] for item in errors}) == left
    assert all([fix["id"] for fix in item["fixes"]] == ["advice"] for item in errors)
    command = "python -m pip install 'scikeras" + ("<" if tensorflow == "2.15" else ">=") + "0.13'"
    assert result.stderr.splitlines()[1:] == [
        f"envcheck: they need scikeras now: {command}",
        "envcheck: they need tf_slim now: python -m pip install tf-slim",
    ]


def test_a_successor_that_is_not_installed(tmp_path: Path) -> None:
    from envcheck.imports.scan import scan as scan_files
    from envcheck.imports.stack import Stack

    (tmp_path / "a.py").write_text("import tf_slim as slim\nfrom scikeras import wrappers\n")
    known = Stack((2, 15), (2, 15), None, absent=("tf_slim",))
    (finding,) = scan_files([tmp_path], known).findings
    assert (finding.code, finding.params["package"]) == ("IMP305", "tf-slim")
    assert scan_files([tmp_path], Stack((2, 15), (2, 15))).findings == ()
