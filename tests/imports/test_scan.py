"""`envcheck scan` from its command line to its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import envcheck as schemas
from envcheck.commands.scan import scan
from envcheck.imports import codes, findings, legacy, public, successors
from envcheck.imports import scan as scanner
from envcheck.imports.files import Limits
from envcheck.imports.stack import admitted
from envcheck.model import EnvcheckError
from envcheck.render.i18n import translator
from tests import lab

Write = Callable[..., Path]
OLD = "from keras.layers.recurrent import LSTM, GRU  # 2018\n"


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(scan, args, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout


def report(*args: str) -> dict[str, Any]:
    code, text = run("--format", "json", *args)
    document: dict[str, Any] = json.loads(text)
    assert document["verdict"]["exit_code"] == code
    return document


def test_a_finding(write: Write) -> None:
    write(old="import os\nx = 'ö'; from keras.layers.recurrent import LSTM\n")
    document = report("--tensorflow", "2.15")
    assert document["verdict"] == {"status": "fail", "exit_code": 1}
    (finding,) = document["findings"]
    assert finding["code"] == "IMP301"
    assert finding["title"] == "old.py:2: Keras 2.15 has no module `keras.layers.recurrent`"
    assert finding["why"] == "It works in Keras 2.4 to 2.8."
    assert finding["evidence"] == [
        {
            "fact": "code",
            "value": "x = 'ö'; from keras.layers.recurrent import LSTM",
            "source": "old.py:2:45",
        }
    ]
    assert {name: finding["params"][name] for name in ("file", "line", "column")} == {
        "file": "old.py",
        "line": "2",
        "column": "45",
    }
    again = ["envcheck", "scan", "--fix", "--tensorflow", "2.15", "old.py"]
    assert finding["fixes"][0]["steps"] == [again]


def test_json_keeps_the_contract(write: Write) -> None:
    schema = json.loads((Path(schemas.__file__).parent / "schemas/report.schema.json").read_text())
    write(a=OLD, b="import tensorflow.contrib\n", c="import keras.src\n")
    jsonschema.validate(report("--tensorflow", "2.21"), schema)


@pytest.mark.lab
def test_against_what_is_installed(write: Write) -> None:
    write(a="from tensorflow import keras\nimport keras as k\n")
    python = str(lab.python_of("tf215-keras3"))
    document = report("--python", python)
    assert [item["code"] for item in document["findings"]] == ["IMP402", "IMP401"]
    assert [(row["layer"], row["version"]) for row in document["stack"]] == [
        ("tensorflow", "2.15.1"),
        ("keras", "3.15.1"),
        ("imports", "1 files read"),
    ]


def test_exit_codes(write: Write) -> None:
    write(fine="import tensorflow as tf\ntf.constant(1)\n", private="import keras.src.layers\n")
    assert run("--tensorflow", "2.15", "fine.py")[0] == 0
    assert run("--tensorflow", "2.15")[0] == 0
    assert run("--tensorflow", "2.15", "--fail-on", "warning")[0] == 1
    with pytest.raises(EnvcheckError) as error:
        run("--tensorflow", "2.15", "gone.py")
    assert error.value.exit_code == 2
    with pytest.raises(EnvcheckError) as error:
        run("--tensorflow", "two")
    assert error.value.exit_code == 2


def test_nothing_scanned_is_never_passed(write: Write) -> None:
    write()
    assert run("--tensorflow", "2.15")[0] == 3


def test_a_version_that_is_not_known_is_never_passed(write: Write) -> None:
    write(a="import tensorflow\n")
    document = report("--tensorflow", "2.99")
    assert document["verdict"] == {"status": "inconclusive", "exit_code": 3}
    assert [item["facts"] for item in document["not_evaluated"]] == [["tensorflow.version"]]


def test_a_file_that_does_not_parse_is_said_and_left_alone(write: Write) -> None:
    text = "import keras.engine\nprint 'Python 2'\n"
    folder = write(two=text)
    document = report("--tensorflow", "2.15", "--fix")
    assert [(item["code"], item["severity"]) for item in document["findings"]] == [
        ("IMP203", "info")
    ]
    assert (folder / "two.py").read_text() == text


@pytest.mark.parametrize(
    ("comment", "count"), [("", 0), ("[IMP301]", 0), ("[IMP302, IMP301]", 0), ("[IMP302]", 1)]
)
def test_ignore(write: Write, comment: str, count: int) -> None:
    write(a=f"import keras.engine  # envcheck: ignore{comment}\n")
    assert len(report("--tensorflow", "2.15")["findings"]) == count


def test_mixed_across_files(write: Write) -> None:
    write(
        a="from tensorflow.keras import layers\n",
        b="from tensorflow import keras\n",
        c="import os\nimport keras\n",
    )
    two = report("--tensorflow", "2.15", "--keras", "2.15")["findings"]
    assert [(item["code"], item["severity"], item["params"]["file"]) for item in two] == [
        ("IMP401", "info", "c.py")
    ]
    (other,) = report("--tensorflow", "2.4")["findings"]
    assert (other["severity"], other["params"]["other_file"]) == ("info", "a.py")


def test_mixed_with_the_old_copy(write: Write) -> None:
    write(a="import keras\n", b="import keras\n", c="from tensorflow.python.keras import models\n")
    found = report("--tensorflow", "2.15")["findings"]
    assert [(item["code"], item["severity"]) for item in found] == [
        ("IMP202", "warning"),
        ("IMP401", "warning"),
    ]


def test_mixed_with_tf_keras(write: Write) -> None:
    choice = "import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\n"
    write(a=f"{choice}from tensorflow.keras import layers\n", b="from keras import models\n")
    (finding,) = report("--tensorflow", "2.21")["findings"]
    assert (finding["code"], finding["severity"]) == ("IMP401", "warning")


def test_several_processes_find_the_same(write: Write, tmp_path: Path) -> None:
    write(**{f"f{number}": OLD if number % 50 == 0 else "import keras\n" for number in range(300)})
    one = scanner.scan([Path()], admitted((2, 15)), processes=1)
    assert (one.files, len(one.findings)) == (300, 6)
    assert scanner.scan([Path()], admitted((2, 15)), processes=2) == one


def test_limits(write: Write) -> None:
    write(**{f"f{number}": "import keras\n" for number in range(9)})
    few = scanner.scan([Path()], admitted((2, 15)), 1, Limits(files=5))
    assert (few.files, few.stopped) == (5, True)
    enough = scanner.scan([Path()], admitted((2, 15)), 1, Limits(files=9))
    assert (enough.files, enough.stopped) == (9, False)


def test_diff_changes_nothing(write: Write) -> None:
    folder = write(a=OLD)
    code, text = run("--tensorflow", "2.15", "--diff")
    assert code == 1
    assert text.splitlines() == [
        "--- a/a.py",
        "+++ b/a.py",
        "@@ -1 +1 @@",
        "-from keras.layers.recurrent import LSTM, GRU  # 2018",
        "+from keras.layers import LSTM, GRU  # 2018",
    ]
    assert (folder / "a.py").read_text() == OLD


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, "from keras.layers import LSTM, GRU  # 2018\n"),
        (
            "from keras.utils import np_utils\nnp_utils.to_categorical\n",
            "from keras import utils as np_utils\nnp_utils.to_categorical\n",
        ),
        (
            "import tensorflow as tf\r\nx = tf.log(tf.get_variable)\r\n",
            "import tensorflow as tf\r\nx = tf.math.log(tf.compat.v1.get_variable)\r\n",
        ),
        (
            "if 1:\n  from keras.engine.topology import Layer, Input, Model\n",
            "if 1:\n  from keras.layers import Layer, Input\n  from keras.models import Model\n",
        ),
        (
            "from tensorflow.python.keras.layers import (\n    Dense,  # one\n    LSTM,\n)\n",
            "from tensorflow.keras.layers import (\n    Dense,  # one\n    LSTM,\n)\n",
        ),
        (
            "import tensorflow.python.keras.backend as K\nK.clear_session()\n",
            "import tensorflow.keras.backend as K\nK.clear_session()\n",
        ),
        (
            "from keras.wrappers.scikit_learn import KerasClassifier  # grid\n",
            "from scikeras.wrappers import KerasClassifier  # grid\n",
        ),
        (
            "from tensorflow.contrib import slim\nslim.conv2d\n",
            "import tf_slim as slim\nslim.conv2d\n",
        ),
        (
            "import tensorflow as tf  # 1.4\ntf.contrib.layers.flatten(tf.placeholder)\n",
            "import tensorflow as tf  # 1.4\nimport tf_slim\n"
            "tf.compat.v1.disable_eager_execution()\n"
            "tf_slim.flatten(tf.compat.v1.placeholder)\n",
        ),
        (
            "def f():\n\timport os, tensorflow as tf; x = 1\n\treturn tf.Session()\n",
            "def f():\n\timport os, tensorflow as tf; tf.compat.v1.disable_eager_execution(); "
            "x = 1\n"
            "\treturn tf.compat.v1.Session()\n",
        ),
        (
            "import tensorflow as tf\nwith tf.Graph().as_default(): tf.Session()\n",
            "import tensorflow as tf\nwith tf.Graph().as_default(): tf.compat.v1.Session()\n",
        ),
        (
            "from keras.engine.topology import (  # of Keras 2.0\n"
            "    # the base\n    Layer,  # ours\n    Input, Model as M,\n    # end\n)\n",
            "from keras.layers import (\n    # of Keras 2.0\n    # the base\n    Layer,  # ours\n"
            "    Input,\n)\n"
            "from keras.models import (\n    Model as M,\n    # end\n)\n",
        ),
        (
            "from keras.engine \\\n  import Layer, \\\n  Model\n",
            "from keras.layers import Layer\nfrom keras.models import Model\n",
        ),
        (
            "if 1:\n\tx = 1; from keras.engine import Layer, Model; y = 2\n",
            "if 1:\n\tx = 1; from keras.layers import Layer; from keras.models import Model; "
            "y = 2\n",
        ),
        (
            "if 1:\n\tfrom keras.engine import Layer, Model  # both\r\n",
            "if 1:\n\tfrom keras.layers import Layer\r\n"
            "\tfrom keras.models import Model  # both\r\n",
        ),
        ("import tensorflow as tf\ntf.contrib.rnn\n",) * 2,
        ("try:\n    import keras.engine as e\nexcept ImportError:\n    e = None\n",) * 2,
    ],
)
def test_fix(write: Write, old: str, new: str) -> None:
    folder = write(a=old)
    (folder / "a.py").chmod(0o750)
    run("--tensorflow", "2.15", "--fix")
    assert (folder / "a.py").read_bytes().decode() == new
    assert (folder / "a.py").stat().st_mode & 0o777 == 0o750
    assert [path.name for path in folder.iterdir()] == ["a.py"]


def test_fix_keeps_the_encoding(write: Write) -> None:
    head = b"# coding: latin-1\n# R\xf6sten\n"
    folder = write(a=head + b"x = '\xf6'; from keras.objectives import mse\n")
    run("--tensorflow", "2.15", "--fix")
    assert (folder / "a.py").read_bytes() == head + b"x = '\xf6'; from keras.losses import mse\n"


def test_fix_in_a_notebook(write: Write) -> None:
    folder = write()
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# ö\n"]},
        {"cell_type": "code", "metadata": {}, "source": ["%matplotlib inline\n", OLD, "y = 1"]},
        {"cell_type": "code", "metadata": {}, "source": "import tensorflow as tf\ntf.assign()"},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=1, ensure_ascii=False)
    (folder / "n.ipynb").write_text(text + "\n", "utf-8")
    first = report("--tensorflow", "2.15")["findings"]
    assert [item["evidence"][0]["source"] for item in first] == [
        "n.ipynb cell 2:2:36",
        "n.ipynb cell 3:2:1",
    ]
    assert run("--tensorflow", "2.15", "--fix")[0] == 0
    fixed = text.replace("layers.recurrent", "layers").replace("tf.assign", "tf.compat.v1.assign")
    assert (folder / "n.ipynb").read_text("utf-8") == fixed + "\n"


def test_the_page(write: Write) -> None:
    write(a="import keras.engine\n")
    code, text = run("--tensorflow", "2.15")
    assert code == 1
    assert text.splitlines()[0] == "✗ FAIL: a.py:1: Keras 2.15 has no module `keras.engine`"


def test_the_texts_are_translated(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for code in codes.ALL for text in (code.title, code.why)]
    texts += [
        codes.SEEN,
        codes.NEVER,
        codes.MIXED_ALIKE,
        codes.FOREIGN_LOADS,
        codes.LEGACY_TOO_LATE,
        legacy.IN_A_PACKAGE,
        successors.IN_ADDONS,
    ]
    texts += [findings.IS_HERE, findings.WRITES, findings.WRITES_OTHER, findings.WRITES_KERAS2]
    texts += [*public.ADVICE.values(), *successors.ADVICE.values()]
    chinese = translator({"LANG": "zh_CN.UTF-8"})
    assert [text for text in texts if chinese(text) == text] == []
    write(a="import keras.engine\n")
    monkeypatch.setenv("LANGUAGE", "zh")
    first = run("--tensorflow", "2.15")[1].splitlines()[0]
    assert first.endswith("a.py:1：Keras 2.15 没有模块 `keras.engine`")
