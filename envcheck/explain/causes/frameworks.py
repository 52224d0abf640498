"""PyTorch and JAX beside TensorFlow, packages of another time, rarer words of the driver."""

from __future__ import annotations

from envcheck.explain.causes._words import IMPORT, SMI, pip_install
from envcheck.explain.model import Cause
from envcheck.remedies import manual

CAUSES = (
    Cause(
        "TFX906",
        "pytorch-without-cuda",
        "The installed PyTorch is a build without CUDA",
        "PyTorch's CPU wheel was installed (as pip does on Windows, or from the CPU index).",
        fixes=lambda ground: (
            manual(
                "cuda-torch",
                "Install the CUDA build from PyTorch's own index:",
                (
                    *(
                        "python",
                        "-m",
                        "pip",
                        "install",
                        "--force-reinstall",
                        "torch",
                        "--index-url",
                    ),
                    "https://download.pytorch.org/whl/cu128",
                ),
            ),
        ),
        check=(
            "python",
            "-c",
            "import torch; print(torch.version.cuda, torch.cuda.is_available())",
        ),
        excluded=("The driver and TensorFlow are not the reason.",),
    ),
    Cause(
        "TFX907",
        "jax-without-cuda",
        "The installed jaxlib is a build without CUDA, so JAX runs on the CPU",
        "There may be a GPU; JAX needs its CUDA plugin to use it.",
        fixes=lambda ground: (pip_install(ground, "jax[cuda12]"),),
        check=("python", "-c", "import jax; print(jax.devices())"),
        excluded=("TensorFlow's own CUDA libraries are not the reason.",),
    ),
    Cause(
        "TFX908",
        "jaxlib-of-another-version",
        "jax and jaxlib are of versions that do not fit",
        "The two are released together and must be of the same release.",
        fixes=lambda ground: (
            manual(
                "jax-together",
                "Install both at once:",
                ("python", "-m", "pip", "install", "--upgrade", "jax", "jaxlib"),
            ),
        ),
        check=("python", "-c", "import jax; print(jax.__version__)"),
    ),
    Cause(
        "PYE904",
        "package-older-than-python",
        "A package uses a part of Python's standard library that this Python no longer has",
        "distutils and pkgutil.ImpImporter left with Python 3.12, imp with 3.12, old names of "
        "collections with 3.10; pkg_resources belongs to setuptools.",
        fixes=lambda ground: (
            manual(
                "newer-package",
                "Update the package that the traceback names; setuptools brings distutils and "
                "pkg_resources for the meantime. Or use an older Python in a new environment:",
                ("python", "-m", "pip", "install", "--upgrade", "setuptools<81"),
            ),
        ),
        check=IMPORT,
        excluded=("CUDA, cuDNN and the driver are not the reason.",),
    ),
    Cause(
        "IMP906",
        "package-of-another-version",
        "The installed {package} has no `{name}`: it is of another version than its user expects",
        "A package (or the program) imports a name that this release of {package} does not have.",
        lambda ground: {
            "package": ground.first("lost_package", "package"),
            "name": ground.first("lost_name", "such name"),
        },
        lambda ground: (
            manual(
                "update-package",
                "Update {package}, or the package that the traceback shows to import it:",
                (
                    "python",
                    "-m",
                    "pip",
                    "install",
                    "--upgrade",
                    ground.first("lost_package", "PACKAGE"),
                ),
                package=ground.first("lost_package", "it"),
            ),
        ),
        ("python", "-m", "pip", "check"),
    ),
    Cause(
        "GPU905",
        "gpu-busy",
        "The GPU is busy or may be used by one process only",
        "Another process holds it in the exclusive compute mode, MIG is half set up, or the "
        "driver is "
        "in a bad state.",
        fixes=lambda ground: (
            manual(
                "compute-mode",
                "Look who uses it, and set the mode that allows several processes:",
                ("nvidia-smi",),
                ("sudo", "nvidia-smi", "-c", "DEFAULT"),
                root=True,
            ),
        ),
        check=SMI,
    ),
    Cause(
        "DRV913",
        "container-lost-the-gpu",
        "The container has lost its GPU: NVML answers with an unknown error",
        "After `systemctl daemon-reload` (an update does that) systemd takes the rights to the "
        "device "
        "files away from running containers.",
        fixes=lambda ground: (
            manual(
                "restart-container",
                "Start the container again; for good, let Docker use cgroupfs or hand the device "
                "files in "
                "(--device /dev/nvidia0 --device /dev/nvidiactl --device /dev/nvidia-uvm).",
                ("docker", "restart", "CONTAINER"),
            ),
        ),
        check=SMI,
        excluded=("The driver on the host is not the reason where nvidia-smi works there.",),
    ),
    Cause(
        "DRV914",
        "no-permission-for-the-gpu",
        "The user may not open the GPU's device files",
        "The files /dev/nvidia* do not grant access to this user (a group such as video, or a "
        "container's rules).",
        fixes=lambda ground: (
            manual(
                "join-group",
                "Add the user to the group that owns the files, and log in again:",
                ("ls", "-l", "/dev/nvidia0"),
                ("sudo", "usermod", "-aG", "video", "USER"),
                root=True,
            ),
        ),
        check=SMI,
    ),
    Cause(
        "DRV915",
        "container-toolkit-too-old",
        "The NVIDIA container library is too old for this system's cgroups",
        "Systems with cgroup v2 need libnvidia-container 1.8 or later.",
        fixes=lambda ground: (
            manual(
                "update-container-toolkit",
                "Update the NVIDIA Container Toolkit on the host and restart Docker:",
                ("sudo", "apt", "install", "--only-upgrade", "nvidia-container-toolkit"),
                ("sudo", "systemctl", "restart", "docker"),
                root=True,
            ),
        ),
        check=("docker", "run", "--rm", "--gpus", "all", "ubuntu", "nvidia-smi"),
    ),
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "numpy is newer than this TensorFlow (before 2.4) admits: symbolic tensors reach it",
        "From numpy 1.20 on, layers such as LSTM of an older TensorFlow fail with this message.",
        fixes=lambda ground: (
            pip_install(ground, "numpy<1.20"),
            manual("newer-tensorflow", "Or use a newer TensorFlow."),
        ),
        check=IMPORT,
        name="TFX301-symbolic",
    ),
    Cause(
        "TFX302",
        "protobuf-not-admitted",
        "The protobuf in this environment is damaged or is two copies over each other",
        "A part of the package google.protobuf is missing or does not load.",
        fixes=lambda ground: (
            manual(
                "protobuf-again",
                "Install it once more (with a version that TensorFlow admits):",
                ("python", "-m", "pip", "install", "--force-reinstall", "protobuf"),
            ),
        ),
        check=IMPORT,
        name="TFX302-damaged",
    ),
)
