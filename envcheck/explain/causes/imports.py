"""Imports: moved, private, shadowed, of TensorFlow 1, of a TensorFlow that is not whole."""

from __future__ import annotations

from envcheck.explain.causes._python import (
    NOT_CUDA,
    NOT_HARDWARE,
    WHERE,
    name_words,
    private_fixes,
    reinstall,
    removed_fixes,
    shadow_words,
    third_fixes,
)
from envcheck.explain.causes._words import GPU_LIST, IMPORT, is_windows, pip_install, system
from envcheck.explain.model import Cause
from envcheck.remedies import manual

CAUSES = (
    Cause(
        "IMP901",
        "module-not-public",
        "{what} is no public module of {tensorflow}: it was moved or removed",
        "Modules such as tensorflow.python, keras.engine or keras.layers.recurrent belong to the "
        "inside of TensorFlow and "
        "Keras and change with every release. The installation is not damaged.",
        name_words,
        private_fixes,
        IMPORT,
        (NOT_HARDWARE, "TensorFlow itself is found, so it is installed."),
    ),
    Cause(
        "IMP904",
        "third-party-imports-private-module",
        "{third} imports {what}, which {tensorflow} does not have",
        "The package {third} was made for another TensorFlow or Keras: it imports from their "
        "inside, which changed.",
        name_words,
        third_fixes,
        IMPORT,
        (NOT_HARDWARE, "Your own code is not at fault."),
    ),
    Cause(
        "IMP903",
        "name-removed",
        "{what} does not exist in the installed version: it was removed or moved",
        "The code is older (or newer) than the installed TensorFlow and Keras: {name} is not "
        "there.",
        name_words,
        removed_fixes,
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
        removed_fixes,
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
        shadow_words,
        lambda ground: (
            manual(
                "rename-file",
                "Rename {file} (and delete the folder __pycache__ beside it).",
                (
                    "mv",
                    f"{shadow_words(ground)['name']}.py",
                    f"my_{shadow_words(ground)['name']}.py",
                ),
                name=shadow_words(ground)["name"],
                file=shadow_words(ground)["file"],
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
            *reinstall(ground),
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
)
