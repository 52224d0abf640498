"""The beans are the course's beans, to the last bit."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from coffee_smoke import data


def test_beans_are_the_courses_to_the_last_bit():
    x, y = data.beans()
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((200, 2), (200, 1), np.float64, np.float64)
    # Little endian float64, as on every machine TensorFlow is built for.
    assert hashlib.sha256(x.tobytes()).hexdigest() == (
        "2213ed94d1583358e16c00ff8c1d4bf058836f51bd036d9ba40b82b447214be9"
    )
    assert hashlib.sha256(y.tobytes()).hexdigest() == (
        "540e723fae3c129192304d639ceb8ffbe6996be825d99ff802361f31ba3c0f1e"
    )
    assert y.sum() == 43
    assert (x[:, 0] >= 150).all() and (x[:, 0] < 285).all()
    assert (x[:, 1] >= 11.5).all() and (x[:, 1] < 15.5).all()


@pytest.mark.parametrize(
    ("celsius", "minutes", "good"),
    [
        (200, 13.9, True),
        (200, 17, False),  # too long
        (175, 13, False),  # each border itself is outside
        (260, 11.9, False),
        (200, 12, False),
        (180, 15, False),
    ],
)
def test_decision_rule_at_its_borders(celsius, minutes, good):
    assert bool(data.is_good(celsius, minutes)) is good


def test_the_slanted_border_itself_is_inside():
    border = 21 - 3 / 85 * 240.0
    assert bool(data.is_good(240.0, border))
    assert not bool(data.is_good(240.0, np.nextafter(border, 99)))


def test_tiling_repeats_the_rows_in_order():
    x, _ = data.beans()
    tiled = data.tile(x)
    assert tiled.shape == (200_000, 2)
    assert tiled.dtype == np.float32
    assert (tiled[200 * 999 :] == x.astype(np.float32)).all()
    assert len(tiled) == data.BATCHES * data.BATCH
