"""The shipped weights and the float64 reference, without TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

from coffee_smoke import data, reference, roast


@pytest.fixture(scope="module")
def beans():
    rows, labels = data.beans()
    return reference.normalise(rows, rows), labels


def test_normalised_columns_have_mean_0_and_deviation_1(beans):
    x, _ = beans
    assert np.allclose(x.mean(axis=0), 0, atol=1e-12)
    assert np.allclose(x.std(axis=0), 1, atol=1e-12)


def test_shipped_weights_have_the_networks_shapes_and_13_parameters():
    weights = reference.shipped_weights()
    assert [w.shape for w in weights] == [(2, 3), (3,), (3, 1), (1,)]
    assert sum(w.size for w in weights) == 13


def test_shipped_weights_decide_rightly_before_any_training(beans):
    x, labels = beans
    rows, _ = data.beans()
    weights = reference.shipped_weights()
    asked = reference.forward(weights, reference.normalise(data.asked_beans(), rows))
    assert roast.decisions_of(asked) == [1, 0]
    assert asked[0, 0] > roast.GOOD_BEAN_ABOVE
    assert asked[1, 0] < 1e-5
    found = reference.forward(weights, x)
    assert int((data.decide(found) == labels).sum()) == 200
    assert reference.loss(weights, x, labels) < roast.FINAL_LOSS_BELOW
    # A bean near 0.5 could flip within the tolerance that a GPU is allowed.
    assert np.abs(found - 0.5).min() > 10 * roast.TOLERANCE


def test_gradients_agree_with_finite_differences(beans):
    x, labels = beans
    rng = np.random.default_rng(7)
    weights = tuple(rng.normal(size=shape) for shape in reference.SHAPES)
    step = 1e-6
    for k, gradient in enumerate(reference.gradients(weights, x, labels)):
        for index in np.ndindex(*weights[k].shape):
            ends = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[k][index] += sign * step
                ends.append(reference.loss(tuple(moved), x, labels))
            assert gradient[index] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_saturated_units_give_neither_warnings_nor_nan():
    weights = tuple(np.full(shape, 1e4) for shape in reference.SHAPES)
    x = np.array([[1e3, 1e3], [-1e3, -1e3]])
    assert np.isfinite(reference.forward(weights, x)).all()
    assert np.isfinite(reference.loss(weights, x, np.array([[0.0], [1.0]])))
