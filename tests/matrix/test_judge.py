"""Verdicts by table: the worked ones, and more, half of them negative.

Each case: the stack, the overall verdict, and the reason that decides it as
"rule subject". Unless a case says otherwise: Linux on x86_64.
"""

from __future__ import annotations

from typing import Any

import pytest

from envcheck.judge import Stack, judge
from envcheck.matrix import Matrix
from envcheck.versions import ComputeCapability, CudaRelease, DriverRelease

Case = tuple[str, dict[str, Any], str, str]

# The numbers are those of the worked verdicts in the rules' source document.
# fmt: off
WORKED: list[Case] = [
    ("1", {"package": "tensorflow-gpu", "tensorflow": "2.9.1", "cuda": "11.6.0", "cudnn": "8.4.0",
           "keras": "2.9.0", "python": "3.9", "driver": "510.39.01", "gpu": "RTX 3080"},
     "compatible", "R3 cuda"),
    ("2", {"tensorflow": "2.10.1", "cuda": "11.2.2", "cudnn": "8.1.0", "keras": "2.10.0",
           "driver": "460.32.03", "gpu": "GTX 1080 Ti", "python": "3.9", "numpy": "1.26"},
     "tested", "R2 cuda"),
    ("4", {"tensorflow": "2.11.0", "os": "windows", "cuda": "11.2", "cudnn": "8.1",
           "gpu": "RTX 3060"}, "unsupported", "R16 os"),
    ("6", {"tensorflow": "2.4.4", "cuda": "11.2", "cudnn": "8.1", "python": "3.8"},
     "broken", "R2 cuda"),
    ("11", {"tensorflow": "2.16.1", "cuda_from": "wheels", "driver": "550.54.14",
            "gpu": "RTX 3090", "python": "3.12"}, "broken", "R2 libraries"),
    ("11 with LD_LIBRARY_PATH",
     {"tensorflow": "2.16.1", "cuda_from": "wheels", "driver": "550.54.14", "gpu": "RTX 3090",
      "python": "3.12", "ld_library_path": True}, "tested", "R2 libraries"),
    ("11 with 2.16.2", {"tensorflow": "2.16.2", "cuda_from": "wheels", "driver": "550.54.14",
                        "gpu": "RTX 3090", "python": "3.12"}, "tested", "R2 libraries"),
    ("12", {"tensorflow": "2.21.0", "cuda_from": "wheels", "driver": "580.65.06",
            "gpu": "RTX 4090", "python": "3.13"}, "broken", "R2 libraries"),
    ("12 with LD_LIBRARY_PATH",
     {"tensorflow": "2.21.0", "cuda_from": "wheels", "driver": "580.65.06", "gpu": "RTX 4090",
      "python": "3.13", "ld_library_path": True}, "compatible", "R3 cuda"),
    ("15", {"tensorflow": "2.17.1", "cuda": "12.3", "cudnn": "9.3"}, "broken", "R2 cudnn"),
    ("18", {"tensorflow": "2.20.0", "cuda_from": "wheels", "driver": "535.104.05", "gpu": "V100",
            "python": "3.12"}, "broken", "R9 cudnn"),
    ("18 with cuDNN 9.3", {"tensorflow": "2.20.0", "cuda_from": "wheels", "cudnn": "9.3.0.75",
                           "driver": "535.104.05", "gpu": "V100", "python": "3.12"},
     "compatible", "R3 cuda"),
    ("20", {"tensorflow": "2.20.0", "cuda": "12.9", "cudnn": "9.10", "driver": "575.57.08",
            "gpu": "RTX 5090"}, "broken", "R8 gpu"),
    ("24", {"tensorflow": "2.9.1", "python": "3.11"}, "unsupported", "R1 python"),
    ("29", {"tensorflow": "2.16.2", "keras": "2.15.0"}, "broken", "R13 keras"),
    ("31", {"tensorflow": "2.6.1", "keras": "2.9.0"}, "broken", "R13 keras"),
]

