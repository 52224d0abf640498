"""ELF files read by our own few lines, against pyelftools."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from envcheck.loader.elf import read_elf
from tests.loader.build import Lib, Toolbox
from tests.loader.environment import make

pytest_plugins = ("tests.loader.plugin",)


def by_pyelftools(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        tags: dict[str, list[str]] = {}
        for segment in elf.iter_segments(type="PT_DYNAMIC"):
            for tag in segment.iter_tags():
                for name in ("needed", "soname", "rpath", "runpath"):
                    if hasattr(tag, name):
                        tags.setdefault(name, []).append(getattr(tag, name))
        versions = [
            tuple(map(int, version.name[6:].split(".")))
            for section in elf.iter_sections()
            if isinstance(section, GNUVerNeedSection)
            for _, needed in section.iter_versions()
            for version in needed
            if version.name.startswith("GLIBC_2")
        ]
        interpreter = [row.get_interp_name() for row in elf.iter_segments(type="PT_INTERP")]
        return {
            "bits": elf.elfclass,
            "machine": {"x64": "x86_64", "AArch64": "aarch64"}[elf.get_machine_arch()],
            "needed": tuple(tags.get("needed", ())),
            "soname": "".join(tags.get("soname", ())),
            "rpath": "" if "runpath" in tags else "".join(tags.get("rpath", ())),
            "runpath": "".join(tags.get("runpath", ())),
            "glibc": ".".join(map(str, max(versions, default=()))),
            "interpreter": "".join(interpreter),
            "flaw": "",
        }


@pytest.mark.parametrize(
    "lib",
    [
        Lib("plain.so"),
        Lib("without.so", soname=""),
        Lib("needing.so", ("liby.so.1", "libz_.so.1")),
        Lib("rpath.so", rpath="$ORIGIN/../lib:/opt/lib"),
        Lib("runpath.so", ("liby.so.1",), runpath="$ORIGIN/" + "/../x" * 500),
    ],
    ids=lambda lib: lib.path,
)
def test_a_stub(lib: Lib, toolbox: Toolbox, tmp_path: Path) -> None:
    toolbox.put(tmp_path, lib)
    assert read_elf(str(tmp_path / lib.path))._asdict() == by_pyelftools(tmp_path / lib.path)


def test_libraries_and_a_program_with_versions(toolbox: Toolbox, tmp_path: Path) -> None:
    env = make(toolbox, tmp_path)
    program = Path(os.path.realpath(sys.executable))
    for path in (*env.site.rglob("*.so.*"), program, toolbox.program(tmp_path, "", "")):
        assert read_elf(str(path))._asdict() == by_pyelftools(path), path


@pytest.mark.parametrize(
    ("damage", "bits", "flaw"),
    [
        ("", 64, ""),
        ("32-bit", 32, ""),
        ("big-endian", 64, "ELF file data encoding not little-endian"),
        ("other-abi", 64, "ELF file OS ABI invalid"),
        ("object-file", 64, "only ET_DYN and ET_EXEC can be loaded"),
        ("text", 0, "invalid ELF header"),
        ("short", 0, "file too short"),
        ("empty", 0, "file too short"),
        ("cut", 64, "the file is cut short"),
        ("folder", 0, "cannot read file data: Is a directory"),
    ],
)
def test_what_stops_the_loader(
    damage: str, bits: int, flaw: str, toolbox: Toolbox, tmp_path: Path
) -> None:
    toolbox.put(tmp_path, Lib("libx.so.1", damage=damage))
    elf = read_elf(str(tmp_path / "libx.so.1"))
    assert (elf.bits, elf.flaw) == (bits, flaw)


@pytest.mark.parametrize("length", [64, 100, 300, 1000, 4000])
def test_any_cut_is_a_value(length: int, toolbox: Toolbox, tmp_path: Path) -> None:
    path = toolbox.cuda(tmp_path / "libx.so.1", "x", 1)
    path.write_bytes(path.read_bytes()[:length])
    assert read_elf(str(path)).flaw == "the file is cut short"


def test_garbage_behind_the_header_is_a_value(toolbox: Toolbox, tmp_path: Path) -> None:
    """Every byte of headers and dynamic section set to 0xff in turn: no error, no endless loop."""
    path = toolbox.stub("libx.so.1")
    data = path.read_bytes()
    for offset in range(0, len(data), 7):
        broken = tmp_path / "broken.so"
        broken.write_bytes(data[:offset] + b"\xff" * 8 + data[offset + 8 :])
        read_elf(str(broken))
