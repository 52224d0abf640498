"""Real environments: how each is made, what envcheck must say of it, and nothing more.

An environment is a recipe (packages, as a user would have typed them) and a setting: what lies
in the current folder, on PYTHONPATH, in the home folder or in the environment variables.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab import RECIPES, Recipe, uv


@dataclass(frozen=True)
class Scene:
    """One run: ``python`` of the environment, ``work`` the current folder, ``home`` the user's."""

    python: Path
    work: Path
    home: Path

    @property
    def site(self) -> Path:
        (folder,) = (self.python.parent.parent / "lib").glob("python*/site-packages")
        return folder

    def target(self, folder: Path, *packages: str) -> str:
        """As `pip install --target`."""
        uv("pip", "install", "--quiet", "--no-deps", "--python", str(self.python), "--target",
           str(folder), *packages)  # fmt: skip
        return str(folder)

    def write(self, name: str, text: str = "") -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


Setting = Callable[[Scene], dict[str, str]]


@dataclass(frozen=True)
class Environment:
    """``codes``: code -> (severity, the code that it follows from). ``changes``: the setting
    writes into the environment itself. ``fit``: keras' version once it is mended; None where
    no command can mend it (a note says what to do)."""

    name: str
    recipe: str
    codes: dict[str, str]
    setting: Setting | None = None
    changes: bool = False
    fit: str | None = None
    active: bool = False
    """Looked at as the active environment, not by --python."""
    slow: bool = False
    system: bool = False
    """Not a virtual environment but a Python of its own, so that the user's site counts."""


def variables(**env: str) -> Setting:
    return lambda scene: env


RECIPES.update(
    {
        "tf27": Recipe("3.7", ("tensorflow-cpu==2.7.4", "protobuf<3.20")),
        "tf213": Recipe("3.8", ("tensorflow-cpu==2.13.1",)),
        "tf216-tf-keras": Recipe(
            "3.12", ("tensorflow-cpu==2.16.2",), (("install", "--no-deps", "tf-keras==2.16.0"),)
        ),
        "tf218-probability": Recipe(
            "3.9",
            ("tensorflow-cpu==2.18.1", "tensorflow-probability==0.25.0"),
            (("install", "--no-deps", "tf-keras==2.18.0"),),
        ),
        "tf218": Recipe("3.9", ("tensorflow-cpu==2.18.1",)),
        "keras-jax": Recipe("3.12", ("keras==3.10.0", "jax==0.4.38", "jaxlib==0.4.38")),
        "tf215-nightly-keras": Recipe(
            "3.11",
            ("tensorflow-cpu==2.15.1",),
            (("install", "--no-deps", "--pre", "keras-nightly"),),
        ),
        "tf216-tf-keras-217": Recipe(
            "3.12",
            ("tensorflow-cpu==2.16.2",),
            (("install", "--no-deps", "tf-keras==2.17.0"),),
        ),
        "tf221-no-wrapt": Recipe(
            "3.13", ("tensorflow-cpu==2.21.0",), (("uninstall", "--yes", "wrapt"),)
        ),
        "tf215-no-h5py": Recipe(
            "3.11", ("tensorflow-cpu==2.15.1",), (("uninstall", "--yes", "h5py"),)
        ),
        "tf215-no-keras": Recipe(
            "3.11", ("tensorflow-cpu==2.15.1",), (("uninstall", "--yes", "keras"),)
        ),
        "tf218-old-ml-dtypes": Recipe(
            "3.9", ("tensorflow-cpu==2.18.1",), (("install", "--no-deps", "ml-dtypes==0.2.0"),)
        ),
        "tf215-new-tensorboard": Recipe(
            "3.11", ("tensorflow-cpu==2.15.1",), (("install", "--no-deps", "tensorboard==2.19.0"),)
        ),
        # What a fresh `pip install` of it brings today.
        "tf215-new-setuptools": Recipe("3.11", ("tensorflow-cpu==2.15.1", "setuptools>=82")),
        "tf215-hub": Recipe(
            "3.11",
            ("tensorflow-cpu==2.15.1", "setuptools>=82"),
            (("install", "--no-deps", "tensorflow-hub==0.16.1", "tf-keras==2.15.1"),),
        ),
        "tf215-probability-025": Recipe(
            "3.11",
            ("tensorflow-cpu==2.15.1", "decorator", "cloudpickle", "dm-tree"),
            (("install", "--no-deps", "tensorflow-probability==0.25.0"),),
        ),
        "tf216-addons": Recipe(
            "3.11",
            ("tensorflow-cpu==2.16.2", "typeguard<3"),
            (("install", "--no-deps", "tensorflow-addons==0.23.0"),),
        ),
        "tf216-text-217": Recipe(
            "3.11",
            ("tensorflow-cpu==2.16.2",),
            (("install", "--no-deps", "tensorflow-text==2.17.0"),),
        ),
        "tf215-numpy2": Recipe(
            "3.11", ("tensorflow-cpu==2.15.1",), (("install", "--no-deps", "numpy==2.2.6"),)
        ),
        "tf221-old-protobuf": Recipe(
            "3.13", ("tensorflow-cpu==2.21.0",), (("install", "--no-deps", "protobuf==4.25.9"),)
        ),
        "tf221-keras2": Recipe(
            "3.13", ("tensorflow-cpu==2.21.0",), (("install", "--no-deps", "keras==2.15.0"),)
        ),
        "tf215-two": Recipe(
            "3.11",
            ("tensorflow-cpu==2.15.1",),
            (("install", "--no-deps", "tensorflow==2.15.1"),),
        ),
        "tf215-one-of-two-gone": Recipe(
            "3.11",
            ("tensorflow-cpu==2.15.1",),
            (
                ("install", "--no-deps", "tensorflow==2.15.1"),
                ("uninstall", "--yes", "tensorflow"),
            ),
        ),
    }
)

PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "keras-utils-mine"
version = "0.1"
"""


def oddities(scene: Scene) -> dict[str, str]:
    """Everything that looks wrong and is not."""
    mine = scene.home / "keras-utils-mine"
    (mine / "keras_utils_mine").mkdir(parents=True)
    (mine / "keras_utils_mine" / "__init__.py").write_text("", encoding="utf-8")
    (mine / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    uv("pip", "install", "--quiet", "--python", str(scene.python), "--editable", str(mine))
    uv("pip", "install", "--quiet", "--no-deps", "--python", str(scene.python), "tf-keras==2.15.1")
    (scene.work / "tensorflow").mkdir()  # a namespace loses against a package
    (scene.work / "keras").mkdir()
    for name in ("statistics.py", "sqlite3.py", "train.py", "coffee/random.py", "a.ipynb"):
        scene.write(name)
    kernel = scene.home / ".local/share/jupyter/kernels"
    for name, python in (("mine", scene.python), ("other", Path("/usr/bin/python3"))):
        (kernel / name).mkdir(parents=True)
        (kernel / name / "kernel.json").write_text(
            f'{{"argv": ["{python}", "-m", "ipykernel_launcher"], "language": "python"}}',
            encoding="utf-8",
        )
    scene.write(
        ".vscode/settings.json",
        f'{{\n  // ours\n  "python.defaultInterpreterPath": "{scene.python}"\n}}',
    )
    scene.write(".idea/misc.xml", '<x project-jdk-name="Python 3.11 (coffee)" />')
    libraries = scene.home / "libs"
    scene.target(libraries, "tqdm==4.66.5")
    (scene.home / ".keras").mkdir()
    (scene.home / ".keras" / "keras.json").write_text('{"backend": "theano"}', encoding="utf-8")
    return {"PYTHONPATH": str(libraries)}


def keras_json(backend: str) -> Setting:
    def setting(scene: Scene) -> dict[str, str]:
        (scene.home / ".keras").mkdir()
        (scene.home / ".keras" / "keras.json").write_text(
            f'{{"backend": "{backend}"}}', encoding="utf-8"
        )
        return {}

    return setting


def on_pythonpath(*packages: str) -> Setting:
    return lambda scene: {"PYTHONPATH": scene.target(scene.work / "libs", *packages)}


def user_site(package: str) -> Setting:
    """As `pip install --user`."""

    def setting(scene: Scene) -> dict[str, str]:
        scene.target(scene.home / ".local/lib/python3.11/site-packages", package)
        return {}

    return setting


def in_user_site(scene: Scene) -> dict[str, str]:
    config = scene.python.parent.parent / "pyvenv.cfg"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("packages = false", "packages = true"), encoding="utf-8")
    scene.target(scene.home / ".local/lib/python3.11/site-packages", "keras==3.15.1")
    return {}


def behind_by_pth(scene: Scene) -> dict[str, str]:
    scene.target(scene.home / "extra", "keras==3.15.1")
    (scene.site / "extra.pth").write_text(f"{scene.home / 'extra'}\n", encoding="utf-8")
    return {}


def of_python38(scene: Scene) -> dict[str, str]:
    folder = scene.work / "old/lib/python3.8/site-packages"
    more = ("--python-version", "3.8", "--only-binary", ":all:")
    scene.target(folder, *more, "numpy==1.24.4")
    return {"PYTHONPATH": str(folder)}


def leftovers(scene: Scene) -> dict[str, str]:
    (scene.site / "~ensorflow").mkdir()
    (scene.site / "~ensorflow_cpu-2.14.0.dist-info").mkdir()
    return {}


def cut_short(scene: Scene) -> dict[str, str]:
    path = scene.site / "keras/src/models.py"
    path = path if path.exists() else scene.site / "keras/src/__init__.py"
    text = path.read_text(encoding="utf-8")
    path.unlink()  # uv links the files of its cache
    path.write_text(text[: len(text) // 2], encoding="utf-8")
    return {}


def placeholder(scene: Scene) -> dict[str, str]:
    """The sdist of that name refuses to build today; older tools left this much of it."""
    info = scene.site / "tensorflow_gpu-2.12.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: tensorflow-gpu\nVersion: 2.12.0\n", encoding="utf-8")
    (info / "RECORD").write_text("tensorflow_gpu-2.12.0.dist-info/METADATA,,\n", encoding="utf-8")
    return {}


def copied(scene: Scene) -> dict[str, str]:
    """As after `cp -r venv`: every script still names the place that it was made for."""
    folder = str(scene.python.parent.parent)
    for path in scene.python.parent.iterdir():
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes()
            if text.startswith(b"#!"):
                path.unlink()
                path.write_bytes(text.replace(folder.encode(), b"/nowhere/venv"))
                path.chmod(0o755)
    return {}


def without_pip(scene: Scene) -> dict[str, str]:
    """As PDM makes them, and `python -m venv --without-pip`."""
    for path in (*scene.site.glob("pip-*.dist-info"), scene.site / "pip"):
        shutil.rmtree(path)
    marks = scene.python.parent.parent / "pyvenv.cfg"
    lines = marks.read_text(encoding="utf-8").splitlines(keepends=True)
    marks.write_text("".join(x for x in lines if not x.startswith("uv =")), encoding="utf-8")
    return {}


def pip_of_another(scene: Scene) -> dict[str, str]:
    folder = scene.home / ".local/bin"
    folder.mkdir(parents=True)
    (folder / "pip").write_text("#!/opt/python/bin/python3\n", encoding="utf-8")
    (folder / "pip").chmod(0o755)
    return {"PATH": f"{folder}:{scene.python.parent}:/usr/bin:/bin"}


def vscode_elsewhere(scene: Scene) -> dict[str, str]:
    scene.write(
        ".vscode/settings.json", '{"python.defaultInterpreterPath": "/opt/gone/bin/python"}'
    )
    return {}


def kernel_elsewhere(scene: Scene) -> dict[str, str]:
    scene.write("roasting.ipynb", "{}")
    folder = scene.home / ".local/share/jupyter/kernels/python3"
    folder.mkdir(parents=True)
    text = '{"argv": ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"]}'
    (folder / "kernel.json").write_text(text, encoding="utf-8")
    return {}


def stray(name: str, text: str = "") -> Setting:
    def setting(scene: Scene) -> dict[str, str]:
        scene.write(name, text)
        return {}

    return setting


def two_strays(scene: Scene) -> dict[str, str]:
    scene.write("numbers.py", "ONE = 1\n")
    scene.write("statistics.py", "MEAN = 1\n")  # TensorFlow never asks for it
    return {}


HEALTHY = (
    Environment("tf221-python313", "tf221", {}),
    Environment("tf215-python311", "tf215", {}),
    Environment("tf29-python310", "tf29", {}),
    Environment("tf27-python37", "tf27", {}),
    Environment("tf213-python38", "tf213", {}),
    Environment("legacy-keras-python312", "tf216-tf-keras", {}, variables(TF_USE_LEGACY_KERAS="1")),
    Environment("probability-python39", "tf218-probability", {}),
    Environment("keras-with-jax", "keras-jax", {}, variables(KERAS_BACKEND="jax")),
    Environment("harmless-oddities", "tf215", {}, oddities, changes=True),
    Environment("keras2-ignores-keras-json", "tf29", {}, keras_json("theano")),
)
BROKEN = (
    Environment("keras-on-pythonpath", "tf215", {"KER102": "error", "KER201": "error<KER102"},
                on_pythonpath("keras==3.15.1"), fit="2.15.0"),
    Environment("keras-in-user-site", "tf215", {"KER102": "error", "KER201": "error<KER102"},
                user_site("keras==3.15.1"), fit="2.15.0", system=True),
    Environment("numpy-in-user-site", "tf215", {"PYE302": "error", "TFX301": "error<PYE302"},
                user_site("numpy==2.2.6"), fit="2.15.0", system=True),
    Environment("keras-behind-in-user-site", "tf215", {"KER102": "warning"},
                in_user_site, changes=True, fit="2.15.0"),
    Environment("keras-behind-a-pth", "tf215", {"KER102": "warning"}, behind_by_pth,
                changes=True, fit="2.15.0"),
    Environment("keras-nightly-too", "tf215-nightly-keras",
                {"KER101": "error", "KER201": "error<KER101"}, fit="2.15.0"),
    Environment("keras2-under-tf221", "tf221-keras2", {"KER201": "error"}, fit="3"),
    Environment("keras-removed", "tf215-no-keras", {"KER301": "error"}, fit="2.15.0"),
    Environment("tf-keras-of-217", "tf216-tf-keras-217", {"KER202": "warning"},
                variables(TF_USE_LEGACY_KERAS="1"), fit="3"),
    Environment("legacy-without-tf-keras", "tf218", {"KER302": "error"},
                variables(TF_USE_LEGACY_KERAS="1"), fit="3"),
    Environment("backend-by-variable", "tf221", {"KER303": "error"},
                variables(KERAS_BACKEND="jax"), fit="3"),
    Environment("backend-by-file", "tf221", {"KER303": "error"}, keras_json("torch"), fit="3"),
    Environment("two-tensorflows", "tf215-two", {"TFX104": "warning"}, fit="2.15.0", slow=True),
    Environment("one-of-two-removed", "tf215-one-of-two-gone", {"TFX102": "error"},
                fit="2.15.0", slow=True),
    Environment("interrupted-pip", "tf215", {"TFX106": "warning"}, leftovers,
                changes=True, fit="2.15.0"),
    Environment("file-cut-short", "tf215", {"TFX105": "warning"}, cut_short,
                changes=True, fit="2.15.0"),
    # A folder named tensorflow does not make a TensorFlow: what is missing is the package.
    Environment("empty-folder-instead", "empty312", {"TFX101": "error"}, stray("tensorflow/a.txt")),
    Environment("gpu-placeholder", "empty311",
                {"TFX107": "error", "TFX101": "error<TFX107", "PYE101": "error<TFX107"},
                placeholder, changes=True),
    Environment("wrapt-missing", "tf221-no-wrapt", {"TFX303": "error"}, fit="3"),
    Environment("h5py-missing", "tf215-no-h5py", {"TFX303": "warning"}, fit="2.15.0"),
    Environment("ml-dtypes-too-old", "tf218-old-ml-dtypes", {"TFX304": "error"}, fit="3"),
    Environment("tensorboard-of-219", "tf215-new-tensorboard", {"TFX304": "warning"},
                fit="2.15.0"),
    Environment("setuptools-82", "tf215-new-setuptools", {"TFX306": "info"}),
    Environment("hub-and-setuptools-82", "tf215-hub", {"TFX306": "error"}, fit="2.15.0"),
    Environment("probability-of-218", "tf215-probability-025", {"TFX305": "error"},
                fit="2.15.0"),
    Environment("addons-of-215", "tf216-addons", {"TFX305": "error"}, fit="3"),
    Environment("text-of-217", "tf216-text-217", {"TFX304": "warning"}, fit="3"),
    Environment("numpy-2", "tf215-numpy2", {"TFX301": "error"}, fit="2.15.0"),
    Environment("numpy-2-without-pip", "tf215-numpy2", {"TFX301": "error"}, without_pip,
                changes=True, fit="2.15.0"),
    Environment("protobuf-4", "tf221-old-protobuf", {"TFX302": "error"}, fit="3"),
    Environment("numpy-on-pythonpath", "tf215",
                {"PYE302": "error", "TFX301": "error<PYE302"}, on_pythonpath("numpy==2.2.6"),
                fit="2.15.0"),
    Environment("python38-on-pythonpath", "tf215",
                {"PYE301": "error", "PYE302": "warning<PYE301"}, of_python38, fit="2.15.0"),
    Environment("copied-environment", "tf215", {"PYE203": "warning"}, copied,
                changes=True, fit="2.15.0"),
    Environment("pip-of-another", "tf215", {"PYE201": "warning"}, pip_of_another, active=True),
    Environment("vscode-elsewhere", "tf215", {"PYE202": "warning"}, vscode_elsewhere),
    Environment("kernel-elsewhere", "tf215", {"PYE202": "warning"}, kernel_elsewhere),
    Environment("numbers-py", "tf215", {"IMP101": "error"}, two_strays, fit="2.15.0"),
    Environment("wrapt-py", "tf215", {"IMP103": "error"}, stray("wrapt.py"), fit="2.15.0"),
    Environment("tensorflow-py", "tf221", {"IMP102": "error"}, stray("tensorflow.py"), fit="3"),
)  # fmt: skip

OPTREE = "To use Keras, you need to have `optree` installed."
RAISES = {
    "keras-on-pythonpath": OPTREE,
    "keras-in-user-site": OPTREE,
    "numpy-in-user-site": "numpy.core.umath failed to import",
    "keras-nightly-too": OPTREE,
    "keras2-under-tf221": "has no attribute 'register_load_context_function'",
    "keras-removed": "No module named 'keras'",
    "legacy-without-tf-keras": "Keras cannot be imported. Check that it is installed.",
    "backend-by-variable": "No module named 'jax'",
    "backend-by-file": "No module named 'torch'",
    "one-of-two-removed": "No module named 'tensorflow.compat'",
    "wrapt-missing": "No module named 'wrapt'",
    "ml-dtypes-too-old": "numpy.core.umath failed to import",
    "hub-and-setuptools-82": "No module named 'pkg_resources'",
    "probability-of-218": "requires TensorFlow version >= 2.18",
    "addons-of-215": "No module named 'keras.src.engine'",
    "numpy-2": "numpy.core.umath failed to import",
    "numpy-2-without-pip": "numpy.core.umath failed to import",
    "protobuf-4": "cannot import name 'runtime_version' from 'google.protobuf'",
    "numpy-on-pythonpath": "numpy.core.umath failed to import",
    "python38-on-pythonpath": "ImportError",
    "numbers-py": "module 'numbers' has no attribute 'Integral'",
    "wrapt-py": "module 'wrapt' has no attribute 'ObjectProxy'",
    "tensorflow-py": "'tensorflow' is not a package",
}
"""What Python really says in each, before it is mended; the others work, for the time being."""
ALSO = {
    "hub-and-setuptools-82": "import tensorflow_hub",
    "probability-of-218": "import tensorflow_probability as tfp; tfp.distributions.Normal",
    "addons-of-215": "import tensorflow_addons",
    "text-of-217": "import tensorflow_text",
}
"""What is run before the fit, where TensorFlow itself works."""
