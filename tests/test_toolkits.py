"""What is installed of CUDA and cuDNN: folders and links as toolkits, distributions and wheels
lay them out, below a folder that stands for /."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from envcheck.model import Fact, absent, known, not_applicable, unknown
from envcheck.probes import cudnn, toolkits
from envcheck.probes.source import Recorded
from tests.conftest import MACHINES
from tests.fakes.tree import Rooted, Windows

SITE = "/v/lib/python3.12/site-packages"
JSON_12_4 = '{"cuda" : {"name" : "CUDA SDK", "version" : "12.4.1"}, "x": {"version": "9.9.9"}}'
HEADER = (
    "#ifndef H\n#define CUDNN_MAJOR {0}\n#define CUDNN_MINOR {1}\n#define CUDNN_PATCHLEVEL {2}\n"
)


def target(**edits: Fact) -> dict[str, Fact]:
    """Facts of a target with a CUDA build of TensorFlow in a virtual environment."""
    folder = f"{SITE}/tensorflow"
    facts = {
        "target.kind": known("venv", ""),
        "target.prefix": known("/v", ""),
        "target.cwd": known("/work", ""),
        "target.distributions": known([], ""),
        "target.nvidia_libraries": known([], ""),
        "tensorflow.cuda_build": known(True, ""),
        "tensorflow.import": known({"kind": "package", "folder": folder}, ""),
        "tensorflow.toolkit_path": absent(""),
    }
    return {**facts, **{name.replace("__", "."): fact for name, fact in edits.items()}}


Files = Mapping[str, str]


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The known facts' values where these files and links are. A text that begins with -> is
    a link."""

    def run(
        files: Files, env: Mapping[str, str] | None = None, inside: Mapping[str, Fact] | None = None
    ) -> dict[str, Any]:
        for name, text in files.items():
            path = tmp_path / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                path.symlink_to(text[3:])
            else:
                path.write_text(text, encoding="utf-8")
        facts = toolkits.collect(Rooted(tmp_path, env or {}), inside or target())
        return {name: fact.value for name, fact in facts.items() if fact.state == "known"}

    return run


def kit(path: str, version: str, source: str, *found: str) -> dict[str, Any]:
    return {"path": path, "version": version, "source": source, "found": list(found)}


@pytest.mark.parametrize(
    ("files", "env", "kits"),
    [
        pytest.param(
            {
                "/usr/local/cuda-12.4/version.json": JSON_12_4,
                "/usr/local/cuda-11.2/version.txt": "CUDA Version 11.2.152\n",
                "/usr/local/cuda": "-> cuda-12.4",
                "/usr/local/cuda-12": "-> cuda-12.4",
                "/usr/local/cuda-11.2/bin/nvcc": "",
            },
            {"CUDA_HOME": "/usr/local/cuda/", "PATH": "/bin:/usr/local/cuda-11.2/bin"},
            [
                kit("/usr/local/cuda-11.2", "11.2", "/usr/local/cuda-11.2/version.txt",
                    "/usr/local/cuda-11.2", "nvcc on PATH"),
                kit("/usr/local/cuda-12.4", "12.4", "/usr/local/cuda/version.json",
                    "/usr/local/cuda", "/usr/local/cuda-12", "/usr/local/cuda-12.4", "CUDA_HOME"),
            ],
            id="two toolkits, a link and nvcc of the other",
        ),
        pytest.param(
            {
                "/usr/lib/cuda/nvvm/libdevice/libdevice.10.bc": "",
                "/usr/include/cuda.h": "#define CUDA_VERSION 11050\n",
                "/usr/bin/nvcc": "",
            },
            {"PATH": "/usr/bin"},
            [
                kit("/usr/lib/cuda", "11.5", "/usr/include/cuda.h", "/usr/lib/cuda", "nvcc on PATH")
                | {"libdevice": True}
            ],
            id="Debian's nvidia-cuda-toolkit",
        ),
        pytest.param(
            {"/usr/include/cuda.h": "#define CUDA_VERSION 12090\n", "/usr/bin/nvcc": ""},
            {"PATH": "/usr/bin"},
            [kit("/usr", "12.9", "/usr/include/cuda.h", "/usr/include/cuda.h", "nvcc on PATH")],
            id="a distribution's packages under /usr",
        ),
        pytest.param(
            {
                "/usr/include/cuda.h": "not read",
                "/usr/lib/x86_64-linux-gnu/libcudart.so.11.0": "-> libcudart.so.11.5.117",
                "/usr/lib/x86_64-linux-gnu/libcudart.so.11.5.117": "",
            },
            {},
            [kit("/usr", "11.5", "/usr/lib/x86_64-linux-gnu/libcudart.so.11.0",
                 "/usr/include/cuda.h")],
            id="a distribution's packages, by the runtime's file",
        ),
        pytest.param(
            {
                "/usr/local/cuda-13.0/include/cuda.h": "not read",
                "/usr/local/cuda": "-> cuda-13.0",
            },
            {},
            [kit("/usr/local/cuda-13.0", "13.0", "/usr/local/cuda-13.0", "/usr/local/cuda",
                 "/usr/local/cuda-13.0")],
            id="a toolkit without a version file, by its folder's name",
        ),
        pytest.param(
            {"/opt/cuda/version.json": JSON_12_4},
            {},
            [kit("/opt/cuda", "12.4", "/opt/cuda/version.json", "/opt/cuda")],
            id="Arch",
        ),
        pytest.param(
            {"/opt/own/targets/x86_64-linux/include/cuda.h": "#define CUDA_VERSION 13000\n"},
            {"CUDA_PATH": "/opt/own"},
            [kit("/opt/own", "13.0", "/opt/own/targets/x86_64-linux/include/cuda.h", "CUDA_PATH")],
            id="a folder of one's own, known by its header alone",
        ),
        pytest.param(
            {"/sw/cuda/12.4/bin/nvcc": "", "/sw/cuda/12.4/version.json": JSON_12_4,
             "/home/u/bin/nvcc": "-> ../../../sw/cuda/12.4/bin/nvcc"},
            {"PATH": "/home/u/bin"},
            [kit("/sw/cuda/12.4", "12.4", "/sw/cuda/12.4/version.json", "nvcc on PATH")],
            id="nvcc on PATH is a link into a module's folder",
        ),
        pytest.param(
            {"/usr/local/cuda-keyring/README": "", "/usr/local/cuda.run": "",
             "/usr/local/cuda-12.4/version.json": "{"},
            {"CUDA_HOME": "/nowhere", "PATH": ":/bin"},
            None,
            id="folders that are no toolkits",
        ),
    ],
)  # fmt: skip
def test_toolkits(
    look: Callable[..., dict[str, Any]], files: Files, env: Files, kits: list[dict[str, Any]] | None
) -> None:
    assert look(files, env).get("cuda.toolkits") == kits


