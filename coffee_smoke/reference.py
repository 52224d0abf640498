"""The same network in plain numpy, float64: what a correct machine has to agree with.

Weights travel as the tuple (W1 (2, 3), b1 (3,), W2 (3, 1), b2 (1,)), x is already normalised.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Tuple

Weights = Tuple[Any, ...]
SHAPES = ((2, 3), (3,), (3, 1), (1,))


def shipped_weights() -> Weights:
    """The trained set beside this file; ValueError when its shapes are not the network's."""
    import numpy

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights.json")
    with open(path, encoding="utf-8") as stream:
        stored: Dict[str, Any] = json.load(stream)
    weights = tuple(numpy.array(stored[name], dtype=float) for name in ("W1", "b1", "W2", "b2"))
    if tuple(w.shape for w in weights) != SHAPES:
        raise ValueError("weights.json holds other shapes than " + repr(SHAPES))
    return weights


def normalise(rows: Any, training_rows: Any) -> Any:
    """What the Keras layer computes after `adapt`: population variance, per column."""
    return (rows - training_rows.mean(axis=0)) / training_rows.std(axis=0)


def sigmoid(z: Any) -> Any:
    import numpy

    # exp of a negative number only: no overflow warning for a saturated unit.
    e = numpy.exp(-numpy.abs(z))
    return numpy.where(z >= 0, 1 / (1 + e), e / (1 + e))


def logits(weights: Weights, x: Any) -> Any:
    w1, b1, w2, b2 = weights
    return sigmoid(x @ w1 + b1) @ w2 + b2


def forward(weights: Weights, x: Any) -> Any:
    """Probabilities of a good roast, (n, 1)."""
    return sigmoid(logits(weights, x))


def loss(weights: Weights, x: Any, y: Any) -> float:
    """Mean binary cross-entropy, computed from the logit so that log(0) cannot occur."""
    import numpy

    z = logits(weights, x)
    return float(numpy.mean(numpy.logaddexp(0, z) - y * z))


def gradients(weights: Weights, x: Any, y: Any) -> Weights:
    """d loss / d (W1, b1, W2, b2), by hand."""
    w1, b1, w2, _ = weights
    hidden = sigmoid(x @ w1 + b1)
    d_logit = (forward(weights, x) - y) / len(x)
    d_hidden = d_logit @ w2.T * hidden * (1 - hidden)
    return (x.T @ d_hidden, d_hidden.sum(axis=0), hidden.T @ d_logit, d_logit.sum(axis=0))
