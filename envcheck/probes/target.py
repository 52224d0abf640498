"""The target: which Python environment is looked at, and what is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from envcheck.model import EnvcheckError, Fact, ParseError, absent, known, not_applicable, unknown
from envcheck.probes.source import Child, Completed, Source

MARKER = "envcheck-target-probe:"
PROBE = Path(__file__).resolve().parent.parent / "target_probe.py"
# Imported, not run as a script, the probe has its bytecode cached, in our own folder.
START = (
    "import sys; sys.path.insert(0, sys.argv.pop()); sys.dont_write_bytecode = False; "
    "import target_probe; target_probe.main()"
)
OLDEST = (3, 7)

# Which distribution owns `import tensorflow` when several claim it: those that pip's own
# dependants ask for by name come first.
TENSORFLOWS = (
    "tensorflow",
    "tensorflow-gpu",
    "tensorflow-cpu",
    "tensorflow-intel",
    "tensorflow-macos",
    "tf-nightly",
    "tensorflow-cpu-aws",
)
KERASES = ("keras", "keras-nightly")


class Target(NamedTuple):
    """``python`` is the interpreter's path; ``because`` says who chose it."""

    python: str
    because: str


def choose(source: Source, given: str | None) -> Target:
    """The interpreter of ``--python``, else of the active environment, else of PATH.

    Raises :class:`EnvcheckError`: 2 where ``given`` is no interpreter, 3 where none is found.
    """
    if given is not None:
        return Target(_interpreter(source, given), "--python")
    broken = ""
    for variable, what in (
        ("VIRTUAL_ENV", "the active virtual environment"),
        ("CONDA_PREFIX", "the active conda environment"),
    ):
        prefix = source.env.get(variable)
        found = _in_prefix(source, prefix) if prefix else None
        if found:
            return Target(found, f"{what} ({variable})")
        if prefix:
            broken += f", since {variable} names {prefix}, which has no Python"
    for name in ("python", "python3"):
        found = _on_path(source, name)
        if found:
            return Target(found, f"`{name}` on PATH{broken}")
    raise EnvcheckError("No Python was found on PATH: name one with --python.")


def _in_prefix(source: Source, prefix: str) -> str | None:
    for tail in ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe"):
        path = str(Path(prefix) / tail)
        if _is_there(source, path):
            return path
    return None


def _on_path(source: Source, name: str) -> str | None:
    windows = source.env.get("OS") == "Windows_NT"
    for folder in source.env.get("PATH", "").split(";" if windows else ":"):
        path = str(Path(folder) / (name + ".exe" if windows else name))
        if folder and _is_there(source, path):
            return path
    return None


def _is_there(source: Source, path: str) -> bool:
    try:
        return source.exists(path)
    except OSError:
        return False


def _interpreter(source: Source, given: str) -> str:
    if not given:
        raise EnvcheckError("--python: the path is empty.", 2)
    path = Path(given).expanduser()
    try:
        if path.is_dir():
            found = _in_prefix(source, str(path))
            if not found:
                raise EnvcheckError(f"--python {given}: this folder has no Python interpreter.", 2)
            return str(Path(found).absolute())
        if path.is_file() or path.is_symlink():
            return str(path.absolute())
        if path.exists():
            raise EnvcheckError(f"--python {given}: this is neither a file nor a folder.", 2)
    except OSError as error:
        raise EnvcheckError(f"--python {given}: {error.strerror}.", 2) from error
    if path.name == given:
        on_path = _on_path(source, given)
        if on_path:
            return on_path
    raise EnvcheckError(f"--python {given}: there is no such file or folder.", 2)


def spawn(source: Source, target: Target, timeout: float) -> Child:
    argv = [target.python, "-c", START, str(PROBE.parent)]
    return source.spawn("target_probe", argv, timeout, env=unwriting(source))


def unwriting(source: Source) -> dict[str, str]:
    """The environment for a child in the target, which must not leave .pyc files there."""
    return {**source.env, "PYTHONDONTWRITEBYTECODE": "1"}


def collect(source: Source, target: Target, child: Child, *, given: bool) -> dict[str, Fact]:
    """The target's facts. Raises :class:`EnvcheckError` when it cannot be looked at."""
    completed = child.result()
    try:
        document = parse_document(completed.stdout)
    except ParseError:
        raise explain_failure(source, target, completed, given=given) from None
    return {"target.chosen": known(target.because, "envcheck"), **parse_target(document)}


