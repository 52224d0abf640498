"""pip, extensions, DLLs, the processor and Python itself."""

from __future__ import annotations

from envcheck.explain.causes._python import (
    IMPORTED_AS,
    NOT_CUDA,
    NOT_HARDWARE,
    conflict_fixes,
    conflict_words,
    pip_fixes,
    pip_words,
)
from envcheck.explain.causes._words import IMPORT, pip_install, tensorflow
from envcheck.explain.model import Cause
from envcheck.remedies import manual

CAUSES = (
    Cause(
        "TFX303",
        "requirement-missing",
        "The module {module} is not installed in the Python that runs",
        "The program or a package imports {module}, and this environment does not have it.",
        lambda ground: {"module": ground.first("missing_module", "that it names")},
        lambda ground: (
            pip_install(
                ground,
                IMPORTED_AS.get(
                    ground.first("missing_module"), ground.first("missing_module", "PACKAGE")
                ),
            ),
        ),
        ("python", "-m", "pip", "check"),
        (NOT_CUDA,),
    ),
    Cause(
        "TFX303",
        "requirement-missing",
        "{asker} needs {wants}, and it is not installed",
        "pip says so after an installation: this package's requirement is missing.",
        conflict_words,
        conflict_fixes,
        ("python", "-m", "pip", "check"),
        name="TFX303-pip",
    ),
    Cause(
        "TFX304",
        "requirement-not-admitted",
        "{asker} wants {wants}, and {has} is installed",
        "pip installed what was asked for and broke the requirement of a package that was there. "
        "It is a warning: whether it fails shows "
        "when that package is imported.",
        conflict_words,
        conflict_fixes,
        ("python", "-m", "pip", "check"),
    ),
    Cause(
        "TFX901",
        "extension-of-another-tensorflow",
        "A compiled extension does not fit the installed TensorFlow (its C++ interface, the ABI, "
        "differs)",
        "Libraries of custom operations link to one TensorFlow build: another release, conda's "
        "build beside pip's, or other compiler flags "
        "lack the symbols or files that they ask for.",
        fixes=lambda ground: (
            manual(
                "rebuild-extension",
                "Compile the extension again against the TensorFlow that runs it (with the flags "
                "that this prints), or "
                "install the release of it that was made for this TensorFlow:",
                (
                    "python",
                    "-c",
                    "import tensorflow as tf; print(tf.sysconfig.get_compile_flags(), "
                    "tf.sysconfig.get_link_flags())",
                ),
            ),
        ),
        check=IMPORT,
        excluded=(NOT_HARDWARE, "TensorFlow itself is whole."),
    ),
    Cause(
        "TFX902",
        "metal-plugin-of-another-tensorflow",
        "tensorflow-metal does not fit the installed TensorFlow",
        "Apple's plugin links to files of the TensorFlow it was built for; the installed one does "
        "not have them.",
        fixes=lambda ground: (
            manual(
                "fitting-metal",
                "Remove tensorflow-metal (training then runs on the CPU), or pin the TensorFlow "
                "that it supports, "
                "such as TensorFlow 2.18 with tensorflow-metal 1.2.0:",
                ("python", "-m", "pip", "uninstall", "tensorflow-metal"),
            ),
        ),
        check=IMPORT,
    ),
    Cause(
        "TFX903",
        "windows-dll-missing",
        "Windows cannot load TensorFlow's native runtime (its DLL): a library that it needs is "
        "missing, mostly the Microsoft Visual C++ runtime",
        "The message names TensorFlow's own file; what is missing is a DLL that this file needs: "
        "the Visual C++ 2015-2022 "
        "redistributable (x64), or for TensorFlow 1 and 2.0 the CUDA DLLs.",
        fixes=lambda ground: (
            manual(
                "install-vc-redist",
                "Install the Microsoft Visual C++ redistributable 2015-2022 (x64), then open a "
                "new console:",
                ("winget", "install", "Microsoft.VCRedist.2015+.x64"),
            ),
            manual("64-bit-python", "Use a 64-bit Python that this TensorFlow supports."),
        ),
        check=IMPORT,
        excluded=("The module itself is installed: it was found and could not be loaded.",),
    ),
    Cause(
        "TFX903",
        "windows-dll-missing",
        "TensorFlow's native runtime (its DLL) was found and refused to start: Visual C++ runtime "
        "too old, CPU without AVX, or clashing DLLs",
        "An initialization routine failed: the Visual C++ runtime is older than TensorFlow needs "
        "(2.19 and later want a "
        "new one), the processor lacks AVX, or another package (PyTorch, PySide) loaded other "
        "DLLs first.",
        fixes=lambda ground: (
            manual(
                "install-vc-redist",
                "Install the newest Microsoft Visual C++ redistributable 2015-2022 (x64), then "
                "open a new console:",
                ("winget", "install", "Microsoft.VCRedist.2015+.x64"),
            ),
            manual(
                "import-order",
                "If it stays, import tensorflow before torch and Qt packages; on a CPU without "
                "AVX use another machine.",
            ),
        ),
        check=IMPORT,
        name="TFX903-init",
    ),
    Cause(
        "TFX904",
        "cpu-without-avx",
        "The processor lacks instructions (AVX) that TensorFlow's wheel was compiled for",
        "TensorFlow from 1.6 on needs AVX; a CPU without it, or a virtual machine that hides it, "
        "kills the process at "
        "the import.",
        fixes=lambda ground: (
            manual(
                "other-build",
                "Use a machine (or a virtual CPU type such as `host`) with AVX, or a build for "
                "this CPU from conda-forge "
                "or from source. Look for avx here:",
                ("lscpu",),
            ),
        ),
        check=IMPORT,
        excluded=(NOT_HARDWARE,),
    ),
    Cause(
        "PYE102",
        "no-build-for-this-python",
        "There is no {requirement} for this Python{python}",
        "{seen}: TensorFlow has wheels for certain Python versions and platforms only (64-bit). "
        "{range}.",
        pip_words,
        pip_fixes,
        ("python", "-c", "import sys, platform; print(sys.version, platform.machine())"),
        ("pip is not broken.", NOT_HARDWARE),
    ),
    Cause(
        "PYE105",
        "python-under-rosetta",
        "Python and a library are for different processors ({have} and {need})",
        "On a Mac with Apple silicon an Intel Python (Rosetta) and arm64 packages do not mix.",
        lambda ground: {
            "have": ground.first("have", "x86_64"),
            "need": ground.first("need", "arm64"),
        },
        lambda ground: (
            manual(
                "native-python",
                "Make a new environment with a native arm64 Python and install everything there:",
                ("python3", "-c", "import platform; print(platform.machine())"),
            ),
        ),
        IMPORT,
    ),
    Cause(
        "PYE901",
        "pip-has-no-network",
        "pip could not reach the package index, so it found no version",
        "The network, a proxy or a certificate is in the way; 'no version' only follows from it.",
        fixes=lambda ground: (
            manual(
                "network",
                "Mend the connection (proxy, certificates, DNS) and try again:",
                ("python", "-m", "pip", "index", "versions", "tensorflow"),
            ),
        ),
        check=("python", "-m", "pip", "index", "versions", "tensorflow"),
        excluded=("Python's version is not the reason.",),
    ),
    Cause(
        "PYE902",
        "requirements-contradict",
        "The requirements contradict each other: no set of releases satisfies them all",
        "Two packages want releases of a third one that exclude each other, or one has no release "
        "for this Python.",
        fixes=lambda ground: (
            manual(
                "loosen",
                "Loosen one of the pins that the message names, or use separate environments; "
                "envcheck says what goes with a "
                "TensorFlow:",
                ("envcheck", "matrix", "show", "tensorflow", tensorflow(ground) or "2.20"),
            ),
        ),
        check=("python", "-m", "pip", "check"),
    ),
    Cause(
        "PYE903",
        "externally-managed-python",
        "pip may not install into the system's Python: use a virtual environment",
        "The distribution manages this Python (PEP 668).",
        fixes=lambda ground: (
            manual(
                "new-environment",
                "Make an environment and install there:",
                ("python3", "-m", "venv", ".venv"),
                (".venv/bin/python", "-m", "pip", "install", "tensorflow"),
            ),
        ),
        check=IMPORT,
    ),
)
