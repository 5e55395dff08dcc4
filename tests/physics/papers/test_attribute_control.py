"""Requested against reconstructed attributes on showers whose centres are known exactly."""

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.physics.observables.features import shower_features
from calosim_tf.physics.papers.attribute_control import calibrate, control

CALOGAN = get_detector("calogan")


def straight_showers(n, seed, listens=True):
    """Half of the energy in layer 0, half in layer 1, shared by two cells per axis so that centres are exact.

    x in layer 1 is x0 + 200 mm times the slope against phi, y in both layers the same with theta.  A generator that
    ignores its condition makes the shower of another particle of the same energy.
    """
    rng = np.random.default_rng(seed)
    energy = rng.uniform(1e3, 1e5, n)
    attributes = np.stack(
        [np.pi / 2 + rng.uniform(-0.3, 0.3, n), rng.uniform(-0.3, 0.3, n), *rng.uniform(-40, 40, (2, n))], axis=1
    )
    made = attributes if listens else rng.permutation(attributes)
    showers = np.zeros((n, CALOGAN.n_voxels))
    for layer, depth_mm in zip(CALOGAN.layers[:2], (20.0, 200.0), strict=True):
        x = made[:, 2] - depth_mm * made[:, 1]
        y = made[:, 3] + depth_mm * (made[:, 0] - np.pi / 2)
        rows = shared_by_two(x, layer.row_edges_mm)
        columns = shared_by_two(y, layer.column_edges_mm)
        picture = 0.5 * energy[:, None, None] * rows[:, :, None] * columns[:, None, :]
        showers[:, CALOGAN.layer_slices[layer.layer_id]] = picture.reshape(n, -1)
    return ShowerSet(energy, 0.9 * showers, CALOGAN, "straight showers", attributes)


def shared_by_two(place_mm, edges_mm):
    """Shares of the two bins around a place, whose centre of gravity is that place: shape (n, bins)."""
    middles = (edges_mm[1:] + edges_mm[:-1]) / 2
    return np.maximum(0.0, 1.0 - np.abs(place_mm[:, None] - middles) / (middles[1] - middles[0]))


def reconstructed(showers, calibration):
    features = shower_features(showers, threshold_mev=0.0)
    return calibration.energy_mev(features), calibration.attributes(features)


@pytest.fixture(scope="module")
def calibration():
    real = straight_showers(400, 1)
    rows = np.arange(400) < 200
    return calibrate(shower_features(real, 0.0), real.incident_energy_mev, real.attributes, rows)


def test_linear_showers_are_reconstructed_exactly(calibration):
    """Breaks when centres are mixed up between layers or axes, or the calibration is applied in another order."""
    showers = straight_showers(100, 2)
    energy, attributes = reconstructed(showers, calibration)
    np.testing.assert_allclose(energy, showers.incident_energy_mev, rtol=1e-9)
    np.testing.assert_allclose(attributes, showers.attributes, atol=1e-6)


def test_response_is_that_of_the_calibration_rows(calibration):
    """Breaks when all showers calibrate, and so are judged by themselves."""
    assert calibration.response == pytest.approx(0.9)
    real = straight_showers(400, 1)
    rows = np.arange(400) < 200
    real.showers_mev[200:] *= 2
    features = shower_features(real, 0.0)
    again = calibrate(features, real.incident_energy_mev, real.attributes, rows)
    assert again.response == pytest.approx(calibration.response)


def test_a_generator_that_does_not_listen_has_slope_zero(calibration):
    """Breaks when a generator that ignores its condition passes by its small mean bias."""
    deaf = straight_showers(400, 3, listens=False)
    _, attributes = reconstructed(deaf, calibration)
    for column in range(4):
        result = control(deaf.attributes[:, column], attributes[:, column], np.random.default_rng(0))
        assert abs(result.bias) < 4 * result.bias_error
        assert abs(result.slope) < 4 * result.slope_error < 0.4
        assert result.resolution > deaf.attributes[:, column].std()


def test_numbers_by_hand():
    """Breaks when bias, resolution or slope is not what its name says."""
    requested = np.linspace(-1.0, 1.0, 101)
    spread = np.tile([-0.5, 0.5], 51)[:101]
    result = control(requested, 0.25 + 0.5 * requested, np.random.default_rng(0))
    assert result.slope == pytest.approx(0.5)
    assert result.bias == pytest.approx(0.25)
    assert result.resolution == pytest.approx(0.34)  # half of the central 68 % of a flat law of width 1
    noisy = control(10.0 + requested, (10.0 + requested) * (1.1 + spread), np.random.default_rng(0), relative=True)
    assert noisy.bias == pytest.approx(0.1, abs=0.01)
    assert noisy.resolution == pytest.approx(0.5)
    assert noisy.n == 101


def test_errors_are_those_of_the_mean():
    """Breaks when the bootstrap draws the wrong number of showers."""
    rng = np.random.default_rng(4)
    requested, noise = rng.uniform(-50, 50, 2000), rng.normal(0, 3, 2000)
    result = control(requested, requested + noise, rng)
    assert result.bias_error == pytest.approx(3 / np.sqrt(2000), rel=0.25)
    assert result.resolution == pytest.approx(3, abs=5 * result.resolution_error)
    assert result.slope_error == pytest.approx(3 / np.sqrt(2000) / requested.std(), rel=0.25)