GOOD: list[Case] = [
    ("the first 2.x with CUDA in tensorflow",
     {"tensorflow": "2.1.0", "cuda": "10.1", "cudnn": "7.6.4", "driver": "418.39",
      "gpu": "GTX 1080", "python": "3.7"}, "tested", "R2 cuda"),
    ("1.15 in the package for GPUs",
     {"package": "tensorflow-gpu", "tensorflow": "1.15.5", "cuda": "10.0.130", "cudnn": "7.6.5",
      "driver": "410.48", "gpu": "Tesla P100-PCIE-16GB"}, "compatible", "R6 cudnn"),
    ("2.0 on its own row, cuDNN above it",
     {"package": "tensorflow-gpu", "tensorflow": "2.0.4", "cuda": "10.0"}, "tested", "R2 cuda"),
    ("2.4 with its own CUDA", {"tensorflow": "2.4.1", "cuda": "11.0.3", "cudnn": "8.0.5"},
     "tested", "R2 cuda"),
    ("2.4 with the driver that came with CUDA 11.0.3",
     {"tensorflow": "2.4.4", "cuda": "11.0.3", "driver": "450.51.06"}, "tested", "R2 cuda"),
    ("2.5 on Windows", {"tensorflow": "2.5.0", "os": "windows", "cuda": "11.2", "cudnn": "8.1",
                        "driver": "460.89", "gpu": "RTX 2060"}, "tested", "R2 cuda"),
    ("the last Windows build with a GPU",
     {"tensorflow": "2.10.1", "os": "windows", "cuda": "11.2.2", "cudnn": "8.1.1",
      "driver": "537.13", "gpu": "RTX 3060", "python": "3.10"}, "tested", "R2 cuda"),
    ("2.11 under WSL2", {"tensorflow": "2.11.0", "os": "wsl2", "cuda": "11.2", "cudnn": "8.1",
                         "driver": "511.23", "gpu": "RTX 3060"}, "tested", "R2 cuda"),
    ("2.10 with CUDA 11.8 and cuDNN 8.6",
     {"tensorflow": "2.10.0", "cuda": "11.8", "cudnn": "8.6.0", "driver": "520.61.05"},
     "compatible", "R3 cuda"),
    ("2.12 with CUDA 11.4", {"tensorflow": "2.12.1", "cuda": "11.4.4", "cudnn": "8.6.0"},
     "compatible", "R3 cuda"),
    ("2.13 with its row", {"tensorflow": "2.13.0", "cuda": "11.8", "cudnn": "8.6.0",
                           "python": "3.11"}, "tested", "R2 cuda"),
    ("2.14 accepts cuDNN 8.6 below its row",
     {"tensorflow": "2.14.1", "cuda": "11.8", "cudnn": "8.6.0"}, "compatible", "R6 cudnn"),
    ("2.14 from wheels finds them", {"tensorflow": "2.14.1", "cuda_from": "wheels",
                                     "python": "3.10"}, "tested", "R2 libraries"),
    ("2.15.0.post1 installs where 2.15.0 does not",
     {"tensorflow": "2.15.0.post1", "cuda_from": "wheels", "python": "3.11"},
     "tested", "R2 libraries"),
    ("2.15 with CUDA 12.4", {"tensorflow": "2.15.1", "cuda": "12.4", "cudnn": "8.9.7",
                             "driver": "550.54.14"}, "compatible", "R3 cuda"),
    ("2.15 on the least driver of CUDA 12",
     {"tensorflow": "2.15.1", "cuda": "12.2", "cudnn": "8.9.4", "driver": "525.60.13",
      "gpu": "A100-SXM4-80GB"}, "tested", "R2 cuda"),
    ("2.12 with wheels it does not search, and LD_LIBRARY_PATH",
     {"tensorflow": "2.12.1", "cuda_from": "wheels", "ld_library_path": True},
     "tested", "R2 libraries"),
    ("2.17 on H100 with a driver that knows PTX 8.3",
     {"tensorflow": "2.17.1", "cuda": "12.3", "cudnn": "8.9.7", "driver": "545.23.06",
      "gpu": "NVIDIA H100 80GB HBM3"}, "tested", "R2 cuda"),
    ("2.16 on H100 with CUDA 12.0's driver: its PTX is 8.0",
     {"tensorflow": "2.16.2", "driver": "530.30.02", "gpu": "H100 PCIe"}, "compatible", "R8 gpu"),
    ("2.19 on H100 with driver 555", {"tensorflow": "2.19.1", "driver": "555.42.02",
                                      "compute_capability": "9.0"}, "compatible", "R8 gpu"),
    ("2.21 on Blackwell", {"tensorflow": "2.21.0", "cuda_from": "wheels", "ld_library_path": True,
                           "driver": "580.65.06", "gpu": "RTX 5080", "python": "3.12"},
     "compatible", "R8 gpu"),
    ("2.20 on an L4", {"tensorflow": "2.20.0", "cuda_from": "wheels", "driver": "535.104.05",
                       "gpu": "NVIDIA L4", "python": "3.13"}, "compatible", "R3 cuda"),
    ("K80 with the last TensorFlow that has 3.5",
     {"tensorflow": "2.14.0", "driver": "470.57.02", "gpu": "Tesla K80"},
     "compatible", "R8 gpu"),
    ("a newer driver runs older CUDA", {"tensorflow": "2.4.4", "cuda": "11.0",
                                        "driver": "610.43.02", "gpu": "RTX 2080 Ti"},
     "tested", "R2 cuda"),
    ("the last Python of 2.20", {"tensorflow": "2.20.0", "python": "3.13.1"},
     "tested", "R1 python"),
    ("keras of its own minor", {"tensorflow": "2.13.1", "keras": "2.13.1"}, "tested", "R13 keras"),
    ("any Keras 3 for 2.16", {"tensorflow": "2.16.1", "keras": "3.12.0"}, "tested", "R13 keras"),
    ("tf-keras of its own minor", {"tensorflow": "2.18.1", "tf_keras": "2.18.0"},
     "tested", "R13 tf-keras"),
    ("numpy 1.26 for 2.10, which sets no top",
     {"tensorflow": "2.10.0", "numpy": "1.26.4"}, "tested", "R14 numpy"),
    ("numpy 2 from 2.18 on", {"tensorflow": "2.18.0", "numpy": "2.0.2"}, "tested", "R14 numpy"),
    ("protobuf 3.19 for 2.9.1", {"tensorflow": "2.9.1", "protobuf": "3.19.6"},
     "tested", "R15 protobuf"),
    ("protobuf 4 for 2.12", {"tensorflow": "2.12.0", "protobuf": "4.25.3"},
     "tested", "R15 protobuf"),
    ("protobuf 7 for 2.21", {"tensorflow": "2.21.0", "protobuf": "7.36.0"},
     "tested", "R15 protobuf"),
    ("glibc of its tag", {"tensorflow": "2.21.0", "glibc": "2.27"}, "tested", "R1 glibc"),
    ("macOS on ARM, CPU", {"tensorflow": "2.16.2", "os": "macos", "arch": "arm64",
                           "python": "3.12"}, "tested", "R1 python"),
    ("Linux on aarch64, CPU", {"tensorflow": "2.17.0", "os": "linux", "arch": "aarch64",
                               "python": "3.11"}, "tested", "R16 os"),
    ("Windows, CPU, by the empty wheel", {"tensorflow": "2.15.0", "os": "windows",
                                          "python": "3.11", "keras": "2.15.0"},
     "tested", "R13 keras"),
    ("cuDNN with CUDA, no TensorFlow", {"cuda": "12.1", "cudnn": "8.9.1"}, "compatible",
     "R7 cudnn"),
    ("CUDA with a driver, no TensorFlow", {"cuda": "12.4", "driver": "535.54.03"}, "compatible",
     "R3 driver"),
    ("CUDA 10.2 with its driver", {"cuda": "10.2", "driver": "440.33"}, "compatible", "R4 driver"),
]

