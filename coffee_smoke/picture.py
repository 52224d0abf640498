"""The field of beans and what the network makes of it, in characters."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from coffee_smoke import data, reference

COLUMNS, ROWS = 60, 18
OUTSIDE, LEARNED = " ", "."
GOOD, BAD, GOOD_MISSED, BAD_TAKEN = "o", "x", "G", "B"
UNICODE = {LEARNED: "░", GOOD: "●", BAD: "×"}


def field(weights: Any, normalisation: Dict[str, Any], found: Any, labels: Any) -> List[str]:
    """ROWS lines of COLUMNS codes, the longest roast on top; beans lie over the region."""
    import numpy

    rows, _ = data.beans()
    (left, right), (low, high) = data.CELSIUS, data.MINUTES
    celsius = left + (numpy.arange(COLUMNS) + 0.5) * (right - left) / COLUMNS
    minutes = high - (numpy.arange(ROWS) + 0.5) * (high - low) / ROWS
    centres = numpy.stack(numpy.meshgrid(celsius, minutes), axis=-1).reshape(-1, 2)
    scaled = (centres - normalisation["mean"]) / normalisation["deviation"]
    good = data.decide(reference.forward(weights, scaled)).reshape(ROWS, COLUMNS)
    codes = [[LEARNED if cell else OUTSIDE for cell in line] for line in good]
    answers = data.decide(found).ravel()
    for (t, d), answer, label in zip(rows, answers, labels.ravel()):
        column = int((t - left) / (right - left) * COLUMNS)
        row = int((high - d) / (high - low) * ROWS)
        right_one, wrong_one = (GOOD, GOOD_MISSED) if label else (BAD, BAD_TAKEN)
        codes[row][column] = right_one if answer == label else wrong_one
    return ["".join(line) for line in codes]


def draw(lines: List[str], unicode: bool) -> str:
    """The field with its axes and a legend; UNICODE's characters where stdout can write them."""
    table = {ord(code): char for code, char in UNICODE.items()} if unicode else {}
    bar, corner, dash = ("│", "└", "─") if unicode else ("|", "+", "-")
    (left, right), (low, high) = data.CELSIUS, data.MINUTES
    drawn = ["minutes"]
    for number, line in enumerate(lines):
        value = {0: "%.1f" % high, len(lines) - 1: "%.1f" % low}.get(number, "")
        drawn.append("%7s %s%s" % (value, bar, line.translate(table)))
    drawn.append(" " * 8 + corner + dash * COLUMNS)
    drawn.append(" " * 9 + ("%-*d%d" % (COLUMNS - 3, left, right)) + " °C" * unicode)
    key = ((GOOD, "good"), (BAD, "bad"), (LEARNED, "the network says good"))
    said = ["%s %s" % (code.translate(table), meaning) for code, meaning in key]
    wrong = sum(line.count(GOOD_MISSED) + line.count(BAD_TAKEN) for line in lines)
    said.append("G, B decided wrongly" if wrong else "none decided wrongly")
    drawn.append(" " * 9 + "   ".join(said))
    return "\n".join(drawn)


def can_encode(encoding: Optional[str]) -> bool:
    try:
        "░●×│└─°".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
