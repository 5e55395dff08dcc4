"""Tables of ranges of energies, carried on to the ends."""

import numpy as np

from calosim_tf.data.energy_knots import to_the_ends


def test_rows_go_on_linearly_and_stay_positive():
    """Breaks if an end takes the slope of the other, or a width may fall to 0."""
    knots, rows = to_the_ends(np.array([1.0, 2.0, 4.0]), np.array([[1.0, -1.0], [3.0, 2.0], [4.0, 1.0]]), 0.5, 6.0)
    np.testing.assert_allclose(knots, [0.5, 1.0, 2.0, 4.0, 6.0])
    np.testing.assert_allclose(rows[0], [0.5, -2.5])
    np.testing.assert_allclose(rows[-1], [5.0, 0.5])


def test_single_energies_stay_as_they_are():
    """Breaks the published generators: rounded records of discrete energies would get knots beside the ends."""
    table = np.array([5.0, 7.0]), np.array([[1.0], [2.0]])
    for found, expected in zip(to_the_ends(*table, 5.0 - 1e-6, 7.0 + 1e-6), table, strict=True):
        np.testing.assert_array_equal(found, expected)