BAD: list[Case] = [
    ("1.15 says cuDNN 7.4, was compiled with 7.6",
     {"package": "tensorflow-gpu", "tensorflow": "1.15.0", "cuda": "10.0", "cudnn": "7.4.2"},
     "broken", "R6 cudnn"),
    ("1.15 with CUDA 10.1", {"package": "tensorflow-gpu", "tensorflow": "1.15.5", "cuda": "10.1"},
     "broken", "R2 cuda"),
    ("2.3 with CUDA 10.2", {"tensorflow": "2.3.0", "cuda": "10.2"}, "broken", "R2 cuda"),
    ("2.3 with CUDA 11", {"tensorflow": "2.3.4", "cuda": "11.0", "cudnn": "7.6.5"},
     "broken", "R2 cuda"),
    ("2.4 on Windows with CUDA 11.1", {"tensorflow": "2.4.0", "os": "windows", "cuda": "11.1"},
     "broken", "R2 cuda"),
    ("2.5 with the CUDA of 2.4", {"tensorflow": "2.5.0", "cuda": "11.0"}, "broken", "R2 cuda"),
    ("2.9 with CUDA 12", {"tensorflow": "2.9.1", "cuda": "12.1", "cudnn": "8.9.1"},
     "broken", "R2 cuda"),
    ("2.20 with CUDA 13", {"tensorflow": "2.20.0", "cuda": "13.0", "cudnn": "9.17.0"},
     "broken", "R2 cuda"),
    ("2.8 with cuDNN 8.0", {"tensorflow": "2.8.0", "cuda": "11.2", "cudnn": "8.0.5"},
     "broken", "R6 cudnn"),
    ("2.12 with the cuDNN of 2.11", {"tensorflow": "2.12.0", "cuda": "11.8", "cudnn": "8.1.0"},
     "broken", "R6 cudnn"),
    ("2.15 with cuDNN 8.8, its row's first value",
     {"tensorflow": "2.15.0", "cuda": "12.2", "cudnn": "8.8.1"}, "broken", "R6 cudnn"),
    ("2.18 with cuDNN 8", {"tensorflow": "2.18.0", "cuda": "12.5", "cudnn": "8.9.7"},
     "broken", "R2 cudnn"),
    ("2.18 with cuDNN 9.1", {"tensorflow": "2.18.0", "cuda": "12.5", "cudnn": "9.1.0"},
     "broken", "R6 cudnn"),
    ("2.1 with a driver of CUDA 10.0",
     {"tensorflow": "2.1.0", "cuda": "10.1", "driver": "410.48"}, "broken", "R4 driver"),
    ("2.9 with driver 440", {"tensorflow": "2.9.0", "cuda": "11.2", "driver": "440.33"},
     "broken", "R3 driver"),
    ("2.15 with driver 470", {"tensorflow": "2.15.1", "cuda": "12.2", "cudnn": "8.9.4",
                              "driver": "470.57.02"}, "broken", "R3 driver"),
    ("2.16 with driver 515", {"tensorflow": "2.16.2", "cuda_from": "wheels",
                              "driver": "515.48.07"}, "broken", "R3 driver"),
    ("WSL2 with a driver below 528.33", {"tensorflow": "2.15.0.post1", "os": "wsl2",
                                         "cuda": "12.2", "driver": "527.41"},
     "broken", "R3 driver"),
    ("H100 with driver 535 under 2.17", {"tensorflow": "2.17.1", "cuda_from": "wheels",
                                         "driver": "535.104.05", "gpu": "H100"},
     "broken", "R10 driver"),
    ("H200 with driver 550 under 2.20", {"tensorflow": "2.20.0", "cuda_from": "wheels",
                                         "driver": "550.54.14", "gpu": "NVIDIA H200"},
     "broken", "R10 driver"),
    ("Blackwell under 2.17: cuDNN 8 has no code for it",
     {"tensorflow": "2.17.0", "gpu": "RTX 5070 Ti"}, "broken", "R8 gpu"),
    ("Blackwell under 2.15, whose PTX would do",
     {"tensorflow": "2.15.1", "gpu": "RTX 5090"}, "broken", "R9 gpu"),
    ("B200 under 2.19", {"tensorflow": "2.19.0", "gpu": "NVIDIA B200", "cuda_from": "wheels"},
     "broken", "R8 gpu"),
    ("Blackwell under 2.21 with driver 565", {"tensorflow": "2.21.0", "gpu": "RTX 5080",
                                              "driver": "560.35.05"}, "broken", "R5 driver"),
    ("Blackwell under 2.21 with cuDNN 9.3", {"tensorflow": "2.21.0", "cuda": "12.8",
                                             "cudnn": "9.3.0", "gpu": "RTX 5090"},
     "broken", "R9 cudnn"),
    ("Blackwell under 2.21 with CUDA 12.5", {"tensorflow": "2.21.0", "cuda": "12.5",
                                             "cudnn": "9.10.2", "gpu": "RTX 5090"},
     "unsupported", "R9 cuda"),
    ("K80 under 2.15", {"tensorflow": "2.15.1", "gpu": "Tesla K80"}, "unsupported", "R8 gpu"),
    ("GTX 980 under 2.18", {"tensorflow": "2.18.0", "gpu": "GTX 980"}, "unsupported", "R8 gpu"),
    ("K80 with driver 535", {"tensorflow": "2.12.0", "gpu": "Tesla K80", "driver": "535.54.03"},
     "unsupported", "R5 driver"),
    ("V100 with driver 590", {"tensorflow": "2.17.0", "gpu": "V100", "driver": "590.44.01"},
     "unsupported", "R5 driver"),
    ("RTX 3090 under 2.3: cuDNN 7 ends at 7.5",
     {"tensorflow": "2.3.0", "cuda": "10.1", "cudnn": "7.6.5", "gpu": "RTX 3090"},
     "unsupported", "R9 cudnn"),
    ("P100 with what pip picks for 2.21 today",
     {"tensorflow": "2.21.0", "cuda_from": "wheels", "ld_library_path": True, "gpu": "P100"},
     "broken", "R9 cudnn"),
    ("2.13 does not search pip's folders", {"tensorflow": "2.13.0", "cuda_from": "wheels"},
     "broken", "R2 libraries"),
    ("2.14[and-cuda] on Python 3.11", {"tensorflow": "2.14.0", "cuda_from": "wheels",
                                       "python": "3.11"}, "broken", "R1 libraries"),
    ("2.15.0[and-cuda]", {"tensorflow": "2.15.0", "cuda_from": "wheels"},
     "broken", "R1 libraries"),
    ("the CPU package", {"package": "tensorflow-cpu", "tensorflow": "2.15.0", "cuda": "12.2"},
     "unsupported", "R2 libraries"),
    ("tensorflow 2.0 is CPU only", {"tensorflow": "2.0.0", "gpu": "RTX 2080"},
     "unsupported", "R2 libraries"),
    ("Windows after 2.10", {"tensorflow": "2.16.1", "os": "windows", "gpu": "RTX 4070"},
     "unsupported", "R16 os"),
    ("macOS with an NVIDIA GPU", {"tensorflow": "2.9.0", "os": "macos", "gpu": "GTX 1080"},
     "unsupported", "R16 os"),
    ("Linux on aarch64 with a GPU", {"tensorflow": "2.18.0", "arch": "aarch64", "gpu": "GH200"},
     "unsupported", "R16 os"),
    ("macOS on Intel after 2.16", {"tensorflow": "2.17.0", "os": "macos", "arch": "x86_64"},
     "unsupported", "R1 os"),
    ("tensorflow-gpu 2.12, a placeholder", {"package": "tensorflow-gpu", "tensorflow": "2.12.0",
                                            "python": "3.10"}, "unsupported", "R1 python"),
    ("Python 3.12 with 2.15", {"tensorflow": "2.15.1", "python": "3.12"},
     "unsupported", "R1 python"),
    ("Python 3.14 with 2.21", {"tensorflow": "2.21.0", "python": "3.14"},
     "unsupported", "R1 python"),
    ("Python 3.8 with 2.14", {"tensorflow": "2.14.0", "python": "3.8"},
     "unsupported", "R1 python"),
    ("glibc 2.17 with 2.21", {"tensorflow": "2.21.0", "glibc": "2.17"},
     "unsupported", "R1 glibc"),
    ("glibc 2.17 with 1.14, which its tag admits",
     {"package": "tensorflow-gpu", "tensorflow": "1.14.0", "glibc": "2.17"},
     "broken", "R1 glibc"),
    ("keras of the next minor", {"tensorflow": "2.12.0", "keras": "2.13.1"}, "broken",
     "R13 keras"),
    ("keras of the minor before, which imports",
     {"tensorflow": "2.9.1", "keras": "2.8.0"}, "unsupported", "R13 keras"),
    ("Keras 3 on 2.15, which imports", {"tensorflow": "2.15.1", "keras": "3.0.5"},
     "unsupported", "R13 keras"),
    ("Keras 3.5 on 2.20", {"tensorflow": "2.20.0", "keras": "3.5.0"}, "unsupported", "R13 keras"),
    ("Keras 3.13 on Python 3.10", {"tensorflow": "2.20.0", "keras": "3.13.0", "python": "3.10"},
     "unsupported", "R13 keras"),
    ("tf-keras of another minor", {"tensorflow": "2.17.0", "tf_keras": "2.16.0"},
     "unsupported", "R13 tf-keras"),
    ("numpy 2 on 2.17", {"tensorflow": "2.17.1", "numpy": "2.0.2"}, "broken", "R14 numpy"),
    ("numpy 2 on 2.9, which sets no top", {"tensorflow": "2.9.1", "numpy": "2.0.2"},
     "broken", "R14 numpy"),
    ("numpy 1.24 on 2.6", {"tensorflow": "2.6.5", "numpy": "1.24.0"}, "broken", "R14 numpy"),
    ("numpy 1.26 on 2.12, which imports", {"tensorflow": "2.12.0", "numpy": "1.26.4"},
     "unsupported", "R14 numpy"),
    ("numpy 2.3 on 2.18, which imports", {"tensorflow": "2.18.0", "numpy": "2.3.0"},
     "unsupported", "R14 numpy"),
    ("protobuf 4 on 2.9.0, which sets no top", {"tensorflow": "2.9.0", "protobuf": "4.21.0"},
     "broken", "R15 protobuf"),
    ("protobuf 4 on 1.15", {"package": "tensorflow-gpu", "tensorflow": "1.15.5",
                            "protobuf": "4.25.0"}, "broken", "R15 protobuf"),
    ("protobuf 3.20.3 on 2.9.1, which imports", {"tensorflow": "2.9.1", "protobuf": "3.20.3"},
     "unsupported", "R15 protobuf"),
    ("protobuf 4.25 on 2.20", {"tensorflow": "2.20.0", "protobuf": "4.25.8"},
     "broken", "R15 protobuf"),
    ("protobuf 5 on 2.21", {"tensorflow": "2.21.0", "protobuf": "5.29.5"},
     "broken", "R15 protobuf"),
    ("cuDNN 9.11 for CUDA 11", {"cuda": "11.8", "cudnn": "9.11.0"}, "unsupported", "R7 cudnn"),
    ("cuDNN 7.6 for CUDA 11", {"cuda": "11.0", "cudnn": "7.6.5"}, "unsupported", "R7 cudnn"),
    ("CUDA 10.0 with the driver of 9.2", {"cuda": "10.0", "driver": "396.26"},
     "broken", "R4 driver"),
]

