"""Makes envcheck/imports/names/*.z from the wheels of the package index.

    python tools/build_names.py [ROOT ...]

The files are the same for the same wheels, byte by byte with the same zlib.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envcheck.harvest import index, names

FOLDER = Path(__file__).resolve().parent.parent / "envcheck" / "imports" / "names"


def table(releases: Mapping[str, Mapping[str, names.Module]]) -> str:
    """The text that :mod:`envcheck.imports.index` reads: releases in the first line, then a line
    for each module: name, the releases that have it, those in which it is open, its names.

    Releases are a number in hexadecimal whose bit N is release N. Names stand in groups
    `MASK:name,name`; a group without a mask is in every release that has the module.
    """
    lines = [" ".join(releases)]
    modules = list(releases.values())
    for name in sorted({name for found in modules for name in found}):
        exists = opened = 0
        masks: dict[str, int] = {}
        for number, found in enumerate(modules):
            module = found.get(name)
            if module is None:
                continue
            exists |= 1 << number
            opened |= module.open << number
            for item in module.names:
                masks[item] = masks.get(item, 0) | 1 << number
        groups: dict[int, list[str]] = {}
        for item in sorted(masks):
            groups.setdefault(masks[item], []).append(item)
        listed = ";".join(
            ("" if mask == exists else f"{mask:x}") + ":" + ",".join(groups[mask])
            for mask in sorted(groups)
        )
        lines.append(f"{name}\t{exists:x}\t{opened:x}\t{listed}")
    return "\n".join(lines) + "\n"


def main(roots: list[str]) -> None:
    session, index_url = index.open_session(), index.find_index_url()
    FOLDER.mkdir(exist_ok=True)
    for root in roots or list(names.PROJECTS):
        releases = {}
        for version, file in names.newest_wheels(session, index_url, root):
            releases[str(version)] = names.read_names(session, file, root)
            print(f"{root} {version}: {len(releases[str(version)])} modules")
        data = zlib.compress(table(releases).encode(), 9)
        (FOLDER / f"{root}.z").write_bytes(data)
        print(f"{root}: {len(data)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
