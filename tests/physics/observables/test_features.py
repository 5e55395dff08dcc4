"""Shower features against explicit loops over voxels."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.physics.observables.features import (
    mean_shower_mev,
    response,
    shower_features,
    total_energy_mev,
)
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.observables.voxel_spectra import voxel_spectra


def loop_features(shower, layer_index, threshold):
    """Centre, width, energy and sparsity of one layer of one shower, voxel by voxel (r fastest)."""
    layer = PHOTON.layers[layer_index]
    start = PHOTON.offsets[layer_index]
    sums = {"eta": [0.0, 0.0], "phi": [0.0, 0.0], "r": [0.0, 0.0]}
    energy, filled = 0.0, 0
    for i_alpha in range(layer.n_alpha):
        alpha = -math.pi + (i_alpha + 0.5) * 2 * math.pi / layer.n_alpha
        for i_r in range(layer.n_r):
            r = (layer.r_edges_mm[i_r] + layer.r_edges_mm[i_r + 1]) / 2
            e = float(shower[start + i_alpha * layer.n_r + i_r])
            if e < threshold:
                continue
            energy += e
            filled += e > 0
            for axis, x in (("eta", r * math.cos(alpha)), ("phi", r * math.sin(alpha)), ("r", r)):
                sums[axis][0] += x * e
                sums[axis][1] += x * x * e
    result = {"energy_thresholded": energy, "sparsity": 1 - filled / layer.n_voxels}
    for axis, (first, second) in sums.items():
        centre = first / (energy + 1e-16)
        result[f"centre_{axis}"] = centre
        result[f"width_{axis}"] = math.sqrt(max(0.0, second / (energy + 1e-16) - centre**2))
    return result


@pytest.mark.parametrize("layer_index", [0, 2, 4])
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_layer_features_equal_loops(reference, layer_index, threshold):
    """Breaks on a wrong flattening order, coordinate, threshold or formula."""
    features = shower_features(reference, threshold)
    layer = PHOTON.layers[layer_index]
    for i in (0, 1, 77):
        for quantity, value in loop_features(reference.showers_mev[i], layer_index, threshold).items():
            if layer.n_alpha == 1 and quantity.endswith(("eta", "phi")):
                assert layer.layer_id not in features.per_layer[quantity]
            else:
                # squares are subtracted: compare widths to 1e-6 mm
                assert features.per_layer[quantity][layer.layer_id][i] == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_energies_without_threshold(reference):
    """Breaks if the total of the selection chi2 or the layer means are thresholded."""
    features = shower_features(reference, threshold_mev=1e9)
    exact = [math.fsum(row) for row in reference.showers_mev.tolist()]
    np.testing.assert_allclose(features.total_mev, exact, rtol=1e-12)
    np.testing.assert_allclose(total_energy_mev(reference.showers_mev), exact, rtol=1e-12)
    np.testing.assert_allclose(sum(features.per_layer["energy"].values()), exact, rtol=1e-12)
    assert all(np.all(energy == 0) for energy in features.per_layer["energy_thresholded"].values())
    ratio = response(features.total_mev, reference.incident_energy_mev)
    assert ratio[0] == pytest.approx(exact[0] / 1024.0)


def test_default_threshold_is_the_detectors_own(reference):
    assert shower_features(reference).threshold_mev == 1.0


def test_ring_of_equal_voxels():
    """The same energy in all 10 angles of the ring at r = 13.5 mm: centred, widths r/sqrt(2) in eta and phi, 0 in r."""
    image = np.zeros((1, 368), dtype=np.float32)
    ring = np.arange(8, 168).reshape(10, 16)[:, 6]  # 12..15 mm
    image[0, ring] = 5.0
    features = shower_features(ShowerSet(np.array([256.0]), image, PHOTON, "ring")).per_layer
    assert features["centre_eta"][1][0] == pytest.approx(0, abs=1e-12)
    assert features["width_eta"][1][0] == pytest.approx(13.5 / math.sqrt(2))
    assert features["width_phi"][1][0] == pytest.approx(13.5 / math.sqrt(2))
    assert features["centre_r"][1][0] == pytest.approx(13.5)
    assert features["width_r"][1][0] == pytest.approx(0, abs=1e-5)
    assert features["sparsity"][1][0] == pytest.approx(1 - 10 / 160)
    assert features["centre_eta"][2][0] == 0  # an empty layer sits at 0


def test_first_angle_points_to_minus_eta():
    """Angles run from -pi: the first bin's middle is at -pi + pi/10, so eta < 0 and phi < 0."""
    coordinates = PHOTON.layers[1].coordinates_mm
    assert coordinates["eta"][15] == pytest.approx(175 * math.cos(-math.pi + math.pi / 10))
    assert coordinates["phi"][0] == pytest.approx(-1 * math.sin(math.pi / 10))
    assert set(PHOTON.layers[0].coordinates_mm) == {"r"}


