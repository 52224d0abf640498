"""Looks at one Python environment from the inside and prints what it sees as JSON.

Run by the *target* interpreter (Python >= 3.7), never imported by envcheck. It imports the
standard library only, from the standard library's own folders, so that a stray ``json.py`` in
the user's folder cannot break it; then it looks for packages along the path that the user's
own program would have. Nothing is imported to be looked at.

stdout: one line, MARKER followed by the document; whatever else stands there is not ours.
"""

from __future__ import annotations

import sys

# What a program that starts like ours finds loaded already cannot be shadowed any more.
LOADED_AT_START = frozenset(sys.modules)
USER_PATH = list(sys.path)

import os  # every interpreter has loaded it by now


def _standard_library_path() -> list[str]:
    stdlib = os.path.dirname(os.path.abspath(os.__file__))
    zipped = "python%d%d.zip" % sys.version_info[:2]
    own = (
        stdlib,
        os.path.join(stdlib, "lib-dynload"),
        os.path.join(os.path.dirname(stdlib), zipped),
        os.path.join(sys.base_prefix, "DLLs"),
        os.path.join(sys.base_prefix, zipped),
    )
    wanted = {os.path.normcase(path) for path in own}
    return [path for path in sys.path if os.path.normcase(os.path.abspath(path)) in wanted]


STDLIB_PATH = _standard_library_path()
sys.path[:] = STDLIB_PATH

import importlib
import json
import re

MYPY = False  # what typing would cost at start is saved; mypy takes this name for True
if MYPY:
    from typing import Any

MARKER = "envcheck-target-probe:"
SCHEMA = "envcheck.target/1"
MODULES = (
    "tensorflow",
    "keras",
    "tf_keras",
    "numpy",
    "google.protobuf",
    "h5py",
)
# The file in which each package's code names its own version, as opposed to its metadata.
VERSION_FILES = {
    "keras": ("__init__.py", "src/version.py", "version.py"),
    "tf_keras": ("__init__.py", "src/version.py"),
    "numpy": ("version.py", "_version.py"),
    "google.protobuf": ("__init__.py",),
}
VERSION_LINE = re.compile(
    r"""^(?:__version__|short_version|version)\s*(?::\s*str\s*)?=\s*["']([^"']+)["']""", re.M
)
# Distributions whose versions decide whether TensorFlow works, or that bring such libraries.
MATTERS = re.compile(
    r"^~?(tensorflow|tensorboard|tf-|keras|numpy$|protobuf$|h5py$|ml-dtypes$|typing-extensions$"
    r"|nvidia-|torch$|jax$|jaxlib$|jax-cuda|cupy|ensorflow|eras$)"
)
# Their files are compared with their RECORD: a half-removed one breaks the import.
CHECKED = re.compile(
    r"^(tensorflow(-cpu|-gpu|-intel|-macos)?|tf-nightly|keras(-nightly)?|tf-keras)$"
)
# Standard modules that TensorFlow, Keras or numpy import; users name their scripts like them.
SHADOWABLE = (
    "abc ast base64 calendar code codecs collections contextlib copy csv ctypes "
    "dataclasses datetime decimal email enum functools glob hashlib heapq html http "
    "importlib inspect io itertools json keyword linecache logging math numbers operator "
    "pathlib pickle platform pprint queue random re secrets select shutil signal site "
    "socket sqlite3 ssl stat statistics string struct subprocess tempfile textwrap "
    "threading time timeit token tokenize traceback types typing unittest uuid warnings "
    "weakref zipfile "
).split()
LIBRARY = re.compile(r"(\.so(\.\d+)*|\.dll|\.dylib)$")
# What import hooks of other packages have been seen to raise for a name they do not know.
FINDER_ERRORS = (
    ImportError,
    ValueError,
    AttributeError,
    TypeError,
    KeyError,
    OSError,
    RuntimeError,
)


def read_text(path: str, limit: int = 4000000) -> str:
    with open(path, "rb") as stream:
        return stream.read(limit).decode("utf-8", "replace")


def try_read(path: str) -> str | None:
    try:
        return read_text(path)
    except OSError:
        return None


