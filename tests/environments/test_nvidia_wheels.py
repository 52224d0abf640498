"""Real NVIDIA wheels in real environments.

TensorFlow and torch stand there with their real names, versions and requirements and without
their code: a folder and a dist-info that the test writes. What is judged is on the disk.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from envcheck.engine import Outcome, run_rules
from envcheck.matrix import Matrix
from envcheck.model import Facts, known
from envcheck.probes import target, toolkits
from envcheck.rules import discover
from tests.conftest import plain_environment
from tests.fakes.tree import Fenced
from tests.lab import RECIPES, Recipe, copy_of

RECIPES.update(
    {
        "nvidia-small": Recipe(
            "3.12",
            (
                "nvidia-cuda-nvcc-cu12==12.5.82",
                "nvidia-cuda-runtime-cu12==12.5.82",
                "nvidia-nvjitlink-cu12==12.5.82",
            ),
        ),
        "nvidia-old-nvjitlink": Recipe(
            "3.12", ("nvidia-cusparse-cu12==12.5.10.65", "nvidia-nvjitlink-cu12==12.3.101")
        ),
        "nvidia-two-cusolvers": Recipe(
            "3.12",
            (),
            (
                ("install", "--no-deps", "nvidia-cusolver-cu12==11.6.3.83"),
                ("install", "--no-deps", "nvidia-cusolver-cu11==11.4.1.48"),
            ),
        ),
    }
)
RULES = [rule for rule in discover() if rule.code[:3] in ("CUD", "DNN") and rule.code != "DNN101"]
CUDA_CONFIG = '#define TF_CUDA_VERSION "12.5.1"\n#define TF_CUDART_VERSION "12"\n'
CUDA_CONFIG += '#define TF_CUSPARSE_VERSION "12"\n#define TF_CUSOLVER_VERSION "11"\n'
TORCH_280 = {
    "nvidia-cuda-runtime-cu12": "==12.8.90",
    "nvidia-nvjitlink-cu12": "==12.8.93",
    "nvidia-cudnn-cu12": "==9.10.2.21",
}
"""Three of the pins in the METADATA of torch 2.8.0's Linux wheel."""


def site_of(python: Path) -> Path:
    (folder,) = (python.parent.parent / "lib").glob("python*/site-packages")
    return folder


def write(site: Path, name: str, version: str, requires: Iterable[str]) -> None:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    lines = [f"Requires-Dist: {line}" for line in requires]
    header = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]
    (folder / "METADATA").write_text("\n".join([*header, "", ""]), encoding="utf-8")
    (folder / "RECORD").write_text("", encoding="utf-8")


def add_tensorflow(python: Path, matrix: Matrix, version: str) -> None:
    build = matrix.build_of("tensorflow", version)
    assert build
    site = site_of(python)
    pins = [f'{name}{pin}; extra == "and-cuda"' for name, pin in build.and_cuda.items()]
    write(site, "tensorflow", version, pins)
    texts = {
        "__init__.py": "",
        "python/platform/build_info.py": "build_info = {'is_cuda_build': True}",
        "include/third_party/gpus/cuda/cuda_config.h": CUDA_CONFIG,
    }
    for name, text in texts.items():
        path = site / "tensorflow" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def add_torch(python: Path) -> None:
    marker = '; platform_system == "Linux" and platform_machine == "x86_64"'
    pins = [name + pin + marker for name, pin in TORCH_280.items()]
    write(site_of(python), "torch", "2.8.0", pins)


@pytest.fixture
def check(
    machine: Callable[..., Facts], matrix: Matrix, tmp_path: Path
) -> Callable[[Path], Outcome]:
    """The rules on CUDA and cuDNN over what the probes see in the environment, and the rest of
    a synthetic healthy machine on which nothing has been trained."""

    def run(python: Path) -> Outcome:
        source = Fenced(tmp_path, plain_environment())
        chosen = target.Target(str(python), "the test")
        inside = target.collect(source, chosen, target.spawn(source, chosen, 60), given=True)
        facts = machine("linux-rtx4090-tf220-wheels", {"smoke.result": None})
        facts = facts.merged(inside).merged(toolkits.collect(source, inside))
        return run_rules(RULES, facts.merged(loader(facts.merged(inside))), matrix, "gpu")

    return run


def loader(facts: Facts) -> Mapping[str, object]:
    """The loader's answer where only wheels hold the libraries."""
    sonames, rows = facts["tensorflow.sonames"].value, facts["target.nvidia_libraries"].value
    found = {
        soname: [
            {"path": f"{row['folder']}/{soname}", "via": "RUNPATH", "component": row["component"]}
            for row in rows
            if soname in row["files"]
        ]
        for soname in sonames.values()
    }
    libraries = [{"name": n, "soname": s, "found": found[s]} for n, s in sonames.items()]
    return {"loader.libraries": known(libraries, "the test")}  # type: ignore[dict-item]


def codes(outcome: Outcome) -> list[tuple[str, str, str]]:
    assert outcome.not_evaluated == ()
    return [(row.code, row.severity, row.subject) for row in outcome.findings]


