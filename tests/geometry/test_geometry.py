"""Voxel numbers of the published binning file, and both flattening orders."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calosim_tf.data_prep.layouts import LAYOUTS
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import DATASET_2, DATASET_3, DETECTORS, PHOTON, PION, get_detector


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


def test_pion_voxels_per_layer_and_offsets():
    """Breaks if a pion layer changes: 533 = 8 + 100 + 100 + 5 + 150 + 160 + 10 and the index ranges, published."""
    assert PION.n_voxels == 533
    assert [(layer.layer_id, layer.n_r, layer.n_alpha) for layer in PION.layers] == [
        (0, 8, 1),
        (1, 10, 10),
        (2, 10, 10),
        (3, 5, 1),
        (12, 15, 10),
        (13, 16, 10),
        (14, 10, 1),
    ]
    assert PION.offsets == (0, 8, 108, 208, 213, 363, 523, 533)
    assert PION.layer_slices[14] == slice(523, 533)


@pytest.mark.parametrize(("layer_id", "rings_beyond_400_mm"), [(12, (1000, 2000)), (13, (600, 1000, 2000))])
def test_pion_hadronic_layers_differ_in_one_edge(layer_id, rings_beyond_400_mm):
    """Breaks if the 600 mm edge of layer 13 is dropped, or given to layer 12 too."""
    edges = PION.layers[PION.layer_ids.index(layer_id)].r_edges_mm
    assert edges[: edges.index(400) + 1] == (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400)
    assert edges[edges.index(400) + 1 :] == rings_beyond_400_mm


@pytest.mark.parametrize(
    ("detector", "voxels", "voxels_per_layer", "ring_mm"),
    [(DATASET_2, 6480, 144, 4.65), (DATASET_3, 40500, 900, 2.325)],
)
def test_regular_cylinders(detector, voxels, voxels_per_layer, ring_mm):
    """Breaks if data sets 2 or 3 lose a layer, ring or angular bin; both reach 41.85 mm, published."""
    assert detector.n_voxels == voxels
    assert detector.layer_ids == tuple(range(45))
    assert detector.offsets == tuple(voxels_per_layer * layer for layer in range(46))
    layer = detector.layers[44]
    np.testing.assert_allclose(np.diff(layer.r_edges_mm), ring_mm, rtol=1e-12)
    assert layer.r_edges_mm[-1] == pytest.approx(41.85)


def test_thresholds_and_masses():
    """Breaks if data set 1 is cut at another energy than 1 MeV, sets 2 and 3 than 15.15 keV, or a mass is wrong."""
    challenge = {name: item for name, item in DETECTORS.items() if item.file_layout == "calochallenge"}
    assert {name: round(detector.threshold_mev, 5) for name, detector in challenge.items()} == {
        "photon": 1.0,
        "pion": 1.0,
        "dataset_2": 0.01515,
        "dataset_3": 0.01515,
    }
    assert [detector.mass_mev for detector in challenge.values()] == [0.0, 139.6, 0.511, 0.511]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("lhcb", [(30, 30)]),
        ("lhcb_xy", [(30, 30)]),
        ("calogan", [(3, 96), (12, 12), (12, 6)]),
        ("clic", [(25, 25)] * 25),
        ("ilc", [(30, 30)] * 30),
    ],
)
def test_layers_of_cells(name, shapes):
    """Breaks if a layer of cells has another shape than the published files."""
    assert [layer.shape for layer in DETECTORS[name].layers] == shapes


def test_cell_coordinates_follow_the_picture():
    """Breaks if rows and columns are exchanged: CaloGAN layer 0 has 3 rows of 160 mm in x, 96 columns of 5 mm in y."""
    detector = DETECTORS["calogan"]
    coordinates = detector.layers[0].coordinates_mm
    assert set(coordinates) == {"x", "y"}
    np.testing.assert_allclose(coordinates["x"].reshape(3, 96)[:, 0], [-160.0, 0.0, 160.0])
    np.testing.assert_allclose(coordinates["y"].reshape(3, 96)[0, [0, 1, 95]], [-237.5, -232.5, 237.5])
    shower = np.arange(504.0)[None]
    assert detector.layer_image(shower, 1)[0, 2, 3] == 288 + 2 * 12 + 3


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


def test_pions_are_told_from_other_particles_alone():
    """Breaks when a record that is copied from another one keeps pions, or a sample, that it has no use for."""
    assert {name: item.pions for name, item in DETECTORS.items() if item.pions} == {
        "photon": "photon_piplus",
        "calogan": "calogan_piplus",
        "calogan_gamma": "calogan_piplus",
    }
    assert set(LAYOUTS) >= {item.pions for item in DETECTORS.values() if item.pions}
    for item in DETECTORS.values():
        if item.beam is not None:
            energy = item.beam.energies_mev(5, np.random.default_rng(0))
            assert item.beam.attributes(energy, np.random.default_rng(0)).shape == (5, len(item.attributes))
