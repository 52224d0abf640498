"""What wheels and the index say, read from text: no network."""

from __future__ import annotations

from typing import Any

import pytest

from envcheck.harvest import compose, index, rows, wheel
from envcheck.harvest.index import HarvestError, IndexFile
from envcheck.harvest.update import Additions, overlay_text
from envcheck.harvest.verify import sample
from envcheck.harvest.wheel import WheelFacts
from envcheck.matrix import Matrix
from envcheck.matrix.overlay import OVERLAY_SCHEMA


def listed(name: str, yanked: str | None = None, uploaded: str = "2022-05-23") -> IndexFile:
    return IndexFile(name, f"https://index.example/{name}", 1, uploaded, ">=3.7", yanked)


# --- the index


def test_the_configured_index_goes_before_the_default() -> None:
    assert (
        index.parse_pip_config(
            "global.index-url='https://mirror.example/simple'\nglobal.timeout='3'\n"
        )
        == "https://mirror.example/simple"
    )
    assert (
        index.parse_pip_config(
            ":env:.index-url='https://env.example'\nglobal.index-url='https://file.example'\n"
        )
        == "https://env.example"
    )
    assert index.parse_pip_config("global.timeout='3'") is None


@pytest.mark.parametrize(
    "text",
    [
        "  -i, --index-url <url>  Base URL (default\n     https://x.example/simple). It",
        "-i, --index-url <url> Base URL (default: https://x.example/simple)",
    ],
)
def test_the_default_is_read_from_pips_help(text: str) -> None:
    assert index.parse_pip_help(text) == "https://x.example/simple"


def test_the_environment_names_the_index() -> None:
    assert (
        index.find_index_url({"PIP_INDEX_URL": "https://x.example/simple/"})
        == "https://x.example/simple"
    )


def test_a_listing_is_sorted_and_complete() -> None:
    files = index.parse_listing(
        {
            "files": [
                {
                    "filename": "b-1-py3-none-any.whl",
                    "url": "../../b.whl",
                    "size": 3,
                    "upload-time": "2024-01-02T03:04:05Z",
                    "requires-python": ">=3.9",
                    "yanked": "bad",
                },
                {"filename": "a-1.tar.gz", "url": "https://f.example/a", "yanked": False},
            ]
        },
        "https://x.example/simple/b/",
        "b",
    )
    assert [f.name for f in files] == ["a-1.tar.gz", "b-1-py3-none-any.whl"]
    assert files[1] == IndexFile(
        "b-1-py3-none-any.whl", "https://x.example/b.whl", 3, "2024-01-02", ">=3.9", "bad"
    )
    assert files[0].yanked is None


@pytest.mark.parametrize("content", [[], {"files": "x"}, "<html>", None])
def test_another_answer_is_refused(content: object) -> None:
    with pytest.raises(HarvestError, match="not a PEP 691 listing"):
        index.parse_listing(content, "https://x.example/", "b")


# --- wheels


@pytest.mark.parametrize(
    ("name", "python", "platform", "glibc"),
    [
        (
            "tensorflow-2.9.1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "3.10",
            "linux_x86_64",
            "2.17",
        ),
        ("tensorflow-1.15.0-cp27-cp27mu-manylinux2010_x86_64.whl", "2.7", "linux_x86_64", "2.12"),
        ("tensorflow_gpu-1.13.1-cp37-cp37m-manylinux1_x86_64.whl", "3.7", "linux_x86_64", "2.5"),
        (
            "tensorflow-2.21.0-cp313-cp313-manylinux_2_27_aarch64.whl",
            "3.13",
            "linux_aarch64",
            "2.27",
        ),
        ("tensorflow-2.10.0-cp39-cp39-win_amd64.whl", "3.9", "windows_x86_64", None),
        ("tensorflow-2.16.2-cp312-cp312-macosx_10_15_x86_64.whl", "3.12", "macos_x86_64", None),
        ("tensorflow_macos-2.9.0-cp310-cp310-macosx_11_0_arm64.whl", "3.10", "macos_arm64", None),
    ],
)
def test_a_wheels_name(name: str, python: str, platform: str, glibc: str | None) -> None:
    found = rows.parse_wheel_name(name)
    assert found is not None
    assert (found.python, found.platform, found.glibc) == (python, platform, glibc)


