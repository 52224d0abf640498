"""What the loader finds for TensorFlow: the process that it would run in, followed file by file.

Linux only; :mod:`envcheck.loader` holds the search itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envcheck.loader.search import Cached, Object, Opened, Process, System
from envcheck.model import Fact, absent, known, unknown
from envcheck.probes.libraries import default_folders

if TYPE_CHECKING:
    from envcheck.loader.elf import Elf
    from envcheck.probes.source import Completed, Source

WHERE = "the loader's search, followed"
FACTS = ("libraries", "driver_libraries", "cudnn_parts", "opener")
INTERPRETERS = {
    "x86_64": "/lib64/ld-linux-x86-64.so.2",
    "aarch64": "/lib/ld-linux-aarch64.so.1",
}
FLAGS = {"x86_64": "x86-64", "aarch64": "AArch64"}
"""What `ldconfig -p` calls a library of this machine."""
DRIVER = (("cuda", "libcuda.so.1"), ("nvidia-ml", "libnvidia-ml.so.1"))
LINKED = re.compile(r"lib(cudart|cublas|cublasLt|cufft|cusolver|cusparse|cudnn)\.so\.[\d.]+")


def collect(source: Source, target: Mapping[str, Fact], ldconfig: Completed) -> dict[str, Fact]:
    """``target`` holds the target probe's facts, ``ldconfig`` is ld.so.cache as text."""
    sonames = target["tensorflow.sonames"]
    folder = target["tensorflow.import"]
    if sonames.state in ("unknown", "not-applicable") or folder.state != "known":
        return _all(sonames)
    opener = find_opener(source, folder.value.get("folder", ""))
    if opener is None:
        return _all(unknown("TensorFlow's own library could not be read", WHERE))
    return View(source, target, ldconfig, opener).facts()


def _all(fact: Fact) -> dict[str, Fact]:
    return {f"loader.{name}": fact for name in FACTS}


def find_opener(source: Source, folder: str) -> tuple[str, Elf] | None:
    """The library of TensorFlow that calls dlopen: ``LoadDynamicLibrary`` has been a function of
    libtensorflow_framework since there is one; LD_DEBUG says the same of 2.15 to 2.21."""
    for pattern in ("libtensorflow_framework.so.[0-9]", "libtensorflow_framework.so"):
        for path in source.glob(f"{folder}/{pattern}"):
            try:
                return path, source.elf(path)
            except OSError:
                continue
    return None


