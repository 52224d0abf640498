"""The Pythons that are on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from envcheck.model import EnvcheckError

MINORS = tuple(f"3.{minor}" for minor in range(7, 15))


def find_uv() -> str | None:
    """uv on PATH, or beside the Python that runs envcheck, where it really starts."""
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    for path in (beside, shutil.which("uv")):
        if path and os.access(path, os.X_OK) and _starts(path):
            return path
    return None


def _starts(program: str) -> bool:
    """A shim of pyenv may be there and lead nowhere."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def installed(uv: str | None) -> Mapping[str, str]:
    """Minor to interpreter. uv knows where its own, pyenv's and the system's are."""
    found: dict[str, str] = {}
    if uv:
        for row in _listed(uv):
            minor = ".".join(row["version"].split(".")[:2])
            if row.get("path") and row.get("implementation") == "cpython" and minor in MINORS:
                found.setdefault(minor, row["path"])
    for minor in MINORS:
        path = shutil.which(f"python{minor}")
        if minor not in found and path and _starts(path):
            found[minor] = path
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found.setdefault(own, sys.executable)
    return found


def _listed(uv: str) -> list[dict[str, str]]:
    argv = [uv, "python", "list", "--only-installed", "--output-format", "json"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
        rows: list[dict[str, str]] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    # A virtual environment that happens to be active is not a Python to make another one of.
    return [row for row in rows if not _in_venv(row.get("path") or "")]


def _in_venv(path: str) -> bool:
    return os.path.exists(os.path.join(os.path.dirname(os.path.dirname(path)), "pyvenv.cfg"))


def base_of(minor: str, pythons: Mapping[str, str], uv: str | None) -> str:
    """The interpreter, or with uv its number, which uv then fetches. Raises EnvcheckError."""
    if minor in pythons:
        return pythons[minor]
    if uv:
        return minor
    have = ", ".join(sorted(pythons, key=lambda text: int(text.split(".")[1])))
    raise EnvcheckError(
        f"Python {minor} is not on this machine (there are {have}). Install it, install uv, which "
        f"fetches it, or ask for one that is here: --python {max(pythons)}",
    )