def mend(outcome: Outcome) -> None:
    """Run the fixes, as printed."""
    for finding in outcome.findings:
        for step in finding.fixes[0].steps:
            subprocess.run(step, check=True, capture_output=True, env=plain_environment())


def test_healthy(check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path) -> None:
    python = copy_of("nvidia-small", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.20.0")
    assert codes(check(python)) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("cuda_runtime/lib/libcudart.so.12", None),
        ("cuda_runtime/lib/libcudart.so.12", ""),
        ("nvjitlink/lib/libnvJitLink.so.12", "cut short"),
    ],
)
def test_a_library_that_is_gone_or_empty(
    check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path, file: str, text: str | None
) -> None:
    python = copy_of("nvidia-small", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.20.0")
    path = site_of(python) / "nvidia" / file
    path.unlink()  # it is a hard link into a cache: never written into
    if text is not None:
        path.write_text(text, encoding="utf-8")
    name = f"nvidia-{'cuda-runtime' if 'runtime' in file else 'nvjitlink'}-cu12"
    outcome = check(python)
    assert codes(outcome) == [("CUD104", "error", name)]
    assert outcome.findings[0].evidence[0].value == f"nvidia/{file}"
    mend(outcome)
    assert codes(check(python)) == []


def test_no_libdevice(check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path) -> None:
    python = copy_of("nvidia-small", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.20.0")
    command = [str(python), "-m", "pip", "uninstall", "--yes", "nvidia-cuda-nvcc-cu12"]
    subprocess.run(command, check=True, capture_output=True)
    outcome = check(python)
    assert codes(outcome) == [("CUD105", "error", "libdevice")]
    assert outcome.findings[0].fixes[0].requirements == ("nvidia-cuda-nvcc-cu12<13.0,>=12.5.82",)
    mend(outcome)
    assert codes(check(python)) == []


def test_torch_and_a_tensorflow_that_leaves_room(
    check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path
) -> None:
    python = copy_of("nvidia-small", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.20.0")
    add_torch(python)
    outcome = check(python)
    subject = "nvidia-cuda-runtime-cu12, nvidia-nvjitlink-cu12"
    assert codes(outcome) == [("CUD103", "info", subject)]
    (finding,) = outcome.findings
    assert (finding.params["both"], finding.params["unhappy"]) == (
        "tensorflow and torch",
        "torch 2.8.0",
    )


def test_torch_and_a_tensorflow_that_leaves_none(
    check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path
) -> None:
    python = copy_of("nvidia-small", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.18.1")
    add_torch(python)
    (finding,) = check(python).findings
    assert (finding.code, finding.severity, finding.fixes[0].id) == ("CUD103", "info", "separate")
    command = [str(python), "-m", "pip", "install", "--quiet", "nvidia-nvjitlink-cu12==12.8.93"]
    subprocess.run(command, check=True, capture_output=True)
    (finding,) = check(python).findings
    assert (finding.code, finding.severity) == ("CUD103", "warning")
    assert [item.value for item in finding.evidence] == [
        "nvidia-cuda-runtime-cu12 12.5.82; torch asks for ==12.8.90",
        "nvidia-nvjitlink-cu12 12.8.93; tensorflow asks for ==12.5.82",
    ]


def dlopen(python: Path, library: Path) -> str:
    """What the real loader says; empty where it loads."""
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    completed = subprocess.run(
        [str(python), "-c", code, str(library)],
        capture_output=True,
        text=True,
        env=plain_environment(),
        check=False,
    )
    return "" if completed.returncode == 0 else completed.stderr.splitlines()[-1]


@pytest.mark.slow
def test_nvjitlink_too_old(
    check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path
) -> None:
    python = copy_of("nvidia-old-nvjitlink", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.20.0")
    library = site_of(python) / "nvidia/cusparse/lib/libcusparse.so.12"
    said = dlopen(python, library)
    outcome = check(python)
    (finding,) = (row for row in outcome.findings if row.code == "CUD102")
    assert finding.params["symbol"] == "__nvJitLinkComplete_12_9"
    assert "undefined symbol: __nvJitLink" in said
    assert "_12_9" in said
    for step in finding.fixes[0].steps:
        subprocess.run(step, check=True, capture_output=True)
    assert dlopen(python, library) == ""
    assert "CUD102" not in [row.code for row in check(python).findings]


@pytest.mark.slow
def test_two_wheels_write_one_file(
    check: Callable[[Path], Outcome], matrix: Matrix, tmp_path: Path
) -> None:
    python = copy_of("nvidia-two-cusolvers", tmp_path / "venv")
    add_tensorflow(python, matrix, "2.20.0")
    outcome = check(python)
    (finding,) = (row for row in outcome.findings if row.code == "CUD107")
    assert (finding.severity, finding.subject) == ("error", "libcusolver.so.11")
    assert finding.params["ours"] == "nvidia-cusolver-cu12 11.6.3.83"
    for step in finding.fixes[0].steps:
        subprocess.run(step, check=True, capture_output=True)
    after = [row.code for row in check(python).findings]
    assert not {"CUD104", "CUD107"} & set(after)
