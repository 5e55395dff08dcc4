"""Network tensors of LHCb, CaloGAN and 3DGAN: formulae by hand, axes by loops, exact inverses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calosim_tf.config import DataConfig
from calosim_tf.data.cell_transforms import CubeNormalisation, GevNormalisation, LogCellNormalisation
from calosim_tf.data.layer_energies import LayerEnergyNormalisation
from calosim_tf.data.normalisations import NORMALISATIONS, normalisation_from_dict
from calosim_tf.data.source import load_source
from calosim_tf.geometry import get_detector

RANGE = (0.0, 1e3, 1e5)  # mass, lowest and highest kinetic energy, MeV
ENERGY = np.array([2e3, 5e4])

# float32 holds a logarithm L to 6e-8 L, so the energy to 6e-8 L (1 + 1/E): 1e-6 over nine decades, with a margin of 2
LOG_TOLERANCE = 2e-6


def showers(n_voxels: int, seed: int = 0) -> np.ndarray:
    """Two showers with a third of the cells empty and the others over nine decades, MeV, float32."""
    rng = np.random.default_rng(seed)
    values = 10.0 ** rng.uniform(-4, 5, (2, n_voxels))
    return np.where(rng.uniform(size=values.shape) < 1 / 3, 0.0, values).astype("f4")


def test_log_cells_by_hand():
    """Breaks if the logarithm is of base 10, of GeV, or without the 1: ln(1 + E/MeV)."""
    values = np.zeros((1, 900), "f4")
    values[0, [0, 31, 899]] = [1.0, np.e - 1, 999.0]
    found = LogCellNormalisation(*RANGE).to_network(values, ENERGY[:1])
    assert found.shape == (1, 30, 30, 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, [0, 1, 29], [0, 1, 29], 0], [np.log(2), 1.0, np.log(1000)], rtol=1e-6)
    assert np.count_nonzero(found) == 3


def test_log_cells_and_back():
    """Breaks if small cells lose their digits (log of 1 + E) or rows and columns are exchanged on the way back."""
    norm, values = LogCellNormalisation(*RANGE), showers(900)
    tensors = norm.to_network(values, ENERGY)
    assert tensors.shape[1:] == norm.value_shape(900) == (30, 30, 1)
    np.testing.assert_array_equal(tensors[..., 0] == 0, values.reshape(2, 30, 30) == 0)
    np.testing.assert_allclose(norm.to_mev(tensors, ENERGY), values, rtol=LOG_TOLERANCE)


def test_log_cells_of_float64_are_float32():
    """Breaks if files in double precision double the memory of a batch."""
    assert LogCellNormalisation(*RANGE).to_network(showers(900).astype("f8"), ENERGY).dtype == np.float32


def test_lhcb_condition_is_standardised_by_hand():
    """Breaks if mean and width are exchanged, or the raw condition is not px, py, pz, x, y as it is."""
    particles = np.array([[1.0, 2.0, 30.0, -1.0, 4.0], [-1.0, 0.0, 10.0, 1.0, 0.0]])
    raw = LogCellNormalisation(*RANGE).label(ENERGY, particles)
    assert raw.dtype == np.float32
    np.testing.assert_array_equal(raw, particles)
    norm = LogCellNormalisation(
        *RANGE, condition_mean=(0.0, 1.0, 20.0, 0.0, 2.0), condition_std=(2.0, 1.0, 5.0, 0.5, 4.0)
    )
    expected = [[0.5, 1.0, 2.0, -2.0, 0.5], [-0.5, -1.0, -2.0, 2.0, -0.5]]
    np.testing.assert_allclose(norm.label(ENERGY, particles), expected, rtol=1e-6)
    assert norm.label(ENERGY, particles).dtype == np.float32


def test_an_attribute_that_never_changes_gives_no_nan(store, cells, tmp_path):
    """Breaks if a beam at one point is divided by a width of 0 (or by that of rounding), or the others change."""
    arrays = cells("lhcb", 40)
    arrays["ParticlePoint"][:, 0], arrays["ParticlePoint"][:, 1] = 0.0, 1.7
    source = load_source(store(tmp_path / "lhcb.hdf5", arrays), get_detector("lhcb_yx"))
    data = DataConfig(layout="lhcb_yx", standardize_conditions=True)
    norm = LogCellNormalisation.of_training(source, data, None)
    found = norm.label(source.incident_energy_mev, source.attributes)[source.train_rows]
    np.testing.assert_array_equal(found[:, 3], 0.0)
    np.testing.assert_allclose(found[:, 4], 0.0, atol=1e-6)
    np.testing.assert_allclose(found[:, :3].std(axis=0), 1.0, rtol=1e-5)


def test_the_attributes_of_layer_energies_are_standardised(store, cells, tmp_path):
    """Breaks if a width below 1 is taken for that of a number which never changes."""
    arrays = cells("calogan", 40)
    arrays["x0"][:] = 7.0
    source = load_source(store(tmp_path / "a.hdf5", arrays), get_detector("calogan"))
    norm = LayerEnergyNormalisation.of_training(source, DataConfig(layout="calogan"), None)
    found = norm.label(source.incident_energy_mev, source.attributes)[source.train_rows]
    names = ("ln_kin", *source.detector.attributes)
    for name, column in zip(names[1:], found[:, 1:].T, strict=False):
        np.testing.assert_allclose(column.mean(), 0.0, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(column.std(), 0.0 if name.startswith("x0") else 1.0, rtol=1e-4, err_msg=name)


def test_the_layer_energies_reach_from_the_lowest_to_the_highest_energy():
    """Breaks if an end of the table is not the logarithm of the energy there."""
    norm = LayerEnergyNormalisation(*RANGE, table=((2e3, 0.1, 0.5), (5e4, 0.1, 0.7)))
    knots, rows = norm.knots()
    np.testing.assert_allclose(knots, np.log([1e3, 2e3, 5e4, 1e5]))
    slope = 0.2 / np.log(25)
    np.testing.assert_allclose(rows[:, 1], [0.5 - slope * np.log(2), 0.5, 0.7, 0.7 + slope * np.log(2)])


def test_gev_cells_by_hand():
    """Breaks if cells are not MeV / 1000 in one vector, or the way back is not exact to the last bit but one."""
    norm, values = GevNormalisation(*RANGE), showers(504)
    tensors = norm.to_network(values, ENERGY)
    assert tensors.dtype == np.float32
    assert norm.value_shape(504) == (504,)
    np.testing.assert_allclose(tensors, values / 1000.0, rtol=1e-7)
    np.testing.assert_allclose(norm.to_mev(tensors, ENERGY), values, rtol=2e-7)


def test_gev_condition_by_hand():
    """Breaks if the energy is scaled (that is the networks' own), or the order is not E, theta, phi, x0, y0."""
    particles = np.array([[1.5, 0.1, -20.0, 30.0], [1.6, -0.2, 0.0, 50.0]])
    found = GevNormalisation(*RANGE).label(ENERGY, particles)
    np.testing.assert_allclose(found, [[2.0, 1.5, 0.1, -20.0, 30.0], [50.0, 1.6, -0.2, 0.0, 50.0]], rtol=1e-6)
    single = GevNormalisation(*RANGE, condition_size=1).label(ENERGY, np.empty((2, 0)))
    np.testing.assert_allclose(single, [[2.0], [50.0]])
    assert single.dtype == found.dtype == np.float32


@pytest.mark.parametrize("cells", [(25, 25, 25), (51, 51, 25), (4, 3, 2)])
def test_cube_axes(cells):
    """Breaks if a voxel (z slowest, then x, then y) lands at another place than [x, y, z] of the cube."""
    n_x, n_y, n_z = cells
    values = np.arange(1, n_x * n_y * n_z + 1, dtype="f4")[None]
    norm = CubeNormalisation(*RANGE, cells=cells)
    cube = norm.to_network(values, ENERGY[:1])
    assert cube.shape == (1, *norm.value_shape(values.shape[1])) == (1, *cells)
    for x, y, z in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (n_x - 1, 1, n_z - 1), (2, n_y - 1, 1)):
        assert cube[0, x, y, z] == pytest.approx(values[0, (z * n_x + x) * n_y + y] / 1000, rel=1e-6)
    np.testing.assert_allclose(norm.to_mev(cube, ENERGY[:1]), values, rtol=2e-7)


