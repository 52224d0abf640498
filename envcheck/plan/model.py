"""What is asked of the planner, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from envcheck.judge import Judgement, System

Way = Literal["cpu", "wheels", "links", "path", "system"]
"""Where the CUDA libraries come from. wheels: pip's nvidia-* packages, which TensorFlow finds by
itself. links: the same, made findable by links inside the environment. path: the same, named in
LD_LIBRARY_PATH. system: CUDA and cuDNN of the machine or of conda."""

DROPPABLE = ("keras", "cuda", "cudnn", "tensorflow", "python", "gpu", "driver", "os")
"""Demands that can be given up, the easiest one first."""

_GIVEN_UP: Mapping[str, Mapping[str, object]] = {
    "gpu": {"gpu": False, "card": None, "capability": None},
    "os": {"os": "wsl2"},
}


@dataclass(frozen=True)
class Demands:
    """The machine and the wishes.

    Versions of `tensorflow`, `keras`, `python`, `cuda` and `cudnn` are what a user writes: a
    beginning ("2.15") or a specifier (">=2.16"). `card` is the GPU's name, `capability` its
    compute capability. `gpu` is whether a GPU is to be used. `prefer_python` is a Python minor
    that is already there.
    """

    os: System = "linux"
    arch: str | None = None
    glibc: str | None = None
    gpu: bool = False
    card: str | None = None
    capability: str | None = None
    driver: str | None = None
    python: str | None = None
    tensorflow: str | None = None
    keras: str | None = None
    cuda: str | None = None
    cudnn: str | None = None
    also: tuple[str, ...] = ()
    prefer_python: tuple[str, ...] = ()

    @property
    def uses_gpu(self) -> bool:
        return self.gpu or any((self.driver, self.cuda, self.cudnn))

    @property
    def given(self) -> tuple[str, ...]:
        """Those of DROPPABLE that are there."""
        there = {
            **{name: getattr(self, name) is not None for name in DROPPABLE},
            "gpu": self.gpu,
            "os": self.os == "windows",
        }
        return tuple(name for name in DROPPABLE if there[name])

    def without(self, name: str) -> Demands:
        """With one of them given up: Windows for WSL2 on the same machine, the GPU, and then its
        driver does not matter, for training on the CPU."""
        dropped = ("gpu", "driver") if name == "gpu" else (name,)
        return self.only(tuple(other for other in self.given if other not in dropped))

    def only(self, names: tuple[str, ...]) -> Demands:
        changes: dict[str, object] = {}
        for name in self.given:
            if name not in names:
                changes.update(_GIVEN_UP.get(name, {name: None}))
        return replace(self, **changes)  # type: ignore[arg-type]

    def words(self, name: str) -> str:
        """The demand as a user would say it."""
        if name == "gpu":
            return f"the GPU {self.device}" if self.device else "a GPU"
        if name == "os":
            return "native Windows"
        labels = {"tensorflow": "TensorFlow", "cuda": "CUDA", "cudnn": "cuDNN"}
        return f"{labels.get(name, name.capitalize())} {getattr(self, name)}"

    @property
    def device(self) -> str:
        """RTX 4090 (compute capability 8.9)."""
        if self.card and self.capability:
            return f"{self.card} (compute capability {self.capability})"
        return self.card or (f"of compute capability {self.capability}" if self.capability else "")


@dataclass(frozen=True)
class Choice:
    """One line of a plan. `sources` are ids of the matrix."""

    name: str
    version: str
    reason: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One stack that holds together by the judge, and what installs it.

    `requirements` are what is asked for, `constraints` what keeps pip from taking versions that
    do not work: both are requirement lines. `links`: folders under nvidia/ whose libraries
    TensorFlow does not find by itself. `path`: such folders where they have to be named in
    LD_LIBRARY_PATH. `variables` have to be set when the environment is used.
    """

    way: Way
    os: System
    arch: str | None
    package: str
    tensorflow: str
    python: str
    keras: str | None
    tf_keras: str | None
    cuda: str | None
    cudnn: str | None
    judgement: Judgement
    choices: tuple[Choice, ...]
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    notes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    least_driver: str | None = None

    @property
    def uses_gpu(self) -> bool:
        return self.way != "cpu"

    @property
    def title(self) -> str:
        """TensorFlow 2.20.0 on Python 3.13 with CUDA 12.5 and cuDNN 9.3.0.75 from pip's wheels."""
        text = f"TensorFlow {self.tensorflow} on Python {self.python}"
        if self.way == "cpu":
            return f"{text}, for the CPU"
        where = {"system": "of the machine or of conda"}.get(self.way, "from pip's wheels")
        return f"{text} with CUDA {self.cuda} and cuDNN {self.cudnn} {where}"


@dataclass(frozen=True)
class Nearest:
    """What becomes possible where one demand is given up. `fits` is the range that it may have."""

    dropped: str
    plan: Plan
    fits: str


@dataclass(frozen=True)
class Conflict:
    """The smallest set of demands that cannot hold together, why, and the ways out."""

    demands: tuple[str, ...]
    reason: str
    sources: tuple[str, ...]
    nearest: tuple[Nearest, ...]


@dataclass(frozen=True)
class Answer:
    """`plans` best first, or a `conflict`. `remarks` are what the user must know at once."""

    demands: Demands
    plans: tuple[Plan, ...] = ()
    conflict: Conflict | None = None
    remarks: tuple[str, ...] = ()
