"""The few fields of an ELF file that decide what the dynamic loader does with it.

Read with ``struct`` from a memory map: the check is over in the time that pyelftools takes to
be imported, and the files are up to a gigabyte. The tests compare the two.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

BITS = {1: 32, 2: 64}
MACHINES = {3: "i386", 21: "ppc64", 22: "s390", 40: "arm", 62: "x86_64", 183: "aarch64"}
EXECUTABLE, SHARED = 2, 3
LOAD, DYNAMIC, INTERPRETER = 1, 2, 3
NEEDED, STRINGS, SONAME, RPATH, RUNPATH = 1, 5, 14, 15, 29
VERSIONS_NEEDED, VERSIONS_COUNT = 0x6FFFFFFE, 0x6FFFFFFF
SYSTEM_V, GNU = 0, 3


class Elf(NamedTuple):
    """``flaw`` is what stops the loader, in its own words where it has some; a file of another
    class or machine has no flaw: the loader passes over it."""

    bits: int = 0
    machine: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: str = ""
    runpath: str = ""
    glibc: str = ""
    """The newest glibc whose symbols it asks for, as "2.34"."""
    interpreter: str = ""
    flaw: str = ""


class _Cut(Exception):
    """The file ends before what it says it holds."""


def read_elf(path: str) -> Elf:
    """Raises OSError where the loader could not open it either."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if os.path.isdir(path):
            return Elf(flaw="cannot read file data: Is a directory")
        if size < 64:
            return Elf(flaw="file too short")
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            return _parse(data, size)
    finally:
        os.close(descriptor)


def _parse(data: mmap.mmap, size: int) -> Elf:
    """In the order in which glibc's open_verify (elf/dl-load.c) looks."""
    if data[:4] != b"\x7fELF":
        return Elf(flaw="invalid ELF header")
    bits = BITS.get(data[4], 0)
    order = "<" if data[5] != 2 else ">"
    kind, number = struct.unpack_from(f"{order}HH", data, 16)
    machine = MACHINES.get(number, f"machine {number}")
    if bits != 64:
        return Elf(bits=bits, machine=machine)
    if data[5] != 1:
        return Elf(bits, flaw="ELF file data encoding not little-endian")
    if data[7] not in (SYSTEM_V, GNU):
        return Elf(bits, flaw="ELF file OS ABI invalid")
    if kind not in (EXECUTABLE, SHARED):
        return Elf(bits, machine, flaw="only ET_DYN and ET_EXEC can be loaded")
    try:
        return _dynamic(data, size, Elf(bits, machine))
    except (_Cut, struct.error, IndexError, OverflowError):
        return Elf(bits, machine, flaw="the file is cut short")


def _dynamic(data: mmap.mmap, size: int, elf: Elf) -> Elf:
    segments = tuple(_segments(data))
    loads = [row for row in segments if row[0] == LOAD]
    # The loader maps what is missing, and the program dies of SIGBUS.
    if any(offset + length > size for _, offset, _, length in loads):
        raise _Cut
    interpreter = next((_string(data, row[1]) for row in segments if row[0] == INTERPRETER), "")
    table = next((row for row in segments if row[0] == DYNAMIC), None)
    if table is None:
        return elf._replace(interpreter=interpreter)
    tags: dict[int, list[int]] = {}
    for tag, value in struct.iter_unpack("<qQ", data[table[1] : table[1] + table[3] // 16 * 16]):
        if tag == 0:
            break
        tags.setdefault(tag, []).append(value)

    def place(address: int) -> int:
        for _, offset, start, length in loads:
            if start <= address < start + length:
                return offset + address - start
        raise _Cut

    strings = place(tags[STRINGS][0]) if STRINGS in tags else 0

    def texts(tag: int) -> tuple[str, ...]:
        return tuple(_string(data, strings + value) for value in tags.get(tag, ()))

    versions: tuple[str, ...] = ()
    if VERSIONS_NEEDED in tags:
        first, count = place(tags[VERSIONS_NEEDED][0]), tags[VERSIONS_COUNT][0]
        versions = tuple(_versions(data, first, count, strings))
    runpath = "".join(texts(RUNPATH)[-1:])
    return elf._replace(
        soname="".join(texts(SONAME)[-1:]),
        needed=texts(NEEDED),
        # "If both RUNPATH and RPATH are given, the latter is ignored" (elf/get-dynamic-info.h).
        rpath="" if runpath else "".join(texts(RPATH)[-1:]),
        runpath=runpath,
        glibc=_newest(versions),
        interpreter=interpreter,
    )


def _segments(data: mmap.mmap) -> Iterator[tuple[int, int, int, int]]:
    """(type, offset in the file, address, length in the file) of every program header."""
    offset = struct.unpack_from("<Q", data, 32)[0]
    entry, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, _, start, address, _, length, _, _ = struct.unpack_from(
            "<IIQQQQQQ", data, offset + index * entry
        )
        yield kind, start, address, length


def _string(data: mmap.mmap, start: int) -> str:
    end = data.find(b"\0", start)
    if end < 0:
        raise _Cut
    return data[start:end].decode("utf-8", "surrogateescape")


def _versions(data: mmap.mmap, start: int, count: int, strings: int) -> Iterator[str]:
    """The symbol versions that it asks of other libraries: GLIBC_2.17, GLIBCXX_3.4, …"""
    for _ in range(count):
        _, auxiliaries, _, auxiliary, following = struct.unpack_from("<HHIII", data, start)
        entry = start + auxiliary
        for _ in range(auxiliaries):
            _, _, _, name, step = struct.unpack_from("<IHHII", data, entry)
            yield _string(data, strings + name)
            entry += step
        start += following


def _newest(versions: tuple[str, ...]) -> str:
    numbers = [name[6:] for name in versions if name.startswith("GLIBC_2")]
    return max(numbers, key=lambda text: [int(part) for part in text.split(".")], default="")
