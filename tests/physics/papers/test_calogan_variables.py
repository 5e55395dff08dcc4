"""CaloGAN's shower shapes against loops over cells and showers made by hand."""

import numpy as np
import pytest

from calosim_tf.physics.papers.calogan_variables import LAYER_SHAPES, calogan_variables


def shower(*cells):
    """A flat shower with energies at (layer, row, column): MeV."""
    layers = [np.zeros(shape) for shape in LAYER_SHAPES]
    for layer, row, column, energy in cells:
        layers[layer][row, column] = energy
    return np.concatenate([layer.ravel() for layer in layers])


def random_showers(n=20):
    rng = np.random.default_rng(3)
    showers = rng.gamma(0.3, 10.0, (n, 504))
    return np.where(rng.random((n, 504)) < 0.5, showers, 0.0).astype("f4")


def reference(flat):
    """The same numbers with loops over cells, one shower."""
    layers, first = [], 0
    for rows, columns in LAYER_SHAPES:
        layers.append(flat[first : first + rows * columns].astype("f8").reshape(rows, columns))
        first += rows * columns
    energies = [sum(float(cell) for cell in layer.flat) for layer in layers]
    total = sum(energies)
    depth = sum(i * e for i, e in enumerate(energies)) / total
    out = {
        "total_mev": total,
        "deepest_layer": max(i for i, e in enumerate(energies) if e != 0),
        "lateral_depth_mev": energies[1] + 2 * energies[2],
        "shower_depth": depth,
        "depth_width": np.sqrt(sum(e * (i - depth) ** 2 for i, e in enumerate(energies)) / total),
    }
    for i, layer in enumerate(layers):
        step = 480 / len(layer)
        x = [-240 + step * (row + 0.5) for row in range(len(layer))]
        mean = sum(x[row] * e for row in range(len(layer)) for e in layer[row]) / energies[i]
        variance = sum((x[row] - mean) ** 2 * e for row in range(len(layer)) for e in layer[row]) / energies[i]
        hottest, second = sorted(layer.flat, reverse=True)[:2]
        out[f"energy_{i}_mev"] = energies[i]
        out[f"fraction_{i}"] = energies[i] / total
        out[f"lateral_width_{i}_mm"] = np.sqrt(variance)
        out[f"e_ratio_{i}"] = (hottest - second) / (hottest + second)
        out[f"occupancy_{i}"] = sum(e > 0 for e in layer.flat) / layer.size
    return out


def test_all_variables_equal_loops_over_cells():
    """Breaks when layers are cut at the wrong cell, axis 0 and 1 are exchanged, or a formula changes."""
    showers = random_showers()
    found = calogan_variables(showers)
    for row, flat in enumerate(showers):
        expected = reference(flat)
        assert set(expected) == set(found)
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_a_shower_made_by_hand():
    """Two cells in the outer rows of layer 1 (+-220 mm) and one in layer 2: width 220, depth 3/4 + 2/4 = 1.25."""
    found = calogan_variables(shower((1, 0, 5, 30.0), (1, 11, 5, 30.0), (2, 3, 1, 20.0))[np.newaxis])
    expected = {
        "lateral_width_1_mm": 220.0, "lateral_width_2_mm": 0.0, "lateral_width_0_mm": 0.0, "shower_depth": 1.25,
        "depth_width": np.sqrt(0.75 * 0.25**2 + 0.25 * 0.75**2), "lateral_depth_mev": 100.0, "e_ratio_1": 0.0,
        "e_ratio_2": 1.0, "occupancy_0": 0.0, "occupancy_1": 2 / 144, "occupancy_2": 1 / 72, "deepest_layer": 2,
        "fraction_0": 0.0, "fraction_1": 0.75,
    }  # fmt: skip
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, abs=1e-5), name


def test_the_deepest_layer_is_the_last_with_energy():
    """Breaks when an empty last layer still counts, or a shower of layers 0 and 2 ends at 0."""
    showers = np.stack([shower((0, 1, 40, 5.0)), shower((1, 2, 2, 5.0)), shower((0, 0, 0, 1.0), (2, 0, 0, 1e-3))])
    np.testing.assert_array_equal(calogan_variables(showers)["deepest_layer"], [0, 1, 2])


def test_an_empty_shower_has_zeros_and_no_warning():
    """Breaks with a division by zero (warnings are errors here)."""
    found = calogan_variables(np.zeros((2, 504), "f4"))
    assert all((values == 0).all() for values in found.values())


def test_another_number_of_cells_is_refused():
    """Breaks when showers of another detector give numbers."""
    with pytest.raises(ValueError, match=r"\(2, 368\), expected \(n, 504\)"):
        calogan_variables(np.zeros((2, 368)))