@pytest.mark.parametrize(
    "name",
    [
        "tensorflow-gpu-2.12.0.tar.gz",
        "keras-3.0.0-py3-none-any.whl",
        "tensorflow-2.0.0-py2.7.egg",
        "x-1-cp39-cp39-freebsd.whl",
    ],
)
def test_a_name_that_is_no_cpython_wheel(name: str) -> None:
    assert rows.parse_wheel_name(name) is None


@pytest.mark.parametrize(
    ("line", "name", "specifier", "marker", "extra"),
    [
        ("numpy (<2.0,>=1.16.0)", "numpy", ">=1.16.0,<2.0", None, None),
        (
            'numpy>=1.26.0,<2.0.0; python_version >= "3.12"',
            "numpy",
            ">=1.26.0,<2.0.0",
            'python_version >= "3.12"',
            None,
        ),
        (
            'nvidia-cudnn-cu12==8.9.7.29; extra == "and-cuda"',
            "nvidia-cudnn-cu12",
            "==8.9.7.29",
            None,
            "and-cuda",
        ),
        (
            'x>1; python_version < "3.12" and extra == "y"',
            "x",
            ">1",
            'python_version < "3.12"',
            "y",
        ),
        ("typing_extensions>=3.6.6", "typing-extensions", ">=3.6.6", None, None),
        (
            "protobuf!=4.21.1,<5,!=4.21.0,>=3.20.3",
            "protobuf",
            ">=3.20.3,<5,!=4.21.0,!=4.21.1",
            None,
            None,
        ),
        ("packaging", "packaging", "", None, None),
    ],
)
def test_a_requirement(
    line: str, name: str, specifier: str, marker: str | None, extra: str | None
) -> None:
    found = wheel.parse_requirement(line)
    assert (found.name, found.specifier, found.marker, found.extra) == (
        name,
        specifier,
        marker,
        extra,
    )


def test_metadata_ends_at_its_description() -> None:
    python, requires = wheel.parse_metadata(
        "Name: x\r\nRequires-Python: >=3.9\r\nRequires-Dist: a>1\r\n\r\nRequires-Dist: b\r\n"
    )
    assert python == ">=3.9"
    assert [r.name for r in requires] == ["a"]


def test_a_requirement_that_cannot_be_read_is_said() -> None:
    with pytest.raises(HarvestError, match="cannot be read"):
        wheel.parse_requirement("numpy >= <")


def test_build_info_is_read_and_never_run() -> None:
    text = (
        "import collections\nraise SystemExit('executed')\n"
        "build_info = collections.OrderedDict([('cuda_version', '11.2'), "
        "('is_cuda_build', True), ('cuda_compute_capabilities', ['sm_35', 'compute_80'])])\n"
    )
    assert wheel.parse_build_info(text) == {
        "cuda_version": "11.2",
        "is_cuda_build": True,
        "cuda_compute_capabilities": ["sm_35", "compute_80"],
    }


def test_runpath_is_found_among_other_bytes() -> None:
    data = (
        b"\x7fELF\0libm.so.6\0$ORIGIN/../x:$ORIGIN/../nvidia/cudnn/lib:"
        b"$ORIGIN/../nvidia/cublas/lib:$ORIGIN/../../nvidia/cublas/lib\0GLIBC_2.17\0"
    )
    assert wheel.parse_runpath(data) == ("cublas", "cudnn")
    assert wheel.parse_runpath(b"$ORIGIN/../lib\0nvidia/cublas/lib\0") is None