def user_path() -> list[str]:
    """sys.path as the user's own program in this folder would have it."""
    path = USER_PATH[:]
    here = os.path.dirname(os.path.abspath(__file__))
    # Where Python puts the script's folder first, ours stands in the place of theirs.
    safe = getattr(sys.flags, "safe_path", False) or sys.flags.isolated
    if not safe and path and os.path.abspath(path[0]) == here:
        path[0] = os.getcwd()
    return path


def site_folders() -> tuple[list[str], str]:
    import site

    # virtualenv before 20 brought a site.py without these functions.
    folders = list(getattr(site, "getsitepackages", list)())
    user = site.getusersitepackages() if hasattr(site, "getusersitepackages") else ""
    return folders, user if site.ENABLE_USER_SITE else ""


def pth_lines(folder: str) -> dict[str, str]:
    """Folder named in a .pth file of this site folder -> that file."""
    named: dict[str, str] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return named
    for name in names:
        if not name.endswith(".pth"):
            continue
        for line in (try_read(os.path.join(folder, name)) or "").splitlines():
            line = line.strip()
            if line and not line.startswith(("#", "import ", "import\t")):
                named[os.path.normcase(os.path.join(folder, line))] = os.path.join(folder, name)
    return named


def describe_path(path: list[str]) -> list[dict[str, str]]:
    """Every entry of the path with its origin and whether it can be read."""
    sites, user_site = site_folders()
    named = {}
    for folder in [*sites, user_site]:
        if folder:
            named.update(pth_lines(folder))
    from_environment = [
        os.path.normcase(os.path.abspath(entry))
        for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if entry and not sys.flags.ignore_environment
    ]
    stdlib = {os.path.normcase(entry) for entry in STDLIB_PATH}
    rows = []
    for index, entry in enumerate(path):
        absolute = os.path.normcase(os.path.abspath(entry or os.getcwd()))
        origin, via = "other", ""
        if index == 0 and absolute == os.path.normcase(os.getcwd()):
            origin = "cwd"
        elif os.path.normcase(entry) in stdlib:
            origin = "stdlib"
        elif absolute in from_environment:
            origin = "PYTHONPATH"
        elif absolute in {os.path.normcase(folder) for folder in sites}:
            origin = "site"
        elif user_site and absolute == os.path.normcase(user_site):
            origin = "user-site"
        elif absolute in named:
            origin, via = "pth", named[absolute]
        row = {"path": entry or os.getcwd(), "origin": origin}
        if via:
            row["via"] = via
        rows.append(row)
    return rows


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def header(text: str) -> dict[str, Any]:
    """The values of METADATA that matter; the description behind the blank line is not read."""
    found: dict[str, Any] = {"requires": []}
    for line in text.split("\n\n", 1)[0].split("\n"):
        name, _, value = line.partition(": ")
        value = value.strip()
        if name == "Requires-Dist":
            found["requires"].append(value)
        elif name in ("Name", "Version", "Requires-Python"):
            found.setdefault(name, value)
    return found


def record_paths(text: str) -> list[str]:
    # Headers are half of TensorFlow's files and take no part in an import.
    return [
        line.rsplit(",", 2)[0].strip('"')
        for line in text.splitlines()
        if line and "/include/" not in line and ".pyc," not in line
    ]


def missing_files(location: str, paths: list[str]) -> list[str]:
    """The files of a RECORD that are not on the disk."""
    folders: dict[str, frozenset[str]] = {}
    missing = []
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            try:
                folders[folder] = frozenset(os.listdir(os.path.join(location, folder)))
            except OSError:
                folders[folder] = frozenset()
        if name not in folders[folder]:
            missing.append(path)
    return missing


