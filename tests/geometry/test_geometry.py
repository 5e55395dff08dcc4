"""Voxel numbers of the published binning file, and both flattening orders."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calosim_tf.errors import ConfigError
from calosim_tf.geometry import PHOTON, get_detector


def test_photon_voxels_per_layer():
    """Breaks if a layer's rings or angular bins change: 368 = 8 + 160 + 190 + 5 + 5, published."""
    assert PHOTON.n_voxels == 368
    assert [(layer.layer_id, layer.n_r, layer.n_alpha) for layer in PHOTON.layers] == [
        (0, 8, 1),
        (1, 16, 10),
        (2, 19, 10),
        (3, 5, 1),
        (12, 5, 1),
    ]


def test_photon_offsets():
    """Breaks if layer 12 is not the fifth in the file, or a slice is off by one."""
    assert PHOTON.offsets == (0, 8, 168, 358, 363, 368)
    assert PHOTON.layer_slices[12] == slice(363, 368)
    assert PHOTON.layer_ids == (0, 1, 2, 3, 12)


def test_bin_edges_and_centres():
    """Breaks if angles do not run from -pi to pi in equal bins, or centres are not midway."""
    layer = PHOTON.layers[1]
    np.testing.assert_allclose(layer.alpha_edges, [math.pi * (2 * k / 10 - 1) for k in range(11)], rtol=0, atol=1e-15)
    assert layer.alpha_mid[0] == pytest.approx(-0.9 * math.pi)
    assert layer.r_mid_mm[:3].tolist() == [1.0, 3.0, 5.0]
    assert layer.r_mid_mm[-1] == 175.0
    assert PHOTON.layers[4].r_edges_mm == (0, 100, 200, 400, 1000, 2000)


def test_layer_image_is_angle_by_radius():
    """Breaks if r is not the fastest index inside a layer."""
    showers = np.arange(2 * 368).reshape(2, 368)
    image = PHOTON.layer_image(showers, 2)
    assert image.shape == (2, 10, 19)
    assert image[0, 3, 7] == 168 + 3 * 19 + 7
    assert image[1, 0, 0] == 368 + 168


def test_alpha_fastest_against_explicit_loop():
    """Breaks if the map transposes the wrong way: r outside, angle inside, as the ATLAS C++ loop."""
    expected = []
    for layer, offset in zip(PHOTON.layers, PHOTON.offsets, strict=False):
        for ring in range(layer.n_r):
            for angle in range(layer.n_alpha):
                expected.append(offset + angle * layer.n_r + ring)
    assert PHOTON.reorder_index("alpha_fastest").tolist() == expected


def test_orders_are_inverse_of_each_other():
    """Breaks if going to the other order and back does not return the shower."""
    shower = np.random.default_rng(0).random((1, 368))
    there = PHOTON.reorder_index("alpha_fastest")
    back = np.argsort(there)
    assert not np.array_equal(shower[:, there], shower)
    np.testing.assert_array_equal(shower[:, there][:, back], shower)
    np.testing.assert_array_equal(PHOTON.reorder_index("r_fastest"), np.arange(368))


def test_unknown_names_are_config_errors():
    """Breaks if a typing mistake becomes a traceback or picks a default."""
    with pytest.raises(ConfigError, match=r"'phton'.*photon"):
        get_detector("phton")
    with pytest.raises(ConfigError, match=r"'z_fastest'.*r_fastest, alpha_fastest"):
        PHOTON.reorder_index("z_fastest")
