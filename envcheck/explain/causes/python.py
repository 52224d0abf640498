"""Keras, imports and packages: the Python side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envcheck import facts as F
from envcheck.explain.causes._words import (
    GPU_LIST,
    IMPORT,
    is_windows,
    keras_of,
    pip_install,
    system,
    tensorflow,
    tensorflow_minor,
)
from envcheck.explain.model import Cause, Ground
from envcheck.model import Fix
from envcheck.remedies import manual

NOT_CUDA = "CUDA, cuDNN and the driver are not the reason: it fails while Python imports."
NOT_HARDWARE = "CUDA, cuDNN and the driver are not the reason."
WHERE = (
    "python",
    "-c",
    "import sys, tensorflow; print(sys.executable, tensorflow.__path__)",
)
IMPORTED_AS = {
    "official": "tf-models-official",
    "object_detection": "the Object Detection API (object-detection)",
    "tensorflow_probability": "tensorflow-probability",
    "tensorflow_addons": "tensorflow_addons",
    "tensorflow_hub": "tensorflow-hub",
    "tensorflow_text": "tensorflow-text",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
}


def _third(ground: Ground) -> str:
    """The package whose code imports; the innermost one of the traceback."""
    names = ground.every("third")
    name = names[-1] if names else ""
    return IMPORTED_AS.get(name, name)


def _keras(ground: Ground) -> Mapping[str, str]:
    keras, version = ground.facts.value(F.KERAS_VERSION), tensorflow(ground)
    third = _third(ground)
    return {
        "keras": f"Keras {keras}" if keras else "The keras package",
        "tensorflow": f"TensorFlow {version}" if version else "TensorFlow",
        "third": f" {third} imported them." if third else "",
    }


def _keras_fixes(ground: Ground) -> Iterable[Fix]:
    wanted = keras_of(ground)
    if wanted:
        yield pip_install(ground, wanted)
        return
    yield manual(
        "keras-of-tensorflow",
        "Install the keras of TensorFlow's own minor release: keras==2.15.* for TensorFlow 2.15, "
        "and "
        "keras==2.6.* for 2.6, whose pip requirement also let a newer one in. Or bring both up to "
        "date:",
        ("python", "-m", "pip", "install", "--upgrade", "tensorflow", "keras"),
    )
    yield manual(
        "remove-copies",
        "Leftovers of nightly packages (keras-nightly, tf-nightly, tb-nightly) and a second keras "
        "have to go first:",
        ("python", "-m", "pip", "uninstall", "keras-nightly", "tf-nightly", "tb-nightly", "keras"),
    )
    yield manual(
        "see-both",
        "envcheck names the two versions and the command for them:",
        ("envcheck", "check", "--no-smoke"),
    )
    if ground.has("transformers"):
        yield manual(
            "no-tensorflow",
            "Where only PyTorch is used, Transformers can leave TensorFlow out:",
            ("export", "USE_TF=0"),
        )


def _legacy_fixes(ground: Ground) -> Iterable[Fix]:
    minor = tensorflow_minor(ground)
    pin = f"tf-keras~={minor[0]}.{minor[1]}.0" if minor and minor >= (2, 16) else "tf-keras"
    yield pip_install(ground, pin)
    yield manual(
        "legacy-keras",
        "Keep Keras 2 for this program: set this in the shell that starts it, before TensorFlow is "
        "imported.",
        ("export", "TF_USE_LEGACY_KERAS=1"),
    )
    yield manual(
        "port-or-pin",
        "Or change the code to Keras 3 (keras.ops, layers as classes, keras.losses instead of "
        "functions of keras.metrics), or stay with TensorFlow 2.15 and Keras 2.15.",
    )


def _name(ground: Ground) -> Mapping[str, str]:
    module, name = ground.first("module"), ground.first("name")
    shown = (
        f"`{module}.{name}`"
        if module and name
        else f"`{module or name}`"
        if module or name
        else "a name"
    )
    version = tensorflow(ground)
    return {
        "what": shown,
        "module": module or "the module",
        "name": name or "the name",
        "tensorflow": f"TensorFlow {version}" if version else "the installed TensorFlow",
        "third": _third(ground) or "a package",
    }


PUBLIC = (
    ("keras.utils.np_utils", "keras.utils"),
    ("keras.layers.recurrent", "keras.layers"),
    ("keras.layers.convolutional", "keras.layers"),
    ("keras.layers.advanced_activations", "keras.layers"),
    ("keras.layers.normalization", "keras.layers"),
    ("keras.layers.merge", "keras.layers"),
    ("keras.engine", "keras.layers"),
    ("keras.preprocessing.image", "keras.utils"),
    ("keras.wrappers.scikit_learn", "scikeras.wrappers"),
)


def _public(ground: Ground) -> str:
    module = (
        ground.first("module")
        .replace("tensorflow.python.keras", "keras")
        .replace("tensorflow.keras", "keras")
    )
    for old, new in PUBLIC:
        if module.startswith(old):
            return new
    last = module.removeprefix("keras.").split(".")[0]
    return (
        f"tensorflow.keras.{last}"
        if last.isidentifier() and module.startswith("keras.")
        else "tensorflow.keras"
    )


def _private_fixes(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "public-path",
        "Import it from the public place (from {public} import ...); envcheck shows every such "
        "import of "
        "your code and rewrites it:",
        ("envcheck", "scan", "--diff"),
        public=_public(ground),
    )
    yield manual(
        "no-such-package",
        "No package of that name can be installed: the module was a part of TensorFlow or Keras.",
    )


def _third_fixes(ground: Ground) -> Iterable[Fix]:
    name = _third(ground)
    package = name if name.replace("-", "").replace("_", "").isalnum() else "PACKAGE"
    yield manual(
        "update-third",
        "Update {third}, or install the release of it that was made for {tensorflow}; in its code "
        "the "
        "public path is {public}:",
        ("python", "-m", "pip", "install", "--upgrade", package),
        third=name or "the package",
        tensorflow=_name(ground)["tensorflow"],
        public=_public(ground),
    )


REMOVED = {
    "multi_gpu_model": "tf.distribute.MirroredStrategy",
    "to_categorical": "keras.utils.to_categorical",
    "np_utils": "keras.utils.to_categorical",
    "CuDNNLSTM": "keras.layers.LSTM, which uses cuDNN by itself",
    "CuDNNGRU": "keras.layers.GRU, which uses cuDNN by itself",
    "set_session": "tf.compat.v1.keras.backend.set_session",
    "get_session": "tf.compat.v1.keras.backend.get_session",
    "load_img": "keras.utils.load_img",
    "img_to_array": "keras.utils.img_to_array",
    "plot_model": "keras.utils.plot_model",
}


def _removed_fixes(ground: Ground) -> Iterable[Fix]:
    name = ground.first("name")
    instead = REMOVED.get(name)
    if instead:
        yield manual("other-name", "Use {instead}.", instead=instead)
    yield manual(
        "scan-imports",
        "envcheck lists the names that the installed TensorFlow and Keras do not have, and what "
        "stands in their "
        "place:",
        ("envcheck", "scan"),
    )
    yield manual(
        "old-release",
        "Or run the program with the TensorFlow and Keras releases that it was written for, in an "
        "environment of its own.",
    )


def _shadow(ground: Ground) -> Mapping[str, str]:
    name = ground.first("shadowed") or "tensorflow"
    return {"name": name, "file": ground.first("file") or f"{name}.py"}


def _reinstall(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "remove-leftovers",
        "Uninstall every TensorFlow, delete the folder `tensorflow` that is left in "
        "site-packages, and install "
        "it once:",
        (
            "python",
            "-m",
            "pip",
            "uninstall",
            "--yes",
            "tensorflow",
            "tensorflow-cpu",
            "tensorflow-gpu",
            "tensorflow-intel",
            "keras",
        ),
        ("python", "-m", "pip", "install", "--no-cache-dir", "tensorflow"),
    )


def _python(ground: Ground) -> str:
    return ground.facts.value(F.TARGET_PYTHON) or ""


def _pip(ground: Ground) -> Mapping[str, str]:
    requirement = ground.first("requirement", "it").strip(" ,")
    versions = ground.first("versions")
    none = "none" in versions
    listed = [
        text.strip() for text in versions.split(",") if text.strip() and text.strip() != "none"
    ]
    if none:
        seen = (
            "pip found no release of it at all: there is none for this Python and platform, or pip "
            "did not reach the package index (network, proxy)"
        )
    elif listed:
        seen = f"pip found {listed[0]} to {listed[-1]} for this Python, and not what was asked for"
    else:
        seen = "pip found none for this Python and platform"
    return {
        "requirement": requirement,
        "seen": seen,
        "python": f" {_python(ground)}" if _python(ground) else "",
        "range": _python_range(ground, requirement),
    }


def _python_range(ground: Ground, requirement: str) -> str:
    """For which Pythons there are wheels of the release that is asked for."""
    name, _, version = requirement.partition("==")
    name = name.split("[")[0].strip().lower()
    build = ground.matrix.build_of(name, version.strip()) if version else None
    if build is None and version:
        build = ground.matrix.build_of("tensorflow", version.strip())
    if build is not None and build.pythons:
        ends = f"{build.pythons[0]} to {build.pythons[-1]}"
        return f"tensorflow {build.version} has wheels for Python {ends}"
    if not name.startswith("tensorflow"):
        return "look for the Pythons that this package supports"
    newest = ground.matrix.releases("tensorflow")[-1]
    build = ground.matrix.build_of("tensorflow", str(newest))
    ends = (
        f"Python {build.pythons[0]} to {build.pythons[-1]}"
        if build and build.pythons
        else "another Python"
    )
    return f"the newest TensorFlow that envcheck knows ({newest}) has wheels for {ends}"


def _pip_fixes(ground: Ground) -> Iterable[Fix]:
    params = _pip(ground)
    yield manual(
        "other-python",
        "Use a 64-bit Python that it supports ({range}), for example in a new environment:",
        ("uv", "venv", "--python", _suiting_python(ground)),
        range=params["range"],
    )
    yield manual(
        "other-release",
        "Or take a release for this Python{python}; envcheck lists which go together:",
        ("envcheck", "matrix", "show", "python", _python(ground) or "3.12"),
        python=params["python"],
    )


def _suiting_python(ground: Ground) -> str:
    name, _, version = ground.first("requirement").partition("==")
    build = ground.matrix.build_of("tensorflow", version.strip(" ,")) if version else None
    del name
    return build.pythons[-1] if build and build.pythons else "3.12"


def _numpy(ground: Ground) -> Mapping[str, str]:
    numpy = ground.facts.value(F.NUMPY_VERSION) or "2"
    alias = ground.first("alias") or ground.first("alias2")
    return {"numpy": numpy, "alias": alias or "object"}


def _conflict(ground: Ground) -> Mapping[str, str]:
    asker = f"{ground.first('asker')} {ground.first('asker_version')}".strip()
    return {
        "asker": asker or "A package",
        "wants": ground.first("wants").strip(" ,") or "another release",
        "has": f"{ground.first('has')} {ground.first('has_version')}".strip()
        or "what is installed",
    }


def _conflict_fixes(ground: Ground) -> Iterable[Fix]:
    wants = ground.first("wants").strip(" ,").split(" ")[0]
    asker, version = ground.first("asker"), ground.first("asker_version")
    if asker == "tensorflow" or asker.startswith("tensorflow-"):
        yield pip_install(ground, wants)
    else:
        yield manual(
            "ask-both",
            "Let pip choose releases that go together by naming both at once; where that fails, "
            "use an environment "
            "of its own for {asker}:",
            ("python", "-m", "pip", "install", asker or "PACKAGE", wants or "OTHER_PACKAGE"),
            asker=f"{asker} {version}".strip() or "the package",
        )


CAUSES = (
    Cause(
        "KER201",
        "keras-version-mismatch",
        "{keras} is of another version than {tensorflow} needs",
        "{tensorflow} up to 2.15 needs the keras of its own minor release; here two of different "
        "versions (or a nightly beside a stable one) meet, and the same names are registered "
        "twice (duplicate "
        "registrations).{third}",
        _keras,
        _keras_fixes,
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
            "what_tail": f" ({_name(ground)['what']} is gone)"
            if ground.first("name") or ground.first("module")
            else ""
        },
        _legacy_fixes,
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
    Cause(
        "IMP901",
        "module-not-public",
        "{what} is no public module of {tensorflow}: it was moved or removed",
        "Modules such as tensorflow.python, keras.engine or keras.layers.recurrent belong to the "
        "inside of TensorFlow and "
        "Keras and change with every release. The installation is not damaged.",
        _name,
        _private_fixes,
        IMPORT,
        (NOT_HARDWARE, "TensorFlow itself is found, so it is installed."),
    ),
    Cause(
        "IMP904",
        "third-party-imports-private-module",
        "{third} imports {what}, which {tensorflow} does not have",
        "The package {third} was made for another TensorFlow or Keras: it imports from their "
        "inside, which changed.",
        _name,
        _third_fixes,
        IMPORT,
        (NOT_HARDWARE, "Your own code is not at fault."),
    ),
    Cause(
        "IMP903",
        "name-removed",
        "{what} does not exist in the installed version: it was removed or moved",
        "The code is older (or newer) than the installed TensorFlow and Keras: {name} is not "
        "there.",
        _name,
        _removed_fixes,
        IMPORT,
        (NOT_HARDWARE,),
    ),
    Cause(
        "IMP902",
        "tensorflow-1-code",
        "The code is for TensorFlow 1, and TensorFlow 2 runs it{what_tail}",
        "Session, placeholder, contrib and others left the top level with TensorFlow 2; most are "
        "in tf.compat.v1, "
        "tf.contrib is gone for good.",
        lambda ground: {
            "what_tail": f" (tf.{ground.first('tf1')} is gone)" if ground.first("tf1") else ""
        },
        lambda ground: (
            *(
                (
                    manual(
                        "no-contrib",
                        "tf.contrib needs TensorFlow 1.15, thus Python 3.7 or older; or replace "
                        "it (tf.keras, "
                        "tf-slim, tensorflow-addons took parts of it).",
                    ),
                )
                if ground.has("contrib") or ground.first("tf1") == "contrib"
                else ()
            ),
            manual(
                "compat-v1",
                "Use tf.compat.v1.{name} with tf.compat.v1.disable_eager_execution(), or let "
                "TensorFlow's converter "
                "rewrite the file:",
                ("tf_upgrade_v2", "--infile", "OLD.py", "--outfile", "NEW.py"),
                name=ground.first("tf1") or "Session",
            ),
        ),
        IMPORT,
        ("The installation is whole.", NOT_HARDWARE),
    ),
    Cause(
        "IMP902",
        "tensorflow-1-code",
        "`tf.{name}` does not exist in the installed TensorFlow",
        "It is a name of another release, or a slip of the pen.",
        lambda ground: {"name": ground.first("tf_name", "the name")},
        _removed_fixes,
        IMPORT,
        (NOT_HARDWARE,),
        name="IMP902-other",
    ),
    Cause(
        "IMP102",
        "package-shadowed",
        "A file of yours named {name}.py takes the place of the package {name}",
        "Python looks into the script's own folder first, finds {file} there and imports it in "
        "place of {name}.",
        _shadow,
        lambda ground: (
            manual(
                "rename-file",
                "Rename {file} (and delete the folder __pycache__ beside it).",
                ("mv", f"{_shadow(ground)['name']}.py", f"my_{_shadow(ground)['name']}.py"),
                name=_shadow(ground)["name"],
                file=_shadow(ground)["file"],
            ),
        ),
        WHERE,
        ("The package is not damaged and needs no new installation.",),
    ),
    Cause(
        "IMP905",
        "editor-does-not-resolve",
        "The editor does not resolve tensorflow.keras; Python does",
        "TensorFlow loads keras lazily, which editors cannot follow. It is a display problem.",
        fixes=lambda ground: (
            manual(
                "import-keras",
                "Import keras itself (`from keras import layers`), or ignore the mark.",
            ),
        ),
        check=IMPORT,
        verdict="harmless",
    ),
    Cause(
        "PYE302",
        "copy-in-front-of-the-environment",
        "A TensorFlow in the user's own site-packages ({folder}) wins over the environment's",
        "Python looks into the user's folder before the environment's. The TensorFlow there is of "
        "another release than the one "
        "that the rest was made for.",
        lambda ground: {"folder": ground.first("user_site", "~/.local")},
        lambda ground: (
            manual(
                "no-user-site",
                "Leave that folder out, and if it then works, uninstall TensorFlow from it (with "
                "the Python of that folder):",
                ("export", "PYTHONNOUSERSITE=1"),
                ("python", "-m", "pip", "uninstall", "tensorflow"),
            ),
        ),
        WHERE,
        ("The environment itself may well be right.",),
    ),
    Cause(
        "TFX101",
        "tensorflow-not-installed",
        "TensorFlow is not installed in the Python that runs",
        "The interpreter (or Jupyter kernel) that ran this has no TensorFlow; it may be in "
        "another environment.",
        fixes=lambda ground: (
            pip_install(ground, "tensorflow"),
            manual(
                "which-python",
                "Print which Python runs, in the same place as the program:",
                ("python", "-c", "import sys; print(sys.executable)"),
            ),
        ),
        check=IMPORT,
        excluded=(NOT_CUDA,),
    ),
    Cause(
        "TFX102",
        "tensorflow-half-removed",
        "What Python imports as tensorflow is not a whole TensorFlow: a leftover folder, an "
        "incomplete installation, or a file tensorflow.py of your own",
        "Its name can be imported and what belongs in it is missing: a removal that did not "
        "finish, "
        "tensorflow-intel missing (Windows up to 2.18), or a script named tensorflow.py beside "
        "yours.",
        fixes=lambda ground: (
            *_reinstall(ground),
            manual(
                "which-tensorflow",
                "Before that, see which one it is: a file tensorflow.py has to be renamed instead.",
                ("python", "-c", "import tensorflow; print(tensorflow)"),
            ),
        ),
        check=WHERE,
        excluded=(NOT_CUDA,),
    ),
    Cause(
        "TFX107",
        "tensorflow-gpu-placeholder",
        "The package tensorflow-gpu has been removed from the index: install tensorflow",
        "tensorflow-gpu is only a placeholder that refuses to install since 2.12; `tensorflow` "
        "holds the GPU code.",
        fixes=lambda ground: (
            pip_install(
                ground,
                "tensorflow"
                if is_windows(ground) or system(ground) == "macos"
                else "tensorflow[and-cuda]",
            ),
        ),
        check=GPU_LIST,
    ),
    Cause(
        "TFX301",
        "numpy-not-admitted",
        "numpy {numpy} is loaded by code that was compiled for numpy 1",
        "The binary interface changed with numpy 2: TensorFlow before 2.18, and other packages of "
        "that time, do not "
        "import with it.",
        _numpy,
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
        _numpy,
        lambda ground: (
            pip_install(ground, "numpy<1.24" if ground.first("alias") else "numpy<2"),
            manual(
                "newer-library",
                "Or install a newer release of the library that uses np.{alias}.",
                alias=_numpy(ground)["alias"],
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
        _conflict,
        _conflict_fixes,
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
        _conflict,
        _conflict_fixes,
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
        _pip,
        _pip_fixes,
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
