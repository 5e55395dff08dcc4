"""Walks along a condition on a generator made by hand, and mean pictures."""

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.physics.observables.features import shower_features
from calosim_tf.physics.papers.mean_images import mean_images
from calosim_tf.physics.papers.traversal import ENERGY, Curve, along, paths, walk

CALOGAN, LHCB = get_detector("calogan"), get_detector("lhcb")
EXTREMES = np.array([[1.2, -0.3, -50.0, -40.0], [1.9, 0.3, 50.0, 60.0]])


def by_name(found):
    return {path.quantity: path for path in found}


def test_one_quantity_moves_and_the_others_stand():
    """Breaks when a walk changes two conditions, or misses the ends of the range."""
    found = by_name(paths(CALOGAN, (1e3, 1e5), EXTREMES, n_points=5, n_latents=3))
    assert list(found) == [ENERGY, "theta_rad", "phi_rad", "x0_mm", "y0_mm"]
    energy = found[ENERGY]
    assert energy.values.tolist() == [1e3, 25750.0, 50500.0, 75250.0, 1e5]
    assert energy.incident_energy_mev.tolist() == np.repeat(energy.values, 3).tolist()
    np.testing.assert_array_equal(energy.attributes, np.tile(CALOGAN.central, (15, 1)))
    y = found["y0_mm"]
    assert (y.values[0], y.values[-1]) == (-40.0, 60.0)
    assert y.attributes[:, 3].tolist() == np.repeat(y.values, 3).tolist()
    np.testing.assert_array_equal(y.attributes[:, :3], np.tile(CALOGAN.central[:3], (15, 1)))
    assert set(y.incident_energy_mev) == {50500.0}


def test_a_momentum_that_is_the_energy_is_no_walk_of_its_own():
    """Breaks when pz of a perpendicular particle is walked away from its energy."""
    found = by_name(paths(LHCB, (1e3, 1e5), np.array([[0.0] * 5, [1.0] * 5])))
    assert list(found) == [ENERGY, "px_gev", "py_gev", "x_cm", "y_cm"]
    assert set(found["px_gev"].attributes[:, 2]) == {50.5}
    np.testing.assert_array_equal(found[ENERGY].attributes[:, 2], found[ENERGY].incident_energy_mev / 1e3)


def test_every_point_has_the_same_latents():
    """Breaks when a point of a walk has latents of its own and noise looks like a trend."""
    path = paths(CALOGAN, (1e3, 1e5), EXTREMES, n_points=4, n_latents=2)[0]
    latent = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(path.latents(latent).reshape(4, 2, 3), np.broadcast_to(latent, (4, 2, 3)))


def one_cell_showers(energy_mev, row):
    """All energy in column 3 of one row of layer 1."""
    showers = np.zeros((len(energy_mev), 3, 12, 12))
    showers[np.arange(len(energy_mev)), 1, row, 3] = energy_mev
    return np.concatenate(
        [np.zeros((len(energy_mev), 288)), showers[:, 1].reshape(-1, 144), np.zeros((len(row), 72))], 1
    )


def test_curves_follow_the_showers():
    """Breaks when energies, centres or their errors land at the wrong point or layer."""
    path = by_name(paths(CALOGAN, (1e3, 5e3), EXTREMES, n_points=5, n_latents=2))[ENERGY]
    response = np.tile([0.9, 1.1], 5)
    rows = np.repeat([2, 3, 4, 5, 9], 2)
    result = walk(path, one_cell_showers(response * path.incident_energy_mev, rows), CALOGAN)
    energy, centre = result.curves["energy_layer_1"], result.curves["centre_x_layer_1"]
    np.testing.assert_allclose(energy.mean, path.values)
    np.testing.assert_allclose(energy.error, 0.1 * path.values)
    # latent by latent: 0.9 * 4000 and 1.1 * 4000
    assert (energy.change, energy.change_error) == pytest.approx((4000.0, 400.0))
    assert (energy.monotonic, energy.steps_up) == (True, 1.0)
    np.testing.assert_allclose(centre.mean, (np.array([2, 3, 4, 5, 9]) - 5.5) * 40.0)
    assert result.curves["energy_layer_0"].mean.tolist() == [0.0] * 5
    assert not result.curves["energy_layer_0"].change
    assert result.mean_showers_mev[4, 288 + 9 * 12 + 3] == pytest.approx(5e3)


def test_a_curve_that_turns_is_not_monotonic():
    """Breaks when only the ends of a walk are looked at."""
    path = by_name(paths(CALOGAN, (1e3, 5e3), EXTREMES, n_points=5, n_latents=1))["x0_mm"]
    showers = one_cell_showers(np.full(5, 1e3), np.array([2, 4, 3, 5, 6]))
    centre = walk(path, showers, CALOGAN).curves["centre_x_layer_1"]
    assert not centre.monotonic
    assert centre.steps_up == 0.75


def test_real_showers_count_at_the_nearest_point_and_at_the_fixed_energy():
    """Breaks when real showers of other energies shift an energy curve of an attribute."""
    path = by_name(paths(CALOGAN, (1e3, 5e3), EXTREMES, n_points=3, n_latents=1))["x0_mm"]
    energy = np.array([1e3, 4e3, 2e3, 2e3])
    attributes = np.tile(CALOGAN.central, (4, 1))
    attributes[:, 2] = [-49.0, -26.0, 10.0, 24.0]  # points at -50, 0, 50
    showers = ShowerSet(energy, one_cell_showers(energy, np.array([1, 3, 6, 6])), CALOGAN, "real", attributes)
    curves = along(path, showers, shower_features(showers))
    np.testing.assert_allclose(curves["energy_layer_1"].mean, [3e3, 3e3, np.nan])
    np.testing.assert_allclose(curves["centre_x_layer_1"].mean, [(2 - 5.5) * 40, 20.0, np.nan])
    assert curves["energy_layer_1"].error[0] == pytest.approx(0.0, abs=1e-9)


def test_mean_pictures_by_hand():
    """Breaks when pictures are transposed or the difference is not that of the whole picture."""
    rng = np.random.default_rng(1)
    energy = rng.uniform(1e3, 1e5, 40)
    real = ShowerSet(energy, rng.gamma(0.5, 10.0, (40, 504)), CALOGAN, "real", np.tile(CALOGAN.central, (40, 1)))
    made = ShowerSet(energy, 1.1 * real.showers_mev, CALOGAN, "made", real.attributes)
    for image, shape in zip(mean_images(made, real), ((3, 96), (12, 12), (12, 6)), strict=True):
        assert image.reference_mev.shape == shape
        assert image.energy_ratio == pytest.approx(1.1)
        assert image.difference == pytest.approx(0.1)
        assert 0.01 < image.reference_vs_reference < 1.0
    np.testing.assert_allclose(mean_images(made, real)[0].reference_mev[2, 95], real.showers_mev[:, 287].mean())


@pytest.mark.parametrize(("mean", "monotonic"), [([1, 2, 3], True), ([3, 2, 1], True), ([1, 3, 2], False)])
def test_a_falling_curve_is_monotonic_too(mean, monotonic):
    """Breaks if a quantity that has to fall along a walk counts as one that turns."""
    assert Curve(np.array(mean, dtype=float), np.zeros(3), 1.0, 0.0).monotonic == monotonic
