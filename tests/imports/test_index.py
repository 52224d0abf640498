"""The shipped index: what it says, how large it is, and how wheels become modules."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from envcheck.harvest import names
from envcheck.imports import index
from envcheck.imports.stack import Found, Resolver, Stack, admitted, history
from tools import build_names


def test_it_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in sorted(index.FOLDER.iterdir())}
    assert list(sizes) == ["keras.z", "tensorflow.z", "tf_keras.z"]
    assert sum(sizes.values()) < 300_000


def test_every_minor_is_there() -> None:
    assert sorted(index.load("tensorflow").minors)[:18] == [(2, minor) for minor in range(4, 22)]
    keras = sorted(index.load("keras").minors)
    # There is no wheel of Keras 2.5.
    assert keras[:11] == [(2, 4), *((2, minor) for minor in range(6, 16))]
    assert keras[11:27] == [(3, minor) for minor in range(16)]


@pytest.mark.parametrize(
    ("path", "how", "expected"),
    [
        ("tensorflow.keras.wrappers.scikit_learn", "module", "TensorFlow 2.4 to 2.12"),
        ("tensorflow.python.keras", "module", "TensorFlow 2.4 and later"),
        ("tensorflow.contrib", "module", ""),
        ("keras.layers.recurrent", "module", "Keras 2.4 to 2.8"),
        ("keras.optimizers.Adam", "member", "Keras 2.9 and later"),
        ("keras.preprocessing.image.ImageDataGenerator", "member", "Keras 2.6 to 2.15"),
        ("tensorflow.estimator.Estimator", "chain", "TensorFlow 2.4 to 2.15"),
        ("tensorflow.Session", "chain", ""),
    ],
)
def test_history(path: str, how: str, expected: str) -> None:
    assert history(path, how) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("tensorflow", [(2, 4), (2, 9), (2, 15), (2, 16), (2, 21)])
def test_what_every_release_has(tensorflow: tuple[int, int]) -> None:
    resolver = Resolver(admitted(tensorflow))
    assert resolver.module("tensorflow.keras.layers").answer == "module"
    assert resolver.member("tensorflow.keras.layers", "Dense").answer == "name"
    assert resolver.chain("tensorflow.keras.optimizers.Adam").answer == "name"
    assert resolver.chain("tensorflow.optimizers.Adam").answer == "name"
    assert resolver.chain("tensorflow.compat.v1.Session").answer == "name"
    assert resolver.chain("tensorflow.__version__").answer == "unknown"
    assert resolver.chain("tensorflow.Session").missing == "tensorflow.Session"


def test_names_made_at_run_time_are_unknown() -> None:
    resolver = Resolver(admitted((2, 15)))
    # tensorboard puts these there when TensorFlow is imported.
    assert resolver.chain("tensorflow.summary.anything").answer == "unknown"
    assert resolver.member("tensorflow.python.eager.context", "anything").answer == "unknown"


def test_versions_that_are_not_there_or_not_known() -> None:
    assert Resolver(Stack(None, None)).module("tensorflow").answer == "not-installed"
    newer = Resolver(Stack((9, 9), (9, 9)))
    assert newer.module("tensorflow.contrib").answer == "unknown"
    assert newer.unjudged("tensorflow") and newer.unjudged("keras")


def test_legacy_keras_is_tf_keras() -> None:
    legacy = Resolver(Stack((2, 16), (3, 0), (2, 16), legacy=True))
    found = legacy.chain("tensorflow.keras.layers.Dense")
    assert found == Found("name", "tf_keras", place="tf_keras.api._v2.keras.layers.Dense")


def test_parse_module() -> None:
    text = """
from . import sub as below
from .other import *
import os.path
try:
    import fast
except ImportError:
    fast = None
setattr(_current_module, "summary", 1)
_current_module.layers = 2
class Layer: hidden = 1
def build(): inner = 1
gone = 1
del gone
"""
    module = names.parse_module(text, "keras")
    assert module.names == {"below", "os", "fast", "summary", "layers", "Layer", "build"}
    assert module.stars == {"keras.other"}
    assert module.replaced == {"summary", "layers"}
    assert not module.open
    assert names.parse_module("def __getattr__(name): ...", "keras").open
    assert names.parse_module("globals()['a'] = 1", "keras").open


def test_parse_tree() -> None:
    texts = {
        "keras/__init__.py": "from keras.layers import *\nfrom elsewhere import *\n",
        "keras/layers/__init__.py": "class Dense: ...\n_private = 1\n",
        "keras/made_pb2.py": "A = 1\n",
    }
    members = [*texts, "keras/plain/deep.py", "keras/_fast.cpython-311-x86_64-linux-gnu.so", "x.py"]
    tree = names.parse_tree("keras", members, texts)
    assert sorted(tree) == [
        "keras",
        "keras._fast",
        "keras.layers",
        "keras.made_pb2",
        "keras.plain",
        "keras.plain.deep",
    ]
    assert tree["keras"] == names.Module(frozenset({"Dense"}), open=True)
    assert tree["keras.layers"].names == {"Dense", "_private"}
    assert tree["keras.made_pb2"] == names.Module(open=True)


def test_member_of_a_piece_of_an_archive() -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", "A = 1\n" * 50)
        archive.writestr("b.py", "B = 2\n")
    infos = zipfile.ZipFile(stream).infolist()
    assert [len(group) for group in names.grouped(infos)] == [2]
    start = infos[1].header_offset
    assert names.member(stream.getvalue()[start:], 0, infos[1]) == b"B = 2\n"
    with pytest.raises(zipfile.BadZipFile):
        names.member(stream.getvalue(), 1, infos[1])


def test_the_table_is_what_the_index_reads() -> None:
    text = build_names.table(
        {
            "2.4.4": {"m": names.Module(frozenset("ab"))},
            "2.5.3": {"m": names.Module(frozenset("bc"), open=True), "n": names.Module()},
        }
    )
    read = index.Names(text)
    assert read.minors == {(2, 4): 0, (2, 5): 1}
    assert read.module("m") == index.Module(3, 2, {"a": 1, "b": 3, "c": 2})
    assert read.module("n") == index.Module(2, 0, {})
    assert read.module("o") is None
