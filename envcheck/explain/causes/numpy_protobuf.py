"""numpy and protobuf: their binary interfaces and generated code."""

from __future__ import annotations

from envcheck.explain.causes._python import NOT_CUDA, numpy_words
from envcheck.explain.causes._words import IMPORT, pip_install
from envcheck.explain.model import Cause
from envcheck.remedies import manual

CAUSES = (
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "numpy {numpy} is loaded by code that was compiled for numpy 1",
        "The binary interface changed with numpy 2: TensorFlow before 2.18, and other packages of "
        "that time, do not "
        "import with it.",
        numpy_words,
        lambda ground: (
            pip_install(ground, "numpy<2"),
            manual(
                "newer-packages",
                "Or bring the package that complains up to date (TensorFlow 2.18 or later); "
                "restart a running notebook afterwards.",
            ),
        ),
        IMPORT,
        (NOT_CUDA,),
    ),
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "The installed numpy is older than the one that a module was compiled for",
        "The module wants a newer binary interface ({wanted}) than this numpy has ({found}).",
        lambda ground: {
            "wanted": ground.first("api_wanted") or "of a newer release",
            "found": ground.first("api_found") or "an older one",
        },
        lambda ground: (
            manual(
                "newer-numpy",
                "Install a newer numpy that TensorFlow admits, or an older release of the module; "
                "restart a running "
                "notebook afterwards:",
                ("python", "-m", "pip", "install", "--upgrade", "numpy"),
            ),
        ),
        IMPORT,
        ("An older numpy (numpy<2) makes it worse.", NOT_CUDA),
        name="TFX301-old",
    ),
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "A module was compiled for {built} and {loaded} is loaded",
        "The size of numpy's type ({size_wanted} in the module, {size_found} in the loaded numpy) "
        "tells the releases "
        "apart: 96 is numpy 1, 88 is numpy 2. A numpy that was changed under a running notebook "
        "gives the same message.",
        lambda ground: {
            "size_wanted": ground.first("size_wanted", "?"),
            "size_found": ground.first("size_found", "?"),
            "built": "numpy 2"
            if ground.first("size_wanted") == "88"
            else "numpy 1"
            if ground.first("size_wanted") == "96"
            else "another numpy",
            "loaded": "numpy 1"
            if ground.first("size_found") in ("96", "80")
            else "numpy 2"
            if ground.first("size_found") == "88"
            else "a different one",
        },
        lambda ground: (
            *(
                (pip_install(ground, "numpy<2"),)
                if ground.first("size_found") == "88"
                else (
                    manual(
                        "newer-numpy",
                        "Install a newer numpy that TensorFlow admits, or an older release of the "
                        "module:",
                        ("python", "-m", "pip", "install", "--upgrade", "numpy"),
                    ),
                )
            ),
            manual(
                "reinstall-module",
                "Or install the module that complains again, built for the numpy in use, and "
                "restart the notebook.",
            ),
        ),
        IMPORT,
        (NOT_CUDA,),
        name="TFX301-size",
    ),
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "The code uses np.{alias}, which numpy has removed",
        "numpy removed these old names (np.object, np.bool and others in 1.24; more in 2.0); an "
        "older TensorFlow or library still uses "
        "them.",
        numpy_words,
        lambda ground: (
            pip_install(ground, "numpy<1.24" if ground.first("alias") else "numpy<2"),
            manual(
                "newer-library",
                "Or install a newer release of the library that uses np.{alias}.",
                alias=numpy_words(ground)["alias"],
            ),
        ),
        IMPORT,
        (NOT_CUDA,),
        name="TFX301-alias",
    ),
    Cause(
        "TFX302",
        "protobuf-not-admitted",
        "The installed protobuf is too new for the code that was generated into a package "
        "(TensorFlow up to 2.11, tensorboard, ...)",
        "protobuf from 4 on refuses descriptors that an old protoc generated.",
        fixes=lambda ground: (
            pip_install(ground, "protobuf<=3.20.3"),
            manual(
                "newer-tensorflow",
                "Or use a newer TensorFlow (2.12 or later), which was generated anew.",
            ),
        ),
        check=IMPORT,
        excluded=(NOT_CUDA,),
    ),
    Cause(
        "TFX302",
        "protobuf-not-admitted",
        "The installed protobuf is too new: it no longer has what TensorFlow's generated code "
        "calls",
        "protobuf removed MessageFactory.GetPrototype and others in newer releases; TensorFlow "
        "(or a plugin of it) still calls them.",
        fixes=lambda ground: (
            pip_install(ground, "protobuf<5"),
            manual("restart", "Restart the notebook's kernel afterwards."),
        ),
        check=IMPORT,
        excluded=(NOT_CUDA,),
        name="TFX302-new",
    ),
    Cause(
        "TFX302",
        "protobuf-not-admitted",
        "The installed protobuf is older than the code that a package was generated with",
        "A newer package (often tensorflow-metadata, or TensorFlow 2.20 and later) needs a newer "
        "protobuf at run time.",
        fixes=lambda ground: (
            manual(
                "newer-protobuf",
                "Install the newest protobuf that TensorFlow admits, or an older release of the "
                "package that the "
                "traceback names:",
                ("python", "-m", "pip", "install", "--upgrade", "protobuf"),
            ),
        ),
        check=IMPORT,
        excluded=(NOT_CUDA,),
        name="TFX302-old",
    ),
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "numpy's own DLL cannot be loaded: two numpys are mixed in this environment",
        "pip's and conda's numpy lie over each other, or the environment is not activated.",
        fixes=lambda ground: (
            manual(
                "numpy-again",
                "Install numpy once more:",
                ("python", "-m", "pip", "install", "--force-reinstall", "numpy<2"),
            ),
        ),
        check=("python", "-c", "import numpy; print(numpy.__version__)"),
        name="TFX301-dll",
    ),
)
