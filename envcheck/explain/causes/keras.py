"""Keras: of another version, of another generation, models of another one."""

from __future__ import annotations

from envcheck.explain.causes._python import (
    NOT_CUDA,
    NOT_HARDWARE,
    keras_fixes,
    keras_words,
    legacy_fixes,
    name_words,
)
from envcheck.explain.causes._words import IMPORT, keras_of, pip_install, tensorflow_minor
from envcheck.explain.model import Cause
from envcheck.remedies import manual

CAUSES = (
    Cause(
        "KER201",
        "keras-version-mismatch",
        "{keras} is of another version than {tensorflow} needs",
        "{tensorflow} up to 2.15 needs the keras of its own minor release; here two of different "
        "versions (or a nightly beside a stable one) meet, and the same names are registered "
        "twice (duplicate "
        "registrations).{third}",
        keras_words,
        keras_fixes,
        IMPORT,
        (NOT_CUDA, "The metric or layer that is named is not at fault."),
    ),
    Cause(
        "KER301",
        "keras-missing",
        "The package keras is not installed in the Python that runs",
        "TensorFlow from 2.6 on takes Keras from the package keras.",
        fixes=lambda ground: (pip_install(ground, keras_of(ground) or "keras"),),
        check=IMPORT,
        excluded=(NOT_CUDA,),
    ),
    Cause(
        "KER302",
        "legacy-keras-without-tf-keras",
        "TF_USE_LEGACY_KERAS (or a library) asks for tf-keras, and it is not installed",
        "tf-keras is Keras 2 as a package of its own; it must be of TensorFlow's minor release.",
        fixes=lambda ground: (
            pip_install(
                ground,
                f"tf-keras~={minor[0]}.{minor[1]}.0"
                if (minor := tensorflow_minor(ground)) and minor >= (2, 15)
                else "tf-keras",
            ),
        ),
        check=IMPORT,
        excluded=(NOT_CUDA,),
    ),
    Cause(
        "KER901",
        "keras-2-code-on-keras-3",
        "The code was written for Keras 2, and Keras 3 is installed{what_tail}",
        "From TensorFlow 2.16 on tensorflow.keras is Keras 3, which no longer has what this code "
        "uses.",
        lambda ground: {
            "what_tail": f" ({name_words(ground)['what']} is gone)"
            if ground.first("name") or ground.first("module")
            else ""
        },
        legacy_fixes,
        IMPORT,
        (NOT_HARDWARE,),
    ),
    Cause(
        "KER902",
        "tensorflow-addons-on-keras-3",
        "tensorflow_addons does not work with Keras 3, and its development has ended",
        "tensorflow_addons uses the inside of Keras 2 (keras.src.engine, keras.engine), which "
        "Keras 3 does not have. "
        "Changing the import leads to the next error.",
        fixes=lambda ground: (
            manual(
                "remove-addons",
                "Remove tensorflow_addons and replace what is used of it (Keras 3 has most of its "
                "layers, losses "
                "and optimizers):",
                ("python", "-m", "pip", "uninstall", "tensorflow-addons"),
            ),
            manual(
                "older-environment",
                "Or use TensorFlow 2.15 with Keras 2.15 in an environment of its own:",
                (
                    "python",
                    "-m",
                    "pip",
                    "install",
                    "tensorflow==2.15.1",
                    "keras==2.15.0",
                    "tensorflow-addons==0.23.0",
                ),
            ),
        ),
        check=IMPORT,
        excluded=(NOT_HARDWARE,),
    ),
    Cause(
        "KER903",
        "model-of-another-keras",
        "The model was saved by another version of Keras than the one that loads it",
        "Keras 2 and Keras 3 write layers differently, and a pickle holds the module paths of the "
        "version that made "
        "it. The file is not damaged.",
        fixes=lambda ground: (
            manual(
                "same-version",
                "Load it with the Keras that saved it, or with Keras 2 as tf-keras (and "
                "TF_USE_LEGACY_KERAS=1 set "
                "before TensorFlow is imported):",
                ("python", "-m", "pip", "install", "tf-keras"),
            ),
            manual(
                "save-again",
                "Save it from there as .keras (or its weights as .weights.h5) and load that. A "
                "SavedModel folder is "
                "loaded by Keras 3 as keras.layers.TFSMLayer only.",
            ),
        ),
        check=IMPORT,
        excluded=(NOT_HARDWARE,),
    ),
    Cause(
        "TFX305",
        "companion-of-another-time",
        "tensorflow-probability was made for another TensorFlow",
        "Each of its releases fits the TensorFlow of its time: 0.23 goes with 2.15, 0.24 with "
        "2.16 and 2.17, 0.25 "
        "with 2.18; from 0.24 on it also needs tf-keras.",
        fixes=lambda ground: (
            manual(
                "fitting-probability",
                "Install the release that fits, with its tf-keras:",
                ("python", "-m", "pip", "install", "--upgrade", "tensorflow-probability[tf]"),
            ),
        ),
        check=("python", "-c", "import tensorflow_probability as tfp; print(tfp.__version__)"),
        excluded=(NOT_CUDA,),
        name="TFX305-tfp",
    ),
)
