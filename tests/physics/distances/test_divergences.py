"""Distances of histograms and one-dimensional samples against SciPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, entropy, ks_2samp, wasserstein_distance

from calosim_tf.geometry.detectors import PHOTON
from calosim_tf.physics.distances.chi2 import two_sample_chi2
from calosim_tf.physics.distances.divergences import js_divergence, kl_divergence, wasserstein_and_ks
from calosim_tf.physics.distances.histograms import distance_with_error
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.divergences import observables
from calosim_tf.physics.metrics.listed import METRICS


def test_binned_divergences_equal_scipy():
    """Breaks if the two samples are exchanged, the logarithm has another base, or a pseudo count is lost."""
    rng = np.random.default_rng(1)
    counts, reference = rng.poisson(5.0, size=30), rng.poisson(np.linspace(1.0, 9.0, 30))
    assert kl_divergence(counts, reference) == pytest.approx(entropy(reference + 0.5, counts + 0.5), rel=1e-12)
    assert js_divergence(counts, reference) == pytest.approx(jensenshannon(counts, reference) ** 2, rel=1e-12)
    assert js_divergence(counts, counts) == pytest.approx(0, abs=1e-15)


def test_disjoint_histograms_have_the_largest_js():
    disjoint = js_divergence(np.array([4, 0, 0]), np.array([0, 3, 5]))
    assert disjoint == pytest.approx(np.log(2))
    assert js_divergence(np.zeros(3), np.array([0, 3, 5])) == pytest.approx(np.log(2))


def test_kl_of_a_shifted_gaussian_is_the_closed_form():
    """shift^2 / 2 nats, within the discretisation of 100 bins and the statistics of 200 000 numbers."""
    rng = np.random.default_rng(2)
    edges = np.linspace(-5, 5.5, 101)
    counts = [np.histogram(rng.normal(shift, 1.0, 200_000), bins=edges)[0] for shift in (0.5, 0.0)]
    value, error = distance_with_error(kl_divergence, *counts, rng)
    assert value == pytest.approx(0.125, abs=max(4 * error, 0.003))
    assert 0 < error < 0.003


def test_unbinned_distances_equal_scipy():
    """Breaks if the scale is not the reference's width; the error is that of many samples within a factor 1.5."""
    rng = np.random.default_rng(3)
    values, reference = rng.normal(0.3, 1.2, 900), rng.normal(0.0, 2.0, 700)
    wasserstein, ks = wasserstein_and_ks(values, reference, rng)
    assert wasserstein[0] == pytest.approx(wasserstein_distance(values, reference) / reference.std(), rel=1e-12)
    assert ks[0] == pytest.approx(ks_2samp(values, reference).statistic, rel=1e-12)
    repeated = [
        (wasserstein_distance(a, b) / b.std(), ks_2samp(a, b, method="asymp").statistic)
        for a, b in ((rng.normal(0.3, 1.2, 900), rng.normal(0.0, 2.0, 700)) for _ in range(60))
    ]
    spread = np.std(repeated, axis=0, ddof=1)
    for (_, error), expected in zip((wasserstein, ks), spread, strict=True):
        assert expected / 1.5 < error < 1.5 * expected


def test_a_constant_reference_has_no_wasserstein_distance():
    wasserstein, ks = wasserstein_and_ks(np.zeros(5), np.zeros(7), np.random.default_rng(4))
    assert np.isnan(wasserstein[0])
    assert ks[0] == 0


def test_every_layer_of_every_feature_has_a_distance(reference, generated):
    """Breaks if layers are lost, the samples are exchanged, or the mean is over something else than these distances."""
    comparison = compare(generated, reference)
    found = {name: values for name, *values in observables(comparison)}
    assert set(found) >= {"e_tot_over_e_inc", "centre_eta_layer_1", "width_phi_layer_2", "sparsity_layer_12"}
    for layer_id in PHOTON.layer_ids:
        for values, sample in zip(found[f"energy_layer_{layer_id}"], (generated, reference), strict=False):
            voxels = sample.showers_mev[:, PHOTON.layer_slices[layer_id]].astype(float)
            np.testing.assert_allclose(values, np.where(voxels < 1.0, 0.0, voxels).sum(axis=1), rtol=1e-5)
    entries = METRICS["ks_statistic"].function(comparison, np.random.default_rng(0))
    assert set(entries) == {"", *found}
    assert entries[""].value == pytest.approx(np.mean([entries[name].value for name in found]))


def test_chi2_of_histograms_equals_scipy():
    """Breaks if the chi2 of the checkpoint selection is not SciPy's chi2 of homogeneity, for equal numbers."""
    first, second = np.random.default_rng(5).multinomial(900, np.full(20, 0.05), size=2)
    expected = chi2_contingency([first, second], correction=False)
    assert two_sample_chi2(first, second) == pytest.approx((expected.statistic, expected.dof), rel=1e-12)
