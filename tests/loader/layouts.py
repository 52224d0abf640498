"""Layouts of libraries on a machine, and what a program then opens.

``{root}`` is the layout's folder. The libraries are called libx, liby, … so that none of the host
is ever found in their place.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.loader.build import Lib


@dataclass(frozen=True)
class Layout:
    """``opens`` are dlopened one after the other by app/libopener.so; ``library_path`` and
    ``preload`` are the environment; ``cached`` are folders for a private ld.so.cache."""

    name: str
    libs: tuple[Lib, ...]
    opens: tuple[str, ...] = ("libx.so.1",)
    rpath: str = ""
    runpath: str = ""
    program_rpath: str = ""
    program_runpath: str = ""
    library_path: str = ""
    preload: str = ""
    cached: tuple[str, ...] = ()


X, Y, Z = "libx.so.1", "liby.so.1", "libz_.so.1"
WHEELS = "$ORIGIN/../nvidia/a/lib:$ORIGIN/../nvidia/b/lib"
A, B = f"nvidia/a/lib/{X}", f"nvidia/b/lib/{X}"
OLD = f"old/{X}"
LD = "{root}/old"


def wheel(component: str, name: str = X, **more: object) -> Lib:
    return Lib(f"nvidia/{component}/lib/{name}", **more)  # type: ignore[arg-type]


PLAIN = (
    Layout("nowhere", ()),
    Layout("in the first wheel", (Lib(A),), runpath=WHEELS),
    Layout("in the second wheel", (Lib(B),), runpath=WHEELS),
    Layout("in both wheels", (Lib(A), Lib(B)), runpath=WHEELS),
    Layout("in a wheel that is not searched", (wheel("c"),), runpath=WHEELS),
    Layout("LD_LIBRARY_PATH before RUNPATH", (Lib(OLD), Lib(A)), runpath=WHEELS, library_path=LD),
    Layout("RPATH before LD_LIBRARY_PATH", (Lib(OLD), Lib(A)), rpath=WHEELS, library_path=LD),
    Layout("LD_LIBRARY_PATH without it", (Lib(A),), runpath=WHEELS, library_path=LD),
    Layout(
        "two folders in LD_LIBRARY_PATH",
        (Lib(OLD), Lib(f"new/{X}")),
        library_path="{root}/new:{root}/old",
    ),
    Layout("semicolons in LD_LIBRARY_PATH", (Lib(OLD),), library_path="{root}/nothing;{root}/old"),
    Layout("a relative LD_LIBRARY_PATH", (Lib(OLD),), library_path="old"),
    Layout("an empty entry is the current folder", (Lib(X),), library_path=":{root}/nothing"),
    Layout("a trailing slash", (Lib(OLD),), library_path="{root}/old//"),
    Layout("LD_LIBRARY_PATH with $ORIGIN", (Lib(OLD),), library_path="$ORIGIN/old"),
    Layout("a braced ${ORIGIN}", (Lib(A),), runpath="${{ORIGIN}}/../nvidia/a/lib"),
    Layout("an absolute RUNPATH", (Lib(OLD),), runpath="{root}/old"),
    Layout("a relative RUNPATH", (Lib(OLD),), runpath="old"),
    Layout("$LIB", (Lib(f"$LIB/{X}"),), runpath="{root}/$LIB"),
    Layout("$PLATFORM", (Lib(f"x/$PLATFORM/{X}"),), runpath="{root}/x/$PLATFORM"),
    Layout(
        "a file where a folder should be", (Lib("old"), Lib(A)), runpath=WHEELS, library_path=LD
    ),
    Layout(
        "a link to the versioned file",
        (Lib("old/libx.so.1.2.3", soname=X), Lib(OLD, damage="link:libx.so.1.2.3")),
        library_path=LD,
    ),
    Layout(
        "a link that leads nowhere",
        (Lib(OLD, damage="link:gone.so"), Lib(A)),
        runpath=WHEELS,
        library_path=LD,
    ),
    Layout(
        "$ORIGIN is the folder of the link",
        (
            Lib("real/libx.so.1", needed=(Y,), runpath="$ORIGIN/../beside"),
            Lib(OLD, damage="link:../real/libx.so.1"),
            Lib(f"beside/{Y}"),
            Lib("old/deep/x.so"),
        ),
        library_path=LD,
    ),
    Layout(
        ".. behind a linked folder",
        (Lib("far/away/a/lib/x.so"), Lib("here", damage="link:far/away"), Lib(f"far/b/{X}")),
        runpath="{root}/here/../b",
    ),
    Layout("a file with another soname", (Lib(OLD, soname="libother.so.1"),), library_path=LD),
    Layout(
        "a soname that is loaded under another file's name",
        (Lib("old/liba.so.1", soname=X), Lib(OLD)),
        opens=("liba.so.1", X),
        library_path=LD,
    ),
    Layout("a file without soname", (Lib(OLD, soname=""),), opens=(X, X), library_path=LD),
)


def in_front(damage: str) -> Layout:
    libs = (Lib(OLD, damage=damage), Lib(A))
    return Layout(f"{damage} in front", libs, runpath=WHEELS, library_path=LD)


DAMAGED = (
    *(
        in_front(damage)
        for damage in (
            "32-bit",
            "aarch64",
            "big-endian",
            "other-abi",
            "object-file",
            "text",
            "short",
            "empty",
            "folder",
            "unreadable",
        )
    ),
    Layout("32-bit and nothing else", (Lib(OLD, damage="32-bit"),), library_path=LD),
    Layout(
        "aarch64 in both wheels",
        (Lib(A, damage="aarch64"), Lib(B, damage="aarch64")),
        runpath=WHEELS,
    ),
)
NESTED = (
    Layout(
        "a needed library beside it",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y)),
        runpath=WHEELS,
    ),
    Layout(
        "a needed library in another wheel",
        (Lib(A, (Y,), runpath="$ORIGIN/../../b/lib"), wheel("b", Y)),
        runpath=WHEELS,
    ),
    Layout("RUNPATH is not inherited", (Lib(A, (Y,)), wheel("b", Y)), runpath=WHEELS),
    Layout("RPATH is not inherited through dlopen", (Lib(A, (Y,)), wheel("b", Y)), rpath=WHEELS),
    Layout(
        "a RUNPATH of its own hides the RPATHs above",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("b", Y)),
        rpath=WHEELS,
    ),
    Layout(
        "an RPATH of its own, then the opener's",
        (Lib(A, (Y, Z), rpath="$ORIGIN"), wheel("a", Y), wheel("b", Z)),
        rpath=WHEELS,
    ),
    Layout(
        "an RPATH below an opener with RUNPATH",
        (Lib(A, (Y,), rpath="$ORIGIN"), wheel("a", Y), Lib(f"old/{Y}")),
        runpath=WHEELS,
        library_path=LD,
    ),
    Layout(
        "LD_LIBRARY_PATH serves needed libraries",
        (Lib(A, (Y,)), Lib(f"old/{Y}")),
        runpath=WHEELS,
        library_path=LD,
    ),
    Layout(
        "LD_LIBRARY_PATH before the needed library's RUNPATH",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y), Lib(f"old/{Y}")),
        runpath=WHEELS,
        library_path=LD,
    ),
    Layout(
        "three levels, the last is missing",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y, needed=(Z,))),
        runpath=WHEELS,
    ),
    Layout(
        "three levels",
        (
            Lib(A, (Y,), runpath="$ORIGIN"),
            wheel("a", Y, needed=(Z,), runpath="$ORIGIN/../../b/lib"),
            wheel("b", Z),
        ),
        runpath=WHEELS,
    ),
    Layout(
        "a needed library that is damaged",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y, damage="text")),
        runpath=WHEELS,
    ),
    Layout(
        "loaded already by an earlier one",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y), Lib(f"nvidia/b/lib/{Y}")),
        opens=(X, Y),
        runpath="$ORIGIN/../nvidia/b/lib:$ORIGIN/../nvidia/a/lib",
    ),
    Layout(
        "what an earlier one brought serves a later one",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y), wheel("b", Z, needed=(Y,))),
        opens=(X, Z),
        runpath=WHEELS,
    ),
    Layout(
        "a failed one leaves nothing behind",
        (Lib(A, (Y, "libgone.so.1"), runpath="$ORIGIN"), wheel("a", Y), wheel("b", Y)),
        opens=(X, Y),
        runpath="$ORIGIN/../nvidia/b/lib:$ORIGIN/../nvidia/a/lib",
    ),
    Layout(
        "two that need each other",
        (Lib(A, (Y,), runpath="$ORIGIN"), wheel("a", Y, needed=(X,), runpath="$ORIGIN")),
        opens=(Y, X),
        runpath=WHEELS,
    ),
    Layout(
        "breadth first",
        (
            Lib(A, (Y, Z), runpath="$ORIGIN"),
            wheel("a", Y, needed=(Z,), runpath="$ORIGIN/../../b/lib"),
            wheel("a", Z),
            wheel("b", Z),
        ),
        runpath=WHEELS,
    ),
    Layout(
        "needed by its path",
        (Lib(A, (Y,), runpath="{root}/old"), Lib(f"old/{Y}")),
        opens=("{root}/" + A,),
        runpath=WHEELS,
    ),
)
PROGRAM = (
    Layout("the program's RPATH", (Lib(OLD),), program_rpath="$ORIGIN/old"),
    Layout("the program's RUNPATH is its own", (Lib(OLD),), program_runpath="$ORIGIN/old"),
    Layout(
        "RUNPATH shuts the program's RPATH out",
        (Lib(OLD),),
        program_rpath="$ORIGIN/old",
        runpath="$ORIGIN/x",
    ),
    Layout(
        "the program's RPATH before LD_LIBRARY_PATH",
        (Lib(OLD), Lib(f"new/{X}")),
        program_rpath="$ORIGIN/new",
        library_path=LD,
    ),
    Layout(
        "the program's RPATH for what a wheel needs",
        (Lib(A, (Y,)), Lib(f"old/{Y}")),
        program_rpath="$ORIGIN/old",
        runpath=WHEELS,
    ),
    Layout(
        "the opener's RPATH before the program's",
        (Lib(A), Lib(OLD)),
        rpath=WHEELS,
        program_rpath="$ORIGIN/old",
    ),
    Layout("preloaded", (Lib(A), Lib(f"pre/{X}")), runpath=WHEELS, preload="{root}/pre/libx.so.1"),
    Layout(
        "preloaded under another name",
        (Lib(A), Lib("pre/mine.so", soname=X)),
        runpath=WHEELS,
        preload="{root}/pre/mine.so",
    ),
    Layout(
        "preloaded with what it needs",
        (Lib(A), Lib("pre/mine.so", (X,), runpath="$ORIGIN"), Lib(f"pre/{X}")),
        runpath=WHEELS,
        preload="{root}/nothing.so:{root}/pre/mine.so",
    ),
    Layout(
        "preloaded by name",
        (Lib(A), Lib(f"old/{Y}", (X,)), Lib(OLD)),
        runpath=WHEELS,
        preload=Y,
        library_path=LD,
    ),
)
CACHE = (
    Layout("ld.so.cache", (Lib(OLD),), cached=("{root}/old",)),
    Layout(
        "RUNPATH before ld.so.cache", (Lib(OLD), Lib(A)), runpath=WHEELS, cached=("{root}/old",)
    ),
    Layout(
        "what a cached one needs",
        (Lib(OLD, (Y,)), Lib(f"more/{Y}")),
        cached=("{root}/old", "{root}/more"),
    ),
    Layout("two in ld.so.cache", (Lib(OLD), Lib(f"new/{X}")), cached=("{root}/new", "{root}/old")),
)
