"""Make the cases: break an environment for real, run it, keep what it printed.

    python -m tests.explain.produce [ID ...]

Without an ID: those that are not there yet.
Each case is written to ``cases/ID.json`` with its cause and how it was made. The environments are
made with uv in a folder of their own; what names the user, the host or that folder is replaced.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import lab
from tests.explain import programs as P
from tests.fakes.nvidia import compile_libraries

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ.get("EXPLAIN_WORK", tempfile.gettempdir())) / "explain-cases"
LONGEST = 60_000

NUMPY1 = "numpy<2"
ENVIRONMENTS = {
    "tf24": lab.Recipe("3.8", ("tensorflow-cpu==2.4.4", "protobuf<3.20")),
    "tf27": lab.Recipe("3.7", ("tensorflow-cpu==2.7.4", "protobuf<3.20")),
    "tf29": lab.Recipe("3.10", ("tensorflow-cpu==2.9.1", NUMPY1, "protobuf<3.20")),
    "tf29-cuda": lab.Recipe("3.10", ("tensorflow==2.9.1", NUMPY1, "protobuf<3.20")),
    "tf210": lab.Recipe("3.9", ("tensorflow-cpu==2.10.1", NUMPY1)),
    "tf212": lab.Recipe("3.10", ("tensorflow-cpu==2.12.1",)),
    "tf213": lab.Recipe("3.8", ("tensorflow-cpu==2.13.1",)),
    "tf215": lab.Recipe("3.11", ("tensorflow-cpu==2.15.1",)),
    "tf215-cuda": lab.Recipe("3.11", ("tensorflow==2.15.1",)),
    "tf216": lab.Recipe("3.11", ("tensorflow-cpu==2.16.2",)),
    "tf216-cuda": lab.Recipe("3.12", ("tensorflow==2.16.2",)),
    "tf218": lab.Recipe("3.12", ("tensorflow-cpu==2.18.1",)),
    "tf220-cuda": lab.Recipe("3.12", ("tensorflow==2.20.0",)),
    "tf221": lab.Recipe("3.13", ("tensorflow-cpu==2.21.0",)),
    "tf221-cuda": lab.Recipe("3.13", ("tensorflow==2.21.0",)),
    "empty312": lab.Recipe("3.12"),
    "empty311": lab.Recipe("3.11"),
    "numpy2": lab.Recipe("3.11", ("tensorflow-cpu==2.15.1",), (("install", "numpy==2.2.6"),)),
    "tf29-numpy2": lab.Recipe("3.10", ("tensorflow-cpu==2.9.1", "numpy==2.2.6", "protobuf<3.20")),
    "tf29-protobuf": lab.Recipe(
        "3.10", ("tensorflow-cpu==2.9.1", NUMPY1), (("install", "protobuf==4.25.9"),)
    ),
    "tf24-numpy124": lab.Recipe(
        "3.8", ("tensorflow-cpu==2.4.4", "protobuf<3.20"), (("install", "numpy==1.24.4"),)
    ),
    "keras3-tf215": lab.RECIPES["tf215-keras3"],
    "duplicate-keras": lab.RECIPES["tf215-duplicate-keras"],
    "keras-older": lab.Recipe(
        "3.10",
        ("tensorflow-cpu==2.12.1",),
        (("install", "keras==2.9.0"),),
    ),
    "keras-newer": lab.Recipe(
        "3.10",
        ("tensorflow-cpu==2.9.1", NUMPY1, "protobuf<3.20"),
        (("install", "keras==2.13.1"),),
    ),
    "tf221-keras2": lab.Recipe(
        "3.13", ("tensorflow-cpu==2.21.0",), (("install", "keras==2.15.0"),)
    ),
    "addons": lab.Recipe(
        "3.11",
        ("tensorflow-cpu==2.16.2",),
        (("install", "--no-deps", "tensorflow-addons==0.23.0"), ("install", "typeguard<3")),
    ),
    "probability": lab.Recipe(
        "3.11", ("tensorflow-cpu==2.15.1",), (("install", "tensorflow-probability==0.25.0"),)
    ),
    "old-protobuf": lab.Recipe(
        "3.13", ("tensorflow-cpu==2.21.0",), (("install", "protobuf==4.25.9"),)
    ),
}
MACHINE = """[driver]
version = {kernel}
library = {library}
cuda = 12.2

