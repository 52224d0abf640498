"""A folder as one value, and environments to change, made from those of the lab."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from tests import lab as laboratory


def digest(root: Path) -> dict[str, str]:
    """Path to content and mode of everything below."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = "-> " + os.readlink(path)
            elif path.is_dir():
                found[key] = "folder"
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                found[key] = f"{content} {path.stat().st_mode:o}"
    return found


def clone(recipe: str, where: Path) -> Path:
    """The lab's environment of this recipe, hard-linked, as if it had been made at ``where``."""
    home = laboratory.python_of(recipe).parent.parent
    shutil.copytree(home, where, symlinks=True, copy_function=_link)
    old, new = str(home).encode(), str(where).encode()
    for path in (*(where / "bin").iterdir(), where / "pyvenv.cfg"):
        if path.is_file() and not path.is_symlink() and old in (text := path.read_bytes()):
            mode = path.stat().st_mode
            path.unlink()
            path.write_bytes(text.replace(old, new))
            path.chmod(mode)
    return where / "bin" / "python"


def _link(source: str, target: str) -> None:
    os.link(source, target, follow_symlinks=False)
