"""GPU names as NVML prints them and as people write them."""

from __future__ import annotations

import pytest

from envcheck.matrix import Matrix


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("4090", "GeForce RTX 4090"),
        ("RTX4090", "GeForce RTX 4090"),
        ("rtx 4080 super", "GeForce RTX 4080 SUPER"),
        ("NVIDIA GeForce RTX 3080", "GeForce RTX 3080"),
        ("3080ti", "GeForce RTX 3080 Ti"),
        ("RTX 3060 Laptop", "GeForce RTX 3060 Laptop GPU"),
        ("NVIDIA GeForce RTX 3050 Ti Laptop GPU", "GeForce RTX 3050 Ti Laptop GPU"),
        ("NVIDIA GeForce GTX 1080 Ti", "GeForce GTX 1080 Ti"),
        ("GeForce GTX 1080/PCIe/SSE2", "GeForce GTX 1080"),
        ("GeForce GTX 1060 6GB", "GeForce GTX 1060 6GB"),
        ("gtx 1660 super", "GeForce GTX 1660 SUPER"),
        ("NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"),
        ("A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"),
        ("NVIDIA A100 80GB PCIe MIG 1g.10gb", "NVIDIA A100"),
        ("A100", "NVIDIA A100"),
        ("NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"),
        ("H200", "NVIDIA H200"),
        ("NVIDIA GH200 480GB", "NVIDIA GH200"),
        ("T4", "NVIDIA T4"),
        ("Tesla T4", "NVIDIA T4"),
        ("Tesla V100-SXM2-16GB", "Tesla V100-SXM2-16GB"),
        ("V100", "NVIDIA V100"),
        ("P100", "Tesla P100"),
        ("K80", "Tesla K80"),
        ("NVIDIA L40S", "NVIDIA L40S"),
        ("GRID A100-10C", "NVIDIA A100"),
        ("Quadro RTX 6000", "Quadro RTX 6000"),
        ("NVIDIA RTX 6000 Ada Generation", "NVIDIA RTX 6000 Ada"),
        ("RTX A6000", "NVIDIA RTX A6000"),
        ("TITAN X (Pascal)", "NVIDIA TITAN X (Pascal)"),
        ("GTX Titan X", "GeForce GTX TITAN X"),
        ("940MX", "GeForce 940MX"),
        ("GeForce MX450", "GeForce MX450"),
        ("5080", "GeForce RTX 5080"),
        ("NVIDIA B200", "NVIDIA B200"),
        ("Jetson Xavier NX", "Jetson Xavier NX"),
        ("GTX 1070 Mobile", "GeForce GTX 1070"),
    ],
)
def test_a_name_finds_its_product(matrix: Matrix, name: str, product: str) -> None:
    found = matrix.gpu(name)
    assert found is not None
    assert found.name == product


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("RTX PRO 6000 Blackwell", "12.0"),
        ("A800-SXM4-80GB", "8.0"),
        ("3090", "8.6"),
        ("GeForce RTX 2070 Super with Max-Q Design", "7.5"),
        ("RTX A1000 Laptop GPU", "8.6"),
    ],
)
def test_a_name_finds_a_compute_capability(matrix: Matrix, name: str, capability: str) -> None:
    found = matrix.gpu(name)
    assert found is not None and str(found.compute_capability) == capability


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        ("RTX 6000", ["7.5", "8.9", "12.0"]),
        ("Titan X", ["5.2", "6.1"]),
        ("GeForce GTX 860M", ["3.0", "5.0"]),
        ("GT 730", ["2.1", "3.5"]),
        ("Jetson Thor", ["10.1", "11.0"]),
    ],
)
def test_a_name_that_means_several_is_not_guessed(
    matrix: Matrix, name: str, capabilities: list[str]
) -> None:
    assert matrix.gpu(name) is None
    assert [str(c) for c in matrix.gpu_capabilities(name)] == capabilities


@pytest.mark.parametrize(
    "name",
    [
        "RTX 9090",
        "Radeon RX 7900 XTX",
        "Intel Arc A770",
        "Apple M2",
        "",
        "GPU",
        "NVIDIA",
        "GeForce",
        "GTX 550 Ti",
        "llvmpipe",
    ],
)
def test_what_is_not_on_record_is_unknown(matrix: Matrix, name: str) -> None:
    assert matrix.gpu(name) is None
    assert matrix.gpu_capabilities(name) == ()