def test_a_conda_environment_is_a_toolkit_too(look: Callable[..., dict[str, Any]]) -> None:
    inside = target(target__kind=known("conda", ""), target__prefix=known("/c", ""))
    found = look(
        {
            "/c/conda-meta/cudatoolkit-11.8.0-h6a678d5_0.json": "{}",
            "/c/conda-meta/cudnn-8.9.2.26-cuda11_0.json": "{}",
            "/c/lib/libcudnn.so.8": "-> libcudnn.so.8.9.2",
            "/c/lib/libcudnn.so.8.9.2": "",
        },
        inside=inside,
    )
    meta = "/c/conda-meta/cudatoolkit-11.8.0-h6a678d5_0.json"
    assert found["cuda.toolkits"] == [kit("/c", "11.8", meta, "conda")]
    assert found["cudnn.copies"] == [
        {"path": "/c", "via": "conda", "libraries": ["8.9.2"], "package": "cudnn 8.9.2.26"}
    ]


def test_every_cudnn_of_a_machine(look: Callable[..., dict[str, Any]]) -> None:
    distributions = [
        {"name": name, "version": version, "location": SITE}
        for name, version in (("nvidia-cudnn-cu12", "9.3.0.75"), ("nvidia-cudnn-cu13", "9.28.1.4"))
    ]
    wheel = {
        "component": "cudnn",
        "folder": f"{SITE}/nvidia/cudnn/lib",
        "files": ["libcudnn.so.9", "libcudnn_ops.so.9"],
    }
    found = look(
        {
            "/usr/local/cuda-12.4/version.json": JSON_12_4,
            "/usr/local/cuda-12.4/lib64/libcudnn.so": "-> libcudnn.so.8",
            "/usr/local/cuda-12.4/lib64/libcudnn.so.8": "-> libcudnn.so.8.9.7",
            "/usr/local/cuda-12.4/lib64/libcudnn.so.8.9.7": "",
            "/usr/local/cuda-12.4/lib64/libcudnn.so.8.4.0": "",
            "/usr/local/cuda-12.4/include/cudnn_version.h": HEADER.format(8, 4, 0),
            "/usr/lib/x86_64-linux-gnu/libcudnn.so.7.6.5": "",
            "/usr/lib/x86_64-linux-gnu/libcudnn.so.7": "-> libcudnn.so.7.6.5",
            "/usr/include/cudnn.h": HEADER.format(7, 6, 5),
            f"{SITE}/nvidia/cudnn/include/cudnn_version.h": HEADER.format(9, 28, 1),
        },
        inside=target(
            target__distributions=known(distributions, ""),
            target__nvidia_libraries=known([wheel], ""),
        ),
    )
    toolkit = "/usr/local/cuda-12.4"
    assert found["cudnn.copies"] == [
        {"path": "/usr", "via": "system", "libraries": ["7.6.5"], "header": "7.6.5",
         "header_file": "/usr/include/cudnn.h"},
        {"path": toolkit, "via": "toolkit", "libraries": ["8.4.0", "8.9.7"], "header": "8.4.0",
         "header_file": f"{toolkit}/include/cudnn_version.h"},
        {"path": f"{SITE}/nvidia/cudnn", "via": "wheel", "libraries": ["9"], "header": "9.28.1",
         "header_file": f"{SITE}/nvidia/cudnn/include/cudnn_version.h",
         "package": "nvidia-cudnn-cu12 9.3.0.75, nvidia-cudnn-cu13 9.28.1.4"},
    ]  # fmt: skip


