"""Record the real machines of tests/machines anew: needed when a probe asks something new.

    .venv-dev/bin/python tools/record_machines.py

Each is an environment of tests/lab.py, looked at by an envcheck that is installed elsewhere, with
nothing of this shell's environment. What is expected there (expected.json) stays as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import lab  # noqa: E402

MACHINES = ROOT / "tests" / "machines"
RECIPES = ("tf215-duplicate-keras", "tf215-keras3", "tf221", "tf29-mixed")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        tools = home / "tools"
        lab.uv("venv", "--quiet", "--python", lab.interpreter("3.11"), str(tools))
        python = str(tools / "bin" / "python")
        lab.uv("pip", "install", "--quiet", "--python", python, str(ROOT))
        for name in RECIPES:
            record(name, home)
            print(f"linux-none-{name}")


def record(name: str, home: Path) -> None:
    work = home / "coffee"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    lab.copy_of(name, work / "venv")
    made = home / "recorded"
    shutil.rmtree(made, ignore_errors=True)
    command = [str(home / "tools/bin/envcheck"), "record", str(made), "--python", "venv"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    subprocess.run(command, cwd=work, env=env, check=True, stdout=subprocess.DEVNULL)
    machine = MACHINES / f"linux-none-{name}"
    shutil.copy(machine / "expected.json", made)
    hide_pythons(made)
    shutil.rmtree(machine)
    shutil.copytree(made, machine)


def hide_pythons(machine: Path) -> None:
    """The Pythons that the environments are made from lie in a folder of their own."""
    base = Path(lab.interpreter("3.11")).parents[2]
    for path in machine.rglob("*.*"):
        if path.is_file():
            text = path.read_text("utf-8", "surrogateescape")
            text = text.replace(f"{base}/", "/home/user/.pyenv/versions/")
            path.write_text(text, "utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
