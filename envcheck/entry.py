"""The console script's door: nothing but Python's own modules may be met before this.

A folder of the user on PYTHONPATH, or the current one under ``python -m envcheck``, may hold a
``re.py`` or a ``click.py``. What is looked at meets them; envcheck itself must not.
"""

import contextlib
import os
import sys


def main() -> None:
    theirs = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), os.curdir]
    # They stay, but last: envcheck itself may have been installed into one of them.
    sys.path.sort(key=lambda entry: any(same(entry, folder) for folder in theirs))

    from envcheck.cli import main as run

    try:
        run()
    except SystemExit as done:
        leave(done.code)


def leave(code: object) -> None:
    """At once: taking the interpreter apart in order takes as long as judging a machine."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads
            if stream is not None:
                stream.flush()
    os._exit(code if isinstance(code, int) else 1)


def same(entry: str, folder: str) -> bool:
    try:
        return os.path.abspath(entry) == os.path.abspath(folder)
    except OSError:  # the current folder was removed under us
        return False
