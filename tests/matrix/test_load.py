"""A broken matrix is refused in one sentence that names the row."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from envcheck.matrix import Matrix, MatrixError, load_matrix, platform_key, shipped_path
from envcheck.matrix.overlay import (
    OVERLAY_SCHEMA,
    overlay_in_force,
    overlay_path,
    write_overlay,
)
from envcheck.versions import CudaRelease, DriverRelease


def refusal(path: Path) -> str:
    with pytest.raises(MatrixError) as caught:
        load_matrix(path)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text
    return text


def row_of(content: dict[str, Any], section: str, row_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in content[section] if r["id"] == row_id)
    return found


def test_a_missing_file(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.json")


def test_a_truncated_file_names_the_last_row_it_reached(file_of: Any) -> None:
    text = shipped_path().read_text(encoding="utf-8")
    cut = text.index('"id": "tensorflow 2.9.1"') + 400
    assert "row 'tensorflow 2.9.1'" in refusal(file_of(text[:cut]))


def test_an_empty_file(file_of: Any) -> None:
    assert "before its first row" in refusal(file_of(""))


def test_something_else_than_an_object(file_of: Any) -> None:
    assert "not an object" in refusal(file_of([1, 2]))


def test_a_newer_schema(file_of: Any, content: dict[str, Any]) -> None:
    text = refusal(file_of({**content, "schema": "envcheck.matrix/2"}))
    assert "newer" in text and "update envcheck" in text


@pytest.mark.parametrize("schema", [None, "envcheck.report/1", "envcheck.matrix/x", 1])
def test_another_schema(file_of: Any, content: dict[str, Any], schema: object) -> None:
    assert "says schema" in refusal(file_of({**content, "schema": schema}))


def test_a_missing_section(file_of: Any, content: dict[str, Any]) -> None:
    del content["gpus"]
    try:
        assert "'gpus'" in refusal(file_of(content))
    finally:
        content["gpus"] = json.loads(shipped_path().read_text())["gpus"]


@pytest.fixture
def changed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shipped_path().read_text(encoding="utf-8"))
    return found


def test_a_duplicate_row(file_of: Any, changed: dict[str, Any]) -> None:
    changed["gpus"].append(row_of(changed, "gpus", "Tesla K80"))
    assert "'Tesla K80' of gpus stands twice" in refusal(file_of(changed))


@pytest.mark.parametrize(
    ("section", "row", "field", "value"),
    [
        ("tensorflow", "tensorflow 2.9.1", "version", 2.9),
        ("tensorflow", "tensorflow 2.9.1", "requires", []),
        ("keras", "keras 3.0.0", "package", None),
        ("cuda", "11.6.0", "driver", "510.39.01"),
        ("gpus", "Tesla K80", "cc", 3.7),
        ("nvidia_wheels", "nvidia-cudnn-cu12", "versions", "9.3.0.75"),
        ("rules", "R3", "text", ["a"]),
    ],
)
def test_a_wrong_type_names_row_and_field(
    file_of: Any, changed: dict[str, Any], section: str, row: str, field: str, value: object
) -> None:
    row_of(changed, section, row)[field] = value
    text = refusal(file_of(changed))
    assert repr(row) in text and repr(field) in text


def test_a_wrong_type_inside_a_platform(file_of: Any, changed: dict[str, Any]) -> None:
    platforms = row_of(changed, "tensorflow", "tensorflow 2.9.1")["platforms"]
    platforms["linux_x86_64"]["cudnn_major"] = "8"
    text = refusal(file_of(changed))
    assert "'tensorflow 2.9.1'" in text and "linux_x86_64" in text and "cudnn_major" in text


def test_a_row_without_a_name(file_of: Any, changed: dict[str, Any]) -> None:
    changed["cudnn"][4] = {"kind": "support"}
    assert "Row 5 of cudnn" in refusal(file_of(changed))


def test_an_unknown_kind(file_of: Any, changed: dict[str, Any]) -> None:
    changed["cuda"][0]["kind"] = "toolkit"
    assert "unknown kind 'toolkit'" in refusal(file_of(changed))


def test_a_version_that_is_none_is_met_when_it_is_asked_for(
    file_of: Any, changed: dict[str, Any]
) -> None:
    row_of(changed, "gpus", "Tesla K80")["cc"] = "thirty-seven"
    broken = load_matrix(file_of(changed))
    with pytest.raises(MatrixError, match="Tesla K80"):
        broken.gpu("Tesla K80")


def test_an_installed_wheel_looks_inside_the_package(tmp_path: Path, monkeypatch: Any) -> None:
    from envcheck.matrix import load

    package = tmp_path / "envcheck" / "matrix"
    package.mkdir(parents=True)
    monkeypatch.setattr(load, "__file__", str(package / "load.py"))
    assert load.shipped_path() == tmp_path / "compat_matrix.json"
    (tmp_path / "envcheck" / "compat_matrix.json").write_text("{}")
    assert load.shipped_path() == tmp_path / "envcheck" / "compat_matrix.json"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2.9", "2.9.0"),
        ("2.9.1", "2.9.1"),
        ("2.15.0.post1", "2.15.0.post1"),
        ("2.22.0rc0", "2.22.0rc0"),
        ("2.9.9", None),
        ("2.15.0+nv24.1", None),
        ("rubbish", None),
    ],
)
def test_a_release_by_its_number(matrix: Matrix, text: str, found: str | None) -> None:
    build = matrix.build_of("tensorflow", text)
    assert (build.version if build else None) == found


def test_a_build_answers_for_linux(matrix: Matrix) -> None:
    build = matrix.build_of("tensorflow-gpu", "2.9.1")
    assert build is not None
    assert (str(build.cuda), str(build.cudnn_compiled), build.cudnn_major) == ("11.2", "8.1.0", 8)
    assert build.pythons == ("3.7", "3.8", "3.9", "3.10")
    assert build.sonames["cusolver"] == "libcusolver.so.11"
    assert build.requires["keras"] == ">=2.9.0rc0,<2.10.0"
    assert (build.numpy_imports, build.protobuf_imports) == ("<2", "<3.21")
    assert build.platforms["windows_x86_64"].sonames["cudart"] == "cudart64_110.dll"


def test_a_requirement_follows_the_python(matrix: Matrix) -> None:
    build = matrix.build_of("tensorflow", "2.16.1")
    assert build is not None
    assert build.requirement("numpy", "3.11") == ">=1.23.5,<2.0.0"
    assert build.requirement("numpy", "3.12.4") == ">=1.26.0,<2.0.0"
    assert build.requirement("pandas") is None


@pytest.mark.parametrize(
    ("cuda", "os", "driver"),
    [
        ("11.6.0", "linux", "450.80.02"),
        ("11.8", "windows", "452.39"),
        ("12.9", "linux", "525.60.13"),
        ("12.2", "wsl2", "528.33"),
        ("13.0", "linux", "580.65.06"),
        ("11.0.3", "linux", "450.51.06"),
        ("10.1", "linux", "418.39"),
        ("10.0.130", "linux", "410.48"),
        ("9.0", "linux", "384.81"),
    ],
)
def test_the_least_driver(matrix: Matrix, cuda: str, os: str, driver: str) -> None:
    assert matrix.min_driver(CudaRelease.parse(cuda), os) == DriverRelease.parse(driver)


@pytest.mark.parametrize(
    ("isa", "driver"), [("8.3", "545.23.06"), ("8.5", "555.42.02"), ("7.0", "450.36.06")]
)
def test_the_driver_that_compiles_ptx(matrix: Matrix, isa: str, driver: str) -> None:
    assert matrix.driver_of_ptx(isa) == DriverRelease.parse(driver)


@pytest.mark.parametrize(
    ("soname", "major", "project"),
    [
        ("libcudnn.so.8", None, "nvidia-cudnn-cu12"),
        ("libcudnn.so.8", 11, "nvidia-cudnn-cu11"),
        ("libcudnn.so.9", None, "nvidia-cudnn-cu12"),
        ("libcudnn.so.9", 13, "nvidia-cudnn-cu13"),
        ("libcusolver.so.11", 12, "nvidia-cusolver-cu12"),
        ("libcusolver.so.11", 11, "nvidia-cusolver-cu11"),
        ("libcusolver.so.11", 13, None),
        ("libcudart.so.11.0", None, "nvidia-cuda-runtime-cu11"),
        ("libcudart.so.13", None, "nvidia-cuda-runtime"),
        ("libcusolver.so.10", None, None),
        ("libfoo.so", None, None),
    ],
)
def test_who_provides_a_library(
    matrix: Matrix, soname: str, major: int | None, project: str | None
) -> None:
    wheel = matrix.provider(soname, major)
    assert (wheel.project if wheel else None) == project


@pytest.mark.parametrize(
    ("os", "arch", "key"),
    [
        (None, None, "linux_x86_64"),
        ("wsl2", "x86_64", "linux_x86_64"),
        ("windows", "AMD64", "windows_x86_64"),
        ("macos", "arm64", "macos_arm64"),
        ("linux", "arm64", "linux_aarch64"),
        ("linux", "ppc64le", "linux_ppc64le"),
    ],
)
def test_platforms_have_one_spelling(os: str | None, arch: str | None, key: str) -> None:
    assert platform_key(os, arch) == key


# --- the overlay


def overlay_content(**sections: Any) -> dict[str, Any]:
    return {
        "schema": OVERLAY_SCHEMA,
        "date": "2027-01-15",
        "tensorflow": [],
        "keras": [],
        "nvidia_wheels": [],
        **sections,
    }


@pytest.fixture
def newer(content: dict[str, Any]) -> dict[str, Any]:
    """A release that the shipped file does not have."""
    row = dict(row_of(content, "tensorflow", "tensorflow 2.21.0"))
    return {**row, "id": "tensorflow 2.98.0", "version": "2.98.0"}


def test_an_overlay_adds_releases(file_of: Any, newer: dict[str, Any]) -> None:
    path = file_of(overlay_content(tensorflow=[newer]))
    both = load_matrix(overlay=path)
    assert both.build_of("tensorflow", "2.98.0") is not None
    assert both.overlay == path
    assert both.version == "2027.01.15+overlay"


def test_an_overlay_does_not_change_what_is_shipped(file_of: Any, content: dict[str, Any]) -> None:
    row = {**row_of(content, "tensorflow", "tensorflow 2.9.1"), "platforms": {}}
    both = load_matrix(overlay=file_of(overlay_content(tensorflow=[row])))
    build = both.build_of("tensorflow", "2.9.1")
    assert build is not None and build.pythons


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        {"schema": "envcheck.matrix-overlay/2", "date": "2027-01-15"},
        {
            "schema": OVERLAY_SCHEMA,
            "date": "2027-01-15",
            "tensorflow": [{"id": "x"}],
            "keras": [],
            "nvidia_wheels": [],
        },
    ],
    ids=["cut off", "newer", "wrong row"],
)
def test_a_broken_overlay_leaves_the_shipped_matrix(file_of: Any, broken: Any) -> None:
    found = load_matrix(overlay=file_of(broken))
    assert found.overlay is None and found.build_of("tensorflow", "2.9.1") is not None
    assert found.overlay_problem and found.overlay_problem.endswith(".")


def test_a_missing_overlay_is_no_problem(tmp_path: Path) -> None:
    assert load_matrix(overlay=tmp_path / "none.json").overlay_problem is None


@pytest.mark.parametrize(
    ("platform", "environ", "path"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/envcheck/matrix-overlay.json"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/envcheck/matrix-overlay.json"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/envcheck/matrix-overlay.json"),
        ("win32", {"USERPROFILE": "/u", "LOCALAPPDATA": "/l"}, "/l/envcheck/matrix-overlay.json"),
    ],
)
def test_where_the_overlay_lies(platform: str, environ: dict[str, str], path: str) -> None:
    assert overlay_path(environ, platform).as_posix() == path


def test_the_overlay_can_be_switched_off(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    assert overlay_in_force(environ, "linux") is None
    path = overlay_path(environ, "linux")
    path.parent.mkdir()
    path.write_text("{}")
    assert overlay_in_force(environ, "linux") == path
    assert overlay_in_force({**environ, "ENVCHECK_NO_OVERLAY": "1"}, "linux") is None


def test_writing_is_atomic_and_checked(tmp_path: Path, newer: dict[str, Any]) -> None:
    path = tmp_path / "data" / "matrix-overlay.json"
    write_overlay(json.dumps(overlay_content(tensorflow=[newer])), path)
    before = path.read_text()
    with pytest.raises(MatrixError):
        write_overlay(json.dumps(overlay_content(tensorflow=[newer, newer])), path)
    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir()] == ["matrix-overlay.json"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MatrixError, match="cannot be written"):
        write_overlay("{}", tmp_path / "file" / "overlay.json")


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MatrixError, match="pipe cannot be written: this is no file"):
        write_overlay("{}", tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
