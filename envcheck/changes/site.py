"""Where an environment keeps its packages, and whether it may be changed."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from envcheck.model import EnvcheckError

ASK = """
import json, os, sys, sysconfig
p = sysconfig.get_paths()
print(json.dumps({
    "prefix": sys.prefix,
    "folders": [p["purelib"], p["platlib"], p["scripts"]],
    "managed": sys.prefix == sys.base_prefix
    and os.path.isfile(os.path.join(p["stdlib"], "EXTERNALLY-MANAGED")),
}))
"""


@dataclass(frozen=True)
class Site:
    """``folders`` hold packages and their commands: all that an installer changes.
    ``managed``: the system's packages own it (PEP 668)."""

    python: str
    prefix: Path
    folders: tuple[Path, ...]
    managed: bool


def ask(python: str) -> Site:
    """Raises EnvcheckError where the interpreter does not answer."""
    argv = [python, "-I", "-B", "-c", ASK]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise EnvcheckError(f"{python} does not say where its packages are: {error}.") from error
    folders = tuple(Path(path) for path in dict.fromkeys(answer["folders"]))
    return Site(python, Path(answer["prefix"]), folders, answer["managed"])


def refuse(site: Site) -> None:
    """Raises EnvcheckError, with the reason, where this environment is not to be changed."""
    way_out = "Make an environment of your own: envcheck setup .venv"
    if site.managed:
        raise EnvcheckError(
            f"{site.prefix} belongs to the system, which marks it as externally managed (PEP 668): "
            f"its own programs may need what is there. {way_out}"
        )
    if any((site.prefix / "conda-meta").glob("conda-[0-9]*.json")):
        raise EnvcheckError(
            f"{site.prefix} is conda's base environment, which conda itself runs on. {way_out}"
        )
    locked = [path for path in site.folders if path.exists() and not os.access(path, os.W_OK)]
    if locked or not os.access(site.prefix, os.W_OK):
        raise EnvcheckError(f"You may not write into {(locked or [site.prefix])[0]}. {way_out}")
