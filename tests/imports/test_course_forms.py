"""Spellings of old imports that need more than a new path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.imports.test_scan import report, run

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "import keras.layers.recurrent\nm = keras.layers.recurrent.LSTM(4)\n",
            "import keras.layers\nm = keras.layers.LSTM(4)\n",
        ),
        ("import os, tensorflow.contrib.layers\n", "import os, tensorflow\n"),
        (
            "from tensorflow import placeholder, Session\nx = placeholder('float32')\n",
            "from tensorflow.compat.v1 import placeholder, Session\n"
            "from tensorflow.compat.v1 import disable_eager_execution\n"
            "disable_eager_execution()\n"
            "x = placeholder('float32')\n",
        ),
        # What Keras 3 has no place for at all: tf.keras as Keras 2, for the whole file.
        (
            '"""Lesson 4."""\nfrom __future__ import print_function\nimport os, sys\n'
            "import numpy as np\nimport keras, json\nimport keras.layers as L\n"
            "from keras.layers import *\nfrom keras.layers.core import Dense as D\n"
            "L.LocallyConnected1D(2, 3), keras.layers.recurrent.LSTM(2)\n",
            '"""Lesson 4."""\nfrom __future__ import print_function\nimport os, sys\n'
            'os.environ["TF_USE_LEGACY_KERAS"] = "1"\n'
            "import numpy as np\nimport tensorflow.keras as keras, json\n"
            "import tensorflow.keras.layers as L\nfrom tensorflow.keras.layers import *\n"
            "from tensorflow.keras.layers import Dense as D\n"
            "L.LocallyConnected1D(2, 3), keras.layers.LSTM(2)\n",
        ),
        (
            "import sys; import tensorflow as tf\ntf.layers.dense\n",
            'import sys; import os; os.environ["TF_USE_LEGACY_KERAS"] = "1"; '
            "import tensorflow as tf\ntf.compat.v1.layers.dense\n",
        ),
        (
            "import tensorflow as tf\nimport keras\nkeras.preprocessing.text.Tokenizer()\n",
            "import tensorflow as tf\nimport keras\ntf.keras.preprocessing.text.Tokenizer()\n",
        ),
        (
            "import keras\nimport tensorflow as tf\nkeras.preprocessing.text.Tokenizer()\n",
            "import keras\nimport tensorflow as tf\ntf.keras.preprocessing.text.Tokenizer()\n",
        ),
        (
            "import keras  # 2.2\nkeras.preprocessing.text.Tokenizer()\n",
            "import keras  # 2.2\nimport tensorflow\n"
            "tensorflow.keras.preprocessing.text.Tokenizer()\n",
        ),
        (
            "from keras.backend.tensorflow_backend import get_session\nget_session().run(x)\n",
            'import os\nos.environ["TF_USE_LEGACY_KERAS"] = "1"\n'
            "from tensorflow.compat.v1.keras.backend import get_session\n"
            "from tensorflow.compat.v1 import disable_eager_execution\n"
            "disable_eager_execution()\nget_session().run(x)\n",
        ),
        # A function does not become the module above it.
        ("from keras.datasets.cifar import load_batch\nload_batch('a')\n",) * 2,
        ("from tensorflow.keras.utils import slice_arrays\nslice_arrays([])\n",) * 2,
        (
            "from keras.utils import np_utils\nuse(np_utils)\n",
            "from keras import utils as np_utils\nuse(np_utils)\n",
        ),
        # It is there, if private: nothing above it is the same.
        ("import tensorflow.python.framework.ops\n", "import tensorflow.python.framework.ops\n"),
    ],
)
def test_fix(write: Write, old: str, new: str) -> None:
    folder = write(old=old)
    run("--tensorflow", "2.21", "--fix")
    assert (folder / "old.py").read_text() == new


@pytest.mark.parametrize(
    "text",
    [
        # The file has chosen its Keras, or tries several.
        "import os\nos.environ['KERAS_BACKEND'] = 'jax'\nimport keras\n"
        "keras.layers.LocallyConnected1D\n",
        "try:\n    import keras\nexcept ImportError:\n    from tensorflow import keras\n"
        "keras.layers.LocallyConnected1D\n",
        # Each of the two lacks something.
        "import keras\nkeras.layers.LocallyConnected1D\nkeras.ops.sum\n",
        "import keras\nkeras.utils.multi_gpu_model\n",
    ],
)
def test_what_keras_2_does_not_mend_is_left(write: Write, text: str) -> None:
    folder = write(old=text)
    run("--tensorflow", "2.21", "--fix")
    assert (folder / "old.py").read_text() == text


def test_keras_2_and_its_package_are_one_fix(write: Write) -> None:
    write(old="import tensorflow as tf\ntf.layers.dense\n")
    (finding,) = report("--tensorflow", "2.21")["findings"]
    (fix,) = finding["fixes"]
    assert (finding["code"], fix["safety"]) == ("IMP303", "review")
    assert fix["steps"] == [
        ["python", "-m", "pip", "install", "tf-keras==2.21.*"],
        ["envcheck", "scan", "--fix", "--tensorflow", "2.21", "old.py"],
    ]
    run("--tensorflow", "2.21", "--fix")
    assert report("--tensorflow", "2.21")["findings"] == []


def test_a_module_of_a_package_does_not_choose_keras(write: Write) -> None:
    text = "import tensorflow as tf\ntf.compat.v1.layers.dense\n"
    folder = write(mine__cell=text)
    (folder / "mine" / "__init__.py").touch()
    (finding,) = report("--tensorflow", "2.21", "--fix")["findings"]
    (fix,) = finding["fixes"]
    assert (fix["id"], fix["note"].split(":")[0]) == (
        "advice",
        "Only Keras 2 has `tensorflow.compat.v1.layers.dense`",
    )
    assert (folder / "mine" / "cell.py").read_text() == text


def test_keras_2_that_is_not_installed(tmp_path: Path) -> None:
    from envcheck.imports.scan import scan as scan_files
    from envcheck.imports.stack import Stack

    (tmp_path / "a.py").write_text(
        "import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\n"
        "import tensorflow as tf\ntf.compat.v1.layers.dense\n"
    )
    (finding,) = scan_files([tmp_path], Stack((2, 21), (3, 15), None, absent=())).findings
    assert (finding.code, finding.params["package"]) == ("IMP305", "tf-keras")
