"""`envcheck matrix` and `envcheck judge`, as a person and as a program meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from envcheck.commands.judge import judge
from envcheck.commands.matrix import matrix as matrix_group
from envcheck.matrix import shipped_path
from envcheck.model import EnvcheckError


@click.group()
def cli() -> None:
    """Stands for envcheck.cli, which adds nothing to these two."""


cli.add_command(matrix_group)
cli.add_command(judge)


@pytest.fixture(autouse=True)
def no_overlay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def run(*argv: str) -> Result:
    return CliRunner().invoke(cli, list(argv), standalone_mode=False)


def text_of(*argv: str) -> str:
    result = run(*argv)
    assert result.exception is None, result.exception
    assert max(len(line) for line in result.output.splitlines()) <= 80
    return result.output


def refusal(*argv: str) -> str:
    result = run(*argv)
    assert isinstance(result.exception, (EnvcheckError, click.UsageError)), result.output
    if isinstance(result.exception, EnvcheckError):
        assert result.exception.exit_code == 2
        return str(result.exception)
    return result.exception.format_message()


# --- a newcomer's questions, one command each


def test_which_cuda_for_tensorflow_2_12() -> None:
    first = text_of("matrix", "show", "tensorflow", "2.12").splitlines()[0]
    assert first == "tensorflow 2.12.0: CUDA 11.8, cuDNN 8.6.0, Python 3.8-3.11."


def test_is_my_rtx_5080_supported_from_which_on_and_why_not_before() -> None:
    output = " ".join(text_of("matrix", "show", "gpu", "RTX 5080").split())
    assert output.startswith(
        "GeForce RTX 5080 (compute capability 12.0, Blackwell): from TensorFlow 2.21.0 on."
    )
    assert "not 2.16.1 to 2.20.0" in output and "9.0a" in output


def test_which_tensorflow_for_driver_470() -> None:
    output = text_of("matrix", "show", "driver", "470")
    assert output.startswith("Driver 470: TensorFlow up to 2.14.1 (CUDA 11.8) on Linux.")
    assert "525.60.13" in output


def test_why_does_2_4_not_run_with_cuda_11_2() -> None:
    output = " ".join(text_of("judge", "--tensorflow", "2.4", "--cuda", "11.2").split())
    assert output.startswith(
        "broken: tensorflow 2.4 opens libcusolver.so.10 (CUDA 11.2 has libcusolver.so.11)"
    )


@pytest.mark.parametrize(
    ("argv", "first"),
    [
        (["cuda", "11.6"], "CUDA 11.6: driver 450.80.02 or newer on Linux"),
        (["cudnn", "8.4.0"], "cuDNN 8.4.0: listed for CUDA 11.6"),
        (["keras", "2.9.0"], "keras 2.9.0 goes with tensorflow: 2.9.0 to 2.9.3."),
        (["tf-keras", "2.16.0"], "tf-keras 2.16.0 goes with tensorflow: 2.16.1 to 2.16.2."),
        (["gpu", "K80"], "Tesla K80 (compute capability 3.7, Kepler): TensorFlow"),
        (["gpu", "RTX 4090"], "GeForce RTX 4090 (compute capability 8.9, Ada Lovelace):"),
        (["rule", "r3"], "R3: CUDA minor version compatibility."),
        (["source", "cuda-notes"], "cuda-notes: driver of each CUDA release."),
        (["tensorflow-cpu", "2.10.0"], "tensorflow-cpu 2.10.0: CPU only"),
        (["tensorflow-gpu", "2.12.0"], "tensorflow-gpu 2.12.0: a placeholder"),
        (["tensorflow"], "tensorflow:"),
        (["keras"], "keras:"),
        (["driver", "367.48"], "Driver 367.48:"),
        ([], "Matrix 20"),
    ],
)
def test_show_answers_in_its_first_line(argv: list[str], first: str) -> None:
    assert text_of("matrix", "show", *argv).startswith(first)


def test_show_names_its_sources() -> None:
    assert "Release Notes" in text_of("matrix", "show", "cuda", "11.6")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["tensorflow", "2.99"], "nearest: 2.22.0rc0"),
        (["tensorflow", "rubbish"], "no version number"),
        (["cuda", "99.1"], "does not know CUDA 99.1"),
        (["cuda", "x"], "is not a CudaRelease"),
        (["gpu", "RTX 6000"], "7.5 or 8.9 or 12.0"),
        (["gpu", "Radeon"], "does not know the GPU"),
        (["gpu"], "Say which"),
        (["torch", "2.0"], "No topic 'torch'"),
        (["source", "x"], "no source 'x'"),
        (["cuda", "11.6", "--file", "/none.json"], "cannot be read"),
    ],
)
def test_show_refuses_in_one_sentence(argv: list[str], words: str) -> None:
    result = run("matrix", "show", *argv)
    assert isinstance(result.exception, EnvcheckError)
    assert words in str(result.exception)


def test_show_as_json() -> None:
    content = json.loads(text_of_json("matrix", "show", "cuda", "11.6"))
    assert content["schema"] == "envcheck.matrix-show/1"
    assert {row["id"] for row in content["rows"]} == {"11.6", "11.6.0", "11.6.1", "11.6.2"}
    assert content["sources"]["cuda-notes"].startswith("driver of each CUDA release")


def text_of_json(*argv: str) -> str:
    result = run(*argv, "--format", "json")
    assert result.exception is None, result.exception
    return result.output


# --- judge

FIELD = (
    "judge",
    "--tensorflow",
    "2.9.1",
    "--package",
    "tensorflow-gpu",
    "--cuda",
    "11.6.0",
    "--cudnn",
    "8.4.0",
    "--driver",
    "510.39.01",
    "--gpu",
    "RTX 3080",
    "--python",
    "3.9",
    "--keras",
    "2.9.0",
    "--os",
    "linux",
)


def test_the_judgement_is_what_its_schema_says() -> None:
    schema = json.loads(
        (shipped_path().parent / "envcheck" / "schemas" / "judgement.schema.json").read_text()
    )
    content = json.loads(text_of_json(*FIELD))
    jsonschema.Draft202012Validator(schema).validate(content)
    assert (content["schema"], content["verdict"]) == ("envcheck.judgement/1", "compatible")
    rules = {reason["rule"] for reason in content["reasons"]}
    assert {"R2", "R3", "R6", "R7", "R8"} - rules <= {"R2"}
    assert set(content["sources"]) == {s for r in content["reasons"] for s in r["source"]}


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (FIELD, 0),
        (("judge", "--tensorflow", "2.9.1", "--python", "3.11"), 1),
        (("judge", "--tensorflow", "2.16.2", "--keras", "2.15.0"), 1),
        (("judge", "--tensorflow", "2.99.0", "--python", "3.13"), 3),
        (("judge", "--tensorflow", "2.9.1"), 3),
    ],
)
def test_the_exit_code_follows_the_verdict(argv: tuple[str, ...], code: int) -> None:
    assert run(*argv).return_value == code


@pytest.mark.parametrize(
    "text", ["2.16.1[and-cuda]", "tensorflow[and-cuda]==2.16.1", "tensorflow==2.16.1[and-cuda]"]
)
def test_the_extra_may_stand_in_the_version(text: str) -> None:
    content = json.loads(text_of_json("judge", "--tensorflow", text))
    assert content["stack"]["cuda_from"] == "wheels"
    assert content["reasons"][0]["subject"] == "libraries"


def test_the_package_may_stand_in_the_version() -> None:
    content = json.loads(
        text_of_json("judge", "--tensorflow", "tensorflow-gpu==2.9.1", "--cuda", "11.2")
    )
    assert content["stack"]["package"] == "tensorflow-gpu"


@pytest.mark.parametrize(
    "argv",
    [
        ["--cuda", "eleven"],
        ["--driver", "12.2"],
        ["--tensorflow", "latest"],
        ["--os", "beos"],
        ["--compute-capability", "86"],
        ["--package", "torch"],
        ["--tensorflow", "torch==2.0"],
        [],
    ],
)
def test_what_cannot_be_judged_is_wrong_usage(argv: list[str]) -> None:
    assert refusal("judge", *argv)


def test_a_broken_overlay_is_said_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envcheck.matrix.overlay import overlay_path

    monkeypatch.setenv("HOME", str(tmp_path))
    import os

    path = overlay_path(os.environ)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    result = run("judge", "--tensorflow", "2.9.1", "--python", "3.9")
    assert result.return_value == 0
    assert "The shipped matrix is used" in result.output


# --- update and verify


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")


def test_update_without_network_changes_nothing(offline: None, tmp_path: Path) -> None:
    pytest.importorskip("remotezip")
    result = run("matrix", "update")
    assert isinstance(result.exception, EnvcheckError)
    assert result.exception.exit_code == 3
    assert "stays in use" in str(result.exception)
    assert not list(tmp_path.rglob("*.json"))


def test_verify_without_network_could_not_assess(offline: None) -> None:
    pytest.importorskip("remotezip")
    result = run("matrix", "verify", "--sample", "1")
    assert isinstance(result.exception, EnvcheckError)
    assert result.exception.exit_code == 3


def test_update_without_the_libraries_says_which(monkeypatch: Any) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "requests", None)
    result = run("matrix", "update")
    assert isinstance(result.exception, EnvcheckError)
    assert "requests and remotezip" in str(result.exception)


@pytest.mark.slow
def test_a_sample_of_wheels_agrees_with_the_matrix() -> None:
    """Reads about 30 MB from the package index."""
    result = run("matrix", "verify", "--sample", "8")
    assert result.exception is None
    assert result.output.startswith("0 differences")
    assert result.return_value == 0


@pytest.mark.slow
def test_every_wheel_agrees_with_the_matrix() -> None:
    """Every final release from 1.15 on; about 1.3 GB and three minutes."""
    result = run("matrix", "verify", "--all", "--format", "json")
    content = json.loads(result.output)
    assert content["differences"] == [] and content["releases"] > 250


@pytest.mark.slow
def test_verify_finds_a_changed_cell(tmp_path: Path) -> None:
    text = shipped_path().read_text(encoding="utf-8")
    path = tmp_path / "matrix.json"
    path.write_text(text.replace('"keras": ">=2.9.0rc0,<2.10.0"', '"keras": ">=2.8,<2.10.0"'))
    result = run(
        "matrix", "verify", "--file", str(path), "--package", "tensorflow-gpu", "--sample", "200"
    )
    assert result.return_value == 1
    assert "requires.keras" in result.output


@pytest.mark.slow
def test_update_finds_what_the_shipped_file_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shipped file of before 2.21, brought up to date."""
    from envcheck import matrix

    old = json.loads(shipped_path().read_text(encoding="utf-8"))
    old["tensorflow"] = [r for r in old["tensorflow"] if "2.21" not in r["id"]]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))
    monkeypatch.setattr(matrix, "shipped_path", lambda: path)
    target = tmp_path / "overlay.json"
    result = run("matrix", "update", "--output", str(target))
    assert result.exception is None, result.exception
    assert "+ tensorflow 2.21.0" in result.output
    both = matrix.load_matrix(overlay=target)
    build = both.build_of("tensorflow", "2.21.0")
    assert build is not None and str(build.cuda) == "12.5.1"