def parse_cache(text: str, machine: str) -> tuple[Cached, ...]:
    """The lines of `ldconfig -p` for this machine, with the glibc-hwcaps folder of each."""
    flag = FLAGS.get(machine, machine)
    found = []
    for line in text.splitlines():
        entry = re.match(r"\s+(\S+) \(([^)]*)\) => (.+)$", line)
        if entry and flag in entry[2].replace('"', ",").split(","):
            level = re.search(r'hwcap: "([^"]*)"', entry[2])
            found.append(Cached(entry[1], entry[3], level[1] if level else ""))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What `ld.so --list-diagnostics` says of itself (glibc 2.33 and later)."""

    folders: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    lib: str = "lib64"
    platform: str = "x86_64"


def parse_diagnostics(text: str) -> Diagnostics | None:
    """None where this is not the document."""
    rows = dict(re.findall(r"^([\w.\[\]]+)=(.+)$", text, re.M))
    plain = {name: value.strip('"') for name, value in rows.items()}
    folders = [value for name, value in plain.items() if name.startswith("path.system_dirs[")]
    if not folders:
        return None
    levels = plain.get("dl_hwcaps_subdirs", "").split(":")
    active = int(plain.get("dl_hwcaps_subdirs_active", "0"), 16)
    return Diagnostics(
        tuple(folder.rstrip("/") for folder in folders),
        tuple(level for bit, level in enumerate(levels) if level and active >> bit & 1),
        plain.get("dl_dst_lib", "lib64"),
        plain.get("dl_platform", "x86_64"),
    )


class View:
    """One target's TensorFlow and the process that it would run in."""

    def __init__(
        self,
        source: Source,
        target: Mapping[str, Fact],
        ldconfig: Completed,
        opener: tuple[str, Elf],
    ) -> None:
        self._source, self._target, self._cache_read = source, target, ldconfig.ok
        self._read: dict[str, Elf | None] = {}
        self._folders: dict[str, bool] = {}
        self._nvidia = target["target.nvidia_libraries"].value
        self._wheels = {row["name"]: row["version"] for row in target["target.distributions"].value}
        executable = source.realpath(target["target.executable"].value)
        self._program = self.read(executable)
        self._process = Process(self._system(ldconfig), self.read, source.realpath)
        if self._program is not None:
            program = Object(executable, self._program, "program")
            preload = re.split("[: ]+", source.env.get("LD_PRELOAD", ""))
            self._process.start(program, [name for name in preload if name])
        self._opener = Object(opener[0], opener[1], "TensorFlow")
        self._process.adopt(self._opener)

    def _system(self, ldconfig: Completed) -> System:
        source = self._source
        interpreter = (self._program.interpreter if self._program else "") or INTERPRETERS.get(
            source.machine, ""
        )
        child = source.spawn("ld_so", [interpreter, "--list-diagnostics"], 5)
        told = parse_diagnostics(child.result().stdout)
        told = told or Diagnostics(default_folders(source), platform=source.machine)
        return System(
            machine=source.machine,
            library_path=source.env.get("LD_LIBRARY_PATH", ""),
            cache=parse_cache(ldconfig.stdout if ldconfig.ok else "", source.machine),
            folders=told.folders,
            levels=told.levels,
            lib=told.lib,
            platform=told.platform,
            cwd=source.cwd,
        )

    def read(self, path: str) -> Elf | None:
        if path not in self._read:
            self._read[path] = self._read_new(path)
        return self._read[path]

    def _read_new(self, path: str) -> Elf | None:
        folder = posixpath.dirname(path)
        try:
            if folder not in self._folders:
                self._folders[folder] = self._source.exists(folder)
            return self._source.elf(path) if self._folders[folder] else None
        except OSError:
            return None

    def facts(self) -> dict[str, Fact]:
        elf = self._opener.elf
        cuda = [self._library(name, soname, self._opener) for name, soname in self._sonames()]
        if not self._cache_read and not all(_winner_of(row) for row in cuda):
            return _all(unknown("ld.so.cache could not be read (ldconfig -p)"))
        driver = [self._library(name, soname, self._opener) for name, soname in DRIVER]
        rows = {"path": self._opener.path, "rpath": elf.rpath, "runpath": elf.runpath}
        return {
            "loader.libraries": known(cuda, WHERE) if cuda else absent(self._opener.path),
            "loader.driver_libraries": known(driver, WHERE),
            "loader.cudnn_parts": self._cudnn_parts(),
            "loader.opener": known(rows, self._opener.path),
        }

    def _sonames(self) -> list[tuple[str, str]]:
        """By cuda_config.h of this TensorFlow; up to 1.14 they are linked, and stand in the file
        itself."""
        fact = self._target["tensorflow.sonames"]
        if fact.state == "known":
            return list(fact.value.items())
        linked = (LINKED.fullmatch(name) for name in self._opener.elf.needed)
        return [(match[1], match[0]) for match in linked if match]

    def _cudnn_parts(self) -> Fact:
        names = self._process.names
        cudnn = next((names[name] for name in names if name.startswith("libcudnn.so")), None)
        if cudnn is None:
            return absent("libcudnn")
        major = re.search(r"\.so\.(\d+)", cudnn.path)
        pattern = f"libcudnn_*.so.{major[1] if major else ''}"
        files = self._source.glob(f"{posixpath.dirname(cudnn.path)}/{pattern}")
        parts = {posixpath.basename(path) for path in files}
        for folder in self._process.split(self._process.system.library_path, None, "[:;]"):
            parts |= {posixpath.basename(path) for path in self._source.glob(f"{folder}/{pattern}")}
        rows = [self._library(part[3:].split(".")[0], part, cudnn) for part in sorted(parts)]
        return known(rows, WHERE) if rows else absent(cudnn.path)

    def _library(self, name: str, soname: str, opener: Object) -> dict[str, Any]:
        opened = self._process.open(soname, opener)
        real = self._source.realpath
        places = [self._place(row.path, row.via, "passed", row.why) for row in opened.passed]
        seen = {real(row.path) for row in opened.passed}
        if opened.taken is not None:
            # It may be loaded already, from where the search itself does not lead.
            seen.add(real(opened.taken.path))
            places.append(self._winner(opened))
        for candidate in self._process.candidates(soname, opener):
            elf = self.read(candidate.path)
            if elf is not None and real(candidate.path) not in seen:
                seen.add(real(candidate.path))
                why = self._process.misfit(elf)
                status = "passed" if why else "broken" if elf.flaw else ""
                places.append(self._place(candidate.path, candidate.via, status, why or elf.flaw))
        for path, via in self._elsewhere(soname):
            if real(path) not in seen:
                seen.add(real(path))
                places.append(self._place(path, via, "unreached"))
        return {"name": name, "soname": soname, "found": places}

    def _winner(self, opened: Opened) -> dict[str, Any]:
        taken = opened.taken
        assert taken is not None
        row = self._place(taken.path, taken.via, "broken" if opened.error else "", opened.error)
        missing = list(opened.missing)
        glibc = self._target["target.glibc"]
        if taken.elf.glibc and glibc.state == "known" and _newer(taken.elf.glibc, glibc.value):
            missing.append(f"GLIBC_{taken.elf.glibc}")
        return {**row, "missing": missing} if missing else row

    def _place(self, path: str, via: str, status: str = "", detail: str = "") -> dict[str, Any]:
        component = self._component(path)
        row = {
            "path": self._tidy(path),
            "via": via,
            "component": component,
            "version": self._version(path, component),
        }
        if not detail and "/stubs/" in self._source.realpath(path):
            detail = "a stub of the CUDA toolkit, for linking only"
        told = {"status": status, "detail": detail}
        return {**row, **{name: text for name, text in told.items() if text}}

    def _tidy(self, path: str) -> str:
        """Without its ".." where that leads to the same file."""
        plain = posixpath.normpath(path)
        real = self._source.realpath
        return plain if plain == path or real(plain) == real(path) else path

    def _component(self, path: str) -> str:
        folder = self._source.realpath(posixpath.dirname(path))
        for row in self._nvidia:
            if self._source.realpath(row["folder"]) == folder:
                return str(row["component"])
        return ""

    def _version(self, path: str, component: str) -> str | None:
        """The wheel's, else that of the file's full name; a soname's own number is no version."""
        soname = posixpath.basename(path)
        if component:
            stem = "nvidia-" + component.replace("_", "-")
            major = re.search(r"\.so\.(\d+)", soname)
            found = {
                version
                for name, version in self._wheels.items()
                if version
                and re.fullmatch(re.escape(stem) + r"(-cu\d+)?", name)
                # Those of two CUDAs lie in one folder.
                and (component != "cudnn" or not major or version.split(".")[0] == major[1])
            }
            return found.pop() if len(found) == 1 else None
        real = posixpath.basename(self._source.realpath(path))
        version = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)*)$", real)
        return version[1] if version and real != soname else None

    def _elsewhere(self, soname: str) -> Iterable[tuple[str, str]]:
        """Places that have it where the loader does not look."""
        for row in self._nvidia:
            if soname in row["files"]:
                yield posixpath.join(row["folder"], soname), "wheel"
        env = self._source.env
        roots = [env[name] for name in ("CUDA_HOME", "CUDA_PATH") if env.get(name)]
        folders = [f"{root}/lib64" for root in (*roots, "/usr/local/cuda", "/usr/local/cuda-*")]
        for pattern, via in (
            *((folder, "toolkit") for folder in folders),
            (f"{self._target['target.prefix'].value}/lib", "environment"),
        ):
            for path in self._source.glob(f"{pattern}/{soname}"):
                yield path, via


def _winner_of(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((p for p in row["found"] if p.get("status", "") in ("", "broken")), None)


def winners(facts: Mapping[str, Fact]) -> list[tuple[str, str, str]]:
    """(library, soname, path) of those that are predicted to load."""
    fact = facts["loader.libraries"]
    found = []
    for row in fact.value if fact.state == "known" else ():
        winner = _winner_of(row)
        if winner and not winner.get("status") and not winner.get("missing"):
            found.append((row["name"], row["soname"], winner["path"]))
    return found


def _newer(first: str, second: str) -> bool:
    numbers = [tuple(int(part) for part in text.split(".")) for text in (first, second)]
    return numbers[0] > numbers[1]