def test_windows() -> None:
    root = "C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v11.2"
    own = "C:\\Program Files\\NVIDIA\\CUDNN\\v9.3"
    source = Windows(
        {
            f"{root}\\version.json": JSON_12_4.replace("12.4.1", "11.2.2"),
            f"{root}\\bin\\nvcc.exe": "",
            f"{root}\\bin\\cudnn64_8.dll": "",
            f"{root}\\include\\cudnn_version.h": HEADER.format(8, 1, 0),
            f"{own}\\bin\\12.6\\cudnn64_9.dll": "",
            f"{own}\\include\\12.6\\cudnn_version.h": HEADER.format(9, 3, 0),
        },
        {"CUDA_PATH_V11_2": root, "CUDA_PATH": root, "PATH": f"C:\\Windows;{root}\\bin"},
    )
    facts = toolkits.collect(source, target())
    ways = sorted([root, "CUDA_PATH", "CUDA_PATH_V11_2", "nvcc on PATH"])
    assert facts["cuda.toolkits"].value == [kit(root, "11.2", f"{root}\\version.json", *ways)]
    assert [
        (row["path"], row["via"], row["libraries"], row["header"])
        for row in facts["cudnn.copies"].value
    ] == [(root, "toolkit", ["8"], "8.1.0"), (own, "installer", ["9"], "9.3.0")]
    assert facts["cuda.xla_roots"].state == "not-applicable"


def test_where_xla_looks(look: Callable[..., dict[str, Any]]) -> None:
    """In the order of its own search; a folder that has neither of the two is left out."""
    libdevice = "nvvm/libdevice/libdevice.10.bc"
    files = {
        f"{SITE}/nvidia/cuda_nvcc/{libdevice}": "",
        f"{SITE}/nvidia/cuda_nvcc/bin/ptxas": "",
        "/usr/local/cuda-11.2/bin/ptxas": "",
        f"/x y/{libdevice}": "",
        f"/z/{libdevice}": "",
        f"/work/cuda_sdk_lib/{libdevice}": "",
        "/opt/cuda/bin/nvcc": "",
    }
    inside = target(tensorflow__toolkit_path=known("/usr/local/cuda-11.2", ""))

    def roots(env: Files) -> list[tuple[str, str, bool, bool]]:
        rows = look({name: text for name, text in files.items() if not env}, env, inside)
        return [
            (row["path"], row["via"], row["libdevice"], row["ptxas"])
            for row in rows["cuda.xla_roots"]
        ]

    rest = [
        ("/usr/local/cuda-11.2", "build", False, True),
        (f"{SITE}/nvidia/cuda_nvcc", "wheel", True, True),
    ]
    assert roots({}) == [("/work/cuda_sdk_lib", "cuda_sdk_lib", True, False), *rest]
    flags = {"XLA_FLAGS": "--xla_dump_to=/d --xla_gpu_cuda_data_dir=/z"}
    assert roots(flags) == [("/z", "XLA_FLAGS", True, False), *rest]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (JSON_12_4, "12.4"),
        ('{"cuda":{"version":"11.2.20210106"}}', "11.2"),
        ("CUDA Version 10.1.243\nCUDA Patch Version 10.1.1\n", "10.1"),
        ("#define CUDA_VERSION 12010", "12.1"),
        ("#define CUDA_VERSION 9020", "9.2"),
        ('{"nvcc": {"version": "12.4"}}', None),
        ("#define CUDA_VERSION_OTHER 12010", None),
        ("", None),
    ],
)
def test_parse_version(text: str, version: str | None) -> None:
    assert toolkits.parse_version(text) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [(HEADER.format(8, 9, 7), "8.9.7"), (HEADER.format(9, "MINOR", 0), None), ("", None)],
)
def test_parse_header(text: str, version: str | None) -> None:
    assert cudnn.parse_header(text) == version


def test_what_cannot_be_looked_at_is_not_absent() -> None:
    """A recorded machine that does not know is never answered by the live one."""
    source = Recorded(MACHINES / "linux-none-tf221" / "raw")
    source.env = {"CUDA_HOME": "/not/recorded"}
    facts = toolkits.collect(source, target())
    assert set(facts.values()) == {unknown("not recorded", "/not/recorded")}


def test_no_child_and_no_cuda_build() -> None:
    """A CPU build costs a few looks at folders: spawn would raise, as would reading anything."""
    reason = not_applicable("this TensorFlow compiles nothing for a GPU")

    class Quiet(Rooted):
        def spawn(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("a child was started")

    facts = toolkits.collect(
        Quiet(Path("/nonexistent"), {"PATH": "/usr/bin"}),
        target(tensorflow__cuda_build=known(False, "")),
    )
    assert facts["cuda.xla_roots"] == reason
    assert (facts["cuda.toolkits"].state, facts["cudnn.copies"].state) == ("absent", "absent")