UNKNOWN: list[Case] = [
    ("a TensorFlow newer than the file", {"tensorflow": "2.99.0", "python": "3.13",
                                          "cuda": "12.9"}, "unverified", "R1 python"),
    ("a patch release that does not exist", {"tensorflow": "2.9.9", "keras": "2.9.0"},
     "unverified", "R13 keras"),
    ("NVIDIA's own build", {"tensorflow": "2.15.0+nv24.1", "cuda": "12.3"},
     "unverified", "R2 cuda"),
    ("a CUDA newer than the file", {"tensorflow": "2.20.0", "cuda": "12.11"},
     "unverified", "R2 cuda"),
    ("CUDA without its minor", {"tensorflow": "2.20.0", "cuda": "12"}, "unverified", "R2 cuda"),
    ("cuDNN without its minor", {"tensorflow": "2.20.0", "cuda": "12.5", "cudnn": "9"},
     "unverified", "R6 cudnn"),
    ("a GPU nobody knows", {"tensorflow": "2.20.0", "gpu": "RTX 9090"}, "unverified", "R8 gpu"),
    ("a GPU name that means several", {"tensorflow": "2.17.0", "gpu": "RTX 6000"},
     "unverified", "R8 gpu"),
    ("the separate keras of the days before 2.6", {"tensorflow": "2.3.0", "keras": "2.4.3"},
     "unverified", "R13 keras"),
    ("a tf-keras nobody knows", {"tensorflow": "2.20.0", "tf_keras": "2.20.9"},
     "unverified", "R13 tf-keras"),
    ("a pre-release whose loader nobody tried since",
     {"tensorflow": "2.12.0", "cuda_from": "conda", "ld_library_path": False},
     "unverified", "R2 libraries"),
    ("text that is no version", {"tensorflow": "2.9.1", "numpy": "unknown"},
     "unverified", "R14 numpy"),
    ("nothing to compare", {"tensorflow": "2.9.1"}, "unverified", ""),
]


