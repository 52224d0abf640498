"""Version numbers that look alike and are not.

A driver release, a CUDA toolkit, a cuDNN and a compute capability are all
written as digits and dots, and mixing them up is this field's commonest bug.
Each has its own type here; values of two types never compare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

_DOTTED = re.compile(r"\d+(?:\.\d+)*\Z")

_V = TypeVar("_V", bound="_Dotted")


@dataclass(frozen=True, order=True, repr=False)
class _Dotted:
    """Digits and dots, compared number by number; trailing zeros do not count.

    `11.6` equals `11.6.0`, and `str()` gives back what was written.
    """

    parts: tuple[int, ...]
    text: str = field(compare=False)

    @classmethod
    def parse(cls: type[_V], text: str) -> _V:
        """Raises ValueError where `text` is not digits and dots of this kind."""
        written = text.strip()
        if not _DOTTED.match(written):
            raise ValueError(f"{text!r} is not a {cls.__name__}")
        numbers = tuple(int(part) for part in written.split("."))
        cls._check(numbers, written)
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers = numbers[:-1]
        return cls(numbers, written)

    @classmethod
    def _check(cls, numbers: tuple[int, ...], written: str) -> None:
        """Raises ValueError where the numbers cannot be of this kind."""

    @property
    def major(self) -> int:
        return self.parts[0]

    @property
    def minor(self) -> int:
        return self.parts[1] if len(self.parts) > 1 else 0

    @property
    def line(self) -> tuple[int, int]:
        """Major and minor: what 11.6.0 and 11.6.2 have in common."""
        return self.major, self.minor

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class DriverRelease(_Dotted):
    """The NVIDIA driver as `nvidia-smi` prints it: 535.104.05 (Linux), 537.13 (Windows)."""

    @classmethod
    def _check(cls, numbers: tuple[int, ...], written: str) -> None:
        # The oldest driver of any CUDA that TensorFlow was built with is 346;
        # a smaller number is a CUDA version given where a driver was meant.
        if numbers[0] < 100:
            raise ValueError(
                f"{written!r} is not a DriverRelease: drivers are numbered from 100 up"
            )


class CudaRelease(_Dotted):
    """A CUDA toolkit: 11.2, 11.6.0, 12.10 (later than 12.9)."""

    @property
    def series(self) -> CudaRelease:
        """The release without its update number: 12.5 of 12.5.1."""
        return CudaRelease.parse(f"{self.major}.{self.minor}")

    @property
    def says_minor(self) -> bool:
        """False for a bare major such as `12`."""
        return "." in self.text


class CudnnRelease(_Dotted):
    """A cuDNN: 8.9.4, or with the build number of its wheel, 8.9.4.25."""

    @classmethod
    def from_int(cls, number: int) -> CudnnRelease:
        """Decodes what `cudnnGetVersion()` returns.

        Up to 8.x it is major*1000 + minor*100 + patch (8904 is 8.9.4); from 9.0
        on major*10000 + minor*100 + patch (90300 is 9.3.0).
        Source: CUDNN_VERSION in cudnn_version.h of both majors.
        """
        if number < 1000:
            raise ValueError(f"{number} is not a cuDNN version number")
        unit = 10000 if number >= 10000 else 1000
        rest = number % unit
        return cls.parse(f"{number // unit}.{rest // 100}.{rest % 100}")

    @property
    def patch(self) -> int:
        return self.parts[2] if len(self.parts) > 2 else 0

    @property
    def says_minor(self) -> bool:
        """False for a bare major such as `8`."""
        return "." in self.text


class ComputeCapability(_Dotted):
    """The GPU's instruction set level: 8.6, 12.0."""

    @classmethod
    def _check(cls, numbers: tuple[int, ...], written: str) -> None:
        if len(numbers) != 2 or numbers[0] > 99 or numbers[1] > 9:
            raise ValueError(f"{written!r} is not a ComputeCapability such as 8.6")

    @classmethod
    def from_sm(cls, name: str) -> ComputeCapability:
        """`sm_86`, `compute_90`, `sm_120` or `86` to 8.6, 9.0, 12.0, 8.6; drops a final a or f."""
        digits = re.sub(r"^(sm|compute)_", "", name.strip()).rstrip("af")
        if not re.match(r"\d{2,3}\Z", digits):
            raise ValueError(f"{name!r} is not an architecture such as sm_86")
        return cls.parse(f"{digits[:-1]}.{digits[-1]}")

    @property
    def sm(self) -> str:
        return f"sm_{self.major}{self.minor}"
