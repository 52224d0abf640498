"""The golden files: one recorded machine in every format. `make golden` writes them anew."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import MACHINES, ROOT, plain_environment

FOLDER = ROOT / "tests" / "golden"
MACHINE = "linux-none-tf29-mixed"
ENDINGS = {
    "terminal": "txt",
    "json": "json",
    "junit": "xml",
    "sarif": "sarif",
    "github": "github.txt",
    "gitlab": "code-quality.json",
    "markdown": "md",
    "html": "html",
}


def path_of(name: str, exit_code: int) -> Path:
    return FOLDER / f"{MACHINE}.exit-{exit_code}.{ENDINGS[name]}"


def replay(name: str, folder: str) -> tuple[int, bytes]:
    """(exit code, stdout), as a user gets it."""
    command = [sys.executable, "-m", "envcheck", "replay", str(MACHINES / MACHINE)]
    completed = subprocess.run(
        [*command, "--format", name],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        check=False,
    )
    return completed.returncode, completed.stdout


def write() -> None:
    for old in FOLDER.iterdir():
        os.unlink(old)
    with tempfile.TemporaryDirectory() as folder:
        for name in ENDINGS:
            code, text = replay(name, folder)
            path_of(name, code).write_bytes(text)


if __name__ == "__main__":
    write()
