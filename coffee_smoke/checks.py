"""What a rung demands of numbers and of the device that they came from."""

from __future__ import annotations

from typing import Any

from coffee_smoke.ladder import Wrong


class WrongNumbers(Wrong):
    """The computation ran and its numbers are not those of the reference."""


class WrongDevice(Wrong):
    """The computation was asked of one device and ran on another."""


def worst_error(found: Any, expected: Any) -> float:
    """The largest difference, in units of the largest expected number; NaN where any is NaN."""
    import numpy

    found, expected = numpy.asarray(found), numpy.asarray(expected)
    if found.shape != expected.shape:
        raise WrongNumbers("the shape is %s, not %s" % (found.shape, expected.shape))
    return float(numpy.abs(found - expected).max() / numpy.abs(expected).max())


def compare(what: str, found: Any, expected: Any, tolerance: float) -> float:
    """The error relative to the largest expected number; WrongNumbers above the tolerance."""
    worst = worst_error(found, expected)
    if not worst <= tolerance:  # also true of NaN
        raise WrongNumbers(
            "%s is off by %.2g from the float64 reference, %g is allowed" % (what, worst, tolerance)
        )
    return worst


def require_device(wanted: str, where: str, what: str) -> None:
    if short_device(where) != wanted[1:]:
        raise WrongDevice(
            "%s was asked of %s and ran on %s" % (what, wanted[1:], short_device(where))
        )


def short_device(name: str) -> str:
    """`/job:localhost/replica:0/task:0/device:CPU:0` -> `CPU:0`."""
    return name.rpartition("device:")[2]