def distribution(folder: str, entry: str, is_dist_info: bool) -> dict[str, Any]:
    stem = entry[: -len(".dist-info")] if is_dist_info else entry[: -len(".egg-info")]
    parts = stem.split("-")
    base = os.path.join(folder, entry)
    row: dict[str, Any] = {"name": normalise(parts[0]), "location": folder, "path": base}
    metadata = try_read(os.path.join(base, "METADATA" if is_dist_info else "PKG-INFO"))
    if metadata is None and not is_dist_info:
        metadata = try_read(base)
    fields = header(metadata or "")
    row["version"] = fields.get("Version") or (parts[1] if len(parts) > 1 else None)
    row["metadata"] = "ok" if fields.get("Version") else ("missing" if metadata is None else "bad")
    row["requires"] = fields["requires"]
    row["requires_python"] = fields.get("Requires-Python")
    row["installer"] = (try_read(os.path.join(base, "INSTALLER")) or "").strip() or None
    row["direct_url"] = os.path.exists(os.path.join(base, "direct_url.json"))
    record = try_read(os.path.join(base, "RECORD"))
    if record is not None and CHECKED.match(row["name"]):
        paths = record_paths(record)
        missing = missing_files(folder, paths)
        row["files"], row["missing"] = len(paths), len(missing)
        row["missing_examples"] = missing[:5]
        tops = {path.partition("/")[0] for path in paths}
        row["packages"] = sorted(top for top in tops if re.match(r"^[A-Za-z_]\w*$", top))
    return row


def scan_folder(folder: str) -> tuple[list[dict[str, Any]], int, list[str], str | None]:
    """The distributions of one folder that matter, the count of all, leftovers of pip."""
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        return [], 0, [], error.strerror or str(error)
    rows, count, leftovers = [], 0, []
    for entry in entries:
        is_dist_info = entry.endswith(".dist-info")
        if entry.startswith("~"):
            leftovers.append(os.path.join(folder, entry))
        if not is_dist_info and not entry.endswith(".egg-info"):
            continue
        count += 1
        if MATTERS.match(normalise(entry.split("-")[0])) and not entry.startswith("~"):
            rows.append(distribution(folder, entry, is_dist_info))
    return rows, count, leftovers, None


def resolve(name: str) -> dict[str, Any]:
    """How ``import name`` would be resolved, without importing anything."""
    locations: list[str] | None = None
    parts = name.split(".")
    spec: Any = None
    for index in range(len(parts)):
        full = ".".join(parts[: index + 1])
        spec = None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(full, locations, None) if find else None
            if spec is not None:
                break
        if spec is None:
            return {"kind": "missing"}
        locations = spec.submodule_search_locations
        locations = list(locations) if locations is not None else None
    folder = locations[0] if locations else None
    if spec.origin in (None, "namespace"):
        return {"kind": "namespace", "folders": locations or []}
    return {
        "kind": "package" if locations is not None else "module",
        "file": spec.origin,
        "folder": folder,
        "version": code_version(name, folder),
    }


def code_version(name: str, folder: str | None) -> str | None:
    for file in VERSION_FILES.get(name, ()):
        text = try_read(os.path.join(folder, *file.split("/"))) if folder else None
        found = VERSION_LINE.search(text) if text else None
        if found:
            return found.group(1)
    return None


def try_resolve(name: str) -> dict[str, Any]:
    try:
        return resolve(name)
    except FINDER_ERRORS as error:
        return {"kind": "error", "error": "%s: %s" % (type(error).__name__, error)}


def tensorflow_texts(folder: str) -> dict[str, dict[str, str]]:
    """The files in which a TensorFlow says what it was built for, as text."""
    texts = {}
    candidates = {
        "build_info": ("python/platform/build_info.py",),
        "cuda_config": (
            "include/external/local_config_cuda/cuda/cuda/cuda_config.h",
            "include/third_party/gpus/cuda/cuda_config.h",
            "include/tensorflow/third_party/gpus/cuda/cuda_config.h",
            "include/external/local_xla/xla/tsl/cuda/cuda_config.h",
        ),
    }
    for key, files in candidates.items():
        for file in files:
            path = os.path.join(folder, *file.split("/"))
            text = try_read(path)
            if text is not None:
                texts[key] = {"path": path, "text": text}
                break
    return texts


