"""The coffee network's rungs, as the rules group them, and what they show of a broken one."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.model import Evidence, Facts, Fix
from envcheck.remedies import manual

GPU_ONLY = ("driver", "context", "runtime", "nccl", "speed", "mirrored")
"""Rungs that say nothing about a machine that is meant to have no GPU. `gpu`, which asks whether
TensorFlow lists what the driver has, is one too, and belongs to SMK201."""

GONE = ("Died", "Hung")
"""The rung took its process with it, or was ended at its deadline."""
NUMBERS, DEVICE = "WrongNumbers", "WrongDevice"
OWN_RULES = (*GONE, NUMBERS, DEVICE)

MEMORY_SIGNS = (
    "out of memory",
    "OUT_OF_MEMORY",
    "ResourceExhausted",
    "MemoryAllocation",
)


def said(rung: F.SmokeRung) -> str:
    """What it raised, in one line."""
    lines = (rung.error_message or rung.detail).strip().splitlines() or ["without a message"]
    kind = rung.error_type
    return lines[0] if not kind or kind in (*OWN_RULES, "Wrong") else f"{kind}: {lines[0]}"


def evidence(facts: Facts, rung: F.SmokeRung) -> Iterator[Evidence]:
    yield facts.evidence(F.SMOKE, said(rung))
    for text, source in ((rung.traceback, ""), (rung.log, f"stderr during the step {rung.name}")):
        lines = text.splitlines()[-6:]
        if lines:
            yield facts.evidence(F.SMOKE, " | ".join(lines), source)


def next_step(facts: Facts, rung: F.SmokeRung) -> Fix:
    """Where to look, for a broken rung whose cause no finding names."""
    from coffee_smoke.advice import ADVICE, REPORT, WRONG_DEVICE, WRONG_NUMBERS

    python = facts.value(F.TARGET_EXECUTABLE) or "python"
    log = ("coffee-smoke", "-v", "--python", python)
    if rung.error_type == "Hung":
        note = "See what it waits for, and give it longer in case it is only slow:"
        return manual("look-further", note, (*log, "--rung-timeout", "900"))
    if rung.name in ("start", "import"):
        # faulthandler shows where in the import a crash came.
        tried = (python, "-X", "faulthandler", "-c", "import tensorflow")
        note = "Run the import alone, to the end of what it says, and have that explained:"
        return manual("look-further", note, ("envcheck", "run", "--", *tried))
    kinds = {NUMBERS: WRONG_NUMBERS, DEVICE: WRONG_DEVICE}
    text = kinds.get(rung.error_type) or ADVICE.get(rung.name, REPORT)
    if text != REPORT:
        steps = (log,) if rung.error_type in (DEVICE, *GONE) else ()
        note = text[0].upper() + text[1:] + "."
        return manual("look-further", note, *steps, library=rung.library, python=python)
    if not facts.value(F.TF_CUDA_BUILD):
        return manual("look-further", "See all that the step logs:", log)
    note = "See which files TensorFlow loads, and all that the step logs:"
    return manual("look-further", note, ("envcheck", "libs", "--python", python), log)


def short_of_memory(rung: F.SmokeRung) -> bool:
    text = f"{rung.error_type} {rung.error_message} {rung.detail} {rung.log}"
    return any(sign in text for sign in MEMORY_SIGNS)
