"""Entry: `python path/to/coffee_smoke` or `python -m coffee_smoke`, for this very interpreter.

With --worker it climbs the rungs itself, without it supervises a process that does. Started
from its folder it needs nothing installed. Only `os` and `sys`, which every interpreter
has loaded before its first line, are imported before the search path is in order.
"""

import os
import sys

# Loaded before any program's own folder can matter, so nothing there can shadow them.
LOADED_AT_START = frozenset(
    "abc codecs encodings genericpath io ntpath os posixpath site stat sys zipimport "
    "_collections_abc _sitebuiltins __main__ builtins".split()
)


def user_folders() -> "list[str]":
    """The folders that go before the standard library in the user's own programs."""
    folders = []
    try:
        if not (getattr(sys.flags, "safe_path", False) or sys.flags.isolated):
            folders.append(os.getcwd())
    except OSError:
        pass  # the current folder was deleted; Python itself goes on without it
    if not sys.flags.ignore_environment:
        given = os.environ.get("PYTHONPATH", "")
        folders += [os.path.abspath(entry) for entry in given.split(os.pathsep) if entry]
    return folders


def split_path(folder: str) -> "tuple[list[str], list[str]]":
    """(sys.path as `python train.py` here would have it, the part of it safe for our imports)."""
    folders = user_folders()
    rest = list(sys.path)
    if not __package__:
        rest = [entry for entry in rest[:1] if os.path.abspath(entry) != folder] + rest[1:]
        if folders and not (getattr(sys.flags, "safe_path", False) or sys.flags.isolated):
            rest.insert(0, folders[0])
    stdlib = os.path.dirname(os.path.abspath(os.__file__))
    safe = [
        entry
        for entry in rest
        if os.path.abspath(entry) not in folders or os.path.abspath(entry).startswith(stdlib)
    ]
    return rest, safe


def load_package(folder: str) -> None:
    """`coffee_smoke` from its files: its parent may be another environment's site-packages."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        "coffee_smoke",
        os.path.join(folder, "__init__.py"),
        submodule_search_locations=[folder],
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["coffee_smoke"] = package
    spec.loader.exec_module(package)


def forget_shadowed(folders: "list[str]") -> None:
    """Drops what we loaded of the standard library and the user's folders hide.

    The user's `import tensorflow` meets their `random.py`; so must ours, or the very fault that
    they are looking for would not show.
    """
    from importlib.machinery import PathFinder

    loaded = {name.split(".")[0] for name in sys.modules} - LOADED_AT_START - {"coffee_smoke"}
    for name in sorted(loaded - set(sys.builtin_module_names)):
        spec = PathFinder.find_spec(name, folders)
        if spec is None or spec.loader is None:
            continue
        origin = getattr(sys.modules.get(name), "__file__", None)
        if origin and os.path.abspath(origin) == os.path.abspath(spec.origin or ""):
            continue
        for module in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
            del sys.modules[module]


def main() -> int:
    if sys.version_info < (3, 7):
        sys.stderr.write(
            "coffee-smoke: needs Python 3.7 or later, this is %d.%d\n" % sys.version_info[:2]
        )
        return 2
    folder = os.path.dirname(os.path.abspath(__file__))
    users, safe = split_path(folder)
    keep_bytecode_off = sys.dont_write_bytecode
    # This folder may belong to another environment, or be read-only.
    sys.dont_write_bytecode = True
    sys.path[:] = safe
    if not __package__:
        load_package(folder)
    if "--worker" not in sys.argv[1:]:
        from coffee_smoke import launcher

        return launcher.main(sys.argv[1:], own=sys.executable)
    from coffee_smoke import child

    sys.dont_write_bytecode = keep_bytecode_off
    forget_shadowed([entry for entry in user_folders() if entry])
    sys.path[:] = users
    return child.main(sys.argv[1:])


if __name__ == "__main__":
    code = main()
    # The result is written, and TensorFlow takes most of a second to tear itself down.
    for stream in (sys.__stdout__, sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    os._exit(code)
