"""Spellings of old imports that need more than a new path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.imports.test_scan import run

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
        # It is there, if private: nothing above it is the same.
        ("import tensorflow.python.framework.ops\n", "import tensorflow.python.framework.ops\n"),
    ],
)
def test_fix(write: Write, old: str, new: str) -> None:
    folder = write(old=old)
    run("--tensorflow", "2.21", "--fix")
    assert (folder / "old.py").read_text() == new
