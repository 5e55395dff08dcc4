"""Nearest neighbours against brute force, and the memorisation test on generators that do and do not memorise."""

import numpy as np
import pytest

from calosim_tf.geometry import get_detector
from calosim_tf.physics.distances import nearest_neighbours
from calosim_tf.physics.distances.nearest_neighbours import (
    chosen_showers,
    in_blocks,
    layer_neighbours,
    memorisation,
    nearest,
    per_incident_energy,
)

CALOGAN = get_detector("calogan")


def made_up(n, seed):
    """Points with a spread of sizes, as showers of different energies have."""
    rng = np.random.default_rng(seed)
    return rng.gamma(0.5, 1.0, (n, 20)) * rng.uniform(1, 30, (n, 1))


def brute_force(points, candidates):
    distance = np.array([[np.sqrt(((p - c) ** 2).sum()) for c in candidates] for p in points])
    return distance.argmin(axis=1), distance.min(axis=1)


@pytest.mark.parametrize("block", [1, 7, 1024])
def test_blocks_give_the_brute_force_result(monkeypatch, block):
    """Breaks when a block's rows are counted from the wrong start or a nearer one of an earlier block is lost."""
    monkeypatch.setattr(nearest_neighbours, "BLOCK", block)
    points, candidates = made_up(15, 1), made_up(40, 2)
    found = nearest(points, in_blocks(candidates))
    rows, distance = brute_force(points, candidates)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-13)


def test_a_copy_has_distance_zero():
    """Breaks when the distance of a copy is what scalar products leave over (1e-6 and more in float32)."""
    candidates = made_up(50, 3).astype("f4")
    found = nearest(candidates[[4, 31]], in_blocks(candidates))
    assert found.rows.tolist() == [4, 31]
    assert found.distance.tolist() == [0.0, 0.0]


def test_no_candidates_are_refused():
    """Breaks when an empty generated sample gives neighbours at infinity."""
    with pytest.raises(ValueError, match="no candidates"):
        nearest(np.ones((2, 3)), [])


def test_neighbours_are_those_of_the_layer_alone():
    """Breaks when another layer counts in the distance, or a shower is found as its own neighbour."""
    rng = np.random.default_rng(5)
    reference, generated = rng.gamma(0.5, 10.0, (2, 30, CALOGAN.n_voxels))
    generated[11, CALOGAN.layer_slices[1]] = reference[8, CALOGAN.layer_slices[1]]
    rows = np.array([2, 8])
    layers = {item.layer_id: item for item in layer_neighbours(reference, generated, CALOGAN, rows)}
    assert list(layers) == [0, 1, 2]
    assert (layers[1].generated.rows[1], layers[1].generated.distance[1]) == (11, 0.0)
    for layer_id, voxels in CALOGAN.layer_slices.items():
        points = reference[rows][:, voxels]
        expected_rows, expected = brute_force(points, generated[:, voxels])
        assert layers[layer_id].generated.rows.tolist() == expected_rows.tolist()
        np.testing.assert_allclose(layers[layer_id].generated.distance, expected, rtol=1e-12, atol=1e-12)
        others = np.delete(reference, rows, axis=0)[:, voxels]
        np.testing.assert_allclose(layers[layer_id].reference.distance, brute_force(points, others)[1], rtol=1e-12)


def test_showers_are_chosen_once_each_and_at_least_one_is_left():
    """Breaks when a shower is drawn twice, or all are taken and no other real shower is left to compare with."""
    rng = np.random.default_rng(0)
    chosen = chosen_showers(1000, rng)
    assert len(set(chosen)) == len(chosen) == 7
    assert len(chosen_showers(3, rng)) == 2


def distances(showers, training):
    return nearest(showers, in_blocks(training)).distance


@pytest.fixture(scope="module")
def training_and_held_out():
    training, held_out = made_up(600, 6), made_up(300, 7)
    return training, distances(held_out, training)


def test_a_generator_that_copies_is_caught(training_and_held_out):
    """Breaks when training showers with a percent of noise pass for generated ones."""
    training, held_out = training_and_held_out
    rng = np.random.default_rng(8)
    copies = training[rng.integers(0, 600, 300)] * rng.normal(1.0, 0.01, (300, 20))
    result = memorisation(distances(copies, training), held_out, rng)
    assert result.ratio + 5 * result.ratio_error < 0.3
    assert result.fraction_below - 5 * result.fraction_below_error > 0.3


def test_a_few_copies_among_honest_showers_are_caught(training_and_held_out):
    """Breaks when only the median is looked at: a tenth of copies does not move it."""
    training, held_out = training_and_held_out
    honest = made_up(300, 9)
    honest[:30] = training[:30]
    result = memorisation(distances(honest, training), held_out, np.random.default_rng(0))
    assert abs(result.ratio - 1) < 0.25
    assert result.fraction_below - 4 * result.fraction_below_error > result.expected_fraction


def test_an_independent_sample_is_not_accused(training_and_held_out):
    """Breaks when the ratio or the fraction of honest showers lies away from 1 and 1 %, or the errors are far off."""
    training, held_out = training_and_held_out
    result = memorisation(distances(made_up(300, 10), training), held_out, np.random.default_rng(0))
    assert abs(result.ratio - 1) < 4 * result.ratio_error < 0.6
    spread = np.hypot(result.fraction_below_error, result.expected_fraction_error)
    assert abs(result.fraction_below - 0.01) < 4 * spread < 0.1
    assert (result.n_generated, result.n_held_out) == (300, 300)


def test_numbers_by_hand():
    """Breaks when medians, limit or the binomial error are not what their names say."""
    result = memorisation(np.array([1.0, 2.0, 9.0]), np.arange(2.0, 103.0), np.random.default_rng(0))
    assert (result.median_generated, result.median_held_out) == (2.0, 52.0)
    assert result.quantile_held_out == pytest.approx(3.0)
    assert result.fraction_below == pytest.approx(2 / 3)
    assert result.fraction_below_error == pytest.approx(np.sqrt(0.6 * 0.4 / 3))
    assert result.expected_fraction_error == pytest.approx(np.sqrt(0.01 * 0.99 / 101))


def test_scaling_takes_the_energy_out():
    """Breaks when showers of high energy would decide alone."""
    showers = np.array([[10.0, 30.0], [100.0, 300.0]], dtype="f4")
    np.testing.assert_allclose(per_incident_energy(showers, np.array([40.0, 400.0])), [[0.25, 0.75]] * 2)
