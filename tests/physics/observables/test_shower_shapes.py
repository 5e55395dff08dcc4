"""Observables of whole showers against showers calculated by hand, and against loops over the voxels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON, get_detector
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.correlations import pearson_matrix
from calosim_tf.physics.metrics.feature_distances import features_of_both, log_voxels
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.physics.metrics.shower_shapes import shape_edges
from calosim_tf.physics.metrics.tails import tail_rate
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.physics.observables.high_level_features import high_level_features
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.observables.shower_shapes import (
    lateral_edges_mm,
    longitudinal_profiles,
    shower_shapes,
    voxel_pass,
    voxel_radius_mm,
)


def sample_of(showers: ShowerSet) -> Sample:
    return Sample.measure(showers, group_energies(showers.incident_energy_mev))


def test_a_shower_worked_out_by_hand():
    """100 MeV in layer 1 and 300 MeV in layer 2, each in one voxel, 0.5 MeV in layer 3 below the threshold."""
    shower = np.zeros((1, 368), dtype=np.float32)
    shower[0, 8], shower[0, 168 + 2 * 19 + 3], shower[0, 358] = 100.0, 300.0, 0.5
    shapes = shower_shapes(sample_of(ShowerSet(np.array([800.0]), shower, PHOTON, "by hand")))
    assert shapes["e_tot_over_e_inc"] == pytest.approx(0.5)
    assert shapes["hits"] == pytest.approx(2)
    assert shapes["hottest_voxel_share"] == pytest.approx(0.75)
    assert shapes["shower_depth"] == pytest.approx(1.75)
    assert shapes["shower_depth_width"] == pytest.approx(np.sqrt(0.25 * 0.75))
    # of two places with shares p and 1 - p: (1 - 2 p) / sqrt(p (1 - p)), negative with the tail in front
    assert shapes["shower_depth_skewness"] == pytest.approx((1 - 2 * 0.75) / np.sqrt(0.75 * 0.25))
    assert shapes["shower_maximum"] == pytest.approx(2)
    layer_1, layer_2 = PHOTON.layers[1].coordinates_mm, PHOTON.layers[2].coordinates_mm
    eta = np.array([layer_1["eta"][0], layer_2["eta"][41]])
    phi = np.array([layer_1["phi"][0], layer_2["phi"][41]])
    weights = np.array([0.25, 0.75])
    assert shapes["lateral_centre_eta"] == pytest.approx(weights @ eta)
    variance = sum(weights @ axis**2 - (weights @ axis) ** 2 for axis in (eta, phi))
    assert shapes["lateral_width"] == pytest.approx(np.sqrt(variance))


def test_bins_of_the_shower_maximum_are_the_layers():
    """Breaks if two layers share a bin, or a continuous observable gets bins of whole numbers."""
    edges = shape_edges("shower_maximum", np.array([0.0, 2.0, 3.0]))
    assert edges.tolist() == [-np.inf, 0.5, 1.5, 2.5, np.inf]
    edges = shape_edges("shower_depth", np.linspace(1.0, 2.0, 10_001))
    assert (len(edges), edges[0], edges[-1]) == (51, -np.inf, np.inf)
    assert edges[[1, 49]] == pytest.approx([1.001 + 0.998 / 50, 1.999 - 0.998 / 50])


def test_rings_end_where_the_reference_has_almost_all_of_its_energy():
    """Breaks if the outermost ring is that of the first voxels: all energy at one radius is one half of it inside."""
    radius = voxel_radius_mm(PHOTON)
    inner, outer = np.sort(np.unique(radius))[[1, 5]]
    showers = np.zeros((1, 368))
    showers[0, [np.argmax(radius == inner), np.argmax(radius == outer)]] = 500.0
    edges = lateral_edges_mm(sample_of(ShowerSet(np.array([1000.0]), showers, PHOTON, "two rings")))
    assert edges == pytest.approx(np.linspace(0.0, outer, 21)[1:])


def test_one_pass_gives_rings_and_occupancy_of_a_loop(reference):
    """Breaks if a ring is off by one, or a voxel below the threshold counts."""
    sample = sample_of(reference)
    edges = lateral_edges_mm(sample)
    found = voxel_pass(sample, edges)
    radius = voxel_radius_mm(PHOTON)
    kept = np.where(reference.showers_mev < 1.0, 0.0, reference.showers_mev).astype(float)
    for ring, (low, high) in enumerate(zip((-1.0, *edges), (*edges, np.inf), strict=True)):
        inside = (radius > low) & (radius <= high)
        np.testing.assert_allclose(found.lateral[:, ring], kept[:, inside].sum(axis=1) / kept.sum(axis=1), rtol=1e-6)
    for column, threshold in enumerate((1.0, 10.0, 100.0, 1000.0)):
        np.testing.assert_allclose(found.occupancy[:, column], (reference.showers_mev >= threshold).mean(axis=1))


@pytest.mark.parametrize(("detector", "expected"), [("photon", 30), ("pion", 46)])
def test_number_and_order_of_the_high_level_features(detector, expected):
    """Breaks if a feature of the challenge is missing or doubled, or r stands before the total energy."""
    geometry = get_detector(detector)
    rng = np.random.default_rng(1)
    showers = ShowerSet(np.full(3, 1024.0), rng.gamma(0.5, 10.0, (3, geometry.n_voxels)), geometry, "random")
    features, names = high_level_features(sample_of(showers))
    assert features.shape == (3, expected)
    assert len(set(names)) == expected
    assert names[0] == "log_incident_energy"
    assert names[-1].startswith("width_r_layer_")
    total = features[:, names.index("log_total_energy")]
    assert total == pytest.approx(np.log10(np.where(showers.showers_mev < 1, 0, showers.showers_mev).sum(axis=1)))


def test_empty_voxels_count_as_a_tenth_of_the_threshold():
    """Breaks if their logarithm is that of another energy, where the threshold is not 1 MeV."""
    voxels = np.full((1, 368), 100.0)
    voxels[0, :3] = 0.0, 19.0, 20.0
    sample = sample_of(ShowerSet(np.array([800.0]), voxels, replace(PHOTON, threshold_mev=20.0), "by hand"))
    found = log_voxels(sample, 10)
    assert found[0, :4] == pytest.approx(np.log10([2.0, 2.0, 20.0, 100.0]))


def test_features_of_both_are_the_reference_first(reference, generated):
    """Breaks if feature names replace the values, or FPD and KPD features are scaled by the generated sample."""
    comparison = compare(generated, reference)
    for features, sample in zip(features_of_both(comparison), (reference, generated), strict=True):
        np.testing.assert_array_equal(features, high_level_features(sample_of(sample))[0])


def test_tail_rates_count_and_refuse():
    """Twice the reference's showers beyond its 1 % quantile, none on the other side; ties are no tail."""
    reference = np.arange(10_000) / 10_000
    doubled = np.concatenate([reference, np.linspace(0.9901, 0.9999, 102)])[102:]
    high = tail_rate(doubled, reference, 0.01, "high")
    assert high.value == pytest.approx(2.0, abs=0.05)
    assert high.error == pytest.approx(2.0 * np.sqrt(1 / 200 + 1 / 100), rel=0.05)
    low = tail_rate(doubled, reference, 0.01, "low")
    assert low.value == 0
    assert low.error > 0
    assert "no tail" in tail_rate(doubled, np.zeros(100), 0.01, "high").reason


