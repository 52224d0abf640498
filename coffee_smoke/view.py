"""The document as a person reads it: the verdict and what to do first, then the rungs."""

from __future__ import annotations

import textwrap
from typing import Any, Dict, List, Tuple

from coffee_smoke import picture
from coffee_smoke.advice import advice

MARKS = {"passed": "ok", "failed": "FAILED"}
GROUPED = {"skipped": "skipped", "not-run": "not run"}
LOG_SHOWN = TRACE_SHOWN = 8
WIDTH = 100


def text(document: Dict[str, Any], verbose: bool, unicode: bool) -> str:
    target = document["target"]
    lines = [
        *verdict(document),
        "  Target: %s, chosen by %s" % (target["python"], target["why"]),
        "",
    ]
    lines += [rung_line(r) for r in document["rungs"] if r["status"] in MARKS]
    lines += slower_ways(document)
    lines += grouped(document["rungs"])
    for result in document["rungs"]:
        lines += evidence(result, verbose)
    if verbose:
        lines += numbers(document, unicode)
    return "\n".join(lines) + "\n"


def verdict(document: Dict[str, Any]) -> List[str]:
    broken = [r for r in document["rungs"] if r["status"] == "failed"]
    if broken:
        first = broken[0]
        lines = ["coffee-smoke: FAILED in %s (%s): %s" % named(first)]
        lines.append("  Do: " + advice(first, document))
        if broken[1:]:
            others = ", ".join("%s (%s)" % named(r)[:2] for r in broken[1:])
            lines.append("  Broken as well: " + others)
        return lines
    if not document["ok"]:
        unfinished = [r for r in document["rungs"] if r["status"] == "not-run"]
        return ["coffee-smoke: FAILED: %s" % unfinished[0]["detail"]]
    return [passed(document)]


def named(result: Dict[str, Any]) -> Tuple[str, str, str]:
    return result["name"], result["library"], first_line(result["detail"])


def first_line(detail: str) -> str:
    return (detail.strip().splitlines() or [""])[0]


def passed(document: Dict[str, Any]) -> str:
    where = document["device"]
    accuracy = document["accuracy"]
    found = "%d steps in %.1f s, decides %s, %d of %d beans right" % (
        document["steps"],
        document["training_seconds"],
        document["decisions"],
        accuracy["correct"],
        accuracy["total"],
    )
    if where.startswith("GPU"):
        gpu = next(d for d in document["devices"] if d["type"] == "GPU")
        model = gpu["details"]["device_name"] or "model unknown"
        return "coffee-smoke: passed on %s (%s): %s" % (where, model, found)
    reason = next((r["detail"] for r in document["rungs"] if r["name"] == "gpu"), "")
    return "coffee-smoke: passed on the CPU: %s\n  No GPU was tested: %s" % (found, reason)


def rung_line(rung: Dict[str, Any]) -> str:
    where = " on %s" % rung["device"] if rung["device"] else ""
    if where.startswith(" on GPU"):
        where += ", " + rung["library"]
    seconds = "" if rung["seconds"] is None else "%6.1f s" % rung["seconds"]
    row = (rung["name"], MARKS[rung["status"]], seconds, first_line(rung["detail"]), where)
    return ("  %-10s%-7s%8s  %s%s" % row).rstrip()


def grouped(rungs: List[Dict[str, Any]]) -> List[str]:
    """One line for all that were left out for the same reason."""
    reasons: Dict[Tuple[str, str], List[str]] = {}
    for rung in rungs:
        if rung["status"] in GROUPED:
            key = GROUPED[rung["status"]], first_line(rung["detail"])
            reasons.setdefault(key, []).append(rung["name"])
    lines = []
    for (how, why), names in reasons.items():
        lines += textwrap.wrap(
            "%s: %s" % (", ".join(names), why),
            width=WIDTH,
            initial_indent="  %-10s" % how,
            subsequent_indent=" " * 12,
        )
    return lines


def slower_ways(document: Dict[str, Any]) -> List[str]:
    tried = (document["way"] or {}).get("tried", [])
    return [
        "%27s  %s did not work: %s" % ("", t["way"], t["error"]["type"])
        for t in tried
        if t["error"]
    ]


def evidence(result: Dict[str, Any], verbose: bool) -> List[str]:
    """What a broken rung raised, and what was logged while it ran."""
    if result["status"] != "failed":
        return []
    lines: List[str] = []
    traceback = (result.get("error") or {}).get("traceback") or []
    if traceback and (verbose or result["name"] == "import"):
        lines += ["", "%s raised %s" % (result["name"], result["error"]["type"])]
        lines += ["  " + line for line in (traceback if verbose else traceback[-TRACE_SHOWN:])]
    log = result.get("log") or []
    if log:
        lines += ["", "the log of %s" % result["name"]]
        lines += ["  " + line for line in (log if verbose else log[-LOG_SHOWN:])]
    return lines


def numbers(document: Dict[str, Any], unicode: bool) -> List[str]:
    lines: List[str] = []
    if document["field"]:
        lines += ["", picture.draw(document["field"], unicode)]
    if document["losses"]:
        shown = ("nan" if loss is None else "%.4f" % loss for loss in document["losses"])
        lines += ["", "loss per epoch: " + " ".join(shown)]
    for row in document["gpu_memory"] or ():
        said = (row["index"], row["used_mib"], row["total_mib"])
        lines.append("GPU %d: %d of %d MiB in use" % said)
    if document["summary"]:
        lines += ["", document["summary"]]
    return lines
