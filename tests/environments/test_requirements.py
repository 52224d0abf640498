"""Requirements of the installed TensorFlow, judged for the target and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envcheck import requirements
from envcheck.model import Facts

TF = "linux-none-tf221"


def tensorflow(*requires: str, **more: Any) -> dict[str, Any]:
    row = {"name": "tensorflow", "version": "2.15.1", "location": "/v", "path": "/v/t"}
    return {**row, "requires": list(requires), **more}


@pytest.mark.parametrize(
    ("line", "edits", "names"),
    [
        ("six>=1", {}, ["six"]),
        ('six>=1; python_version < "3.12"', {}, []),
        ('six>=1; python_version < "3.12"', {"target.python": "3.11.7"}, ["six"]),
        ('six>=1; platform_system == "Windows"', {}, []),
        ('six>=1; platform_system == "Windows"', {"system.os": "windows"}, ["six"]),
        ('six>=1; platform_machine == "arm64"', {"target.machine": "arm64"}, ["six"]),
        ('six>=1; extra == "and-cuda"', {}, []),
        ("six (>=1)", {}, ["six"]),
        ("not a requirement !!", {}, []),
        ("Six>=1", {"target.installed": {"six": "1.16"}}, []),
        ("six>=1", {"target.installed": {"six": "0.9"}}, ["six"]),
        ("six>=1", {"target.installed": {"six": "2.0rc1"}}, []),
        ("six>=1", {"target.installed": {"six": ""}}, []),
        ("six>=1", {"target.installed": {"six": "no-version"}}, []),
        ("tensorflow>=2.15", {"target.installed": {"tensorflow-cpu": "2.15.1"}}, []),
    ],
)
def test_what_is_unmet(
    machine: Callable[..., Facts], line: str, edits: dict[str, Any], names: list[str]
) -> None:
    base = {"target.distributions": [tensorflow(line)], "target.installed": {}}
    facts = machine(TF, {**base, **edits})
    assert [item.name for item in requirements.unmet(facts)] == names


def test_a_suggestion_satisfies_tensorflow_before_anyone_else(
    machine: Callable[..., Facts],
) -> None:
    rows = [
        tensorflow("six>=2,<3"),
        {**tensorflow("six>=5"), "name": "tensorboard"},
        {**tensorflow("six>=2.5"), "name": "h5py"},
    ]
    facts = machine(TF, {"target.distributions": rows, "target.installed": {"six": "1"}})
    (item,) = requirements.unmet(facts)
    assert (item.asker.name, item.specifier, item.wanted) == ("tensorflow", "<3,>=2", ">=2.5,<3")


@pytest.mark.parametrize(
    ("name", "specifier", "text"),
    [
        ("tf-keras", ">=2.14.1", "tf-keras==2.21.*"),
        ("tensorboard", "~=2.9.0", "tensorboard~=2.9.0"),
        ("wrapt", ">=1.11", "wrapt>=1.11"),
    ],
)
def test_what_is_numbered_with_tensorflow_is_suggested_in_its_minor(
    machine: Callable[..., Facts], name: str, specifier: str, text: str
) -> None:
    assert requirements.requirement_of(machine(TF), name, specifier) == text


@pytest.mark.parametrize(
    ("version", "tf", "tf_keras", "wanted"),
    [
        ("0.23.0", "2.15.1", None, None),
        ("0.25.0", "2.15.1", None, ("tensorflow-probability==0.23.*",)),
        ("0.23.0", "2.17.1", "2.17.0", ("tensorflow-probability==0.24.*",)),
        ("0.24.0", "2.17.1", None, ("tensorflow-probability==0.24.*", "tf-keras==2.17.*")),
        ("0.25.0", "2.21.0", "2.21.0", None),
        ("0.26.0", "2.21.0", None, None),
    ],
)
def test_probability(
    machine: Callable[..., Facts],
    version: str,
    tf: str,
    tf_keras: str | None,
    wanted: tuple[str, ...] | None,
) -> None:
    row = {**tensorflow(), "name": "tensorflow-probability", "version": version}
    edits = {
        "target.distributions": [row],
        "tensorflow.version": tf,
        "tf_keras.version": tf_keras,
    }
    found = [item.wanted for item in requirements.companions(machine(TF, edits))]
    assert found == ([] if wanted is None else [wanted])
