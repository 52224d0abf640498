"""The document as a person reads it, in ASCII."""

from __future__ import annotations

from typing import Any, Dict, List

MARKS = {"passed": "ok", "failed": "FAILED", "not-run": "not run"}


def text(document: Dict[str, Any], verbose: bool) -> str:
    lines = [rung_line(rung) for rung in document["rungs"]]
    lines += slower_ways(document)
    for rung in document["rungs"]:
        error = rung.get("error")
        if error and error["traceback"] and (verbose or rung["name"] == "import"):
            lines += ["", "%s: %s" % (rung["name"], error["type"])]
            lines += ["  " + line for line in error["traceback"]]
    if verbose and document["losses"]:
        lines += [
            "",
            "loss per epoch: "
            + " ".join("nan" if loss is None else "%.4f" % loss for loss in document["losses"]),
        ]
    if verbose and document["summary"]:
        lines += ["", document["summary"]]
    lines += ["", "coffee-smoke: " + ("passed" if document["ok"] else "FAILED")]
    return "\n".join(lines) + "\n"


def rung_line(rung: Dict[str, Any]) -> str:
    where = " on %s" % rung["device"] if rung["device"] else ""
    seconds = "" if rung["seconds"] is None else "%6.1f s" % rung["seconds"]
    first = (rung["detail"].splitlines() or [""])[0]
    return (
        "%-8s %-8s%8s  %s%s" % (rung["name"], MARKS[rung["status"]], seconds, first, where)
    ).rstrip()


def slower_ways(document: Dict[str, Any]) -> List[str]:
    tried = (document["way"] or {}).get("tried", [])
    return [
        "         %s did not work: %s" % (t["way"], t["error"]["type"]) for t in tried if t["error"]
    ]