def test_the_old_build_info_is_plain_assignments() -> None:
    assert wheel.parse_build_info("is_cuda_build = True\ncuda_version_number = '10'\n") == {
        "is_cuda_build": True,
        "cuda_version_number": "10",
    }


CONFIG_11_2 = """#define TF_CUDA_VERSION "11.2"
#define TF_CUDART_VERSION "11.0"
#define TF_CUBLAS_VERSION "11"
#define TF_CUSOLVER_VERSION "11"
#define TF_CUFFT_VERSION "10"
#define TF_CUSPARSE_VERSION "11"
#define TF_CUDNN_VERSION "8"
"""


def facts_of(config: str, info: dict[str, object], name: str) -> WheelFacts:
    return WheelFacts(name, None, (), info, wheel.parse_cuda_config(config), (), True)


LINUX = "tensorflow-2.9.1-cp310-cp310-manylinux_2_17_x86_64.whl"


def test_cuda_config_goes_before_build_info() -> None:
    facts = facts_of(
        CONFIG_11_2,
        {
            "cuda_version": "11",
            "is_cuda_build": True,
            "cuda_compute_capabilities": ["sm_35", "compute_80"],
        },
        LINUX,
    )
    found = rows.cuda_facts(facts, "linux_x86_64")
    assert found["cuda"] == "11.2" and found["cudnn_major"] == 8
    assert found["capabilities"] == ["3.5", "8.0"] and found["ptx"] == ["8.0"]
    assert found["sonames"] == {
        "cudart": "libcudart.so.11.0",
        "cublas": "libcublas.so.11",
        "cublasLt": "libcublasLt.so.11",
        "cufft": "libcufft.so.10",
        "cusolver": "libcusolver.so.11",
        "cusparse": "libcusparse.so.11",
        "cudnn": "libcudnn.so.8",
    }


def test_windows_writes_dll_suffixes() -> None:
    config = (
        CONFIG_11_2.replace('"11.2"', '"64_112"')
        .replace('"11.0"', '"64_110"')
        .replace('"11"', '"64_11"')
        .replace('"10"', '"64_10"')
        .replace('"8"', '"64_8"')
    )
    found = rows.cuda_facts(facts_of(config, {"is_cuda_build": True}, LINUX), "windows_x86_64")
    assert found["cuda"] == "11.2" and found["cudnn_major"] == 8
    assert found["sonames"]["cudart"] == "cudart64_110.dll"
    assert found["sonames"]["cudnn"] == "cudnn64_8.dll"


@pytest.mark.parametrize(
    ("text", "cuda"),
    [
        ("64_112", "11.2"),
        ("64_100", "10.0"),
        ("64_80", "8.0"),
        ("12.5.1", "12.5.1"),
        ("10.1", "10.1"),
    ],
)
def test_cuda_is_decoded(text: str, cuda: str) -> None:
    assert rows.decode_cuda(text) == cuda


@pytest.mark.parametrize(
    ("info", "config", "has_code", "kind"),
    [
        ({"is_cuda_build": True}, "", True, "cuda"),
        ({"is_cuda_build": False}, "", True, "cpu"),
        ({}, CONFIG_11_2, True, "cuda"),
        ({"x": 1}, '#define TF_CUDA_VERSION ""\n', True, "cpu"),
        ({}, "", True, "unread"),
        ({}, "", False, "stub"),
    ],
)
def test_what_a_wheel_is(info: dict[str, object], config: str, has_code: bool, kind: str) -> None:
    facts = WheelFacts(LINUX, None, (), info, wheel.parse_cuda_config(config), (), has_code)
    assert rows.wheel_kind(facts) == kind


# --- releases


def test_only_pre_releases_newer_than_every_final_one_are_kept() -> None:
    files = [listed(f"x-{v}-cp39-cp39-win_amd64.whl") for v in ("1.0rc1", "1.0", "2.0", "2.1rc0")]
    assert [str(v) for v in rows.group_releases(files)] == ["1.0", "2.0", "2.1rc0"]


