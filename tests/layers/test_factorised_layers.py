"""Layers of the factorised generator against hand and numpy calculations."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.energy_table import EnergyTable
from calosim_tf.layers.gated_shares import GatedShares
from calosim_tf.layers.head_energies import GivenOrDrawn, HeadEnergies
from calosim_tf.layers.layer_logs import LayerLogs

SIZES = (3, 4)


@pytest.mark.parametrize("n_knots", [4, 7])
def test_table_is_linear_between_knots_and_constant_outside(n_knots):
    """Breaks if a hat has the wrong width, knots that fill gaps move values, or the ends go on rising."""
    layer = EnergyTable(n_knots, 2, position=True)
    knots, rows = np.array([1.0, 2.0, 4.0, 5.0]), np.array([[0.0, 1.0], [2.0, 3.0], [-2.0, 0.0], [5.0, 5.0]])
    x = np.array([0.0, 1.0, 1.25, 2.0, 3.7, 4.0, 5.0, 9.0])
    layer(tf.constant(x[:, None], tf.float32))
    layer.fill(knots, rows)
    values, position = layer(tf.constant(x[:, None], tf.float32))
    expected = np.stack([np.interp(x, knots, column) for column in rows.T], axis=1)
    np.testing.assert_allclose(values, expected, atol=1e-5)
    np.testing.assert_allclose(position[:, 0], 2 * (np.clip(x, 1, 5) - 1) / 4 - 1, atol=1e-6)


def test_table_of_more_knots_than_it_has_keeps_the_ends():
    layer = EnergyTable(3, 1)
    layer(tf.zeros((1, 1)))
    layer.fill(np.linspace(1.0, 9.0, 9), np.linspace(1.0, 9.0, 9)[:, None] ** 2)
    np.testing.assert_allclose(layer(tf.constant([[1.0], [5.0], [9.0]]))[:, 0], [1.0, 25.0, 81.0], rtol=1e-6)


def test_head_scales_open_layers_to_the_total_and_closes_gated_ones():
    """Breaks if the total ignores the response table, or a closed gate leaves energy behind."""
    # scores: total +1 width; layer values 0; first layer gated far above its noise
    scores = tf.constant([[1.0, 0.0, 0.0, 9.0, -9.0, -50.0, -50.0]])
    noise = tf.zeros((1, 4))
    table = tf.constant([[0.8, 0.1, 3.0, 2.0, 1.0, 1.0]])
    found = HeadEnergies(2)([scores, noise, table, tf.math.log([[1000.0]])])
    np.testing.assert_allclose(found, [[0.0, 900.0]], rtol=1e-5)


def test_head_keeps_one_layer_open():
    """Breaks if all gates may close: 0 / 0 follows."""
    scores = tf.constant([[0.0, 0.0, 0.0, 9.0, 8.0, 0.0, 0.0]])
    found = HeadEnergies(2)([scores, tf.zeros((1, 4)), tf.constant([[0.8, 0.1, 3.0, 2.0, 1.0, 1.0]]), tf.zeros((1, 1))])
    assert np.isfinite(found).all()
    assert float(tf.reduce_sum(found)) == pytest.approx(0.8, rel=1e-5)


def test_given_energies_win_and_empty_showers_are_empty():
    """Breaks if a given energy of 0 is drawn, or given energies are emptied."""
    given = tf.constant([[-1.0, -1.0], [-1.0, -1.0], [0.0, 7.0]])
    drawn = tf.constant([[1.0, 2.0]] * 3)
    found = GivenOrDrawn()([given, drawn, tf.constant([[0.0]] * 3), tf.constant([[0.5], [-0.5], [-0.5]])])
    np.testing.assert_array_equal(found, [[1.0, 2.0], [0.0, 0.0], [0.0, 7.0]])


def gated_shares(logits, energies, width, threshold, noise):
    """The definition, voxel by voxel, float64."""
    softplus = np.log1p(np.exp(width))
    logits = logits + softplus * noise - 10.0 * np.maximum(threshold - 1.5 - noise, 0.0)
    out, first = [], 0
    for size, energy in zip(SIZES, energies.T, strict=True):
        part = np.exp(logits[:, first : first + size])
        voxels = energy[:, None] * part / part.sum(axis=1, keepdims=True)
        end = np.minimum(0.3 * energy, 0.5)[:, None] + 1e-6
        start = 0.3 * end
        voxels = voxels * (np.clip((voxels - start) / (end - start), 0.0, 1.0) + 1e-7)
        out.append(voxels * (energy / (voxels.sum(axis=1) + 1e-9))[:, None])
        first += size
    return np.concatenate(out, axis=1)


def test_shares_keep_layer_energies_and_cut_what_the_read_out_would_not_see():
    """Breaks if a layer takes another's energy, the cut changes sums, or a closed gate leaves a voxel."""
    rng = np.random.default_rng(3)
    logits, noise = rng.normal(size=(2, 6, 7)) * 2
    width, threshold = rng.normal(size=(2, 6, 7))
    energies = np.array([[0.0, 5.0], [300.0, 0.2], [1.0, 1.0], [4000.0, 9.0], [20.0, 0.0], [7.0, 7.0]])
    inputs = [logits, energies, np.concatenate([width, threshold], axis=1), noise]
    found = GatedShares(SIZES)([tf.constant(x, tf.float32) for x in inputs]).numpy()
    np.testing.assert_allclose(found, gated_shares(logits, energies, width, threshold, noise), rtol=2e-4, atol=1e-6)
    sums = np.stack([found[:, :3].sum(axis=1), found[:, 3:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(sums, energies, rtol=1e-5, atol=1e-6)
    # apart from the leak that keeps gradients alive, read away as 0
    assert np.mean(found < 1e-3) > 0.2


def test_layer_logs_of_an_empty_layer():
    found = LayerLogs()(tf.constant([[0.0, np.expm1(5.0)]]))
    np.testing.assert_allclose(found, [[-1.0, 0.0, 0.0, 1.0]], atol=1e-6)
