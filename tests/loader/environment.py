"""A virtual environment with the outside of a CUDA build of TensorFlow: its metadata, its search
paths as a real ELF file, and stubs of NVIDIA's libraries that know their version."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.loader.build import Toolbox

# Library, the wheel's component, its soname, what its version function says, the wheel's version.
LIBRARIES = (
    ("cudart", "cuda_runtime", "libcudart.so.12", 12050, "12.5.82"),
    ("cublas", "cublas", "libcublas.so.12", 120503, "12.5.3.2"),
    ("cublasLt", "cublas", "libcublasLt.so.12", 120503, "12.5.3.2"),
    ("cufft", "cufft", "libcufft.so.11", 110203, "11.2.3.61"),
    ("cusolver", "cusolver", "libcusolver.so.11", 110603, "11.6.3.83"),
    ("cusparse", "cusparse", "libcusparse.so.12", 120501, "12.5.1.3"),
    ("cudnn", "cudnn", "libcudnn.so.9", 90300, "9.3.0.75"),
)
PARTS = ("libcudnn_ops.so.9", "libcudnn_cnn.so.9")
BUILD_INFO = """\
build_info = {"is_cuda_build": True, "is_rocm_build": False, "cuda_version": "12.5.1",
              "cudnn_version": "9"}
"""
CUDA_CONFIG = """\
#define TF_CUDA_VERSION "12.5.1"
#define TF_CUDART_VERSION "12"
#define TF_CUBLAS_VERSION "12"
#define TF_CUSOLVER_VERSION "11"
#define TF_CUFFT_VERSION "11"
#define TF_CUSPARSE_VERSION "12"
#define TF_CUDNN_VERSION "9"
"""


@dataclass(frozen=True)
class Environment:
    python: Path
    site: Path
    toolbox: Toolbox

    def library(self, component: str, soname: str) -> Path:
        return self.site / "nvidia" / component / "lib" / soname


def make(toolbox: Toolbox, root: Path, tensorflow: str = "2.20.0", lost: str = "") -> Environment:
    """``lost`` is a component that the search path of TensorFlow leaves out."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "venv")], check=True)
    site = next((root / "venv" / "lib").glob("python*")) / "site-packages"
    folder = site / "tensorflow"
    components = dict.fromkeys(row[1] for row in LIBRARIES)
    runpath = ":".join(f"$ORIGIN/../nvidia/{name}/lib" for name in components if name != lost)
    toolbox.opener(folder / "libtensorflow_framework.so.2", root, runpath=runpath)
    write(folder / "__init__.py", "")
    write(folder / "python/platform/build_info.py", BUILD_INFO)
    config = "include/external/local_config_cuda/cuda/cuda/cuda_config.h"
    write(folder / config, CUDA_CONFIG)
    distribution(site, "tensorflow", tensorflow)
    for name, component, soname, number, version in LIBRARIES:
        # As in cuDNN's wheels, which have their parts beside them.
        own = ("-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN") if name == "cudnn" else ()
        toolbox.cuda(site / "nvidia" / component / "lib" / soname, name, number, *own)
        distribution(site, f"nvidia_{component}_cu12", version)
    for soname in PARTS:
        toolbox.cuda(site / "nvidia/cudnn/lib" / soname, "part", 90300)
    return Environment(root / "venv/bin/python", site, toolbox)


def distribution(site: Path, name: str, version: str) -> None:
    folder = site / f"{name}-{version}.dist-info"
    header = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n\n"
    write(folder / "METADATA", header)
    write(folder / "INSTALLER", "pip\n")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
