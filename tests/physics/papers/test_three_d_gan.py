"""Metrics of the 3DGAN papers against hand-made showers."""

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.papers.three_d_gan import (
    Core90,
    cell_spectrum,
    fit90,
    fit90_if_possible,
    hits,
    in_window,
    mean_moments,
    projection_mse,
    projections,
    sampling_fraction,
    selection_number,
    total_energy_gev,
)


def point(x, y, z, energy=1.0, n=1, shape=(4, 5, 6)):
    images = np.zeros((n, *shape))
    images[:, x, y, z] = energy
    return images


def test_projections_name_their_axes():
    """Breaks when axes are exchanged or showers summed instead of averaged."""
    images = np.concatenate([point(1, 2, 3), point(1, 2, 5, energy=3.0)])
    x, y, z = projections(images)
    np.testing.assert_allclose(x, [0, 2, 0, 0])
    np.testing.assert_allclose(y, [0, 0, 2, 0, 0])
    np.testing.assert_allclose(z, [0, 0, 0, 0.5, 0, 1.5])


def test_projections_leave_out_cells_below_the_threshold():
    """Breaks when the threshold is applied to the mean: 1e-5 GeV in a cell is no hit, twice as much is one."""
    images = np.concatenate([point(0, 0, 0, 1e-5), point(0, 0, 0, 2e-5)])
    assert projections(images)[0][0] == pytest.approx(1e-5)
    assert projections(images, 0.0)[0][0] == pytest.approx(1.5e-5)


def test_projection_mse_in_three_normalisations_by_hand():
    """Breaks when a mean is a sum: 1 GeV moved by a cell along x differs by (1, 1) there; then 2 GeV in place of 1."""
    found = projection_mse(point(1, 2, 3), point(2, 2, 3))
    assert found.per_axis == pytest.approx((2 / 4, 0.0, 0.0))
    assert (found.bin_mean, found.bin_sum, found.unit) == pytest.approx((0.5, 2.0, 0.5))
    scaled = projection_mse(point(1, 2, 3), point(1, 2, 3, energy=2.0))
    assert scaled.bin_sum == pytest.approx(3.0)
    assert scaled.bin_mean == pytest.approx(1 / 4 + 1 / 5 + 1 / 6)
    assert scaled.unit == pytest.approx(0.0, abs=1e-30)


def test_projection_mse_of_nothing_is_refused():
    """Breaks when a collapsed generator gives a division by 0."""
    with pytest.raises(DataError, match="without a cell above"):
        projection_mse(point(1, 2, 3), np.zeros((2, 4, 5, 6)))


def test_moments_of_two_cells_by_hand():
    """Cells at z = 1 (weight 3) and z = 5 (weight 1): barycentre 2, variance 3; empty showers do not count."""
    images = np.concatenate([point(1, 2, 1, 3.0) + point(1, 2, 5, 1.0), np.zeros((1, 4, 5, 6))])
    barycentre, variance = mean_moments(images)
    np.testing.assert_allclose(barycentre, [1, 2, 2])
    np.testing.assert_allclose(variance, [0, 0, 3], atol=1e-12)
    with pytest.raises(DataError, match="without energy"):
        mean_moments(images[1:])


def box(low, n=1):
    """Even energy over two cells along each axis from ``low``: variance 1/4 each."""
    images = np.zeros((n, 4, 5, 6))
    x, y, z = low
    images[:, x : x + 2, y : y + 2, z : z + 2] = 1.0
    return images


def test_selection_number_by_hand():
    """Breaks when a part is lost or counted otherwise.

    Moved along z from (1, 2) to (2, 3): barycentre 1.5 to 2.5, a third of the six moments' mean 1/2 -> (2/3)/6 = 1/9;
    projections along z 4, 4, 0 against 0, 4, 4: mean of (1, 0) over its filled bins is 1/2, over the axes 1/6.
    """
    found = selection_number(box((1, 1, 1)), box((1, 1, 2)), np.array([20.0]), np.array([20.0]))
    assert found.position == pytest.approx(1 / 9)
    assert found.profile == pytest.approx(1 / 6)
    assert found.clean == pytest.approx(1 / 9 + 1 / 6)
    assert found.as_coded == pytest.approx(2 / 9)
    assert found.n_windows == 1


