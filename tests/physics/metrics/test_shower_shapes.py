"""Shapes of showers: profiles compared by hand."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.physics.metrics.shower_shapes import profile_difference


def test_difference_of_profiles_and_its_error_by_hand():
    """Breaks if the difference is not halved, or its error is that of one sample.

    All energy of a shower lies in one of two bins; the shares of the first, 25 and 62.5 %, are then binomial.
    """
    showers = np.eye(2)
    generated = showers[(np.arange(400) % 4 > 0).astype(int)]
    reference = showers[(np.arange(800) % 8 > 4).astype(int)]
    value, error = profile_difference(generated, reference, np.random.default_rng(0))
    assert value == pytest.approx(0.375)
    assert error == pytest.approx(np.sqrt(0.25 * 0.75 / 400 + 0.625 * 0.375 / 800), rel=0.15)
