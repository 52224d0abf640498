"""Children that end when we do, whatever ends us: SIGKILL lets nobody tidy up."""

from __future__ import annotations

import os
import signal
import sys
from typing import Tuple


def leash() -> Tuple[int, ...]:
    """(the child's end, ours) of a pipe; nothing but on Linux. Ours is to stay open."""
    return os.pipe() if sys.platform == "linux" else ()


def tie(end: int, group: int) -> None:
    """Linux kills the process group when the pipe of which it holds this end has no writer any
    more. The child need not know of it, and may hang before its first line. Closes our copy."""
    import fcntl

    try:
        fcntl.fcntl(end, fcntl.F_SETOWN, -group)
        fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        pass  # a kernel that is not Linux itself may not know how
    os.close(end)