def test_correlations_equal_numpy_and_find_shuffled_layers(reference, generated):
    """Breaks if a pair of layers is left out, or a constant layer spoils the others."""
    values = np.random.default_rng(2).normal(size=(50, 3)) @ np.tri(3)
    np.testing.assert_allclose(pearson_matrix(values), np.corrcoef(values, rowvar=False))
    assert np.isnan(pearson_matrix(np.column_stack([values, np.ones(50)]))[3]).all()
    # a spread of 1e-8 of the value is no rounding
    np.testing.assert_allclose(pearson_matrix(1.0 + 1e-8 * values), np.corrcoef(values, rowvar=False), atol=1e-6)
    shuffled = generated.showers_mev.copy()
    shuffled[:, 168:358] = np.roll(shuffled[:, 168:358], 1, axis=0)
    metric = METRICS["layer_correlation_difference"]
    rng = np.random.default_rng(3)
    same = metric.function(compare(generated, reference), rng)[""]
    other = metric.function(compare(replace(generated, showers_mev=shuffled), reference), rng)[""]
    assert other.value > same.value + 5 * other.error
    assert np.shape(other.extra["matrix"]) == (5, 5)


def test_layers_that_vary_by_rounding_alone_have_no_correlation(generated, reference):
    """Breaks if showers that are all alike (a generator at its beginning) give correlations of rounding errors, or
    numpy's warning of a division instead of a reason.
    """
    assert np.isnan(pearson_matrix(np.column_stack([np.full(100, 0.1), np.arange(100.0)]))[0]).all()
    alike = replace(generated, showers_mev=np.tile(generated.showers_mev[:1], (len(generated.showers_mev), 1)))
    found = METRICS["layer_correlation_difference"].function(compare(alike, reference), np.random.default_rng(3))[""]
    assert found.reason == "no two layers vary"
    # few showers reach the last layer: it does not vary in every draw
    rare = generated.showers_mev.copy()
    rare[1:, 363:] = 0.0
    sparse = compare(replace(generated, showers_mev=rare), reference)
    found = METRICS["layer_correlation_difference"].function(sparse, np.random.default_rng(3))[""]
    assert np.isfinite([found.value, found.error]).all()


def test_longitudinal_profile_is_of_shares():
    """Breaks if shares are of the mean layer, or an empty shower is no number."""
    showers = np.zeros((2, 368), dtype=np.float32)
    showers[0, 8], showers[0, 168] = 100.0, 300.0
    found = longitudinal_profiles(sample_of(ShowerSet(np.array([800.0, 800.0]), showers, PHOTON, "by hand")))
    np.testing.assert_allclose(found, [[0.0, 0.25, 0.75, 0.0, 0.0], [0.0] * 5])


def test_radius_of_cells_and_of_rings_by_hand():
    """Breaks if a radius is not that of the middle: cells of 20.2 mm in 30 rows, and rings from 0 to 5 mm."""
    cells = voxel_radius_mm(get_detector("lhcb"))
    assert cells[[0, 29, 30 * 15 + 15]] == pytest.approx(np.hypot(1, 1) * 20.2 * np.array([14.5, 14.5, 0.5]), rel=0.01)
    assert voxel_radius_mm(PHOTON)[0] == pytest.approx(2.5)
