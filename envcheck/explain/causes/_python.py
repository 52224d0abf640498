"""Words and fixes of the Python side that several causes share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envcheck import facts as F
from envcheck.explain.causes._words import (
    keras_of,
    pip_install,
    tensorflow,
    tensorflow_minor,
)
from envcheck.explain.model import Ground
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


def third_package(ground: Ground) -> str:
    """The package whose code imports; the innermost one of the traceback."""
    names = ground.every("third")
    name = names[-1] if names else ""
    return IMPORTED_AS.get(name, name)


def keras_words(ground: Ground) -> Mapping[str, str]:
    keras, version = ground.facts.value(F.KERAS_VERSION), tensorflow(ground)
    third = third_package(ground)
    return {
        "keras": f"Keras {keras}" if keras else "The keras package",
        "tensorflow": f"TensorFlow {version}" if version else "TensorFlow",
        "third": f" {third} imported them." if third else "",
    }


def keras_fixes(ground: Ground) -> Iterable[Fix]:
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


def legacy_fixes(ground: Ground) -> Iterable[Fix]:
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


def name_words(ground: Ground) -> Mapping[str, str]:
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
        "third": third_package(ground) or "a package",
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


def public_place(ground: Ground) -> str:
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


def private_fixes(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "public-path",
        "Import it from the public place (from {public} import ...); envcheck shows every such "
        "import of "
        "your code and rewrites it:",
        ("envcheck", "scan", "--diff"),
        public=public_place(ground),
    )
    yield manual(
        "no-such-package",
        "No package of that name can be installed: the module was a part of TensorFlow or Keras.",
    )


def third_fixes(ground: Ground) -> Iterable[Fix]:
    name = third_package(ground)
    package = name if name.replace("-", "").replace("_", "").isalnum() else "PACKAGE"
    yield manual(
        "update-third",
        "Update {third}, or install the release of it that was made for {tensorflow}; in its code "
        "the "
        "public path is {public}:",
        ("python", "-m", "pip", "install", "--upgrade", package),
        third=name or "the package",
        tensorflow=name_words(ground)["tensorflow"],
        public=public_place(ground),
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


def removed_fixes(ground: Ground) -> Iterable[Fix]:
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


def shadow_words(ground: Ground) -> Mapping[str, str]:
    name = ground.first("shadowed") or "tensorflow"
    return {"name": name, "file": ground.first("file") or f"{name}.py"}


def reinstall(ground: Ground) -> Iterable[Fix]:
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


def python_of(ground: Ground) -> str:
    return ground.facts.value(F.TARGET_PYTHON) or ""


def pip_words(ground: Ground) -> Mapping[str, str]:
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
        "python": f" {python_of(ground)}" if python_of(ground) else "",
        "range": python_range(ground, requirement),
    }


def python_range(ground: Ground, requirement: str) -> str:
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


def pip_fixes(ground: Ground) -> Iterable[Fix]:
    params = pip_words(ground)
    yield manual(
        "other-python",
        "Use a 64-bit Python that it supports ({range}), for example in a new environment:",
        ("uv", "venv", "--python", suiting_python(ground)),
        range=params["range"],
    )
    yield manual(
        "other-release",
        "Or take a release for this Python{python}; envcheck lists which go together:",
        ("envcheck", "matrix", "show", "python", python_of(ground) or "3.12"),
        python=params["python"],
    )


def suiting_python(ground: Ground) -> str:
    name, _, version = ground.first("requirement").partition("==")
    build = ground.matrix.build_of("tensorflow", version.strip(" ,")) if version else None
    del name
    return build.pythons[-1] if build and build.pythons else "3.12"


def numpy_words(ground: Ground) -> Mapping[str, str]:
    numpy = ground.facts.value(F.NUMPY_VERSION) or "2"
    alias = ground.first("alias") or ground.first("alias2")
    return {"numpy": numpy, "alias": alias or "object"}


def conflict_words(ground: Ground) -> Mapping[str, str]:
    asker = f"{ground.first('asker')} {ground.first('asker_version')}".strip()
    return {
        "asker": asker or "A package",
        "wants": ground.first("wants").strip(" ,") or "another release",
        "has": f"{ground.first('has')} {ground.first('has_version')}".strip()
        or "what is installed",
    }


def conflict_fixes(ground: Ground) -> Iterable[Fix]:
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
