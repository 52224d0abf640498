"""The fake NVIDIA driver: compiled from the C sources here, told by a file what machine to be."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = {"libnvidia-ml.so": ("nvml.c", "traps.c"), "libcuda.so": ("cuda.c", "context.c")}
CHANGES_NOTHING = re.compile(r"nvml\w*Get|nvmlInit|nvmlShutdown|nvmlErrorString")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a fake library saw. ``gpu`` is None where it was about no GPU."""

    pid: int
    function: str
    gpu: int | None

    @property
    def changes(self) -> bool:
        """Whether the real function could change the machine."""
        return self.function.startswith("nvml") and not CHANGES_NOTHING.match(self.function)


@dataclass(frozen=True, slots=True)
class FakeMachine:
    """Libraries laid out as a driver package lays them out: the file carries its release, and
    a link with the soname leads there."""

    folder: Path
    log: Path
    file: Path
    release: str
    """Of the library files; the kernel's may be another."""
    orphans: Path

    @property
    def env(self) -> dict[str, str]:
        """All that a child needs, and nothing of the test's own environment."""
        return {
            "LD_LIBRARY_PATH": str(self.folder),
            "FAKE_NVIDIA_MACHINE": str(self.file),
            "FAKE_NVIDIA_LOG": str(self.log),
        }

    def library(self, stem: str) -> str:
        return str(self.folder / f"{stem}.{self.release}")

    def spoil(self, stem: str) -> None:
        """Make a library unloadable. It stays in its place: were it gone, the loader would
        go on and find the driver of the machine that the tests run on."""
        Path(self.library(stem)).write_bytes(b"")

    def orphan(self, stem: str) -> None:
        """Make a library one that needs another, ``libgone.so``, which is nowhere."""
        shutil.copy(self.orphans / stem, self.library(stem))

    def calls(self) -> tuple[Call, ...]:
        if not self.log.exists():
            return ()
        rows = (line.split() for line in self.log.read_text(encoding="utf-8").splitlines())
        return tuple(
            Call(int(pid), function, int(gpu) if int(gpu) >= 0 else None)
            for pid, function, gpu in rows
        )


@dataclass(frozen=True, slots=True)
class FakeLibraries:
    """The compiled libraries. ``folder`` holds one file each, for all machines."""

    folder: Path

    def machine(self, description: str, folder: Path) -> FakeMachine:
        """``description`` is the name of a file in ``machines``, or the text of one."""
        file = HERE / "machines" / f"{description}.ini"
        if "\n" in description:
            file = folder / "machine.ini"
            file.write_text(description, encoding="utf-8")
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(file.read_text(encoding="utf-8"))
        release = parser["driver"].get("library", parser["driver"]["version"])
        libraries = folder / "lib"
        libraries.mkdir()
        for stem in SOURCES:
            shutil.copy(self.folder / stem, libraries / f"{stem}.{release}")
            os.symlink(f"{stem}.{release}", libraries / f"{stem}.1")
        return FakeMachine(
            libraries.resolve(), folder / "calls.log", file, release, self.folder / "orphans"
        )


def compile_libraries(compiler: str, folder: Path) -> FakeLibraries:
    """Raises CalledProcessError where the compiler refuses."""
    (folder / "traps.c").write_text(_traps(), encoding="utf-8")
    for stem, sources in SOURCES.items():
        files = [str(folder / name if name == "traps.c" else HERE / name) for name in sources]
        command = [compiler, "-shared", "-fPIC", "-std=gnu11", "-O0", "-fvisibility=hidden"]
        command += [f"-I{HERE}", f'-DLIBRARY="{stem}.1"', f"-Wl,-soname,{stem}.1"]
        command += ["-o", str(folder / stem), *files, str(HERE / "machine.c")]
        subprocess.run(command, check=True)
    _compile_orphans(compiler, folder / "orphans")
    return FakeLibraries(folder)


def _compile_orphans(compiler: str, folder: Path) -> None:
    folder.mkdir()
    nothing, gone = folder / "nothing.c", folder / "libgone.so"
    nothing.write_text("", encoding="utf-8")
    command = [compiler, "-shared", "-fPIC", "-Wl,--no-as-needed", str(nothing)]
    subprocess.run([*command, "-Wl,-soname,libgone.so", "-o", str(gone)], check=True)
    for stem in SOURCES:
        subprocess.run([*command, str(gone), "-o", str(folder / stem)], check=True)
    gone.unlink()


def _traps() -> str:
    """C that logs every function of nvidia-ml-py which could change a machine.

    The names come from nvidia-ml-py itself: one that is added there later is caught as well.
    """
    spec = importlib.util.find_spec("pynvml")
    assert spec and spec.origin
    text = Path(spec.origin).read_text(encoding="utf-8")
    names = sorted(set(re.findall(r'_nvmlGetFunctionPointer\("(\w+)"\)', text)))
    lines = ['#include "machine.h"']
    lines += [
        f'API int {name}(void) {{ return fake_call("{name}", -1); }}'
        for name in names
        if not CHANGES_NOTHING.match(name)
    ]
    return "\n".join(lines) + "\n"