def shadows(path: list[str]) -> list[dict[str, str]]:
    """Files in front of the standard library that an import of a standard module would hit."""
    found = []
    stdlib = {os.path.normcase(entry) for entry in STDLIB_PATH}
    for entry in path:
        if os.path.normcase(entry) in stdlib:
            break
        try:
            names = set(os.listdir(entry or os.getcwd()))
        except OSError:
            continue
        for name in SHADOWABLE:
            if name in LOADED_AT_START:
                continue
            if name + ".py" in names:
                found.append({"module": name, "file": os.path.join(entry, name + ".py")})
            elif name in names and os.path.exists(os.path.join(entry, name, "__init__.py")):
                found.append({"module": name, "file": os.path.join(entry, name)})
    return found


def nvidia_libraries(folders: list[str]) -> list[dict[str, Any]]:
    """The shared libraries of pip's nvidia-* wheels: component -> folder and file names."""
    rows = []
    for folder in folders:
        root = os.path.join(folder, "nvidia")
        try:
            components = sorted(os.listdir(root))
        except OSError:
            continue
        for component in components:
            for sub in ("lib", "bin"):
                library = os.path.join(root, component, sub)
                try:
                    names = sorted(name for name in os.listdir(library) if LIBRARY.search(name))
                except OSError:
                    continue
                if names:
                    rows.append({"component": component, "folder": library, "files": names})
    return rows


def environment_document(path: list[str]) -> dict[str, Any]:
    prefix_listing: list[str] = []
    try:
        prefix_listing = os.listdir(os.path.join(sys.prefix, "conda-meta"))
    except OSError:
        pass
    stdlib = os.path.dirname(os.path.abspath(os.__file__))
    uname = os.uname() if hasattr(os, "uname") else None
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") if hasattr(os, "confstr") else None
    except (OSError, ValueError):
        libc = None
    return {
        "executable": sys.executable,
        "version": "%d.%d.%d" % sys.version_info[:3],
        "release_level": sys.version_info[3],
        "implementation": sys.implementation.name,
        "free_threaded": not getattr(sys, "_is_gil_enabled", lambda: True)(),
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "platform": sys.platform,
        "machine": uname.machine if uname else os.environ.get("PROCESSOR_ARCHITECTURE", ""),
        "libc": libc,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "pyvenv_cfg": try_read(os.path.join(sys.prefix, "pyvenv.cfg")),
        "conda": bool(prefix_listing),
        "conda_packages": sorted(
            name[:-5]
            for name in prefix_listing
            if name.endswith(".json") and MATTERS.match(normalise(name.rsplit("-", 2)[0]))
        ),
        "externally_managed": os.path.exists(os.path.join(stdlib, "EXTERNALLY-MANAGED")),
        "user_site": site_folders()[1] or None,
        "has_pip": try_resolve("pip")["kind"] == "package",
        "cwd": os.getcwd(),
        "path": describe_path(path),
    }


def main() -> None:
    path = user_path()
    sys.path[:] = path
    importlib.invalidate_caches()
    document: dict[str, Any] = {"schema": SCHEMA, **environment_document(path)}
    document["distributions"], document["leftovers"], document["unreadable"] = [], [], []
    document["distribution_count"] = 0
    seen: set[str] = set()
    for row in document["path"]:
        real = os.path.realpath(row["path"])
        if real in seen or not os.path.isdir(real) or row["origin"] == "stdlib":
            continue
        seen.add(real)
        rows, count, leftovers, error = scan_folder(row["path"])
        document["distributions"] += rows
        document["distribution_count"] += count
        document["leftovers"] += leftovers
        if error:
            document["unreadable"].append({"path": row["path"], "error": error})
    document["modules"] = {name: try_resolve(name) for name in MODULES}
    folder = document["modules"]["tensorflow"].get("folder")
    document["tensorflow_texts"] = tensorflow_texts(folder) if folder else {}
    document["shadows"] = shadows(path)
    document["nvidia_libraries"] = nvidia_libraries([row["path"] for row in document["path"]])
    text = "\n" + MARKER + json.dumps(document, sort_keys=True) + "\n"
    with os.fdopen(os.dup(1), "wb") as out:
        out.write(text.encode("ascii"))


if __name__ == "__main__":
    main()
