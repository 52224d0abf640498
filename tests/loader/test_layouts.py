"""The loader's search as it is followed, against what LD_DEBUG says the real loader did."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from envcheck.loader.elf import Elf, read_elf
from envcheck.loader.search import Object, Opened, Process, System
from envcheck.probes.loader import Diagnostics, parse_cache, parse_diagnostics
from tests.loader.build import Lib, Toolbox, can_read_all, run_traced
from tests.loader.layouts import CACHE, DAMAGED, LD, NESTED, PLAIN, PROGRAM, WHEELS, A, Layout, X

pytest_plugins = ("tests.loader.plugin",)
LAYOUTS = (*PLAIN, *DAMAGED, *NESTED, *PROGRAM)


def test_there_are_enough() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS) >= 40


@pytest.fixture(scope="session")
def glibc(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Diagnostics:
    """What this host's loader says of itself."""
    program = toolbox.program(tmp_path_factory.mktemp("glibc"), "", "")
    loader = read_elf(str(program)).interpreter
    told = subprocess.run([loader, "--list-diagnostics"], capture_output=True, text=True)
    found = parse_diagnostics(told.stdout)
    if found is None:
        pytest.skip("this glibc does not describe itself (--list-diagnostics, from 2.33 on)")
    return found


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_the_search_is_that_of_the_loader(
    layout: Layout, toolbox: Toolbox, glibc: Diagnostics, tmp_path: Path
) -> None:
    if can_read_all() and any(lib.damage == "unreadable" for lib in layout.libs):
        pytest.skip("root may read every file")
    agree(layout, toolbox, glibc, tmp_path.resolve(), ())


def agree(
    layout: Layout, toolbox: Toolbox, glibc: Diagnostics, root: Path, prefix: tuple[str, ...]
) -> None:
    text = {"$LIB": glibc.lib, "$PLATFORM": glibc.platform}
    for lib in layout.libs:
        path = re.sub(r"\$\w+", lambda word: text[word[0]], lib.path)
        toolbox.put(root, replace(lib, path=path))
    program = toolbox.program(root, layout.program_rpath, layout.program_runpath)
    opener = toolbox.opener(root / "app/libopener.so", root, layout.rpath, layout.runpath)
    names = [name.format(root=root) for name in layout.opens]
    env = {
        "LD_LIBRARY_PATH": layout.library_path.format(root=root),
        "LD_PRELOAD": layout.preload.format(root=root),
    }
    env = {name: value for name, value in env.items() if value}
    (root / "trace").mkdir()
    command = [*prefix, str(program), str(opener), *names]
    stdout, traced = run_traced(command, root / "trace/ld", root, **env)
    process, opened = predict(layout, glibc, root, names, env)
    took = dict(line.split("\t", 1) for line in stdout.splitlines())
    for name, one in zip(names, opened, strict=True):
        really = "" if took[name].startswith("! ") else str(root / took[name])
        predicted = one.taken.path if one.ok and one.taken else ""
        assert same(predicted, really), (name, took[name], one)
        if one.error:
            assert one.error.split(":")[0] in took[name]
    for name, path in traced.items():
        if os.path.realpath(root / path).startswith(str(root)) and name in process.names:
            assert same(process.names[name].path, str(root / path)), name


def same(first: str, second: str) -> bool:
    return bool(first) == bool(second) and os.path.realpath(first) == os.path.realpath(second)


def predict(
    layout: Layout, glibc: Diagnostics, root: Path, names: list[str], env: dict[str, str]
) -> tuple[Process, list[Opened]]:
    def read(path: str) -> Elf | None:
        try:
            return read_elf(path)
        except OSError:
            return None

    cache = ldconfig(layout, root, "-p").stdout if layout.cached else ""
    machine = os.uname().machine
    system = System(
        machine=machine,
        library_path=env.get("LD_LIBRARY_PATH", ""),
        cache=parse_cache(cache, machine),
        folders=glibc.folders,
        levels=glibc.levels,
        lib=glibc.lib,
        platform=glibc.platform,
        cwd=str(root),
    )
    process = Process(system, read, os.path.realpath)
    program = Object(str(root / "program"), read_elf(str(root / "program")), "program")
    process.start(program, [name for name in env.get("LD_PRELOAD", "").split(":") if name])
    opener = process.open(str(root / "app/libopener.so"), program).taken
    return process, [process.open(name, opener) for name in names]


def ldconfig(layout: Layout, root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = ["/sbin/ldconfig", "-C", str(root / "ld.so.cache"), *args]
    return subprocess.run(command, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("layout", CACHE, ids=lambda layout: layout.name)
def test_ld_so_cache(layout: Layout, toolbox: Toolbox, glibc: Diagnostics, tmp_path: Path) -> None:
    """A cache of the test's own in the host's place, in a mount namespace."""
    root = tmp_path.resolve()
    with_cache(layout, toolbox, glibc, root)


@pytest.mark.parametrize("where", ["cache", "LD_LIBRARY_PATH", "RUNPATH"])
def test_files_for_this_processor_come_first(
    where: str, toolbox: Toolbox, glibc: Diagnostics, tmp_path: Path
) -> None:
    if not glibc.levels:
        pytest.skip("this processor has no level of glibc-hwcaps")
    root = tmp_path.resolve()
    best = f"glibc-hwcaps/{glibc.levels[-1]}"
    libs = (Lib(f"old/{X}"), Lib(f"old/{best}/{X}"), Lib(f"old/glibc-hwcaps/z80/{X}"))
    if where == "cache":
        with_cache(Layout("hwcaps", libs, cached=(LD,)), toolbox, glibc, root)
    elif where == "RUNPATH":
        agree(Layout("hwcaps", libs, runpath="{root}/old"), toolbox, glibc, root, ())
    else:
        agree(Layout("hwcaps", libs, library_path=LD), toolbox, glibc, root, ())
    traced = "\n".join(path.read_text() for path in (root / "trace").iterdir())
    assert f"{best}/{X}" in traced


def with_cache(layout: Layout, toolbox: Toolbox, glibc: Diagnostics, root: Path) -> None:
    if not shutil.which("unshare") or not os.path.exists("/sbin/ldconfig"):
        pytest.skip("no unshare or ldconfig")
    for lib in layout.libs:
        toolbox.put(root, lib)
    folders = [folder.format(root=root) for folder in layout.cached]
    (root / "ld.so.conf").write_text("".join(f"{folder}\n" for folder in folders))
    (root / "ld.so.cache").touch()
    ldconfig(layout, root, "-X", "-f", str(root / "ld.so.conf"))
    mount = f"mount --bind {root}/ld.so.cache /etc/ld.so.cache"
    inside = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    agree(layout, toolbox, glibc, root, tuple(inside))


def test_a_cut_file_is_refused_before_it_kills(toolbox: Toolbox, tmp_path: Path) -> None:
    """The loader itself maps it, and may die of it: no prediction to compare."""
    toolbox.put(tmp_path, Lib(A, runpath=WHEELS, damage="cut"))
    assert read_elf(str(tmp_path / A)).flaw == "the file is cut short"