def test_the_wheel_for_the_newest_or_oldest_python() -> None:
    files = [listed(f"x-1-cp{v}-cp{v}-win_amd64.whl") for v in ("39", "310", "38")]
    assert rows.choose_wheels(files)["windows_x86_64"].name == files[1].name
    assert rows.choose_wheels(files, newest=False)["windows_x86_64"].name == files[2].name


def test_yanking_changes_the_listing() -> None:
    assert rows.listing_digest([listed("a.whl")]) != rows.listing_digest(
        [listed("a.whl", yanked="bad")]
    )


def test_measured_facts_go_in_and_come_out_again(content: dict[str, Any]) -> None:
    for row in content["tensorflow"]:
        if row["kind"] == "release":
            bare = compose.without_measured(row)
            assert not any(
                key in entry
                for entry in bare["platforms"].values()
                for key in ("kernels", "glibc_needed", "wheels_found", "measured")
            )


def test_what_is_linked_goes_before_what_could_be_opened() -> None:
    harvested = {
        "package": "tensorflow-gpu",
        "version": "1.13.1",
        "listing": "x",
        "platforms": {
            "linux_x86_64": {
                "kind": "cuda",
                "pythons": ["3.7"],
                "tag": "t",
                "wheel": LINUX,
                "sonames": {"cufft": "f"},
            }
        },
    }
    measured = [
        {
            "id": "tensorflow-gpu 1.13.1",
            "sources": ["elf"],
            "linked": ["libcudart.so.10.0", "libcudnn.so.7"],
        }
    ]
    entry = compose.release_row(harvested, measured)["platforms"]["linux_x86_64"]
    assert entry["sonames"] == {"cudart": "libcudart.so.10.0", "cudnn": "libcudnn.so.7"}
    assert (entry["cuda"], entry["cudnn_major"]) == ("10.0", 7)


def test_runpath_is_not_carried_to_another_patch_release() -> None:
    harvested = {
        "package": "tensorflow",
        "version": "2.16.2",
        "listing": "x",
        "platforms": {
            "linux_x86_64": {"kind": "cuda", "pythons": ["3.9"], "tag": "t", "wheel": LINUX}
        },
    }
    measured = [
        {
            "id": "tensorflow 2.16.1",
            "sources": ["elf"],
            "runpath": ["cuda_runtime"],
            "cudnn": "8.9.6",
        }
    ]
    row = compose.release_row(harvested, measured)
    entry = row["platforms"]["linux_x86_64"]
    assert "runpath" not in entry and entry["cudnn"] == "8.9.6"
    assert "same-minor" in row["sources"]


def test_the_file_has_one_row_per_line() -> None:
    text = compose.dump({"schema": "s", "tensorflow": [{"id": "a"}, {"id": "b"}], "keras": []})
    assert (
        text == '{\n"schema": "s",\n"tensorflow": [\n{"id": "a"},\n{"id": "b"}\n],\n'
        '"keras": []\n}\n'
    )


def test_an_overlay_is_dated_by_its_newest_row(matrix: Matrix, file_of: Any) -> None:
    from envcheck.matrix import load_matrix

    row = dict(matrix.sections["tensorflow"]["tensorflow 2.21.0"])
    row |= {"id": "tensorflow 2.98.0", "version": "2.98.0", "date": "2030-01-01"}
    text = overlay_text(OVERLAY_SCHEMA, matrix.date, Additions((row,), (), ()))
    both = load_matrix(overlay=file_of(text))
    assert both.overlay_problem is None and both.date == "2030-01-01"


def test_a_sample_is_spread_and_stays_the_same() -> None:
    listed_rows = [{"id": str(n)} for n in range(100)]
    assert [r["id"] for r in sample(listed_rows, 4)] == ["0", "25", "50", "75"]
    assert sample(listed_rows[:2], 4) == listed_rows[:2]
