"""The picture: beans, what each unit has learned, the losses. Drawn with this interpreter's own
matplotlib from the worker's document, so the target needs none.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any, Dict, Optional

from coffee_smoke import data, reference

SUFFIXES = (".png", ".svg")
STEPS = 300  # of the grid, in each direction
GOOD, BAD, LINE = "#6b3e26", "#2f6fab", "#222222"
SHADES = "YlOrBr"
DARKEST = 2.4  # what would be the darkest shade; 1 stays light enough for the beans


def why_not(path: str) -> Optional[str]:
    """Why no picture can be drawn into this file, before anything is trained for it."""
    if os.path.splitext(path)[1].lower() not in SUFFIXES:
        return "--plot draws .png and .svg: %s is neither" % path
    if not os.path.isdir(os.path.dirname(path) or "."):
        return "--plot: there is no folder %s" % os.path.dirname(path)
    if importlib.util.find_spec("matplotlib") is None:
        return "--plot needs matplotlib beside coffee-smoke: pip install 'envcheck[plot]'"
    return None


def draw(document: Dict[str, Any], path: str) -> Optional[str]:
    """Writes the file; gives the reason where there is nothing to draw."""
    import matplotlib

    if not document["weights"] or None in document["losses"]:
        return "no picture: the network was not trained"
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(12, 7.6), layout="constrained")
    figure.suptitle(title(document), fontsize=13, x=0.01, ha="left")
    wide, narrow = figure.subfigures(1, 2, width_ratios=(1.15, 1), wspace=0.04)
    rows = narrow.subfigures(2, 1, height_ratios=(1, 1.35))
    draw_output(wide.subplots(), document)
    draw_units(rows[0], document)
    draw_losses(rows[1].subplots(), document["losses"])
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        return "the picture cannot be written: %s" % error
    finally:
        pyplot.close(figure)
    return None


def title(document: Dict[str, Any]) -> str:
    found = document["tensorflow"] or {}
    where = document["device"]
    return "The coffee network on %s, TensorFlow %s, Keras %s: %d steps in %.1f s" % (
        where,
        found.get("version"),
        found.get("keras_version"),
        document["steps"],
        document["training_seconds"],
    )


def grid(document: Dict[str, Any]) -> Any:
    """(celsius, minutes, normalised rows) of STEPS x STEPS roasts."""
    import numpy

    celsius, minutes = numpy.meshgrid(
        numpy.linspace(*data.CELSIUS, STEPS), numpy.linspace(*data.MINUTES, STEPS)
    )
    rows = numpy.stack([celsius, minutes], axis=-1).reshape(-1, 2)
    scale = document["normalisation"]
    return celsius, minutes, (rows - scale["mean"]) / scale["deviation"]


def weights_of(document: Dict[str, Any]) -> Any:
    import numpy

    return tuple(numpy.array(document["weights"][name]) for name in ("W1", "b1", "W2", "b2"))


def draw_output(axes: Any, document: Dict[str, Any]) -> None:
    celsius, minutes, rows = grid(document)
    answer = reference.forward(weights_of(document), rows).reshape(celsius.shape)
    draw_region(axes, celsius, minutes, answer, 1.8)
    rule = data.is_good(celsius, minutes).astype(float)
    axes.contour(
        celsius, minutes, rule, levels=[0.5], colors=LINE, linewidths=1, linestyles="dotted"
    )
    draw_beans(axes, size=42)
    accuracy = document["accuracy"]
    said = "Output: %d of %d beans right" % (accuracy["correct"], accuracy["total"])
    axes.set_title(said, loc="left", fontsize=12)
    axes.set_xlabel("temperature (°C)")
    axes.set_ylabel("duration (minutes)")
    axes.plot([], [], color=LINE, linewidth=1.8, label="learned: 0.5")
    axes.plot([], [], color=LINE, linewidth=1, linestyle="dotted", label="the rule")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.07), ncols=4, frameon=False)


def draw_region(axes: Any, celsius: Any, minutes: Any, value: Any, width: float) -> None:
    """Shades 0 to 1, with the line of 0.5."""
    axes.pcolormesh(
        celsius,
        minutes,
        value,
        cmap=SHADES,
        vmin=0,
        vmax=DARKEST,
        shading="gouraud",
        rasterized=True,
    )
    axes.contour(celsius, minutes, value, levels=[0.5], colors=LINE, linewidths=width)


def draw_beans(axes: Any, size: float) -> None:
    x, y = data.beans()
    good = y.ravel() == 1
    rim, stroke = (0.8, 1.2) if size > 20 else (0.2, 0.7)
    axes.scatter(
        *x[good].T, s=size, color=GOOD, edgecolors="white", linewidths=rim, label="good roast"
    )
    axes.scatter(
        *x[~good].T, s=size * 0.7, color=BAD, marker="x", linewidths=stroke, label="bad roast"
    )
    axes.set_xlim(*data.CELSIUS)
    axes.set_ylim(*data.MINUTES)


def draw_units(figure: Any, document: Dict[str, Any]) -> None:
    celsius, minutes, rows = grid(document)
    w1, b1, w2, _ = weights_of(document)
    values = reference.sigmoid(rows @ w1 + b1)
    figure.suptitle("Hidden units", x=0.02, ha="left", fontsize=12)
    for number, axes in enumerate(figure.subplots(1, 3, sharey=True)):
        unit = values[:, number].reshape(celsius.shape)
        draw_region(axes, celsius, minutes, unit, 1.2)
        draw_beans(axes, size=10)
        axes.set_title("unit %d, weight %+.0f" % (number + 1, w2[number, 0]), fontsize=9)
        axes.set_xticks([150, 200, 250])
        axes.tick_params(labelsize=8)


def draw_losses(axes: Any, losses: Any) -> None:
    epochs = range(1, len(losses) + 1)
    axes.semilogy(epochs, losses, color=LINE, marker="o", markersize=4)
    axes.set_title("Loss (binary cross-entropy)", loc="left", fontsize=12)
    axes.set_xlabel("epoch of %d batches" % data.BATCHES)
    axes.set_xticks(list(epochs))
    axes.grid(visible=True, which="both", alpha=0.25)
    for epoch, loss, below in ((1, losses[0], 8), (len(losses), losses[-1], -16)):
        axes.annotate(
            "%.4f" % loss, (epoch, loss), xytext=(0, below), textcoords="offset points", ha="center"
        )
    axes.margins(x=0.09, y=0.18)
