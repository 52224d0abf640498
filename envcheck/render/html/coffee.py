"""The coffee network as a picture: beans, the rule, what was learned, the losses."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from envcheck import facts as F
from envcheck.render.html.tags import Markup, tag
from envcheck.render.sheet import Sheet
from envcheck.render.view import clean

BEANS = Path(__file__).with_name("beans.json")
"""The 200 beans of coffee_smoke.data, which needs numpy to make them: (Celsius, minutes, good)."""
ASKED = ((200.0, 13.9), (200.0, 17.0))
RULE = ((175.0, 12.0), (175.0, 14.824), (255.0, 12.0))
"""Corners of the region of good roasts, see coffee_smoke.data.is_good."""
LEFT, RIGHT, BOTTOM, TOP = 150.0, 285.0, 11.5, 17.5
WIDTH, HEIGHT = 460, 300
INSET = (46, 12, 12, 38)
"""Left, top, right, bottom of the plane in the drawing."""


def section(sheet: Sheet) -> Markup | str:
    result = sheet.report.facts.value(F.SMOKE)
    fact = sheet.report.facts.fact(F.SMOKE)
    if result is None:
        if fact.reason == "no probe has looked at it":
            return ""
        return _framed(tag("p", f"Not trained: {clean(fact.reason) or 'no reason is known'}."))
    figures: list[Markup] = []
    if result.decisions:
        figures.append(_figure(plane(result), _plane_caption(result)))
    losses = [loss for loss in result.losses if math.isfinite(loss) and loss > 0]
    if len(losses) > 1:
        figures.append(_figure(curve(losses), f"Loss after each of {len(losses)} epochs."))
    return _framed(
        tag("p", _summary(result), cls="lead"),
        tag("div", figures, cls="figures") if figures else "",
        tag("ol", [_rung(rung) for rung in result.rungs], cls="rungs"),
    )


def _framed(*parts: Markup | str) -> Markup:
    return tag("section", tag("h2", "The coffee network", id="coffee"), *parts)


def _figure(drawing: Markup, caption: str) -> Markup:
    return tag("figure", drawing, tag("figcaption", caption))


def _summary(result: F.SmokeResult) -> str:
    if not result.ok:
        return clean(f"It failed in the step {result.rung}: {result.describe}.")
    seconds = f" in {result.training_seconds:.1f} s" if result.training_seconds else ""
    right = f" It is right about {result.correct} of {result.total} beans." if result.total else ""
    return clean(f"Trained on {result.place}{seconds}, and it decides as it should.{right}")


def _plane_caption(result: F.SmokeResult) -> str:
    answers = ", ".join("good" if decision else "bad" for decision in result.decisions)
    learned = "Shaded: what the network calls good. " if _is_learned(result) else ""
    return clean(
        f"200 roasts by temperature and duration; dots are good, crosses bad. {learned}"
        f"Outlined: the rule. The two that the network is asked about at the end are ringed; it "
        f"says: {answers}."
    )


def _rung(rung: F.SmokeRung) -> Markup:
    mark = {"passed": "✓", "failed": "✗"}.get(rung.status, "–")
    state = rung.status if rung.status in ("passed", "failed") else "left"
    text = (rung.error_message or rung.detail).strip().partition("\n")[0]
    detail = tag("span", clean(text), cls="muted") if text else ""
    return tag("li", tag("b", f"{mark} {clean(rung.name)}"), " ", detail, cls=state)


def _is_learned(result: F.SmokeResult) -> bool:
    return len(result.parameters) == 17 and all(result.parameters[15:])


def plane(result: F.SmokeResult) -> Markup:
    beans = json.loads(BEANS.read_text(encoding="utf-8"))
    good = "".join(_dot(*_xy(c, m), 2.6) for c, m, is_good in beans if is_good)
    bad = "".join(_cross(*_xy(c, m), 2.4) for c, m, is_good in beans if not is_good)
    asked = [
        tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="8", cls="asked good" if says else "asked")
        for (x, y), says in zip((_xy(*bean) for bean in ASKED), result.decisions, strict=False)
    ]
    corners = " L".join(f"{x:.1f} {y:.1f}" for x, y in (_xy(*corner) for corner in RULE))
    return _drawing(
        "Beans by temperature and duration, and what the network decides",
        tag("path", d=_shade(result.parameters), cls="learned") if _is_learned(result) else "",
        tag("path", d=f"M{corners}Z", cls="rule"),
        tag("path", d=bad, cls="bad"),
        tag("path", d=good, cls="good"),
        asked,
        _axes([150, 200, 250], [12, 14, 16], "°C", "minutes"),
    )


def _xy(celsius: float, minutes: float) -> tuple[float, float]:
    left, top, right, bottom = INSET
    x = left + (celsius - LEFT) / (RIGHT - LEFT) * (WIDTH - left - right)
    y = HEIGHT - bottom - (minutes - BOTTOM) / (TOP - BOTTOM) * (HEIGHT - top - bottom)
    return x, y


def _dot(x: float, y: float, radius: float) -> str:
    return f"M{x - radius:.1f} {y:.1f}a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"  # noqa: E501


def _cross(x: float, y: float, arm: float) -> str:
    side = 2 * arm
    return f"M{x - arm:.1f} {y - arm:.1f}l{side} {side}m0 {-side}l{-side} {side}"


def probability(parameters: Sequence[float], celsius: float, minutes: float) -> float:
    """What the trained network says of a roast, as coffee_smoke.reference computes it."""
    first, second, b1, w2 = (parameters[i : i + 3] for i in (0, 3, 6, 9))
    b2, mean, deviation = parameters[12], parameters[13:15], parameters[15:17]
    x, y = (celsius - mean[0]) / deviation[0], (minutes - mean[1]) / deviation[1]
    hidden = (_sigmoid(x * first[n] + y * second[n] + b1[n]) for n in range(3))
    return _sigmoid(sum(value * w2[n] for n, value in enumerate(hidden)) + b2)


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def _shade(parameters: Sequence[float], columns: int = 108, rows: int = 72) -> str:
    """The region that the network calls good, as runs of cells in each row."""
    wide, high = (RIGHT - LEFT) / columns, (TOP - BOTTOM) / rows
    parts = []
    for row in range(rows):
        minutes = BOTTOM + (row + 0.5) * high
        start = None
        for column in range(columns + 1):
            celsius = LEFT + (column + 0.5) * wide
            inside = column < columns and probability(parameters, celsius, minutes) > 0.5
            if inside and start is None:
                start = column
            elif not inside and start is not None:
                x, y = _xy(LEFT + start * wide, minutes + high / 2)
                right, bottom = _xy(LEFT + column * wide, minutes - high / 2)
                parts.append(f"M{x:.1f} {y:.1f}H{right:.1f}V{bottom:.1f}H{x:.1f}Z")
                start = None
    return "".join(parts)


def curve(losses: Sequence[float]) -> Markup:
    """On a logarithmic axis."""
    low = math.floor(math.log10(min(losses)))
    high = max(math.ceil(math.log10(max(losses))), low + 1)
    left, top, right, bottom = INSET

    def x(epoch: float) -> float:
        return left + (epoch - 1) / (len(losses) - 1) * (WIDTH - left - right)

    def y(exponent: float) -> float:
        return HEIGHT - bottom - (exponent - low) / (high - low) * (HEIGHT - top - bottom)

    points = [(x(number), y(math.log10(loss))) for number, loss in enumerate(losses, 1)]
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    ticks = [
        tag("text", f"{10.0**exponent:g}", x=left - 6, y=f"{y(exponent) + 4:.1f}", cls="tick y")
        for exponent in range(low, high + 1)
    ]
    rules = [
        tag("line", x1=left, x2=WIDTH - right, y1=f"{y(e):.1f}", y2=f"{y(e):.1f}", cls="grid")
        for e in range(low, high + 1)
    ]
    ends = [
        tag("text", str(n), x=f"{x(n):.1f}", y=HEIGHT - 20, cls="tick x") for n in (1, len(losses))
    ]
    middle = tag("text", "epoch", x=WIDTH / 2, y=HEIGHT - 6, cls="tick x")
    dots = [tag("circle", cx=f"{px:.1f}", cy=f"{py:.1f}", r="3.5", cls="dot") for px, py in points]
    said = f"Loss by epoch, from {losses[0]:.3g} to {losses[-1]:.3g}"
    return _drawing(
        said, rules, tag("polyline", points=line, cls="line"), dots, ticks, ends, middle
    )


def _axes(xs: Sequence[int], ys: Sequence[int], x_name: str, y_name: str) -> Iterator[Markup]:
    left, top, right, bottom = INSET
    base = HEIGHT - bottom
    yield tag("path", d=f"M{left} {top}V{base}H{WIDTH - right}", cls="axis")
    for value in xs:
        yield tag("text", str(value), x=f"{_xy(value, 12)[0]:.1f}", y=base + 17, cls="tick x")
    yield tag("text", x_name, x=WIDTH - right, y=base + 17, cls="tick y")
    for value in ys:
        yield tag("text", str(value), x=left - 8, y=f"{_xy(200, value)[1] + 4:.1f}", cls="tick y")
    turned = f"rotate(-90 14 {(top + base) / 2:.0f})"
    yield tag("text", y_name, x=14, y=f"{(top + base) / 2:.0f}", transform=turned, cls="tick x")


def _drawing(title: str, *parts: Any) -> Markup:
    said = tag("title", title)
    return tag("svg", said, *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")
