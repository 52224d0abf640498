"""Which other interpreters are in play: PATH, scripts, Jupyter kernels, editors' settings."""

from __future__ import annotations

import glob as globbing
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from envcheck.model import Fact, ParseError, known
from envcheck.places import prefix_of
from envcheck.probes.source import Source

COMMANDS = ("python", "python3", "pip", "pip3")
SHIMS = re.compile(r"[\\/](shims|WindowsApps)[\\/]")
"""Folders of pyenv, asdf, mise and of Windows' store, whose programs start another one."""
SCRIPTS = ("pip", "pip3", "tensorboard", "jupyter")


def collect(source: Source, inside: Mapping[str, Fact]) -> dict[str, Fact]:
    prefix = str(inside["target.prefix"].value)
    pointers = [*_scripts(source, prefix), *_kernels(source, prefix), *_editors(source)]
    commands = list(_commands(source))
    for row in (*commands, *pointers):
        row["python"] = as_seen(source, row["python"], prefix)
    return {
        "interpreters.commands": known(commands, "PATH"),
        "interpreters.pointers": known(
            [dict(sorted(row.items())) for row in pointers], "the current folder and the target"
        ),
        "interpreters.notebooks": known(len(_glob(source, "*.ipynb")), source.cwd),
    }


def as_seen(source: Source, python: str, prefix: str) -> str:
    """The interpreter where Python finds its prefix: links are followed but in a virtual
    environment; then by the name of the target's own prefix, where that is the same folder."""
    own = prefix_of(python)
    if not _is_there(source, _join(own, "pyvenv.cfg")):
        python = source.realpath(python)
        own = prefix_of(python)
    if own and own != prefix and source.realpath(own) == source.realpath(prefix):
        return prefix + python[len(own) :]
    return python


def _join(*parts: str) -> str:
    return "/".join(part.rstrip("/\\") for part in parts)


def _glob(source: Source, pattern: str) -> tuple[str, ...]:
    return source.glob(_join(globbing.escape(source.cwd), pattern)) if source.cwd else ()


def _is_there(source: Source, path: str) -> bool:
    try:
        return source.exists(path)
    except OSError:
        return False


def _read(source: Source, path: str) -> str | None:
    try:
        return source.read(path)
    except (OSError, UnicodeError):
        return None


def _commands(source: Source) -> Iterator[dict[str, str]]:
    """What each name on PATH runs. Windows' programs do not say which Python is theirs, but for
    the folder that they lie in."""
    windows = source.platform == "win32"
    folders = [item for item in source.env.get("PATH", "").split(";" if windows else ":") if item]
    for name in COMMANDS:
        for folder in folders:
            path = _join(folder, name + (".exe" if windows else ""))
            if not _is_there(source, path):
                continue
            if SHIMS.search(path):
                break  # it chooses an interpreter when it runs, and does not say which
            python = path
            if name.startswith("pip"):
                text = None if windows else _read(source, path)
                python = (shebang(text) if text else None) or _join(folder, "python")
            yield {"name": name, "path": path, "python": python}
            break


def shebang(text: str) -> str | None:
    """The interpreter of a script's first line, or of the `exec` that stands for a long one."""
    first, _, rest = text[:1000].partition("\n")
    if not first.startswith("#!"):
        return None
    words = first[2:].strip().split()
    if words and words[0].endswith("/sh"):
        found = re.match(r"""'''exec' (?:"([^"]+)"|(\S+))""", rest)
        return (found[1] or found[2]) if found else None
    is_env = not words or words[0].endswith("/env")
    return None if is_env else first[2:].strip().split(" -", 1)[0].strip('"')


def _pointer(source: Source, kind: str, name: str, file: str, python: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "file": file,
        "python": python,
        "exists": _is_there(source, python),
    }


def _scripts(source: Source, prefix: str) -> Iterator[dict[str, Any]]:
    """The target's own scripts and what their first line names."""
    if source.platform == "win32":
        return
    for name in SCRIPTS:
        path = _join(prefix, "bin", name)
        text = _read(source, path) if _is_there(source, path) else None
        python = shebang(text) if text else None
        if python and python.startswith("/"):
            yield _pointer(source, "script", name, path, python)


def _kernels(source: Source, prefix: str) -> Iterator[dict[str, Any]]:
    """Jupyter's kernelspecs of the target and of the user."""
    home = source.env.get("HOME", "")
    data = source.env.get("XDG_DATA_HOME") or (_join(home, ".local/share") if home else "")
    folders = [_join(prefix, "share/jupyter")]
    folders += [_join(data, "jupyter")] if data else []
    folders += [_join(home, "Library/Jupyter")] if source.platform == "darwin" else []
    for folder in folders:
        for file in source.glob(_join(globbing.escape(folder), "kernels/*/kernel.json")):
            text = _read(source, file)
            try:
                python = parse_kernel(text or "")
            except ParseError:
                continue
            # A bare `python` is the one that Jupyter itself runs in.
            if python.startswith("/"):
                yield _pointer(source, "kernel", file.split("/")[-2], file, python)


def parse_kernel(text: str) -> str:
    """The program of a kernel.json that speaks Python."""
    try:
        document = json.loads(text)
        argv = document["argv"]
        if "ipykernel" in " ".join(argv):
            return str(argv[0])
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError(f"this is no kernelspec: {error}") from error
    raise ParseError("this kernel runs no ipykernel")


def _editors(source: Source) -> Iterator[dict[str, Any]]:
    for file in _glob(source, ".vscode/settings.json"):
        python = parse_vscode(_read(source, file) or "", source.cwd)
        if python:
            yield _pointer(source, "vscode", "VS Code", file, python)
    for file in (*_glob(source, ".idea/misc.xml"), *_glob(source, ".idea/*.iml")):
        name = parse_idea(_read(source, file) or "")
        version = re.search(r"Python (\d+\.\d+)", name or "")
        if name and version:
            row = {"kind": "pycharm", "name": name, "file": file, "python": ""}
            yield {**row, "version": version[1]}


def parse_vscode(text: str, folder: str) -> str | None:
    """The interpreter of .vscode/settings.json (JSON with comments), as an absolute path."""
    found = re.search(
        r'^[^/\n]*"python\.(?:defaultInterpreterPath|pythonPath)"\s*:\s*"([^"]+)"', text, re.M
    )
    if not found:
        return None
    path = re.sub(r"\$\{workspace(?:Folder|Root)\}", folder, found[1])
    if "${" in path or path.startswith("~") or "/" not in path.replace("\\\\", "/"):
        return None
    absolute = path.startswith("/") or re.match(r"[A-Za-z]:", path)
    return path if absolute else _join(folder, path.removeprefix("./"))


def parse_idea(text: str) -> str | None:
    """The name of the Python SDK that PyCharm's project files give; a path they have not."""
    found = re.search(r'(?:project-jdk-name|jdkName)="([^"]+)"', text)
    return found[1] if found else None
