"""Looks at one Python environment from the inside and prints what it sees as JSON.

Run by the *target* interpreter (Python >= 3.7), never imported by envcheck. It imports the
standard library only, from the standard library's own folders, so that a stray ``json.py`` in
the user's folder cannot break it; then it looks for packages along the path that the user's
own program would have. Nothing is imported to be looked at.

stdout: one line, MARKER followed by the document; whatever else stands there is not ours.
"""

from __future__ import annotations

import sys

# Our own code is cached by now; what is loaded from here on belongs to the target.
sys.dont_write_bytecode = True

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
    return [path for path in sys.path if os.path.normcase(path) in wanted]


STDLIB_PATH = _standard_library_path()
sys.path[:] = STDLIB_PATH

import importlib.machinery
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
# Their files are compared with their RECORD: a half-removed one breaks the import or the GPU.
CHECKED = re.compile(
    r"^(tensorflow(-cpu|-gpu|-intel|-macos)?|tf-nightly|keras(-nightly)?|tf-keras|nvidia-.*)$"
)
# What decides in the target's environment which code is loaded.
VARIABLES = (
    "KERAS_BACKEND",
    "KERAS_HOME",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
# Packages that TensorFlow and Keras import at once; a file of the user may stand before them.
NEIGHBOURS = (
    "absl astunparse flatbuffers gast google h5py ml_dtypes namex numpy opt_einsum optree "
    "packaging requests rich six tensorboard termcolor typing_extensions wrapt"
).split()
# Standard modules that TensorFlow, Keras or numpy import; users name their scripts like them.
SHADOWABLE = (
    "abc argparse array ast asyncio atexit base64 bdb binascii bisect bz2 calendar cmd code "
    "codecs codeop collections concurrent configparser contextlib copy copyreg csv ctypes "
    "dataclasses datetime decimal difflib dis email enum errno faulthandler fcntl fnmatch "
    "fractions functools gc getopt getpass gettext glob grp gzip hashlib heapq hmac html http "
    "importlib inspect io ipaddress itertools json keyword linecache locale logging lzma "
    "marshal math mimetypes multiprocessing numbers operator pathlib pdb pickle pkgutil "
    "platform pprint pwd queue quopri random re secrets select selectors shlex shutil signal "
    "site socket sqlite3 ssl stat statistics string struct subprocess sysconfig tarfile "
    "tempfile termios textwrap threading time timeit token tokenize traceback types typing "
    "unicodedata unittest urllib uuid warnings weakref xml zipfile zlib "
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


def try_read(path: str, limit: int = 4000000) -> str | None:
    """The beginning of a regular file as text; None where there is none that can be read."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as stream:
            return stream.read(limit).decode("utf-8", "replace")
    except OSError:
        return None


def try_list(folder: str) -> tuple[list[str], str | None]:
    """(what is in the folder, why it cannot be known). No folder at all has nothing in it."""
    try:
        return sorted(os.listdir(folder)), None
    except (FileNotFoundError, NotADirectoryError):
        return [], None
    except OSError as error:
        return [], error.strerror or str(error)


def user_path() -> list[str]:
    """sys.path as the user's own program in this folder would have it."""
    path = [entry for entry in USER_PATH if entry != os.path.dirname(__file__)]
    safe = getattr(sys.flags, "safe_path", False) or sys.flags.isolated
    if path[:1] == [""]:
        path[0] = working_folder()
    elif not safe:
        # Run as a script, our folder stood where theirs would stand.
        path.insert(0, working_folder())
    return path


def working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed under us
        return os.sep


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
        absolute = os.path.normcase(os.path.abspath(entry or working_folder()))
        origin, via = "other", ""
        if index == 0 and absolute == os.path.normcase(working_folder()):
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
        row = {"path": entry or working_folder(), "origin": origin}
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


def record_sizes(text: str) -> dict[str, str]:
    """Path -> size in bytes, as text, of the files of a RECORD."""
    # Headers are half of TensorFlow's files and take no part in an import.
    sizes = {}
    for line in text.splitlines():
        # What lies outside, the console scripts, is not laid down by `pip install --target`.
        if line and "/include/" not in line and ".pyc," not in line and not line.startswith(".."):
            path, _, size = line.rsplit(",", 2)
            sizes[path.strip('"')] = size
    return sizes


def compare_files(location: str, sizes: dict[str, str]) -> tuple[list[str], list[str], str | None]:
    """(files of a RECORD that are not there, that have another size, why that is not known)"""
    missing, altered = [], []
    for path, size in sizes.items():
        try:
            found = os.stat(location + "/" + path).st_size
        except (FileNotFoundError, NotADirectoryError):
            missing.append(path)
            continue
        except OSError as error:
            return [], [], "%s: %s" % (location + "/" + path, error.strerror)
        if size and size != str(found) and not path.endswith((".dist-info/RECORD", "/INSTALLER")):
            altered.append(path)
    return missing, altered, None


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
        sizes = record_sizes(record)
        if row["name"].startswith("nvidia-"):
            # They all lay down nvidia/__init__.py; whichever goes first takes it along, and no
            # library is the worse for it.
            sizes = {path: size for path, size in sizes.items() if not path.endswith(".py")}
        missing, altered, row["unreadable"] = compare_files(folder, sizes)
        row["files"], row["missing"] = len(sizes), len(missing)
        row["missing_examples"] = missing[:5]
        row["altered"], row["altered_examples"] = len(altered), altered[:5]
        tops = {path.partition("/")[0] for path in sizes}
        row["packages"] = sorted(top for top in tops if re.match(r"^[A-Za-z_]\w*$", top))
    return row


def scan_folder(
    folder: str, installed: dict[str, str]
) -> tuple[list[dict[str, Any]], int, list[str], str | None]:
    """The distributions of one folder that matter, the count of all, leftovers of pip.

    ``installed`` gets name -> version of all, as the folders' names have them; the first wins.
    """
    entries, error = try_list(folder)
    rows, count, leftovers = [], 0, []
    for entry in entries:
        is_dist_info = entry.endswith(".dist-info")
        if entry.startswith("~"):
            leftovers.append(os.path.join(folder, entry))
        if not is_dist_info and not entry.endswith(".egg-info"):
            continue
        count += 1
        parts = entry[: -len(".dist-info" if is_dist_info else ".egg-info")].split("-")
        if parts[0][:1] not in ("~", ""):
            installed.setdefault(normalise(parts[0]), parts[1] if len(parts) > 1 else "")
        if MATTERS.match(normalise(entry.split("-")[0])) and not entry.startswith("~"):
            rows.append(distribution(folder, entry, is_dist_info))
    return rows, count, leftovers, error


def resolve(name: str, path: list[str]) -> dict[str, Any]:
    """How ``import name`` would be resolved along this path, without importing anything.

    sys.path itself keeps to the standard library: finders of other packages import as they go.
    """
    locations: list[str] | None = None
    parts = name.split(".")
    spec: Any = None
    for index in range(len(parts)):
        full = ".".join(parts[: index + 1])
        spec = None
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            if finder is importlib.machinery.PathFinder:
                spec = find(full, path if locations is None else locations)
            elif find:
                spec = find(full, locations, None)
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


def try_resolve(name: str, path: list[str]) -> dict[str, Any]:
    try:
        return resolve(name, path)
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
            names = set(os.listdir(entry or working_folder()))
        except OSError:
            continue
        for name in SHADOWABLE:
            if name in LOADED_AT_START or name in sys.builtin_module_names:
                continue
            if name + ".py" in names:
                found.append({"module": name, "file": os.path.join(entry, name + ".py")})
            elif name in names and os.path.exists(os.path.join(entry, name, "__init__.py")):
                found.append({"module": name, "file": os.path.join(entry, name)})
    return found


def package_shadows(path: list[dict[str, str]]) -> list[dict[str, str]]:
    """Files of the user that an import of TensorFlow's neighbours would hit."""
    found = []
    for row in path:
        if row["origin"] not in ("cwd", "PYTHONPATH"):
            continue
        try:
            names = set(os.listdir(row["path"]))
        except OSError:
            continue
        for name in NEIGHBOURS:
            file = os.path.join(row["path"], name + ".py")
            if name in names and os.path.exists(os.path.join(row["path"], name, "__init__.py")):
                file = os.path.join(row["path"], name)
            elif name + ".py" not in names:
                continue
            found.append({"module": name, "file": file})
    return found


def keras_config() -> dict[str, str] | None:
    """keras.json where Keras looks for it, as text."""
    home = os.environ.get("KERAS_HOME")
    if not home:
        user = os.path.expanduser("~")
        home = os.path.join(user if os.access(user, os.W_OK) else "/tmp", ".keras")
    path = os.path.join(home, "keras.json")
    text = try_read(path)
    return None if text is None else {"path": path, "text": text}


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
        "implementation": sys.implementation.name,
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
        # It does not bind the virtual environments made from it (PEP 668).
        "externally_managed": sys.prefix == sys.base_prefix
        and os.path.exists(os.path.join(stdlib, "EXTERNALLY-MANAGED")),
        "user_site": site_folders()[1] or None,
        "has_pip": try_resolve("pip", path)["kind"] == "package",
        "cwd": working_folder(),
        "path": describe_path(path),
    }


def main() -> None:
    path = user_path()
    document: dict[str, Any] = {"schema": SCHEMA, **environment_document(path)}
    document["distributions"], document["leftovers"], document["unreadable"] = [], [], []
    document["distribution_count"] = 0
    installed: dict[str, str] = {}
    document["installed"] = installed
    document["variables"] = {
        name: os.environ[name] for name in VARIABLES if os.environ.get(name) is not None
    }
    document["keras_config"] = keras_config()
    seen: set[str] = set()
    for row in document["path"]:
        real = os.path.realpath(row["path"])
        if real in seen or row["origin"] == "stdlib":
            continue
        seen.add(real)
        rows, count, leftovers, error = scan_folder(row["path"], installed)
        document["distributions"] += rows
        document["distribution_count"] += count
        document["leftovers"] += leftovers
        if error:
            document["unreadable"].append({"path": row["path"], "error": error})
    document["modules"] = {name: try_resolve(name, path) for name in MODULES}
    folder = document["modules"]["tensorflow"].get("folder")
    document["tensorflow_texts"] = tensorflow_texts(folder) if folder else {}
    document["shadows"] = shadows(path)
    document["package_shadows"] = package_shadows(document["path"])
    document["nvidia_libraries"] = nvidia_libraries([row["path"] for row in document["path"]])
    text = "\n" + MARKER + json.dumps(document, sort_keys=True) + "\n"
    with os.fdopen(os.dup(1), "wb") as out:
        out.write(text.encode("ascii"))


if __name__ == "__main__":
    main()
