"""Real ELF files for the loader: compiled with the sonames and search paths that a test names."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DAMAGES = {
    "32-bit": (4, b"\x01"),
    "aarch64": (18, b"\xb7\x00"),
    "big-endian": (5, b"\x02"),
    "other-abi": (7, b"\x09"),
    "object-file": (16, b"\x01\x00"),
}
"""Where in the ELF header, and what is written there."""


@dataclass(frozen=True)
class Lib:
    """A library at a path below the layout's folder. ``damage``: one of DAMAGES, short, text,
    empty, cut, folder, unreadable, or link:TARGET for a symbolic link."""

    path: str
    needed: tuple[str, ...] = ()
    rpath: str = ""
    runpath: str = ""
    damage: str = ""
    soname: str | None = None


class Toolbox:
    """A C compiler and what it has made, one file for every distinct library."""

    def __init__(self, compiler: str, cache: Path) -> None:
        self._compiler, self._cache = compiler, cache

    def _made(self, *arguments: str) -> Path:
        """The compiler's output for these arguments, made once."""
        made = self._cache / hashlib.sha256(repr(arguments).encode()).hexdigest()[:16]
        if not made.exists():
            subprocess.run([self._compiler, "-o", str(made), *arguments], check=True)
        return made

    def stub(self, soname: str, *more: str) -> Path:
        """A library without any code."""
        name = [f"-Wl,-soname,{soname}"] if soname else []
        return self._made(
            *("-shared", "-nostdlib", "-x", "assembler", "/dev/null", "-x", "none"), *name, *more
        )

    def put(self, root: Path, lib: Lib) -> None:
        path = root / lib.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if lib.damage.startswith("link:"):
            path.symlink_to(lib.damage[5:])
        elif lib.damage == "folder":
            path.mkdir()
        else:
            soname = path.name if lib.soname is None else lib.soname
            links = [str(self.stub(name)) for name in lib.needed]
            made = self.stub(
                soname, *search_path(root, lib.rpath, lib.runpath), "-Wl,--no-as-needed", *links
            )
            shutil.copy(made, path)
            damage(path, lib.damage)

    def program(self, root: Path, rpath: str, runpath: str) -> Path:
        made = self._made(str(HERE / "program.c"), "-ldl", *search_path(root, rpath, runpath))
        return Path(shutil.copy(made, root / "program"))

    def opener(self, path: Path, root: Path, rpath: str = "", runpath: str = "") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        soname = f"-Wl,-soname,{path.name}"
        flags = ("-shared", "-fPIC", soname, *search_path(root, rpath, runpath))
        return Path(shutil.copy(self._made(*flags, str(HERE / "opener.c"), "-ldl"), path))

    def cuda(self, path: Path, name: str, version: int, *more: str) -> Path:
        """A library that answers with its version."""
        path.parent.mkdir(parents=True, exist_ok=True)
        defines = (f"-DNAME={name}", f"-DVERSION={version}", f"-Wl,-soname,{path.name}")
        made = self._made("-shared", "-fPIC", *defines, *more, str(HERE / "cuda.c"))
        return Path(shutil.copy(made, path))


def search_path(root: Path, rpath: str, runpath: str) -> list[str]:
    flags = []
    if rpath:
        flags += ["-Wl,--disable-new-dtags", f"-Wl,-rpath,{rpath.format(root=root)}"]
    if runpath:
        flags += ["-Wl,--enable-new-dtags", f"-Wl,-rpath,{runpath.format(root=root)}"]
    return flags


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how in DAMAGES:
        offset, patch = DAMAGES[how]
        data[offset : offset + len(patch)] = patch
    elif how == "text":
        data = bytearray(b"GROUP ( libx.so.1 )\n" * 8)
    elif how in ("short", "empty"):
        data = data[: 20 if how == "short" else 0]
    elif how == "cut":
        data = data[: len(data) // 8]
    elif how == "unreadable":
        path.chmod(0)
    if how and how != "unreadable":
        path.write_bytes(bytes(data))


def traced(text: str) -> dict[str, str]:
    """Name to file of every library that the loader searched for and took, by the output of
    LD_DEBUG=libs,files."""
    found, name, tried = {}, "", ""
    for line in text.splitlines():
        said = re.sub(r"^\s*\d+:\s*", "", line)
        if match := re.match(r"find library=(\S+) \[", said):
            name, tried = match[1], ""
        elif match := re.match(r"trying file=(.+)$", said):
            tried = match[1]
        elif re.match(rf"file={re.escape(name)} \[\d+\];  generating link map", said) and name:
            found[name], name = tried, ""
    return found


def run_traced(argv: list[str], trace: Path, cwd: Path, **env: str) -> tuple[str, dict[str, str]]:
    """stdout of a program, and what the loader took for it."""
    debug = {"LD_DEBUG": "libs,files", "LD_DEBUG_OUTPUT": str(trace)}
    completed = subprocess.run(
        argv, cwd=cwd, env={**debug, **env}, capture_output=True, text=True, timeout=300
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout, traced(trace_text(trace))


def trace_text(trace: Path) -> str:
    """What the processes of one run have written, one after the other."""
    files = sorted(trace.parent.glob(f"{trace.name}.*"))
    return "\n".join(path.read_text("utf-8", "replace") for path in files)


def asked(trace: Path) -> set[str]:
    """All names that the loader searched for."""
    return set(re.findall(r"find library=(\S+) \[", trace_text(trace)))


def can_read_all() -> bool:
    return os.geteuid() == 0
