"""Histograms of features: counts, and the way through ``metrics.json``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calosim_tf.geometry import PHOTON
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.feature_histograms import FeatureHistogram, feature_histograms


@pytest.fixture(scope="module")
def histograms(reference, make_showers):
    """A sample of half the size against the reference."""
    return list(feature_histograms(compare(make_showers(2, per_energy=40), reference)))


def test_every_layer_has_its_features_and_each_shower_is_counted(histograms, make_showers, reference):
    """Breaks when the two samples are exchanged, or a shower counts in the wrong layer."""
    by_name = {histogram.name: histogram for histogram in histograms}
    assert len(by_name) == len(histograms)
    assert "separation_e_tot_over_e_inc" in by_name
    generated = make_showers(2, per_energy=40)
    start = 0
    for layer in PHOTON.layers:
        found = by_name[f"separation_layer_energy_layer_{layer.layer_id}"]
        assert found.label == f"layer {layer.layer_id}: layer energy [MeV]"
        assert (found.n_generated, found.n_reference) == (120, 240)
        for showers, counts in ((generated, found.generated), (reference, found.reference)):
            voxels = showers.showers_mev[:, start : start + layer.n_voxels].astype(np.float64)
            energies = np.where(voxels >= PHOTON.threshold_mev, voxels, 0.0).sum(axis=1)
            np.testing.assert_array_equal(counts, np.histogram(energies, found.edges)[0])
        start += layer.n_voxels


def test_what_is_read_back_is_what_was_written(histograms):
    """Breaks when a report is drawn from other counts or bins than those of its showers."""
    for histogram in histograms:
        back = FeatureHistogram.from_json(histogram.name, json.loads(json.dumps(histogram.as_json())))
        assert (back.name, back.label) == (histogram.name, histogram.label)
        assert (back.n_generated, back.n_reference) == (120, 240)
        np.testing.assert_array_equal(back.generated, histogram.generated)
        np.testing.assert_array_equal(back.reference, histogram.reference)
        np.testing.assert_allclose(back.edges, histogram.edges, rtol=1e-7)