def explain_failure(
    source: Source, target: Target, completed: Completed, *, given: bool
) -> EnvcheckError:
    """Why the target did not answer, in one sentence with the right exit code."""
    where = f"--python {target.python}" if given else target.python
    wrong = 2 if given else 3
    if completed.ended == "not-started":
        base = base_that_is_gone(source, target.python)
        if base:
            return EnvcheckError(
                f"{where}: its base Python ({base}) is gone: make this environment anew.", wrong
            )
        return EnvcheckError(f"{where}: cannot be run: {completed.error}.", wrong)
    if completed.ended in ("timeout", "flood"):
        return EnvcheckError(f"{where}: the interpreter {completed.describe()}.")
    argv = [target.python, "-S", "-E", "-c", "import sys; print('v%d.%d' % sys.version_info[:2])"]
    version = re.search(r"^v(\d+)\.(\d+)$", source.spawn("version", argv, 10).result().stdout, re.M)
    if not version:
        return EnvcheckError(f"{where}: this is not a Python interpreter.", wrong)
    if (int(version[1]), int(version[2])) < OLDEST:
        return EnvcheckError(
            f"{where}: this is Python {version[1]}.{version[2]}; envcheck looks at 3.7 and later.",
            wrong,
        )
    tail = completed.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
    return EnvcheckError(
        f"{where}: this Python starts but {completed.describe()} before it could be looked at "
        f"({tail[0][:200]})."
    )


def base_that_is_gone(source: Source, python: str) -> str | None:
    """The folder that a virtual environment's pyvenv.cfg names, where it is not there."""
    config = Path(python).parent.parent / "pyvenv.cfg"
    try:
        home = re.search(r"^home\s*=\s*(.+?)\s*$", source.read(str(config)), re.M)
    except OSError:
        return None
    return home[1] if home and not _is_there(source, home[1]) else None


def parse_document(stdout: str) -> Mapping[str, Any]:
    """The probe's document behind its marker, whatever else stands around it."""
    for line in reversed(stdout.splitlines()):
        if line.startswith(MARKER):
            try:
                document = json.loads(line[len(MARKER) :])
            except ValueError as error:
                raise ParseError(f"the target's document is cut short: {error}") from error
            if isinstance(document, dict) and document.get("schema") == "envcheck.target/1":
                return document
    raise ParseError("no document from the target")


def parse_target(document: Mapping[str, Any]) -> dict[str, Fact]:
    """Facts from the target probe's document."""
    executable = document["executable"]
    facts = {
        "target.executable": known(executable, "sys.executable"),
        "target.python": known(document["version"], executable),
        "target.prefix": known(document["prefix"], "sys.prefix"),
        "target.kind": known(_kind(document), "sys.prefix"),
        "target.bits": known(document["bits"], "sys.maxsize"),
        "target.externally_managed": known(document["externally_managed"], "EXTERNALLY-MANAGED"),
        "target.glibc": _glibc(document),
        "target.cwd": known(document["cwd"], "os.getcwd"),
        "target.has_pip": known(document["has_pip"], "import pip"),
        "target.path": known(document["path"], "sys.path"),
        "target.distributions": known(_distributions(document), "sys.path"),
        "target.nvidia_libraries": known(document["nvidia_libraries"], "sys.path"),
        "imports.shadows": (
            unknown(_unreadable(document))
            if document["unreadable"] and not document["shadows"]
            else known(document["shadows"], "sys.path")
        ),
        "imports.package_shadows": known(document["package_shadows"], "sys.path"),
        "target.implementation": known(document["implementation"], "sys.implementation"),
        "target.machine": known(document["machine"], "os.uname"),
        "target.installed": known(_installed(document), "sys.path"),
        "target.leftovers": known(document["leftovers"], "sys.path"),
        "target.variables": known(document["variables"], "os.environ"),
    }
    found = {**_tensorflow(document), **_keras(document)}
    for name, module in (("numpy", "numpy"), ("protobuf", "google.protobuf")):
        found[f"{name}.version"] = _version(document, module, (name,))
    found["tf_keras.version"] = _version(document, "tf_keras", ("tf-keras",))
    if document["unreadable"]:
        # What was not found may well stand in a folder that could not be read.
        reason = _unreadable(document)
        for name, fact in found.items():
            if fact.state == "absent":
                found[name] = unknown(reason, fact.source)
    return {**facts, **found}


def _unreadable(document: Mapping[str, Any]) -> str:
    return ", ".join(f"{row['path']}: {row['error']}" for row in document["unreadable"])


def _kind(document: Mapping[str, Any]) -> str:
    if document["conda"]:
        return "conda"
    if document["prefix"] != document["base_prefix"]:
        return "uv" if re.search(r"^uv\s*=", document["pyvenv_cfg"] or "", re.M) else "venv"
    return "pyenv" if ".pyenv" in document["prefix"] else "system"


