"""Links to CUDA libraries that TensorFlow does not look for where pip puts them.

TensorFlow 2.16.1 and 2.21.0 search some of the nvidia/<name>/lib folders and leave others out.
The libraries of those are linked, relatively, into nvidia/cuda_runtime/lib, which every such
release searches; as it lies at the same depth, their own search paths ($ORIGIN/../../...) still
lead to their neighbours. No file of a package is changed. pip leaves the links alone: where it
upgrades a library they lead to the new one, where it removes it they lead nowhere, which is the
same as being absent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from envcheck.changes.store import Change, Store

HOME = "cuda_runtime"


def make(store: Store, site: Path, folders: Sequence[str]) -> tuple[Path, ...]:
    """The links that were made, noted down for `undo`."""
    home = site / "nvidia" / HOME / "lib"
    wanted = [
        (home / path.name, f"../../{name}/lib/{path.name}")
        for name in folders
        for path in sorted((site / "nvidia" / name / "lib").glob("*.so*"))
        if not os.path.lexists(home / path.name)
    ]
    change = store.begin("links")
    change.write(state="applying", links=[str(path) for path, _ in wanted])
    for path, target in wanted:
        path.symlink_to(target)
    change.write(state="applied")
    return tuple(path for path, _ in wanted)


def remove(change: Change) -> None:
    change.write(state="restoring")
    for text in change.read().get("links", []):
        path = Path(text)
        if path.is_symlink():
            path.unlink()
