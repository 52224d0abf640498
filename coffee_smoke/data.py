"""The coffee beans: 200 roasts, what makes one good, and the course's 200,000 rows.

numpy is imported inside the functions: a broken numpy has to become the result of a rung,
not a crash while this package is being loaded.
"""

from __future__ import annotations

from typing import Any, Tuple

# Degrees Celsius and minutes of the roasts.
CELSIUS = (150.0, 285.0)
MINUTES = (11.5, 15.5)
BEANS = 200
COPIES = 1000
BATCH = 32
BATCHES = BEANS * COPIES // BATCH

# Degrees Celsius and minutes: the first is a good roast, the second is burnt.
TEST_BEANS = ((200.0, 13.9), (200.0, 17.0))
TEST_DECISIONS = (1, 0)


def is_good(celsius: Any, minutes: Any) -> Any:
    """The decision rule; works on numbers and, element by element, on arrays."""
    return (
        (celsius > 175)
        & (celsius < 260)
        & (minutes > 12)
        & (minutes < 15)
        & (minutes <= 21 - 3 / 85 * celsius)
    )


def beans() -> Tuple[Any, Any]:
    """X (200, 2) in degrees Celsius and minutes, Y (200, 1) of 0.0 and 1.0; both float64."""
    import numpy

    x = numpy.random.default_rng(2).random(BEANS * 2).reshape(BEANS, 2)
    x[:, 0] = x[:, 0] * (285 - 150) + 150
    x[:, 1] = x[:, 1] * (15.5 - 11.5) + 11.5
    y = is_good(x[:, 0], x[:, 1]).astype(numpy.float64).reshape(BEANS, 1)
    return x, y


def asked_beans() -> Any:
    import numpy

    return numpy.array(TEST_BEANS)


def tile(rows: Any) -> Any:
    """The rows COPIES times over, as float32."""
    import numpy

    return numpy.tile(rows, (COPIES, 1)).astype(numpy.float32)


def decide(probabilities: Any) -> Any:
    return (probabilities > 0.5).astype(int)
