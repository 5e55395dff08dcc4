"""Differentiable observables against the definitions of the metrics, and by hand."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.data.batches.symmetry import symmetric_orders
from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.geometry.layers import CellLayer
from calosim_tf.layers.observable_views import ObservableViews
from calosim_tf.layers.soft_observables import SoftObservables
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.physics.observables.sample import Sample


def bright_showers(detector, n=40, seed=1) -> np.ndarray:
    """Voxels that are empty or far above the threshold, in every layer: soft and sharp thresholds agree."""
    rng = np.random.default_rng(seed)
    showers = rng.exponential(1e6, (n, detector.n_voxels)) * (rng.random((n, detector.n_voxels)) < 0.3)
    return ((showers + 1e4 * (showers > 0)) * detector.threshold_mev).astype("f4")


def measured(detector, showers: np.ndarray) -> dict[str, np.ndarray]:
    soft = SoftObservables(detector)
    part = tf.constant(showers)
    return dict(zip(soft.names, soft.observables(part, *soft.voxel_logs(part)).numpy().T, strict=True))


@pytest.mark.parametrize("name", ["photon", "pion", "lhcb", "calogan"])
def test_bright_showers_have_the_observables_of_the_metrics(name):
    """Breaks if a layer, an axis or a unit is mixed up, or a centre is not weighted with the energy."""
    detector = get_detector(name)
    showers = bright_showers(detector)
    energy = np.full(len(showers), 1e3)
    sample = Sample.measure(
        ShowerSet(energy, showers, detector, "test", detector.central_attributes(energy)), group_energies(energy)
    )
    found = measured(detector, showers)
    for layer in detector.layers:
        word, unit = f"layer {layer.layer_id}", max(np.abs(x).max() for x in layer.coordinates_mm.values()) / 4
        total = sample.layer("energy_thresholded", layer.layer_id) / detector.threshold_mev
        np.testing.assert_allclose(found[f"ln energy {word}"], np.log1p(total), rtol=1e-4)
        occupancy = 1.0 - sample.layer("sparsity", layer.layer_id)
        np.testing.assert_allclose(found[f"occupancy {word}"], occupancy, atol=1e-3)
        np.testing.assert_allclose(found[f"share above 200 {word}"], occupancy, atol=1e-3)
        np.testing.assert_allclose(found[f"open {word}"], total > 0, atol=1e-4)
        for axis in layer.coordinates_mm:
            centre, width = (sample.layer(f"{kind}_{axis}", layer.layer_id) for kind in ("centre", "width"))
            np.testing.assert_allclose(found[f"centre {word} {axis}"] * unit, centre, atol=2e-3 * unit)
            expected = np.sqrt((width / unit) ** 2 + 1e-3)
            np.testing.assert_allclose(found[f"width {word} {axis}"], expected, atol=5e-3)


def test_neighbours_and_squares_of_a_ring_by_hand():
    """Breaks if the angle does not close on itself, or a ring is averaged over another number of voxels."""
    detector = get_detector("photon")
    showers = np.zeros((1, detector.n_voxels), "f4")
    layer = detector.layers[1]
    image = showers[:, detector.layer_slices[1]].reshape(1, *layer.shape)
    image[0, [0, 9], 2] = 100.0, 1000.0  # the first and last angular bin of ring 2 are neighbours
    found = measured(detector, showers)
    logs = np.log(10 * np.array([100.0, 1000.0]))
    assert found["mean square layer 1 ring 2"][0] == pytest.approx((logs**2).sum() / 10, rel=1e-4)
    assert found["neighbours layer 1 ring 2"][0] == pytest.approx(logs.prod() / 10, rel=1e-4)
    assert found["neighbours layer 1 ring 3"][0] == pytest.approx(0.0, abs=1e-6)


def test_neighbours_of_cells_do_not_wrap_around():
    detector = get_detector("lhcb")
    showers = np.zeros((1, 30, 30), "f4")
    showers[0, 0, 0] = showers[0, 29, 0] = showers[0, 15, 14] = showers[0, 15, 15] = 100.0
    found = measured(detector, showers.reshape(1, -1))
    along = [found[name][0] for name in found if name.startswith("neighbours layer")]
    in_row = [found[name][0] for name in found if name.startswith("neighbours in a row")]
    assert max(along) == pytest.approx(0.0, abs=1e-6)
    assert max(in_row) > 0.1


def test_gradients_are_finite_for_empty_showers():
    """Breaks if a root or a logarithm meets 0."""
    views = ObservableViews("photon", 4)
    showers = tf.Variable(tf.zeros((3, 368)))
    with tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(part) for part in views([showers, tf.fill((3, 1), 7.0)]))
    assert np.isfinite(tape.gradient(loss, showers).numpy()).all()


def test_views_standardise_at_each_energy():
    """Breaks if the tables of two energies are swapped, or mean and width."""
    detector = get_detector("photon")
    views = ObservableViews("photon", 5)
    views([tf.zeros((1, 368)), tf.zeros((1, 1))])
    groups = {6.0: bright_showers(detector, 200, 1), 9.0: 30 * bright_showers(detector, 200, 2)}
    views.fit(((energy, showers, None) for energy, showers in groups.items()), lambda knots, rows: (knots, rows))
    for log_energy, showers in groups.items():
        _, observables, voxels = views([tf.constant(showers), tf.fill((len(showers), 1), log_energy)])
        np.testing.assert_allclose(np.mean(observables, axis=0), 0.0, atol=0.05)
        assert (np.std(observables, axis=0) < 1.05).all()
        np.testing.assert_allclose(np.mean(voxels, axis=0), 0.0, atol=0.02)


@pytest.mark.parametrize(("name", "expected"), [("photon", 20), ("pion", 20), ("dataset_2", 32), ("clic", 8)])
def test_symmetric_orders_keep_rings_and_layers(name, expected):
    """Breaks if a turn moves voxels to another ring or layer, or two orders are the same."""
    detector = get_detector(name)
    orders = symmetric_orders(detector)
    assert orders.shape == (expected, detector.n_voxels)
    assert len(np.unique(orders, axis=0)) == expected
    np.testing.assert_array_equal(orders[0], np.arange(detector.n_voxels))
    axes = ("x", "y") if isinstance(detector.layers[0], CellLayer) else ("r",)
    radius = np.concatenate(
        [np.hypot(*(np.atleast_2d([layer.coordinates_mm[a] for a in axes]))[[0, -1]]) for layer in detector.layers]
    )
    layer_of = np.repeat(np.arange(len(detector.layers)), [layer.n_voxels for layer in detector.layers])
    for order in orders:
        np.testing.assert_allclose(radius[order], radius)
        np.testing.assert_array_equal(layer_of[order], layer_of)
