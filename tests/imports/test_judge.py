"""What is said about a text, under which versions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from envcheck.imports import judge, uses
from envcheck.imports.stack import Resolver, Stack

if TYPE_CHECKING:
    from tests.imports.conftest import Judge


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from keras.layers.recurrent import LSTM", [("IMP301", "keras.layers.recurrent")]),
        ("from keras.utils import np_utils", [("IMP302", "keras.utils.np_utils")]),
        ("import keras.utils.np_utils", [("IMP301", "keras.utils.np_utils")]),
        ("from tensorflow.contrib import rnn", [("IMP304", "tensorflow.contrib.rnn")]),
        ("import tensorflow as tf\ntf.contrib.rnn", [("IMP304", "tensorflow.contrib.rnn")]),
        ("import tensorflow as tf\ntf.Session()", [("IMP303", "tensorflow.Session")]),
        ("from keras.src import layers", [("IMP201", "keras.src.layers")]),
        (
            "from tensorflow.python.keras import layers",
            [("IMP202", "tensorflow.python.keras.layers")],
        ),
        (
            "import importlib\nimportlib.import_module('keras.engine')",
            [("IMP301", "keras.engine")],
        ),
        (
            "import tensorflow as tf\nkeras = tf.keras\nkeras.gone",
            [("IMP302", "tensorflow.keras.gone")],
        ),
        ("from tensorflow import keras\nkeras.layers.Dense", []),
        ("import tensorflow as tf\ndef f(tf): tf.Session()", []),
        ("tf = 1\nimport tensorflow as tf\ntf.Session()", []),
        ("from . import tensorflow\nfrom .keras import engine", []),
        ("import tensorflow_hub, keras_tuner", []),
    ],
)
def test_tensorflow_215(codes_of: Judge, text: str, expected: list[tuple[str, str]]) -> None:
    assert codes_of(text) == expected


@pytest.mark.parametrize("caught", ["ImportError", "ModuleNotFoundError", "Exception"])
def test_a_guarded_fallback_is_no_error(codes_of: Judge, caught: str) -> None:
    new, old = (
        "from keras.utils import to_categorical",
        "from keras.utils.np_utils import normalize",
    )
    assert codes_of(f"try:\n    {old}\nexcept {caught}:\n    {new}") == []
    assert codes_of(f"try:\n    {new}\nexcept {caught}:\n    {old}") == []


def test_a_fallback_that_fails_too_is_an_error(codes_of: Judge) -> None:
    text = "try:\n    import keras.engine\nexcept ImportError:\n    import keras.legacy"
    assert codes_of(text) == [("IMP301", "keras.legacy")]
    other = "try:\n    import keras.engine\nexcept ValueError:\n    pass"
    assert codes_of(other) == [("IMP301", "keras.engine")]


@pytest.mark.parametrize(
    "guard",
    [
        "if tf.__version__ < '2':\n    tf.Session()",
        "if hasattr(tf, 'Session'):\n    tf.Session()",
        "with contextlib.suppress(AttributeError):\n    tf.Session()",
        "try:\n    tf.Session()\nexcept AttributeError:\n    pass",
    ],
)
def test_version_guards(codes_of: Judge, guard: str) -> None:
    assert codes_of(f"import contextlib\nimport tensorflow as tf\n{guard}") == []


def test_the_lost_years_of_adam(codes_of: Judge) -> None:
    text = "from keras.optimizers import Adam"
    assert codes_of(text, (2, 8)) == [("IMP302", "keras.optimizers.Adam")]
    assert codes_of(text, (2, 9)) == codes_of(text, (2, 21)) == []


@pytest.mark.parametrize(
    "setting",
    [
        "os.environ['{}'] = '{}'",
        "os.environ.setdefault('{}', '{}')",
        "os.environ.update({{'{}': '{}'}})",
        "os.environ.update({}='{}')",
        "os.putenv('{}', '{}')",
        "__import__('os').environ['{}'] = '{}'",
    ],
)
def test_variables_set_too_late(codes_of: Judge, setting: str) -> None:
    level = setting.format("TF_CPP_MIN_LOG_LEVEL", "3")
    late = [("IMP403", "TF_CPP_MIN_LOG_LEVEL")]
    assert codes_of(f"import os\nimport tensorflow\n{level}") == late
    assert codes_of(f"import os\n{level}\nimport tensorflow") == []
    # Keras imports TensorFlow, whose log lines are out by then.
    assert codes_of(f"import os\nfrom keras.layers import Dense\n{level}") == late
    gpu = setting.format("CUDA_VISIBLE_DEVICES", "0")
    assert codes_of(f"import os\nimport tensorflow as tf\n{gpu}") == []
    assert codes_of(f"import os\nimport tensorflow as tf\ntf.constant(1)\n{gpu}") == [
        ("IMP404", "CUDA_VISIBLE_DEVICES")
    ]


@pytest.mark.parametrize(
    ("tensorflow", "imported", "late"),
    [
        # Keras 2.4 to 2.15 know TensorFlow alone: no place of the line is too late.
        ((2, 15), "import keras", False),
        ((2, 21), "import keras", True),
        ((2, 21), "from tensorflow.keras import layers", True),
        # Measured: keras.backend.backend() is what it was at `import tensorflow`.
        ((2, 21), "import tensorflow as tf", True),
        ((2, 15), "import tensorflow as tf", False),
        ((2, 21), "import tf_keras", False),
    ],
)
def test_the_backend_is_set_too_late(
    codes_of: Judge, tensorflow: tuple[int, int], imported: str, late: bool
) -> None:
    text = f"import os\n{imported}\nos.environ['KERAS_BACKEND'] = 'jax'"
    found = [code for code, _ in codes_of(text, tensorflow) if code != "IMP305"]
    assert found == (["IMP403"] if late else [])


def test_another_backend_prints_no_lines_of_tensorflow(codes_of: Judge) -> None:
    text = (
        "import os\nos.environ['KERAS_BACKEND'] = 'jax'\nimport keras\n"
        "os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'"
    )
    assert codes_of(text, (2, 21)) == []


def test_legacy_keras_is_nothing_to_an_old_tensorflow(codes_of: Judge) -> None:
    text = "import os\nimport tensorflow\nos.environ['TF_USE_LEGACY_KERAS'] = '1'"
    assert codes_of(text, (2, 9)) == []
    assert codes_of(text, (2, 21)) == [("IMP403", "TF_USE_LEGACY_KERAS")]


@pytest.mark.parametrize(
    ("call", "reads"),
    [
        ("tf.config.list_physical_devices('GPU')", True),
        ("tf.test.is_gpu_available()", True),
        ("tf.compat.v1.Session()", True),
        ("tf.keras.optimizers.Adam(0.1)", True),
        ("tf.distribute.MirroredStrategy()", True),
        ("tf.get_logger().setLevel('ERROR')", False),
        ("tf.random.set_seed(1)", False),
        ("tf.compat.v1.disable_eager_execution()", False),
        ("tf.compat.v1.logging.set_verbosity(40)", False),
        ("tf.keras.datasets.mnist.load_data()", False),
        ("tf.keras.utils.to_categorical([1])", False),
    ],
)
def test_calls_that_read_the_visible_devices(codes_of: Judge, call: str, reads: bool) -> None:
    text = f"import os\nimport tensorflow as tf\n{call}\nos.environ['CUDA_VISIBLE_DEVICES'] = ''"
    assert [code for code, _ in codes_of(text)] == (["IMP404"] if reads else [])


@pytest.mark.parametrize(
    ("call", "readers"),
    [
        # Measured: whether libcuda's cuInit is called, with Keras 2 and with Keras 3.
        ("layers.Dropout(0.5)", ["2.21"]),
        ("layers.RandomFlip('horizontal')", ["2.21"]),
        ("keras.Sequential()", ["2.15"]),
        ("keras.mixed_precision.set_global_policy('float32')", []),
        ("layers.Flatten()(keras.Input((3, 2)))", []),
        ("layers.Dense(2)", []),
        ("layers.Dense(2)(keras.Input((3,)))", ["2.15", "2.21"]),
    ],
)
def test_layers_that_read_the_visible_devices(
    codes_of: Judge, call: str, readers: list[str]
) -> None:
    text = f"import os\nfrom tensorflow import keras\nfrom tensorflow.keras import layers\n{call}\n"
    text += "os.environ['CUDA_VISIBLE_DEVICES'] = ''"
    said = [tf for tf in ("2.15", "2.21") if codes_of(text, (2, int(tf[2:])))]
    assert said == readers


GPUS = "tf.config.experimental.list_physical_devices('GPU')"
SESSION = "config = tf.compat.v1.ConfigProto()\nsess = tf.compat.v1.Session(config=config)\n"


@pytest.mark.parametrize(
    ("before", "reads"),
    [
        # The order of published programs; each was run up to the setting, on the CUDA builds of
        # 2.15.1 and 2.21.0 with a libcuda that writes down its calls: has cuInit been called?
        (f"gpus = {GPUS}\n", True),
        (f"for gpu in {GPUS}:\n    tf.config.experimental.set_memory_growth(gpu, True)\n", True),
        (f"{SESSION}tf.config.list_physical_devices('GPU')\n", True),
        (f"tf.config.set_visible_devices([], 'GPU')\n{SESSION}", True),
        (f"{SESSION}tf.compat.v1.keras.backend.set_session(sess)\n", True),
        ("print(tf.test.gpu_device_name())\n", True),
        ("strategy = tf.distribute.MirroredStrategy()\n", True),
        ("w = tf.Variable([1.0])\n", True),
        (
            "tf.config.threading.set_inter_op_parallelism_threads(1)\n"
            "tf.config.set_soft_device_placement(True)\n",
            False,
        ),
        ("print(tf.__version__, tf.test.is_built_with_cuda())\n", False),
        (f"if CPU:\n    pass\nelse:\n    {GPUS}\n", True),
    ],
)
def test_the_order_of_real_programs(codes_of: Judge, before: str, reads: bool) -> None:
    text = f"import os\nimport tensorflow as tf\n{before}os.environ['CUDA_VISIBLE_DEVICES'] = '1'"
    for tensorflow in ((2, 15), (2, 21)):
        said = [code for code, _ in codes_of(text, tensorflow) if code == "IMP404"]
        assert said == (["IMP404"] if reads else [])


@pytest.mark.parametrize(
    "text",
    [
        "if GPU:\n    {}\nelse:\n    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'",
        "if GPU:\n    os.environ['CUDA_VISIBLE_DEVICES'] = '0'\nelif TPU:\n    {}\nelse:\n"
        "    if CPU:\n        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'",
    ],
)
def test_one_of_two_branches_reads_and_the_other_sets(codes_of: Judge, text: str) -> None:
    assert codes_of(f"import os\nimport tensorflow as tf\n{text.format(GPUS)}") == []


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (Stack((2, 15), (3, 15)), ["IMP402 warning"]),
        (Stack((2, 9), (2, 8)), ["IMP402 warning"]),
        (Stack((2, 9), (2, 10)), ["IMP402"]),
        (Stack((2, 14), (3, 1)), ["IMP402"]),
        (Stack((2, 16), (2, 15)), ["IMP402"]),
        (Stack((2, 15), (2, 15)), []),
        (Stack((2, 16), (3, 4)), []),
        (Stack((2, 5), (3, 4)), []),
        (Stack(None, (3, 4)), ["IMP305"]),
    ],
)
def test_a_keras_that_is_not_tensorflows(stack: Stack, expected: list[str]) -> None:
    tree = ast.parse("from tensorflow import keras")
    judged = judge.judge(uses.read(tree), Resolver(stack))
    said = [f"{item.code.code} {item.severity or ''}".strip() for item in judged.problems]
    assert said == expected


def test_what_is_not_known_is_said() -> None:
    tree = ast.parse("import tensorflow.contrib")
    judged = judge.judge(uses.read(tree), Resolver(Stack((2, 99), (3, 4))))
    assert (judged.problems, judged.unknown) == ((), ("tensorflow",))


def test_a_package_may_use_its_own_inside() -> None:
    tree = ast.parse("from tensorflow.python.framework import ops")
    resolver = Resolver(Stack((2, 15), (2, 15)))
    assert judge.judge(uses.read(tree), resolver, "tensorflow").problems == ()
