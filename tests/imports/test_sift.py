"""The sieve may only turn away files in which the parser finds nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import envcheck
from envcheck.imports import judge, sift, uses
from envcheck.imports.stack import Resolver, admitted

RESOLVER = Resolver(admitted((2, 15)))


@pytest.mark.parametrize(
    "text",
    [
        "import os; import tensorflow.contrib",
        "if x: from keras import engine",
        "from keras.layers \\\n  import recurrent",
        "from keras import \\\n  engine",
        "import os, \\\n  tensorflow.contrib",
        "from keras.layers import (  # all\n  Dense,\n  recurrent as r,\n)",
        "import tensorflow as tf\ntf \\\n  .Session()",
        "import tensorflow as tf\n(tf\n  .Session())",
        "import tensorflow as tf\nf'{tf.Session()}'",
        "import tensorflow as tf\nx = '''tf.log''' + tf.log(1)",
        "import tensorflow as tf\nk = tf.keras\nk.gone",
        "__import__('keras.engine')",
        "import os, tensorflow\nos.environ['TF_CPP_MIN_LOG_LEVEL'] = '1'",
    ],
)
def test_what_needs_the_parser_gets_it(text: str) -> None:
    problems = judge.judge(uses.read(ast.parse(text)), RESOLVER).problems
    assert problems
    assert sift.Sieve(RESOLVER).clean(text.encode(), "") is None


@pytest.mark.parametrize(
    ("text", "flavours"),
    [
        ("import tensorflow as tf\ntf.constant(1)", []),
        ("'''tf.Session'''\nimport tensorflow as tf  # tf.log\ntf.constant('tf.log')", []),
        ("# import tensorflow.contrib\nprint('keras.engine')", []),
        ("import os\nfrom keras import layers", [("keras", 2)]),
        ("import tensorflow as tf\n\ntf.keras.Model", [("tensorflow.keras", 3)]),
    ],
)
def test_what_is_fine_is_not_parsed(text: str, flavours: list[tuple[str, int]]) -> None:
    clean = sift.Sieve(RESOLVER).clean(text.encode(), "")
    assert clean is not None
    assert [(item.name, item.line) for item in clean] == flavours
    parsed = judge.judge(uses.read(ast.parse(text)), RESOLVER)
    assert parsed.problems == ()
    assert [(item.name, item.line) for item in parsed.flavours] == flavours


def test_sieve_and_parser_agree_on_our_own_sources() -> None:
    root = Path(envcheck.__file__).parent.parent
    sieve = sift.Sieve(RESOLVER)
    for path in sorted(root.glob("[ect]*/**/*.py")):
        data = path.read_bytes()
        if sieve.clean(data, "") is not None:
            problems = judge.judge(uses.read(ast.parse(data)), RESOLVER).problems
            assert (str(path), problems) == (str(path), ())
