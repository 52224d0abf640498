"""Opens shared libraries, each in a process of its own, and asks them their version.

Run by the *target* interpreter (Python >= 3.7) with the target's environment; standard library
only. The one argument is a JSON list of [name, path]. stdout: per library one line, MARKER
followed by a document, as soon as it is known; a crash of one hides none of the others.

The full path is given to dlopen, since a name would be searched with the RUNPATH of Python's
ctypes, not with that of TensorFlow. What the library needs in turn is searched by the library's
own paths either way.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

MYPY = False
if MYPY:
    from typing import Any

MARKER = "envcheck-dlopen-probe:"
# As TensorFlow opens them.
MODE = os.RTLD_NOW | os.RTLD_LOCAL


def tell(answer: dict[str, Any]) -> None:
    # One write, so that the lines of several processes do not mix.
    os.write(1, ("\n%s%s\n" % (MARKER, json.dumps(answer))).encode("ascii", "backslashreplace"))


def ask(library: ctypes.CDLL, name: str) -> list[int]:
    """The numbers of its version function; empty where it has none, or none that answers."""
    number = ctypes.c_int()
    if name == "cudnn":
        function: Any = getattr(library, "cudnnGetVersion", None)
        if function is None:
            return []
        function.restype = ctypes.c_size_t
        return [int(function())]
    if name == "cudart":
        function = getattr(library, "cudaRuntimeGetVersion", None)
        return [number.value] if function and function(ctypes.byref(number)) == 0 else []
    function = getattr(library, name + "GetProperty", None)
    found = []
    # libraryPropertyType: major, minor, patch.
    for kind in range(3 if function else 0):
        if function(kind, ctypes.byref(number)) != 0:
            return []
        found.append(number.value)
    return found


def load(path: str, before: list[str]) -> ctypes.CDLL:
    """Alone, or where that fails after those that TensorFlow has opened before: one of them may
    have brought what it needs. Raises OSError."""
    try:
        return ctypes.CDLL(path, MODE)
    except OSError:
        for other in before:
            try:
                ctypes.CDLL(other, MODE)
            except OSError:
                continue
        return ctypes.CDLL(path, MODE)


def look(name: str, path: str, before: list[str]) -> None:
    try:
        library = load(path, before)
    except OSError as error:
        return tell({"path": path, "error": str(error)})
    # Said before its code is called, which may end us.
    tell({"path": path})
    tell({"path": path, "numbers": ask(library, name)})


def main() -> None:
    wanted = json.loads(sys.argv[1])
    children = {}
    for index, (name, path) in enumerate(wanted):
        child = os.fork()
        if child == 0:
            look(name, path, [other for _, other in wanted[:index]])
            os._exit(0)
        children[child] = path
    while children:
        child, status = os.wait()
        if child in children:
            path = children.pop(child)
            if os.WIFSIGNALED(status):
                tell({"path": path, "signal": os.WTERMSIG(status)})
            elif status:
                tell({"path": path, "exit": os.WEXITSTATUS(status)})


if __name__ == "__main__":
    main()
