"""Metrics of the 3DGAN papers on small made-up cubes: values, errors, Monte Carlo beside them, axes."""

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import CellLayer, get_detector
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.metric import measure
from calosim_tf.physics.metrics.three_d_gan import THREE_D_METRICS
from calosim_tf.physics.papers.cubes import cubes_gev
from calosim_tf.physics.papers.three_d_gan import fit90, projection_mse

# x, y, z differ, so that exchanged axes are seen
X, Y, Z = 3, 4, 5
CLIC, PHOTON = get_detector("clic"), get_detector("photon")
SMALL = replace(CLIC, layers=tuple(CellLayer(z, X, Y, 5.1, 5.1, "x", "y") for z in range(Z)))


def cubes(seed, count=400, scale=1.0):
    """Cubes in GeV whose sum is 2 % of the energy, 5 % wide; the second half of x is colder."""
    rng = np.random.default_rng(seed)
    energy_gev = rng.uniform(10.0, 60.0, count)
    images = rng.gamma(2.0, 1.0, (count, X, Y, Z)) * np.linspace(2.0, 1.0, X)[:, None, None]
    visible = 0.02 * scale * energy_gev * rng.normal(1.0, 0.05, count)
    images *= (visible / images.sum(axis=(1, 2, 3)))[:, None, None, None]
    return energy_gev, images


def showers(images, energy_gev):
    flat = images.transpose(0, 3, 1, 2).reshape(len(images), -1) * 1e3
    return ShowerSet(energy_gev * 1e3, flat.astype(np.float32), SMALL, "made up")


@pytest.fixture(scope="module")
def pair():
    (energy, reference), (other_energy, generated) = cubes(1), cubes(2, scale=1.1)
    return (energy, reference), (other_energy, generated)


@pytest.fixture(scope="module")
def results(pair):
    (energy, reference), (other_energy, generated) = pair
    comparison = compare(showers(generated, other_energy), showers(reference, energy))
    return measure(THREE_D_METRICS, comparison, make_baseline(comparison, None))


def test_cubes_are_the_showers_that_were_flattened(pair):
    """Breaks when x, y and z are exchanged or MeV are read as GeV."""
    energy, images = pair[0]
    np.testing.assert_allclose(cubes_gev(showers(images, energy).showers_mev, SMALL), images, rtol=1e-6)
    assert cubes_gev(showers(images, energy).showers_mev, SMALL).dtype == np.float32


def test_values_are_those_of_the_functions_on_cubes(pair, results):
    """Breaks when an axis, the reference or the incident energy is mistaken for another one."""
    (energy, reference), (other_energy, generated) = pair
    expected = projection_mse(reference, generated)
    entries = results.overall
    assert entries["projection_mse"]["value"] == pytest.approx(expected.bin_mean, rel=1e-4)
    assert entries["projection_mse"]["unit_sum"] == pytest.approx(expected.unit, rel=1e-3)
    assert entries["projection_mse"]["bin_sum_gev2"] == pytest.approx(expected.bin_sum, rel=1e-4)
    for axis, value in zip("xyz", expected.per_axis, strict=True):
        assert entries[f"projection_mse_{axis}"]["value"] == pytest.approx(value, rel=1e-4)
    cores = [
        fit90(images.sum(axis=(1, 2, 3)) / energies)
        for images, energies in ((generated, other_energy), (reference, energy))
    ]
    assert entries["mu90_response"]["value"] == pytest.approx(cores[0].mean, rel=1e-4)
    assert entries["mu90_response"]["reference_value"] == pytest.approx(cores[1].mean, rel=1e-4)
    assert entries["mu90_response_ratio"]["value"] == pytest.approx(1.1, rel=0.01)
    assert entries["sigma90_over_mu90"]["value"] == pytest.approx(cores[0].relative_width, rel=1e-3)
    width = entries["sigma90_over_mu90_ratio"]
    assert abs(width["value"] - 1.0) < 4 * width["error"] < 0.4


def test_monte_carlo_stands_beside_each_number(results):
    """Breaks when the halves of the reference are not measured: a scale of 1.1 is far above their difference."""
    entry = results.overall["projection_mse"]
    assert 0.0 < entry["reference_vs_reference"] < 0.3 * entry["value"]
    assert 0.0 < entry["error"] < entry["value"]
    assert results.per_energy


def test_errors_of_projections_are_their_spread_over_samples():
    """Breaks when showers are not resampled together: the bootstrap error is that of 30 independent samples."""
    values, errors = [], []
    metric = THREE_D_METRICS[0]
    for seed in range(30):
        (energy, reference), (other_energy, generated) = cubes(100 + seed, 150), cubes(200 + seed, 150, 1.2)
        comparison = compare(showers(generated, other_energy), showers(reference, energy))
        found = metric.function(comparison, np.random.default_rng(seed))[""]
        values.append(found.value)
        errors.append(found.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.4)


def test_a_generator_without_energy_is_no_error(pair):
    """Breaks when a collapsed generator ends the evaluation instead of having no value."""
    energy, reference = pair[0]
    comparison = compare(showers(0.0 * reference, energy), showers(reference, energy))
    entries = measure(THREE_D_METRICS, comparison, make_baseline(comparison, None)).overall
    for name in ("projection_mse", "mu90_response", "mu90_response_ratio", "sigma90_over_mu90"):
        assert entries[name]["value"] is None
        assert entries[name]["reference_vs_reference"] is not None


def test_other_detectors_are_left_out():
    """Breaks when the metrics run on rings."""
    energy = np.tile([1e4, 5e4], 10)
    rings = ShowerSet(energy, np.ones((20, PHOTON.n_voxels)), PHOTON, "flat")
    comparison = compare(rings, rings)
    results = measure(THREE_D_METRICS, comparison, make_baseline(comparison, None))
    assert set(results.left_out) == {metric.name for metric in THREE_D_METRICS}
    assert results.overall == {}