def test_cube_labels_by_hand():
    """Breaks if the label is not E / 100 GeV, or the angle is lost or scaled."""
    theta = np.array([[1.2], [1.9]])
    np.testing.assert_allclose(CubeNormalisation(*RANGE).label(ENERGY, theta), [[0.02], [0.5]], rtol=1e-6)
    with_angle = CubeNormalisation(*RANGE, with_angle=True).label(ENERGY, theta)
    np.testing.assert_allclose(with_angle, [[0.02, 1.2], [0.5, 1.9]], rtol=1e-6)
    assert with_angle.dtype == np.float32


@pytest.mark.parametrize(
    "norm",
    [
        LogCellNormalisation(*RANGE, mask_mev=1.0),
        GevNormalisation(*RANGE, mask_mev=1.0),
        CubeNormalisation(*RANGE, mask_mev=1.0),
    ],
    ids=lambda norm: norm.kind,
)
def test_cells_below_the_mask_are_empty(norm):
    """Breaks if the mask keeps them, or takes the cell at its edge too."""
    n_voxels = {"log_cells": 900, "gev": 504, "cube": 15625}[norm.kind]
    values = showers(n_voxels)
    values[0, :3] = [0.999, 1.0, 1.001]
    back = norm.to_mev(norm.to_network(values, ENERGY), ENERGY)
    np.testing.assert_array_equal(back == 0, values < 1.0)
    np.testing.assert_allclose(back[values >= 1], values[values >= 1], rtol=LOG_TOLERANCE)


@pytest.mark.parametrize(
    "norm",
    [
        LogCellNormalisation(*RANGE),
        LogCellNormalisation(*RANGE, condition_mean=(0.1, 0.2), condition_std=(1.5, 2.5), mask_mev=0.01),
        GevNormalisation(*RANGE, condition_size=1, mask_mev=0.5),
        CubeNormalisation(*RANGE, sampling_coefficients=(0.01, 2e-5, -1e-7), fake_energy_gev=(10.0, 100.0)),
        CubeNormalisation(*RANGE, cells=(51, 51, 25), with_angle=True, mask_mev=0.1),
    ],
)
def test_a_run_record_gives_the_same_normalisation(norm):
    """Breaks if a trained generator is read with other options than it was trained with: tuples, kind, masks."""
    stored = json.loads(json.dumps(norm.to_dict()))
    assert NORMALISATIONS[stored["kind"]] is type(norm)
    assert normalisation_from_dict(stored) == norm


def test_an_unknown_record_is_refused():
    """Breaks if a record of a newer version is read as something else."""
    with pytest.raises(TypeError, match=r"kind 'wavelets' is unknown, expected one of .*log_cells"):
        normalisation_from_dict({"kind": "wavelets"})
    with pytest.raises(TypeError):
        normalisation_from_dict({"kind": "gev", "mass_mev": 0.0, "kin_min_mev": 1.0, "kin_max_mev": 2.0, "cells": [1]})
