"""The matrix obeys its own laws, whatever the harvest brings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from envcheck.judge import SUBJECTS, VERDICTS, Stack, judge
from envcheck.judge.cuda import file_of
from envcheck.matrix import Matrix, TensorflowBuild, shipped_path
from envcheck.matrix.specs import admits, intersect, parse_version
from envcheck.versions import CudaRelease

SCHEMAS = shipped_path().parent / "envcheck" / "schemas"


def builds(matrix: Matrix) -> Iterator[TensorflowBuild]:
    for package in (
        "tensorflow",
        "tensorflow-gpu",
        "tensorflow-cpu",
        "tensorflow-intel",
        "tensorflow-macos",
    ):
        for version in matrix.releases(package):
            build = matrix.build_of(package, version)
            assert build is not None
            yield build


def test_the_file_is_what_its_schema_says(content: dict[str, Any]) -> None:
    schema = json.loads((SCHEMAS / "compat_matrix.schema.json").read_text())
    problems = [
        f"{list(e.absolute_path)[:2]}: {e.message[:200]}"
        for e in jsonschema.Draft202012Validator(schema).iter_errors(content)
    ]
    assert problems == []


def test_it_stays_below_its_size() -> None:
    assert shipped_path().stat().st_size < 1_500_000


def test_every_row_has_its_own_line() -> None:
    text = shipped_path().read_text(encoding="utf-8")
    assert text.count('{"id": ') == sum(line.startswith('{"id": ') for line in text.splitlines())


def test_no_registry_is_named() -> None:
    assert not re.search(r"py[p]i\.org|python[h]osted", shipped_path().read_text())


def test_every_source_is_known_and_every_known_source_used(content: dict[str, Any]) -> None:
    known = {row["id"] for row in content["sources"]}
    used = {
        source
        for name, rows in content.items()
        if isinstance(rows, list) and name != "sources"
        for row in rows
        for source in row["sources"]
    }
    assert used <= known
    # The judge cites these by itself, or they stand for a fact in a rule's text.
    assert known - used <= {"tf-pip-page", "cpu-baseline", "cudnn-members", "runpath-2.16.1"}


def test_rows_are_sorted(content: dict[str, Any]) -> None:
    releases = [r for r in content["tensorflow"] if r["kind"] == "release"]
    keys = [(r["package"], parse_version(r["version"])) for r in releases]
    assert keys == sorted(keys)
    assert [r["id"] for r in content["sources"]] == sorted(r["id"] for r in content["sources"])


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_driver_minima_never_fall_as_cuda_rises(matrix: Matrix, system: str) -> None:
    own = [u.driver[system] for u in matrix.cuda_updates if system in u.driver]
    assert own == sorted(own)
    minima = [
        matrix.min_driver(u.release, system) for u in matrix.cuda_updates if u.release.major >= 11
    ]
    known = [m for m in minima if m is not None]
    assert known == sorted(known)


def test_the_minor_compatible_minimum_is_the_first_driver_of_its_major(matrix: Matrix) -> None:
    for major in (12, 13):
        release = CudaRelease.parse(f"{major}.0")
        assert matrix.min_driver(release) == matrix.own_driver(release)


def test_every_file_a_build_opens_has_a_provider(matrix: Matrix) -> None:
    """A CUDA series, or for cuDNN a major on record; from CUDA 11.8 on also a wheel."""
    toolkits = {
        file_of(lib, version, platform)
        for series in matrix.all_cuda_series
        for lib, version in series.sonames.items()
        for platform in ("linux_x86_64", "windows_x86_64")
    }
    cudnn = {
        name
        for row in matrix.sections["cudnn"].values()
        if row["kind"] == "files"
        for name in (*row["linux"], *row["windows"])
    }
    for build in builds(matrix):
        for wheel in build.platforms.values():
            assert set(wheel.sonames.values()) <= toolkits | cudnn, build
        if build.and_cuda:
            assert all(matrix.provider(name) for name in build.sonames.values()), build


def test_every_build_with_cuda_was_built_with_a_cuda_on_record(matrix: Matrix) -> None:
    for build in builds(matrix):
        for wheel in build.platforms.values():
            if wheel.is_cuda:
                assert wheel.cuda is not None and matrix.cuda_series(wheel.cuda), build
                assert wheel.cudnn_major and wheel.sonames, build


def test_every_build_with_cuda_names_its_gpus(matrix: Matrix) -> None:
    for build in builds(matrix):
        main = build.main
        if main and main.is_cuda and parse_version(build.version).release >= (1, 5):
            assert main.capabilities, build


def test_a_build_fits_the_cuda_it_was_built_with(matrix: Matrix) -> None:
    for build in builds(matrix):
        if build.main and build.main.is_cuda:
            stack = Stack(package=build.package, tensorflow=build.version, cuda=build.main.cuda)
            assert judge(stack, matrix).verdict == "tested", build.version


def test_every_release_admits_a_python(matrix: Matrix) -> None:
    for build in builds(matrix):
        assert build.sdist_only or all(wheel.pythons for wheel in build.platforms.values())
        assert build.sdist_only or build.platforms


def test_every_release_that_asks_for_keras_admits_one(matrix: Matrix) -> None:
    for build in builds(matrix):
        for python in build.pythons:
            pin = build.requirement("keras", python)
            if pin is not None:
                assert any(admits(pin, str(v)) for v in matrix.releases("keras")), build.version


@pytest.mark.parametrize("name", ["numpy", "protobuf"])
def test_what_is_asked_for_and_what_imports_overlap(matrix: Matrix, name: str) -> None:
    probes = {
        "numpy": ["1.13.3", "1.16.6", "1.18.5", "1.19.5", "1.22.4", "1.23.5", "1.26.4"],
        "protobuf": ["3.8.0", "3.9.2", "3.19.6", "3.20.3", "4.25.8", "5.29.5", "6.33.0"],
    }
    for build in builds(matrix):
        imports = build.numpy_imports if name == "numpy" else build.protobuf_imports
        for python in build.pythons:
            both = intersect(build.requirement(name, python), imports)
            if both and parse_version(build.version).release >= (1, 13):
                assert any(admits(both, v) for v in probes[name]), (build.version, both)


def test_the_compiled_cudnn_has_the_major_that_is_opened(matrix: Matrix) -> None:
    for build in builds(matrix):
        for wheel in build.platforms.values():
            if wheel.cudnn_compiled is not None:
                assert wheel.cudnn_compiled.major == wheel.cudnn_major, build.version


def test_wheels_are_found_exactly_where_runpath_has_every_folder(matrix: Matrix) -> None:
    """Two measurements of one thing: the ELF section and the loader itself."""
    needed = {"cublas", "cuda_runtime", "cudnn", "cufft", "cusolver", "cusparse"}
    for build in builds(matrix):
        main = build.main
        if main and main.wheels_found is not None and main.runpath is not None:
            assert main.wheels_found == (needed <= set(main.runpath)), build.version


def test_runpath_read_from_the_wheel_agrees_with_the_documents(matrix: Matrix) -> None:
    path = shipped_path().parent / "tools" / "documents" / "measured.json"
    for row in json.loads(path.read_text(encoding="utf-8")):
        package, _, version = row["id"].partition(" ")
        build = matrix.build_of(package, version)
        if row.get("runpath") and build and build.runpath:
            probed = "elf" not in row["sources"]  # the loader was asked, which shows a part only
            stated, read = set(row["runpath"]), set(build.runpath)
            assert stated <= read if probed else stated == read, row["id"]


def test_every_gpu_row_finds_itself(matrix: Matrix) -> None:
    for row in matrix.sections["gpus"].values():
        if "ambiguous" in row:
            assert matrix.gpu(row["id"]) is None, row["id"]
            assert [str(c) for c in matrix.gpu_capabilities(row["id"])] == sorted(
                row["ambiguous"], key=lambda c: [int(p) for p in c.split(".")]
            )
        else:
            found = matrix.gpu(row["id"])
            assert found is not None and str(found.compute_capability) == row["cc"], row["id"]


def test_every_gpu_belongs_to_the_architecture_of_its_number(matrix: Matrix) -> None:
    from envcheck.judge.driver import architecture_of
    from envcheck.versions import ComputeCapability

    for row in matrix.sections["gpus"].values():
        if "cc" in row:
            named = architecture_of(ComputeCapability.parse(row["cc"]))
            assert named == row["architecture"], row["id"]


def test_there_are_eighteen_rules(matrix: Matrix) -> None:
    assert list(matrix.sections["rules"]) == [f"R{n}" for n in range(1, 19)]


def test_the_first_known_good_is_the_combination_in_use(matrix: Matrix) -> None:
    first = next(iter(matrix.sections["known_good"].values()))
    assert first["stack"] == {
        "package": "tensorflow-gpu",
        "tensorflow": "2.9.1",
        "cuda": "11.6.0",
        "cudnn": "8.4.0",
    }


def test_the_judge_agrees_with_what_is_known(matrix: Matrix) -> None:
    for section in ("known_good", "known_broken"):
        for row in matrix.sections[section].values():
            if "stack" not in row:
                continue
            result = judge(Stack(**row["stack"]), matrix)
            assert result.verdict == row["verdict"], (row["id"], result.reasons)
            if "rule" in row:
                assert result.reasons[0].rule == row["rule"], row["id"]


def test_what_the_judge_says_is_in_its_vocabulary(matrix: Matrix) -> None:
    known = matrix.sections["sources"]
    for build in builds(matrix):
        stack = Stack(
            package=build.package,
            tensorflow=build.version,
            cuda="12.4",
            cudnn="9.1.0",
            driver="470.57.02",
            gpu="RTX 5090",
            python="3.12",
            keras="3.0.0",
            tf_keras="2.16.0",
            numpy="2.0.2",
            protobuf="4.25.0",
            os="linux",
            glibc="2.28",
            cuda_from="wheels",
        )
        for reason in judge(stack, matrix).reasons:
            assert reason.verdict in VERDICTS and reason.subject in SUBJECTS
            assert reason.rule in matrix.sections["rules"]
            assert reason.source and set(reason.source) <= set(known), reason
            assert reason.text.endswith("."), reason.text
