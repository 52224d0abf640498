"""nvidia-smi: asked only where NVML could not be, because its text changes between drivers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from envcheck.model import Fact, ParseError, absent, known

if TYPE_CHECKING:
    from envcheck.probes.source import Source

WSL = "/usr/lib/wsl/lib/nvidia-smi"
QUERY = ("--query-gpu=index,name,memory.total,compute_cap", "--format=csv,noheader,nounits")
DEADLINE = 10.0


def fill_in(source: Source, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts, and what nvidia-smi knows of those that are unknown."""
    program = WSL if source.exists(WSL) else "nvidia-smi"
    children = [
        source.spawn(name, [program, *arguments], DEADLINE)
        for name, arguments in (("nvidia_smi", ()), ("nvidia_smi_query", QUERY))
    ]
    banner, query = (child.result() for child in children)
    said: dict[str, Fact] = {}
    if banner.ok:
        said.update(_parsed(parse_banner, banner.stdout))
    if query.ok:
        said.update(_parsed(parse_query, query.stdout))
    return {
        **facts,
        **{name: fact for name, fact in said.items() if facts[name].state == "unknown"},
    }


def _parsed(parse: Any, text: str) -> dict[str, Fact]:
    try:
        found: dict[str, Fact] = parse(text)
    except ParseError:
        return {}
    return found


def parse_banner(text: str) -> dict[str, Fact]:
    """Release and CUDA from the first lines, which name them otherwise from driver 610 on
    (KMD Version, CUDA UMD Version). Raises ParseError."""
    release = re.search(r"\b(?:Driver|KMD) Version: *(\d+\.\d+(?:\.\d+)*)", text)
    cuda = re.search(r"\bCUDA (?:UMD )?Version: *(\d+\.\d+)", text)
    if not release:
        raise ParseError("nvidia-smi names no driver release")
    facts = {"driver.release": known(release[1], "nvidia-smi")}
    if cuda:
        facts["driver.cuda_supported"] = known(cuda[1], "nvidia-smi")
    return facts


def parse_query(text: str) -> dict[str, Fact]:
    """The GPUs; a number that a card does not tell is in brackets. Raises ParseError."""
    rows = []
    for line in filter(None, map(str.strip, text.splitlines())):
        values = [value.strip() for value in line.split(",")]
        if len(values) < 4 or not values[0].isdigit():
            raise ParseError(f"nvidia-smi's row is not one: {line[:60]}")
        row: dict[str, Any] = {"index": int(values[0]), "name": ", ".join(values[1:-2])}
        if values[-2].isdigit():
            row["memory_mib"] = int(values[-2])
        if re.fullmatch(r"\d+\.\d", values[-1]):
            row["compute_capability"] = values[-1]
        rows.append(row)
    return {"gpu.devices": known(rows, "nvidia-smi") if rows else absent("nvidia-smi")}