def test_selection_number_averages_over_energy_windows():
    """Breaks when a window is missed or taken from the other sample's energies: right at 50 GeV, wrong at 100 GeV."""
    reference = box((1, 1, 1), 2)
    generated = np.concatenate([box((1, 1, 2)), box((1, 1, 1), 2)])
    found = selection_number(reference, generated, np.array([52.0, 96.0]), np.array([96.0, 52.0, 52.0]))
    assert found.n_windows == 3
    # all together: barycentre 1.5 against 11/6
    assert found.position == pytest.approx((1 / 27 + 0 + 1 / 9) / 3)


def test_cell_spectrum_counts_cells_per_shower():
    """Breaks when empty cells are counted or the number of showers is forgotten."""
    images = np.concatenate([point(0, 0, 0, 2e-4), point(0, 0, 1, 2e-4), np.zeros((2, 4, 5, 6))])
    np.testing.assert_allclose(cell_spectrum(images, np.array([1e-5, 1e-4, 1e-3])), [0.0, 0.5])


def test_hits_energy_and_sampling_fraction_use_the_threshold():
    """Breaks when cells at or below 1e-5 GeV count."""
    images = point(0, 0, 0, 0.5) + point(0, 0, 1, 1e-5) + point(0, 0, 2, 1.1e-5)
    assert hits(images).tolist() == [2]
    assert total_energy_gev(images)[0] == pytest.approx(0.500011)
    assert sampling_fraction(images, np.array([25.0]))[0] == pytest.approx(0.500011 / 25)


def test_windows_are_2_gev_to_either_side():
    """Breaks when the width is meant in all, or an end is left out."""
    assert in_window(np.array([47.9, 48.0, 52.0, 52.1]), 50.0).tolist() == [False, True, True, False]


def test_fit90_of_a_normal_distribution():
    """Breaks when the interval is not the shortest or the width is the plain one: 0.789 of a normal's sigma.

    Quantiles of N(5, 2) at 20 001 even probabilities, so nothing is left to chance.
    """
    from scipy.stats import norm

    found = fit90(norm.ppf((np.arange(20_001) + 0.5) / 20_001, 5.0, 2.0))
    assert found.width / 2.0 == pytest.approx(0.789, abs=1e-3)
    assert found.mean == pytest.approx(5.0, abs=0.01)
    assert found.width_error == pytest.approx(found.width / np.sqrt(2 * 0.9 * 20_001), rel=1e-3)
    assert found.mean_error == pytest.approx(found.width / np.sqrt(0.9 * 20_001), rel=1e-3)
    assert found.relative_width == pytest.approx(0.789 * 2 / 5, abs=1e-3)


def test_error_of_a_relative_width_by_hand():
    """Breaks if the relative errors are not added in quadrature: 4 +- 0.4 over 8 +- 0.4 is 1/2 with 10 % and 5 %."""
    core = Core90(mean=8.0, mean_error=0.4, width=4.0, width_error=0.4)
    assert core.relative_width == pytest.approx(0.5)
    assert core.relative_width_error == pytest.approx(0.5 * np.hypot(0.1, 0.05))


def test_fit90_leaves_out_the_far_tenth():
    """Breaks when a central interval is taken: the two far values lie on one side."""
    found = fit90(np.array([*range(18), 100.0, 200.0]))
    assert found.mean == pytest.approx(8.5)
    with pytest.raises(DataError, match="found 9 showers"):
        fit90(np.arange(9))


def test_a_core_without_width_or_below_0_has_no_relative_width():
    """Breaks when showers that are all alike, or negative ones, end in a division by 0 or a negative width."""
    spread = np.linspace(1.0, 2.0, 20)
    assert fit90_if_possible(spread) == fit90(spread)
    assert fit90_if_possible(np.full(20, 1.5)) is None
    assert fit90_if_possible(-spread) is None
    assert fit90_if_possible(spread[:9]) is None
