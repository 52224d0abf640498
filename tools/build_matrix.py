"""Builds compat_matrix.json: harvested wheels and the documents beside this file.

    python tools/build_matrix.py                 # reads only releases that changed
    python tools/build_matrix.py --from-nothing  # reads everything again
    python tools/build_matrix.py --offline       # documents only; harvested rows stay

The result depends on the package index and on tools/documents/ alone: same
input, same bytes. `date` is the newest upload among the harvested files, not
today. Needs the development dependencies (requests, remotezip).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = Path(__file__).resolve().parent / "documents"
sys.path.insert(0, str(ROOT))

from packaging.version import Version  # noqa: E402

from envcheck.harvest import compose  # noqa: E402
from envcheck.harvest.index import find_index_url, open_session  # noqa: E402
from envcheck.harvest.nvidia import harvest_nvidia, projects_of  # noqa: E402
from envcheck.harvest.rows import Row, harvest_keras, harvest_tensorflow  # noqa: E402

SCHEMA = "envcheck.matrix/1"


def main() -> int:
    options = _parse_arguments()
    old = _read_old(options.output) if not options.from_nothing else {}
    started = time.monotonic()
    counter = _ByteCounter()
    if options.offline:
        tensorflow = [_bare(row) for row in old["tensorflow"] if row["kind"] == "release"]
        keras, nvidia = old["keras"], old["nvidia_wheels"]
    else:
        tensorflow, keras, nvidia = _harvest(old, counter)
    content = assemble(tensorflow, keras, nvidia)
    text = compose.dump(content)
    options.output.write_text(text, encoding="utf-8")
    _report(content, text, time.monotonic() - started, counter.bytes)
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--from-nothing", action="store_true", help="ignore the present file")
    parser.add_argument("--offline", action="store_true", help="documents only")
    parser.add_argument("--output", type=Path, default=ROOT / "compat_matrix.json")
    return parser.parse_args()


def _read_old(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


class _ByteCounter:
    """Adds up what came over the wire; a member's stream is often closed early."""

    def __init__(self) -> None:
        self._streams: list[Any] = []

    def __call__(self, response: Any, *_: object, **__: object) -> None:
        self._streams.append(response.raw)

    @property
    def bytes(self) -> int:
        return sum(stream.tell() for stream in self._streams)


def _harvest(
    old: dict[str, Any], counter: Callable[..., None]
) -> tuple[list[Row], list[Row], list[Row]]:
    session = open_session()
    session.hooks["response"].append(counter)
    index_url = find_index_url()
    known = {
        (row["package"], row["version"]): _bare(row)
        for row in old.get("tensorflow", ())
        if row["kind"] == "release"
    }
    tensorflow = harvest_tensorflow(session, index_url, known)
    known_keras = {(row["package"], row["version"]): row for row in old.get("keras", ())}
    keras = harvest_keras(session, index_url, known_keras)
    known_nvidia = {row["id"]: row for row in old.get("nvidia_wheels", ())}
    nvidia = harvest_nvidia(session, index_url, projects_of(tensorflow), known_nvidia)
    return tensorflow, keras, nvidia


def _bare(row: Row) -> Row:
    """A row of the file without what the documents added: as it was harvested."""
    return compose.without_measured(row)


def _document(name: str) -> list[Row]:
    rows: list[Row] = json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))
    return rows


def assemble(tensorflow: Iterable[Row], keras: Iterable[Row], nvidia: Iterable[Row]) -> Row:
    """The whole file as one value, every section in its order."""
    measured = _document("measured")
    releases = [compose.release_row(row, measured) for row in tensorflow]
    releases.sort(key=lambda row: (row["package"], Version(row["version"])))
    keras_rows = [compose.keras_row(row) for row in keras]
    nvidia_rows = list(nvidia)
    dates = [row["date"] for row in [*releases, *keras_rows] if row.get("date")]
    dates += [row["newest_date"] for row in nvidia_rows if row.get("newest_date")]
    return {
        "schema": SCHEMA,
        "date": max(dates),
        "tensorflow": [*releases, *_document("tested")],
        "keras": keras_rows,
        "cuda": _document("cuda"),
        "cudnn": _document("cudnn"),
        "gpus": _document("gpus"),
        "nvidia_wheels": nvidia_rows,
        "rules": _document("rules"),
        "known_good": _document("known_good"),
        "known_broken": _document("known_broken"),
        "sources": _document("sources"),
    }


def _report(content: Row, text: str, seconds: float, downloaded: int) -> None:
    for name, rows in content.items():
        if isinstance(rows, list):
            print(f"{name:14} {len(rows):5} rows")
    print(f"{len(text.encode()):,} bytes written; {downloaded:,} bytes read in {seconds:.1f} s")


if __name__ == "__main__":
    raise SystemExit(main())