[gpu 0]
name = NVIDIA GeForce RTX 3080
memory_mib = 10240
compute_capability = 8.6
"""
FAULT = "\n[fault one]\nfunction = {function}\ndo = return {code}\n"


@dataclass(frozen=True)
class Made:
    """A case: what ran in which environment after which break, and what it is known to mean."""

    id: str
    environment: str
    program: str | tuple[str, ...]
    kind: str
    cause: str
    must_name: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    breaks: Callable[[Path, Path], None] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""
    alters: bool = False
    """Whether the break changes the environment itself, which is then made anew."""


def _site(python: Path) -> Path:
    return next(python.parent.parent.glob("lib/python3*/site-packages"))


def _named(name: str, text: str = "print('hello')\n") -> Callable[[Path, Path], None]:
    def write(python: Path, folder: Path) -> None:
        del python
        (folder / name).write_text(text)

    return write


def _leftover(python: Path, folder: Path) -> None:
    del folder
    (_site(python) / "tensorflow" / "include").mkdir(parents=True)


def _half(python: Path, folder: Path) -> None:
    del folder
    package = _site(python) / "tensorflow"
    for name in ("__init__.py", "python"):
        path = package / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _without_python_folder(python: Path, folder: Path) -> None:
    del folder
    shutil.rmtree(_site(python) / "tensorflow" / "python" / "framework")


def _without(name: str) -> Callable[[Path, Path], None]:
    def uninstall(python: Path, folder: Path) -> None:
        del folder
        subprocess.run([str(python), "-m", "pip", "-q", "uninstall", "-y", name], check=True)

    return uninstall


def _library(name: str, content: bytes) -> Callable[[Path, Path], None]:
    def write(python: Path, folder: Path) -> None:
        del python
        (folder / "lib").mkdir()
        (folder / "lib" / name).write_bytes(content)

    return write


def _extension(source: str, *flags: str) -> Callable[[Path, Path], None]:
    def build(python: Path, folder: Path) -> None:
        del python
        (folder / "op.c").write_text(source)
        command = ["cc", "-shared", "-fPIC", "-o", str(folder / "op.so"), str(folder / "op.c")]
        subprocess.run([*command, *flags], check=True, cwd=folder)

    return build


def _framework_stub(python: Path, folder: Path) -> None:
    """An operation that needs libtensorflow_framework.so.2, which is then gone."""
    (folder / "empty.c").write_text("")
    name = "libtensorflow_framework.so.2"
    link = ["cc", "-shared", "-fPIC", "-Wl,--no-as-needed"]
    subprocess.run([*link, f"-Wl,-soname,{name}", "-o", name, "empty.c"], check=True, cwd=folder)
    _extension("int op(void) { return 1; }", "-Wl,--no-as-needed", f"./{name}")(python, folder)
    (folder / name).unlink()


def _newer_glibc(python: Path, folder: Path) -> None:
    """An extension whose symbol version is patched to a glibc that is not out yet."""
    _extension('#include <stdio.h>\nvoid op(void) { puts(""); }')(python, folder)
    path = folder / "op.so"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"GLIBC_2.2.5\x00", b"GLIBC_2.9.5\x00"))


ELF32 = (
    b"\x7fELF\x01\x01\x01"
    + bytes(9)
    + (3).to_bytes(2, "little")
    + (3).to_bytes(2, "little")
    + bytes(64)
)
NOTHING = "Nothing is wrong: "
HEALTHY = (
    *(
        Made(f"healthy-fit-{name}", name, P.FIT, "distractor", NOTHING + "a training on the CPU.")
        for name in (
            *("tf24", "tf27", "tf29", "tf210", "tf212", "tf213", "tf216", "keras3-tf215"),
            *("tf29-cuda", "tf215-cuda", "tf220-cuda"),
        )
    ),
    *(
        Made(f"healthy-{what}-{name}", name, program, "distractor", NOTHING + about)
        for what, program, names, about in (
            ("dataset", P.DATASET, ("tf216", "tf215-cuda", "tf220-cuda"), "the data set ends."),
            ("loop", P.LOOP, ("tf29-cuda", "tf220-cuda"), "a loop of the user's own."),
            ("save", P.SAVE, ("tf216", "tf215-cuda"), "an old file format is named."),
            ("mirrored", P.MIRRORED, ("tf215-cuda",), "a strategy with one CPU."),
            ("predict", P.PREDICT, ("tf29-cuda", "tf220-cuda"), "prediction."),
            ("tf1-style", P.TF1, ("tf24",), "TensorFlow 1 code through compat.v1."),
        )
        for name in names
    ),
)
KERAS = (
    Made(
        "keras-newer-than-tf29",
        "keras-newer",
        P.FIT,
        "keras-tf-mismatch",
        "keras 2.13 beside TensorFlow 2.9.",
        ("keras", "tensorflow"),
        ("install cuda",),
    ),
    Made(
        "keras-older-than-tf212",
        "keras-older",
        P.FIT,
        "keras-tf-mismatch",
        "keras 2.9 beside TensorFlow 2.12.",
        ("keras",),
        ("install cuda",),
    ),
    Made(
        "keras2-on-tf221",
        "tf221-keras2",
        P.FIT,
        "keras-tf-mismatch",
        "keras 2.15 beside TensorFlow 2.21.",
        ("keras",),
        ("install cuda",),
    ),
    Made(
        "keras-uninstalled-tf215",
        "tf215",
        P.FIT,
        "keras-tf-mismatch",
        "keras was uninstalled.",
        ("keras",),
        ("install cuda",),
        _without("keras"),
        alters=True,
    ),
    Made(
        "legacy-without-tf-keras",
        "tf216",
        P.FIT,
        "keras-tf-mismatch",
        "TF_USE_LEGACY_KERAS=1 without tf-keras.",
        ("tf-keras",),
        ("install cuda",),
        env={"TF_USE_LEGACY_KERAS": "1"},
    ),
    Made(
        "addons-on-keras3",
        "addons",
        "import tensorflow_addons as tfa\n",
        "keras-tf-mismatch",
        "tensorflow-addons on Keras 3.",
        ("tensorflow_addons", "keras 3"),
    ),
    Made(
        "experimental-preprocessing",
        "tf216",
        "import tensorflow as tf\ntf.keras.layers.experimental.preprocessing.Rescaling(1.0)\n",
        "keras-tf-mismatch",
        "A name of Keras 2.",
        ("keras 3",),
    ),
    Made(
        "keras-backend-function",
        "tf218",
        "import tensorflow as tf\nprint(tf.keras.backend.in_train_phase)\n",
        "keras-tf-mismatch",
        "A function of Keras 2.",
        ("keras 3", "tf_use_legacy_keras"),
    ),
    Made(
        "optimizer-lr",
        "tf218",
        "import tensorflow as tf\ntf.keras.optimizers.Adam(lr=0.1)\n",
        "keras-tf-mismatch",
        "lr is learning_rate in Keras 3.",
        ("keras 3",),
    ),
    Made(
        "kerastensor-to-tf-function",
        "tf216",
        "import tensorflow as tf\nx = tf.keras.Input((3,))\ny = tf.math.log(x)\n",
        "keras-tf-mismatch",
        "A TensorFlow function on a KerasTensor.",
        ("keras 3",),
    ),
    Made(
        "savedmodel-in-keras3",
        "tf216",
        P.HEAD + "m = tf.keras.Sequential([tf.keras.layers.Dense(1)])\nm.build((None, "
        "2))\nm.export('saved')\ntf.keras.models.load_model('saved')\n",
        "keras-tf-mismatch",
        "A SavedModel folder in Keras 3.",
        ("tfsmlayer",),
    ),
)
IMPORTS = (
    Made(
        "session-on-tf218",
        "tf218",
        "import tensorflow as tf\nsess = tf.Session()\n",
        "import-path",
        "TensorFlow 1 code.",
        ("session", "compat.v1"),
        ("broken",),
    ),
    Made(
        "placeholder-on-tf215",
        "tf215-cuda",
        "import tensorflow as tf\nx = tf.placeholder(tf.float32)\n",
        "import-path",
        "TensorFlow 1 code.",
        ("placeholder", "compat.v1"),
    ),
    Made(
        "contrib-on-tf29",
        "tf29-cuda",
        "import tensorflow.contrib.slim as slim\n",
        "import-path",
        "tf.contrib.",
        ("contrib",),
    ),
    Made(
        "np-utils-on-tf215",
        "tf215-cuda",
        "from keras.utils import np_utils\n",
        "import-path",
        "np_utils is gone.",
        ("np_utils",),
    ),
    Made(
        "np-utils-module-tf216",
        "tf216",
        "from keras.utils.np_utils import to_categorical\n",
        "import-path",
        "np_utils is gone.",
        ("keras.utils.np_utils",),
        ("install cuda",),
    ),
    Made(
        "layers-recurrent-tf218",
        "tf218",
        "from keras.layers.recurrent import LSTM\n",
        "import-path",
        "A private module.",
        ("keras.layers.recurrent", "keras.layers import"),
    ),
    Made(
        "python-keras-tf220",
        "tf220-cuda",
        "from tensorflow.python.keras.preprocessing.image import ImageDataGenerator\n",
        "import-path",
        "A private module.",
        ("tensorflow.python.keras",),
    ),
    Made(
        "engine-topology-tf216",
        "tf216",
        "from keras.engine.topology import Layer\n",
        "import-path",
        "A private module.",
        ("keras.engine",),
        ("install keras.engine",),
    ),
    Made(
        "tensorflow-py-shadows",
        "tf216",
        "import tensorflow as tf\nprint(tf.__version__)\n",
        "import-path",
        "A tensorflow.py in the folder.",
        ("tensorflow.py",),
        (),
        _named("tensorflow.py"),
    ),
    Made(
        "tensorflow-py-submodule",
        "tf215-cuda",
        "from tensorflow.keras import layers\n",
        "import-path",
        "A tensorflow.py in the folder.",
        ("tensorflow.py",),
        (),
        _named("tensorflow.py"),
    ),
    Made(
        "keras-py-shadows",
        "tf218",
        "from keras.models import Sequential\n",
        "import-path",
        "A keras.py in the folder.",
        ("keras.py",),
        (),
        _named("keras.py"),
    ),
    Made(
        "leftover-folder",
        "empty312",
        "import tensorflow as tf\nprint(tf.__version__)\n",
        "import-path",
        "A leftover folder.",
        ("leftover",),
        (),
        _leftover,
        alters=True,
    ),
    Made(
        "leftover-folder-import",
        "empty311",
        "from tensorflow import keras\n",
        "import-path",
        "A leftover folder.",
        ("leftover",),
        (),
        _leftover,
        alters=True,
    ),
    Made(
        "half-removed",
        "tf216",
        "import tensorflow as tf\nprint(tf.constant(1))\n",
        "import-path",
        "Half removed.",
        ("tensorflow", "install"),
        (),
        _half,
        alters=True,
    ),
    Made(
        "framework-folder-removed",
        "tf218",
        P.IMPORT,
        "import-path",
        "Files are missing.",
        ("tensorflow",),
        ("install cuda",),
        _without_python_folder,
        alters=True,
    ),
    Made(
        "not-installed",
        "empty312",
        "import tensorflow as tf\n",
        "import-path",
        "Not installed.",
        ("install tensorflow",),
        (),
    ),
    Made(
        "pandas-not-installed",
        "tf216",
        "import tensorflow as tf\nimport pandas as pd\n",
        "import-path",
        "pandas is missing.",
        ("pandas",),
        ("install cuda",),
    ),
)
PACKAGES = (
    Made(
        "numpy2-on-tf215",
        "numpy2",
        P.FIT,
        "python-abi-platform",
        "numpy 2 under 2.15.",
        ("numpy<2",),
        ("install cuda",),
    ),
    Made(
        "numpy2-on-tf29",
        "tf29-numpy2",
        P.FIT,
        "python-abi-platform",
        "numpy 2 under 2.9.",
        ("numpy",),
        ("install cuda",),
    ),
    Made(
        "numpy124-on-tf24",
        "tf24-numpy124",
        P.FIT,
        "python-abi-platform",
        "np.object is gone.",
        ("numpy<1.24",),
        ("install cuda",),
    ),
    Made(
        "protobuf4-on-tf29",
        "tf29-protobuf",
        P.FIT,
        "python-abi-platform",
        "protobuf 4 under 2.9.",
        ("protobuf",),
        ("install cuda",),
    ),
    Made(
        "protobuf4-on-tf221",
        "old-protobuf",
        P.FIT,
        "python-abi-platform",
        "protobuf 4 under 2.21.",
        ("protobuf",),
        ("install cuda",),
    ),
    Made(
        "pip-tf115-on-py312",
        "empty312",
        ("-m", "pip", "install", "tensorflow==1.15.5"),
        "python-abi-platform",
        "No wheel.",
        ("python",),
        ("network",),
    ),
    Made(
        "pip-tf24-on-py311",
        "empty311",
        ("-m", "pip", "install", "tensorflow==2.4.4"),
        "python-abi-platform",
        "No wheel.",
        ("python",),
        ("network",),
    ),
    Made(
        "pip-no-network",
        "empty311",
        (
            "-m",
            "pip",
            "install",
            "--retries",
            "0",
            "--index-url",
            "http://127.0.0.1:9/simple",
            "tensorflow",
        ),
        "python-abi-platform",
        "No network.",
        ("network",),
        ("older python",),
    ),
    Made(
        "pip-conflict",
        "tf215",
        ("-m", "pip", "install", "keras==3.3.3"),
        "keras-tf-mismatch",
        "pip warns of a conflict.",
        ("keras", "2.15"),
        ("install cuda",),
        alters=True,
    ),
    Made(
        "pip-impossible",
        "empty311",
        ("-m", "pip", "install", "--dry-run", "tensorflow-cpu==2.15.1", "keras==3.3.3"),
        "python-abi-platform",
        "Contradicting pins.",
        ("contradict",),
        ("install cuda",),
    ),
    Made(
        "extension-other-tf",
        "tf216",
        "import tensorflow as tf\ntf.load_op_library('./op.so')\n",
        "python-abi-platform",
        "An operation for another TensorFlow.",
        ("compil",),
        ("driver",),
        _extension(
            "extern int _ZN10tensorflow12OpDefBuilder4AttrESs(void);\nint op(void) { return "
            "_ZN10tensorflow12OpDefBuilder4AttrESs(); }\nvoid *use = (void "
            "*)_ZN10tensorflow12OpDefBuilder4AttrESs;"
        ),
    ),
    Made(
        "extension-no-framework",
        "empty311",
        "import ctypes\nctypes.CDLL('./op.so')\n",
        "python-abi-platform",
        "No libtensorflow_framework.",
        ("compil",),
        ("driver",),
        _framework_stub,
    ),
    Made(
        "glibc-too-old",
        "tf216",
        "import tensorflow as tf\ntf.load_op_library('./op.so')\n",
        "python-abi-platform",
        "A symbol of a newer glibc.",
        ("glibc",),
        ("install cuda",),
        _newer_glibc,
    ),
    Made(
        "illegal-instruction",
        "tf215-cuda",
        P.HEAD + "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n",
        "python-abi-platform",
        "SIGILL as on a CPU without AVX.",
        ("avx",),
        ("install cuda",),
    ),
)
RUNTIME = (
    Made(
        "own-typeerror",
        "tf215-cuda",
        P.TYPE_ERROR,
        "distractor",
        "The program's own TypeError.",
        ("typeerror", "not an environment"),
        ("install cuda",),
    ),
    Made(
        "own-keyerror",
        "tf29-cuda",
        P.KEY_ERROR,
        "distractor",
        "The program's own KeyError.",
        ("keyerror",),
        ("install cuda",),
    ),
    Made(
        "own-shape-tf216",
        "tf216",
        P.SHAPE,
        "distractor",
        "A wrong input shape.",
        ("valueerror",),
        ("install cuda",),
    ),
    Made(
        "own-shape-tf215",
        "tf215-cuda",
        P.SHAPE,
        "distractor",
        "A wrong input shape.",
        ("valueerror",),
        ("install cuda",),
    ),
    Made(
        "own-labels",
        "tf218",
        P.LABELS,
        "distractor",
        "Labels out of range.",
        ("invalidargumenterror",),
        ("install cuda",),
    ),
    Made(
        "own-no-file",
        "tf220-cuda",
        P.NO_FILE,
        "distractor",
        "A file is not there.",
        ("filenotfounderror",),
        ("install cuda",),
    ),
    Made(
        "own-nameerror",
        "tf220-cuda",
        P.NAME_ERROR,
        "distractor",
        "A slip of the pen.",
        ("nameerror",),
        ("install cuda",),
    ),
    Made(
        "segfault",
        "tf215-cuda",
        P.SEGFAULT,
        "runtime",
        "A crash in compiled code.",
        ("segmentation",),
        (),
    ),
    Made(
        "killed",
        "tf216",
        P.KILLED,
        "runtime",
        "Killed from outside.",
        ("killed", "memory"),
        ("install cuda",),
    ),
    Made(
        "cpu-oom",
        "tf215-cuda",
        P.CPU_OOM,
        "runtime",
        "No memory on the CPU.",
        ("memory",),
        ("install cuda",),
    ),
    Made(
        "cpu-oom-tf220",
        "tf220-cuda",
        P.CPU_OOM,
        "runtime",
        "No memory on the CPU.",
        ("memory",),
        ("install cuda",),
    ),
    Made(
        "unknown-xla-flag",
        "tf221",
        P.COMPILED,
        "runtime",
        "XLA_FLAGS holds flags that this TensorFlow does not know.",
        ("XLA_FLAGS", "--xla_gpu_old_flag=1 --xla_misspelt"),
        ("install cuda", "libdevice"),
        env={"XLA_FLAGS": "--xla_gpu_old_flag=1 --xla_misspelt"},
    ),
    Made(
        "disk-full",
        "tf216",
        P.DISK_FULL,
        "runtime",
        "The disk is full.",
        ("disk",),
        ("install cuda",),
    ),
)


def _driver(
    id: str,
    environment: str,
    cause: str,
    names: tuple[str, ...],
    fault: str = "",
    kernel: str = "535.104.05",
    library: str = "535.104.05",
    kind: str = "driver",
    program: str = P.MATMUL,
    **env: str,
) -> Made:
    machine = MACHINE.format(kernel=kernel, library=library) + fault
    return Made(
        id,
        environment,
        program,
        kind,
        cause,
        names,
        ("install cudnn",) if kind == "driver" else (),
        machine=machine,
        env=env,
    )


def _cuinit(code: int) -> str:
    return FAULT.format(function="cuInit", code=code)


DRIVER = tuple(
    made
    for name in ("tf29-cuda", "tf215-cuda", "tf220-cuda")
    for made in (
        _driver(
            f"no-libraries-{name}",
            name,
            "A driver, and none of the CUDA libraries.",
            ("librar",),
            kind="missing-gpu-libs",
        ),
        _driver(
            f"cuinit-unknown-{name}",
            name,
            "CUDA_ERROR_UNKNOWN with a driver.",
            ("driver",),
            _cuinit(999),
        ),
        _driver(
            f"cuinit-mismatch-{name}",
            name,
            "Driver and library differ.",
            ("driver", "release"),
            _cuinit(803),
            library="535.183.01",
        ),
        _driver(
            f"cuinit-compat-{name}", name, "cuda-compat on a GeForce.", ("compat",), _cuinit(804)
        ),
        _driver(
            f"cuinit-fabric-{name}",
            name,
            "The fabric manager does not run.",
            ("fabric",),
            _cuinit(802),
        ),
        _driver(f"cuinit-no-device-{name}", name, "No device.", ("gpu",), _cuinit(100)),
    )
)
LOADER = (
    Made(
        "cudart-32-bit",
        "tf29-cuda",
        P.IMPORT,
        "missing-gpu-libs",
        "A 32-bit cudart comes first.",
        ("32-bit",),
        (),
        _library("libcudart.so.11.0", ELF32),
        {"LD_LIBRARY_PATH": "{folder}/lib"},
    ),
    Made(
        "cudart-empty",
        "tf29-cuda",
        P.IMPORT,
        "missing-gpu-libs",
        "An empty cudart comes first.",
        ("damaged",),
        (),
        _library("libcudart.so.11.0", b""),
        {"LD_LIBRARY_PATH": "{folder}/lib"},
    ),
)
CASES = (*HEALTHY, *KERAS, *IMPORTS, *PACKAGES, *RUNTIME, *DRIVER, *LOADER)


def produce(made: Made) -> dict[str, object]:
    home = WORK / "environments" / made.environment
    if made.alters:
        home = WORK / "broken" / made.id
        shutil.rmtree(home, ignore_errors=True)
    python = home / "bin" / "python"
    if not (home / ".ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        lab.build(ENVIRONMENTS[made.environment], home)
        (home / ".ready").touch()
    folder = WORK / "run" / made.id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if made.breaks:
        made.breaks(python, folder)
    arguments = made.program
    if isinstance(arguments, str):
        (folder / "train.py").write_text(arguments)
        arguments = ("train.py",)
    log = _run([str(python), *arguments], folder, made)
    return {
        "id": made.id,
        "source": "produced by tests/explain/produce.py",
        "how": f"{made.environment}: {' '.join(ENVIRONMENTS[made.environment].packages)} "
        f"{' '.join(' '.join(args) for args in ENVIRONMENTS[made.environment].pip)}".strip(),
        "platform": "linux",
        "log_kind": "program-output",
        "class": made.kind,
        "root_cause": made.cause,
        "must_name": list(made.must_name),
        "must_not": list(made.must_not),
        "confidence": "confirmed",
        "log": log,
    }


def _run(command: list[str], folder: Path, made: Made) -> str:
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder)}
    for name in (
        "UV_DEFAULT_INDEX",
        "PIP_INDEX_URL",
        "PIP_CONFIG_FILE",
        "SSL_CERT_FILE",
        "PIP_CERT",
    ):
        if name in os.environ:
            env[name] = os.environ[name]
    if made.machine:
        libraries = WORK / "fake"
        if not libraries.exists():
            libraries.mkdir(parents=True)
            compile_libraries("cc", libraries)
        from tests.fakes.nvidia import FakeLibraries

        env.update(FakeLibraries(libraries).machine(made.machine, folder).env)
    env.update({name: value.format(folder=folder) for name, value in made.env.items()})
    # A shell in between, so that a crash is named as a terminal would name it.
    shell = ["bash", "-c", '"$@"; exit $?', "bash", *command]
    done = subprocess.run(
        shell, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return _anonymous(done.stdout.decode("utf-8", "replace"), folder)[:LONGEST]


def _anonymous(text: str, folder: Path) -> str:
    for old, new in (
        (str(folder), "/home/user/project"),
        (str(WORK / "environments"), "/home/user/envs"),
        (str(WORK / "broken"), "/home/user/envs"),
        (str(Path("~/.pyenv").expanduser()), "/opt/pyenv"),
        (str(Path.home()) + "/", "/home/user/"),
        (socket.gethostname(), "host"),
    ):
        text = text.replace(old, new)
    text = re.sub(
        r"^Looking in indexes:.*\n|^WARNING: Location .*\n|^Looking in links:.*\n",
        "",
        text,
        flags=re.M,
    )
    return re.sub(
        r"https?://(?!www\.tensorflow|github|keras|numpy|developers|pip\.|docs)[\w.:-]+/simple\S*",
        "https://index.example/simple/",
        text,
    )


def main(names: list[str]) -> int:
    (HERE / "cases").mkdir(exist_ok=True)
    for made in sorted(CASES, key=lambda made: names.index(made.id) if made.id in names else 0):
        if names and made.id not in names:
            continue
        if not names and (HERE / "cases" / f"{made.id}.json").exists():
            continue
        try:
            case = produce(made)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"{made.id}: {error}", file=sys.stderr)
            continue
        text = json.dumps(case, indent=1, ensure_ascii=False)
        (HERE / "cases" / f"{made.id}.json").write_text(text + "\n", encoding="utf-8")
        print(made.id, len(str(case["log"])), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
