"""Look-alike versions are different types."""

from __future__ import annotations

import pytest

from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease, DriverRelease


@pytest.mark.parametrize(
    ("kind", "lower", "higher"),
    [
        (CudaRelease, "12.9", "12.10"),
        (CudaRelease, "11.6.0", "11.6.1"),
        (CudaRelease, "9.2", "10.0"),
        (DriverRelease, "510.39.01", "510.47.03"),
        (DriverRelease, "470.57.02", "525.60.13"),
        (DriverRelease, "570.26", "570.124.06"),
        (DriverRelease, "535.54.03", "535.104.05"),
        (CudnnRelease, "8.9.7", "9.0.0"),
        (CudnnRelease, "9.9.0", "9.10.0"),
        (CudnnRelease, "8.9.4", "8.9.4.25"),
        (ComputeCapability, "8.6", "10.0"),
        (ComputeCapability, "12.0", "12.1"),
    ],
)
def test_numbers_are_compared_as_numbers(kind: type, lower: str, higher: str) -> None:
    assert kind.parse(lower) < kind.parse(higher)
    assert kind.parse(higher) > kind.parse(lower)
    assert kind.parse(lower) != kind.parse(higher)


@pytest.mark.parametrize("kind", [CudaRelease, CudnnRelease])
def test_a_trailing_zero_changes_nothing_but_the_text(kind: type) -> None:
    assert kind.parse("11.6") == kind.parse("11.6.0")
    assert hash(kind.parse("11.6")) == hash(kind.parse("11.6.0"))
    assert str(kind.parse(" 11.6.0 ")) == "11.6.0"


def test_two_kinds_are_never_equal_and_have_no_order() -> None:
    assert CudaRelease.parse("12.1") != CudnnRelease.parse("12.1")
    with pytest.raises(TypeError):
        sorted([CudaRelease.parse("12.1"), ComputeCapability.parse("12.1")])  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (CudaRelease, ""),
        (CudaRelease, "11.x"),
        (CudaRelease, "v11"),
        (CudaRelease, "11."),
        (CudaRelease, "12.4rc1"),
        (CudaRelease, "Unknown"),
        (DriverRelease, "12.2"),
        (DriverRelease, "535.104-05"),
        (DriverRelease, "N/A"),
        (CudnnRelease, "8,9"),
        (ComputeCapability, "86"),
        (ComputeCapability, "8.6.0"),
        (ComputeCapability, "8.60"),
        (ComputeCapability, "sm_86"),
    ],
)
def test_what_is_no_version_is_refused(kind: type, text: str) -> None:
    with pytest.raises(ValueError, match=kind.__name__):
        kind.parse(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7605, "7.6.5"),
        (8904, "8.9.4"),
        (8400, "8.4.0"),
        (8100, "8.1.0"),
        (90300, "9.3.0"),
        (91002, "9.10.2"),
        (92800, "9.28.0"),
    ],
)
def test_cudnn_numbers_decode_by_their_major(number: int, text: str) -> None:
    assert str(CudnnRelease.from_int(number)) == text


@pytest.mark.parametrize("number", [0, -1, 9, 89])
def test_a_number_too_small_for_a_cudnn_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="cuDNN"):
        CudnnRelease.from_int(number)


@pytest.mark.parametrize(
    ("name", "text"),
    [("sm_86", "8.6"), ("compute_90", "9.0"), ("sm_120", "12.0"), ("sm_90a", "9.0"), ("75", "7.5")],
)
def test_architectures_are_compute_capabilities(name: str, text: str) -> None:
    assert str(ComputeCapability.from_sm(name)) == text


@pytest.mark.parametrize("name", ["sm_8", "sm_1200", "gfx906", ""])
def test_other_architectures_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="architecture"):
        ComputeCapability.from_sm(name)


def test_the_parts_have_names() -> None:
    cuda = CudaRelease.parse("12.5.1")
    assert (cuda.major, cuda.minor, str(cuda.series)) == (12, 5, "12.5")
    assert ComputeCapability.parse("9.0").sm == "sm_90"
    assert CudnnRelease.parse("8.9.4.25").patch == 4
    assert not CudaRelease.parse("12").says_minor