def _glibc(document: Mapping[str, Any]) -> Fact:
    if document["platform"] != "linux":
        return not_applicable("only Linux has glibc")
    found = re.match(r"glibc (\S+)", document["libc"] or "")
    return known(found[1], "confstr") if found else absent("confstr CS_GNU_LIBC_VERSION")


def _distributions(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    from envcheck.facts import Distribution

    names = Distribution._fields
    return [
        {name: row[name] for name in names if row.get(name) is not None or name == "version"}
        for row in document["distributions"]
    ]


def _installed(document: Mapping[str, Any]) -> dict[str, str]:
    """Name to version; where metadata was read, as it says, for a folder's name may be short."""
    read: dict[str, str] = {}
    for row in document["distributions"]:
        read.setdefault(row["name"], row["version"] or "")
    return {**document["installed"], **read}


def _backend(document: Mapping[str, Any]) -> Fact:
    """As Keras 3 chooses: the variable before the file."""
    variable = document["variables"].get("KERAS_BACKEND")
    if variable:
        return known(variable, "environment variable KERAS_BACKEND")
    config = document["keras_config"]
    if config is None:
        return absent("KERAS_BACKEND, keras.json")
    try:
        backend = json.loads(config["text"]).get("backend")
    except (ValueError, AttributeError):
        return absent(config["path"])  # Keras ignores a file that is no JSON object
    return known(str(backend), config["path"]) if backend else absent(config["path"])


def _resolution(document: Mapping[str, Any], module: str) -> Fact:
    found = dict(document["modules"][module])
    if found["kind"] == "missing":
        return absent("sys.path")
    if found["kind"] == "namespace":
        found["folder"] = (found.pop("folders") or [""])[0]
    from envcheck.facts import Resolution

    row = {name: found[name] for name in Resolution._fields if found.get(name) is not None}
    return known(row, found.get("file") or found.get("folder") or "sys.path")


def _owners(document: Mapping[str, Any], module: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """The distributions of these names, those beside the module that wins the import first."""
    folder = str(document["modules"][module].get("folder") or "")
    rows = [row for row in _distributions(document) if row["name"] in names]
    return sorted(
        rows,
        key=lambda row: (not _inside(folder, row["location"]), names.index(row["name"])),
    )


def _inside(path: str, folder: str) -> bool:
    return PureWindowsPath(path).is_relative_to(PureWindowsPath(folder))


def _version(document: Mapping[str, Any], module: str, names: Sequence[str]) -> Fact:
    resolved = document["modules"][module]
    owners = _owners(document, module, names)
    if resolved.get("version"):
        return known(resolved["version"], resolved["file"])
    if owners and owners[0]["version"]:
        return known(owners[0]["version"], owners[0]["path"])
    if resolved["kind"] == "missing" and not owners:
        return absent("sys.path")
    return unknown(f"neither the code nor the metadata of {names[0]} names a version")


def _keras(document: Mapping[str, Any]) -> dict[str, Fact]:
    copies = sorted(_owners(document, "keras", KERASES), key=lambda row: str(row["path"]))
    return {
        "keras.import": _resolution(document, "keras"),
        "keras.version": _version(document, "keras", KERASES),
        "keras.backend": _backend(document),
        "keras.copies": known(copies, "dist-info folders on sys.path"),
        "keras.missing_files": _missing(document, (*KERASES, "tf-keras")),
    }


def _is_users(document: Mapping[str, Any], module: str) -> bool:
    """An empty folder of this name where the user works is no half of a package."""
    folders = document["modules"][module].get("folders") or []
    paths = {row["path"] for row in document["path"] if row["origin"] in ("cwd", "PYTHONPATH")}
    return bool(folders) and all(str(Path(folder).parent) in paths for folder in folders)


def _tensorflow(document: Mapping[str, Any]) -> dict[str, Fact]:
    owners = _owners(document, "tensorflow", TENSORFLOWS)
    facts = {
        "tensorflow.import": _resolution(document, "tensorflow"),
        "tensorflow.missing_files": _missing(document, TENSORFLOWS),
    }
    names = ("package", "version", "requires")
    empty = facts["tensorflow.import"].state == "absent" or _is_users(document, "tensorflow")
    if not owners and empty:
        facts.update({f"tensorflow.{name}": absent("dist-info folders") for name in names})
    elif not owners:
        reason = "its folder is there, but no dist-info that says which TensorFlow it is"
        facts.update({f"tensorflow.{name}": unknown(reason) for name in names})
    else:
        owner = owners[0]
        facts["tensorflow.package"] = known(owner["name"], owner["path"])
        facts["tensorflow.version"] = (
            known(owner["version"], owner["path"])
            if owner["version"]
            else unknown("its METADATA names no version", owner["path"])
        )
        facts["tensorflow.requires"] = (
            known(owner.get("requires", []), owner["path"])
            if owner.get("metadata") == "ok"
            else unknown("its METADATA cannot be read", owner["path"])
        )
    facts.update(_build(document["tensorflow_texts"]))
    return facts


def _missing(document: Mapping[str, Any], names: Sequence[str]) -> Fact:
    """The distributions of these names whose files are not all there."""
    rows = [row for row in document["distributions"] if row["name"] in names]
    for row in rows:
        if row.get("unreadable"):
            return unknown(row["unreadable"], row["path"])
    incomplete = {row["path"] for row in rows if row.get("missing")}
    found = [row for row in _distributions(document) if row["path"] in incomplete]
    return known(found, "RECORD against the disk") if found else absent("RECORD")


def _build(texts: Mapping[str, Mapping[str, str]]) -> dict[str, Fact]:
    keys = ("cuda_build", "cuda_built_for", "cudnn_built_for", "toolkit_path", "sonames")
    if "build_info" not in texts:
        return {f"tensorflow.{key}": absent("build_info.py") for key in keys}
    path = texts["build_info"]["path"]
    try:
        info = parse_build_info(texts["build_info"]["text"])
    except ParseError as error:
        return {f"tensorflow.{key}": unknown(str(error), path) for key in keys}
    facts = {"tensorflow.cuda_build": known(bool(info.get("is_cuda_build")), path)}
    if not info.get("is_cuda_build"):
        reason = "this TensorFlow is a build without CUDA"
        return {**facts, **{f"tensorflow.{key}": not_applicable(reason) for key in keys[1:]}}
    config = texts.get("cuda_config", {"path": "cuda_config.h", "text": ""})
    versions = parse_cuda_config(config["text"])
    # cuda_config.h first: build_info is known to print "10" and "64_112".
    cuda = versions.get("CUDA") or str(info.get("cuda_version", ""))
    windows = re.match(r"64_(\d\d)(\d)$", cuda)
    release = f"{windows[1]}.{windows[2]}" if windows else cuda
    facts["tensorflow.cuda_built_for"] = (
        known(release, config["path"]) if re.match(r"\d+\.\d+", release) else absent(path)
    )
    cudnn = str(info.get("cudnn_version", ""))
    facts["tensorflow.cudnn_built_for"] = known(cudnn, path) if cudnn else absent(path)
    sonames = parse_sonames(versions)
    toolkit = re.search(r'^#define TF_CUDA_TOOLKIT_PATH "([^"]+)"', config["text"], re.M)
    facts["tensorflow.toolkit_path"] = (
        known(toolkit[1], config["path"]) if toolkit else absent(config["path"])
    )
    facts["tensorflow.sonames"] = (
        known(sonames, config["path"]) if sonames else absent(config["path"])
    )
    return facts


def parse_build_info(text: str) -> Mapping[str, Any]:
    """The dictionary of TensorFlow's ``build_info.py``, read as text."""
    import ast

    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise ParseError("build_info.py is not Python") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "build_info":
            value = node.value
            if isinstance(value, ast.Call) and value.args:
                value = value.args[0]
            try:
                return dict(ast.literal_eval(value))
            except (ValueError, TypeError) as error:
                raise ParseError("build_info.py holds no plain dictionary") from error
    raise ParseError("build_info.py assigns no build_info")


def parse_cuda_config(text: str) -> dict[str, str]:
    """Library name in capitals (CUDA, CUDART, CUBLAS, …) to the version in its file name."""
    return dict(re.findall(r'^#define TF_(\w+)_VERSION "([^"]+)"', text, re.M))


# The order in which TensorFlow's dso_loader tries them; cuRAND is opened by none from 2.14 on,
# nor does the GPU list need it.
OPENED = ("CUDART", "CUBLAS", "CUBLASLT", "CUFFT", "CUSOLVER", "CUSPARSE", "CUDNN")


def parse_sonames(versions: Mapping[str, str]) -> dict[str, str]:
    """The file names that TensorFlow opens, made as its dso_loader makes them."""
    numbers = dict(versions)
    if re.match(r"(64_)?(?!10)\d\d", versions.get("CUBLAS", "")):  # 10.0 has no cuBLASLt
        numbers["CUBLASLT"] = versions["CUBLAS"]
    names = {"CUBLASLT": "cublasLt"}
    found = {}
    for library in OPENED:
        number = numbers.get(library)
        if not number:
            continue
        name = names.get(library, library.lower())
        windows = number.startswith("64_")
        found[name] = f"{name}{number}.dll" if windows else f"lib{name}.so.{number}"
    return found