# fmt: on


@pytest.mark.parametrize(
    ("name", "given", "verdict", "decided_by"),
    [*WORKED, *GOOD, *BAD, *UNKNOWN],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_verdict(
    matrix: Matrix, name: str, given: dict[str, Any], verdict: str, decided_by: str
) -> None:
    result = judge(Stack(**given), matrix)
    said = [f"{r.rule} {r.subject} {r.verdict}: {r.text}" for r in result.reasons]
    assert result.verdict == verdict, said
    if decided_by:
        assert any(line.startswith(decided_by + " ") for line in said), said
        if verdict not in ("tested", "compatible"):
            assert said[0].startswith(f"{decided_by} {verdict}"), said


def test_a_good_verdict_begins_with_what_it_rests_on(matrix: Matrix) -> None:
    for name, given, verdict, _ in (*WORKED, *GOOD):
        reasons = judge(Stack(**given), matrix).reasons
        if verdict in ("tested", "compatible") and any(r.subject == "cuda" for r in reasons):
            assert reasons[0].subject not in ("driver", "gpu"), name
            assert reasons[0].verdict == verdict, name


def test_there_are_enough_cases_and_half_are_negative() -> None:
    assert len(GOOD) + len(BAD) + len(UNKNOWN) >= 60
    assert len(BAD) >= len(GOOD)
    names = [name for name, *_ in (*WORKED, *GOOD, *BAD, *UNKNOWN)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("given", "subject", "wanted"),
    [
        ({"tensorflow": "2.9.1", "numpy": "2.0.2"}, "numpy", ">=1.20,<2"),
        ({"tensorflow": "2.9.1", "protobuf": "5.29.5"}, "protobuf", ">=3.9.2,<3.20"),
        ({"tensorflow": "2.9.0", "protobuf": "5.29.5"}, "protobuf", ">=3.9.2,<3.21"),
        ({"tensorflow": "2.9.1", "keras": "2.12.0"}, "keras", ">=2.9.0rc0,<2.10.0"),
        ({"tensorflow": "2.6.1", "keras": "2.9.0"}, "keras", ">=2.6,<2.7"),
        ({"tensorflow": "2.14.0", "numpy": "2.0.2"}, "numpy", ">=1.23.5,<2"),
        ({"tensorflow": "2.16.1", "numpy": "2.0.2", "python": "3.12"}, "numpy", ">=1.26.0,<2.0.0"),
        ({"tensorflow": "2.9.1", "python": "3.11"}, "python", "3.7-3.10"),
        ({"tensorflow": "2.15.1", "driver": "470.57.02"}, "driver", ">=525.60.13"),
        ({"tensorflow": "2.4.0", "cuda": "11.2"}, "cuda", "==11.0.*"),
        ({"tensorflow": "2.9.1", "cuda": "12.1"}, "cuda", ">=11.1,<12"),
        ({"tensorflow": "2.15.1", "cudnn": "8.6.0"}, "cudnn", ">=8.9,<9"),
        ({"tensorflow": "2.20.0", "cuda_from": "wheels", "gpu": "V100"}, "cudnn", "<9.11"),
        ({"tensorflow": "2.20.0", "gpu": "RTX 5090"}, "gpu", "tensorflow >=2.21.0"),
        ({"tensorflow": "2.21.0", "glibc": "2.17"}, "glibc", ">=2.27"),
        ({"tensorflow": "2.17.0", "tf_keras": "2.16.0"}, "tf-keras", ">=2.17,<2.18"),
        ({"tensorflow": "2.17.1", "driver": "535.104.05", "gpu": "H100"}, "driver", ">=545.23.06"),
    ],
)
def test_what_would_fit_is_said(
    matrix: Matrix, given: dict[str, Any], subject: str, wanted: str
) -> None:
    worst = judge(Stack(**given), matrix).about(subject)[0]
    assert worst.verdict in ("unsupported", "broken")
    assert worst.wanted == wanted


def test_an_unknown_release_is_judged_by_its_own_pins(matrix: Matrix) -> None:
    pins = {"keras": ">=3.20", "numpy": ">=2.3"}
    good = judge(Stack(tensorflow="2.99.0", keras="3.20.1", pins=pins), matrix)
    assert good.verdict == "tested"
    bad = judge(Stack(tensorflow="2.99.0", numpy="1.26.4", pins=pins), matrix)
    assert (bad.verdict, bad.reasons[0].wanted) == ("unsupported", ">=2.3")


def test_an_unknown_release_names_its_neighbours(matrix: Matrix) -> None:
    reason = judge(Stack(tensorflow="2.9.9", python="3.9"), matrix).reasons[0]
    assert "2.9.3 before it" in reason.text and "2.10.0 after it" in reason.text


def test_text_and_typed_versions_are_judged_alike(matrix: Matrix) -> None:
    text = Stack(tensorflow="2.9.1", cuda="11.6.0", driver="510.39.01", compute_capability="8.6")
    typed = Stack(
        tensorflow="2.9.1",
        cuda=CudaRelease.parse("11.6.0"),
        driver=DriverRelease.parse("510.39.01"),
        compute_capability=ComputeCapability.parse("8.6"),
    )
    assert judge(text, matrix) == judge(typed, matrix)


def test_only_what_is_given_is_judged(matrix: Matrix) -> None:
    subjects = {r.subject for r in judge(Stack(tensorflow="2.9.1", keras="2.9.0"), matrix).reasons}
    assert subjects == {"keras"}


def test_the_numbers_compared_are_given(matrix: Matrix) -> None:
    reason = judge(Stack(tensorflow="2.15.1", driver="470.57.02"), matrix).reasons[0]
    assert dict(reason.numbers) == {"driver": "470.57.02", "cuda": "12.2", "minimum": "525.60.13"}


def test_forward_compatibility_is_mentioned_only_where_it_can_help(matrix: Matrix) -> None:
    old = {"tensorflow": "2.15.1", "driver": "470.57.02"}
    assert "cuda-compat" in judge(Stack(**old, gpu="A100"), matrix).about("driver")[0].text
    assert "cuda-compat" not in judge(Stack(**old, gpu="RTX 3080"), matrix).about("driver")[0].text