def test_negative_voxels_are_counted_and_kept_in_the_total():
    """Breaks if a generator's negative voxels are silently clipped before the energy is summed."""
    showers = np.zeros((2, 368))
    showers[0, :3] = (10.0, -2.0, -0.5)
    features = shower_features(ShowerSet(np.array([256.0, 256.0]), showers, PHOTON, "negative"))
    assert features.total_mev.tolist() == [7.5, 0.0]
    assert features.negative_mev.tolist() == [-2.5, 0.0]
    assert features.negative_voxels.tolist() == [2, 0]
    assert features.per_layer["energy_thresholded"][0].tolist() == [10.0, 0.0]


def test_a_voxel_that_is_not_a_number_is_refused(reference):
    showers = reference.showers_mev.copy()
    showers[17, 5] = np.nan
    with pytest.raises(DataError, match="shower 17"):
        shower_features(ShowerSet(reference.incident_energy_mev, showers, PHOTON, "broken"))


def test_voxel_spectra_equal_numpy_and_groups_add_up(reference):
    """Several samples in one pass, with edges of their own: breaks if a voxel on an edge of another sample moves, the
    hottest voxel on the last edge is lost, or showers are counted in the group of their place in the file.
    """
    showers = reference.showers_mev.astype(np.float64)
    hottest = float(showers.max())
    edges = np.geomspace(1.0, hottest, 50), np.geomspace(1.0, hottest / 7, 12), np.geomspace(0.5, 2 * hottest, 30)
    rows = np.arange(len(showers)), np.array([5, 0, 200]), np.arange(1, len(showers), 2)
    found = voxel_spectra(showers, list(zip(rows, edges, strict=True)), n_groups=7)
    for groups, chosen, binned in zip(found, rows, edges, strict=True):
        assert groups.shape == (7, len(binned) - 1)
        np.testing.assert_array_equal(groups.sum(axis=0), np.histogram(showers[chosen], bins=binned)[0])
        np.testing.assert_array_equal(groups[2], np.histogram(showers[chosen[2::7]], bins=binned)[0])


def test_a_sample_counts_its_own_spectrum_and_keeps_it(reference):
    """Breaks when only spectra that were prepared for all samples in one pass are there."""
    whole = Sample.measure(reference, group_energies(reference.incident_energy_mev))
    edges = np.geomspace(1.0, 1000.0, 20)
    sample = whole.take(np.array([7, 3, 100]))
    spectrum = sample.spectrum(edges)
    expected = np.histogram(reference.showers_mev[[7, 3, 100]], bins=edges)[0]
    np.testing.assert_array_equal(spectrum.sum(axis=0), expected)
    assert sample.spectrum(edges.copy()) is spectrum


def test_mean_shower(reference):
    np.testing.assert_allclose(mean_shower_mev(reference.showers_mev), reference.showers_mev.mean(axis=0, dtype=float))
    rows = np.array([1, 4])
    np.testing.assert_allclose(
        mean_shower_mev(reference.showers_mev, rows), reference.showers_mev[rows].mean(axis=0, dtype=float)
    )


def test_memory_is_that_of_a_block_not_of_the_set():
    """16 000 showers are 47 MB in float64: breaks if the whole set is converted at once."""
    showers = ShowerSet(np.full(16_000, 256.0), np.ones((16_000, 368), dtype=np.float32), PHOTON, "flat")
    tracemalloc.start()
    try:
        shower_features(showers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24e6
