"""What `envcheck plan` writes, as programs and their linters read it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT, Run

BESIDE = Path(sys.executable).parent
MACHINES = {
    "wheels": ("--gpu", "RTX 4090", "--tensorflow", "2.20"),
    "links": ("--gpu", "RTX 5090", "--tensorflow", "2.21"),
    "path": ("--gpu", "RTX 3080", "--tensorflow", "2.9.1"),
    "cpu": ("--os", "linux", "--gpu", "none", "--tensorflow", "2.15"),
    "old keras": ("--os", "linux", "--gpu", "none", "--tensorflow", "2.17", "--keras", "2"),
}
each_machine = pytest.mark.parametrize("options", MACHINES.values(), ids=list(MACHINES))


def lint(program: str, *argv: str) -> None:
    path = BESIDE / program
    if not path.exists():
        pytest.skip(f"{program} is not installed beside the tests' Python")
    done = subprocess.run([str(path), *argv], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, done.stdout, ""), done.stdout


def written(envcheck: Run, path: Path, *argv: str) -> str:
    done = envcheck("plan", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(done.stdout, encoding="utf-8")
    return str(path)


@each_machine
def test_dockerfile(envcheck: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = written(envcheck, tmp_path / "Dockerfile", *options, "--format", "docker")
    lint("hadolint", "--failure-threshold", "style", path)


@each_machine
def test_workflow(envcheck: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = written(envcheck, tmp_path / "gpu.yml", *options, "--format", "github")
    lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)


@each_machine
def test_script(envcheck: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    lint("shellcheck", written(envcheck, tmp_path / "a.sh", *options, "--format", "script"))


CONDA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "channels", "dependencies"],
    "properties": {
        "name": {"type": "string", "pattern": "^[^/ :#]+$"},
        "channels": {"const": ["conda-forge", "nodefaults"]},
        "dependencies": {
            "type": "array",
            "prefixItems": [{"pattern": r"^python=3\.\d+$"}, {"const": "pip"}],
            "items": {
                "anyOf": [
                    {"type": "string", "pattern": r"^[a-z0-9-]+(=[\d.]+)?$"},
                    {"type": "object", "required": ["pip"]},
                ]
            },
        },
        "variables": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
"""conda publishes no schema of environment.yml, and no linter of it is on the package index."""


@each_machine
def test_environment_yml(envcheck: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    path = written(envcheck, tmp_path / "environment.yml", *options, "--format", "conda")
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(CONDA), encoding="utf-8")
    lint("check-jsonschema", "--schemafile", str(schema), path)


def test_conda_has_the_cuda_of_the_seed(envcheck: Run) -> None:
    seed = ("--tensorflow", "2.9.1", "--cuda", "11.6", "--os", "windows", "--gpu", "RTX 3080")
    lines = envcheck("plan", *seed, "--format", "conda").stdout.splitlines()
    assert lines[0] == "# Make it with: conda env create --file environment.yml"
    assert "  - cudatoolkit=11.6" in lines and "  - cudnn=8.4" in lines


@each_machine
def test_requirements(envcheck: Run, options: tuple[str, ...]) -> None:
    """Each line is one that pip can read; TensorFlow's is the first."""
    text = envcheck("plan", *options, "--format", "pip").stdout
    lines = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    assert lines[0].name.startswith("tensorflow")
    assert {"numpy", "protobuf"} <= {line.name for line in lines}


def test_power_shell(envcheck: Run) -> None:
    text = envcheck("plan", "--os", "windows", "--gpu", "RTX 3060", "--format", "script").stdout
    install = next(line for line in text.splitlines() if "pip install" in line)
    assert install == (
        r".\.venv\Scripts\python.exe -m pip install "
        '"tensorflow==2.10.1" "keras==2.10.0" "numpy>=1.20,<2" "protobuf>=3.9.2,<3.20" '
        '"setuptools<82"'
    )


def test_the_extra_is_quoted(envcheck: Run) -> None:
    text = envcheck("plan", "--gpu", "RTX 5090", "--format", "script").stdout
    assert '-m pip install "tensorflow[and-cuda]==2.21.0" ' in text


SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "envcheck" / "schemas" / "plan.schema.json").read_text(encoding="utf-8")
)


@each_machine
def test_json(envcheck: Run, options: tuple[str, ...]) -> None:
    document = json.loads(envcheck("plan", *options, "--format", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["plans"] and document["conflict"] is None


def test_a_contradiction_is_a_document_too(envcheck: Run) -> None:
    done = envcheck("plan", "--tensorflow", "2.9", "--python", "3.12", "--format", "json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    wrong = [row["name"] for row in document["conflict"]["demands"]]
    assert (done.returncode, document["plans"], wrong) == (1, [], ["tensorflow", "python"])


def test_the_first_line_is_what_to_do(envcheck: Run) -> None:
    fits = envcheck("plan", "--gpu", "RTX 4090", "--driver", "535.104.05").stdout.splitlines()
    assert fits[:5] == [
        "Install TensorFlow 2.20.0 on Python 3.13 with CUDA 12.5 and cuDNN 9.3.0.75 from",
        "pip's wheels.",
        "",
        "  envcheck plan --gpu 'RTX 4090' --driver 535.104.05 --format pip > requirements.txt",
        "  pip install -r requirements.txt   # in an environment of Python 3.13",
    ]
    wrong = envcheck("plan", "--tensorflow", "2.9", "--python", "3.12").stdout.splitlines()
    assert wrong[:2] == [
        "TensorFlow 2.9 and Python 3.12 do not go together: take TensorFlow 2.16 to 2.21",
        "or Python 3.7-3.10.",
    ]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--gpu", "RTX 9999"), "does not know the GPU 'RTX 9999': say --compute-capability."),
        (("--tensorflow", "two"), "--tensorflow: 'two' is no version such as 2.15."),
        (("--gpu", "T4", "--number", "9"), "--number 9: there are only 8 plans."),
        (("--driver", "12.2"), "'12.2' is no driver release such as 535.104.05."),
    ],
)
def test_wrong_options(envcheck: Run, options: tuple[str, ...], complaint: str) -> None:
    done = envcheck("plan", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_no_plan_has_no_file(envcheck: Run) -> None:
    done = envcheck("plan", "--tensorflow", "2.9", "--python", "3.12", "--format", "pip")
    assert (done.returncode, done.stdout) == (1, "")
    assert "tensorflow-cpu 2.9.3 has no wheel for Python 3.12" in done.stderr
