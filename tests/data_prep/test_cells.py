"""Spots in rectangular cells against closed integrals, and where the energy of inclined showers goes."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data_prep.cell_layouts import calogan_axes
from calosim_tf.data_prep.cells import Axes, Readout, cell_showers_mev
from calosim_tf.data_prep.lateral import Component
from calosim_tf.data_prep.media import LEAD_ARGON
from calosim_tf.data_prep.stacks import CALOGAN_STACK, Section, Stack
from calosim_tf.geometry import CellLayer, VoxelDetector
from calosim_tf.geometry.detectors import CALOGAN

# One slice of 10 mm, 2 rows (y) of 30 mm and 4 columns (x) of 10 mm.
SLAB = Stack((Section(0, LEAD_ARGON, 10.0),), LEAD_ARGON)
PLATE = VoxelDetector("plate", "e-", 0.0, (CellLayer(0, 2, 4, row_mm=30.0, column_mm=10.0),), 0.0)


def quadrant(x, y, radius):
    """Integral of R^2 / (pi (x^2 + y^2 + R^2)^2) from 0 to x and 0 to y."""
    s, t = np.hypot(x, radius), np.hypot(y, radius)
    return (x / s * np.arctan(y / s) + y / t * np.arctan(x / t)) / (2 * np.pi)


def plate_mev(n, radius_mm, readout, rng, point=(0.0, 0.0), slope=(0.0, 0.0), energy_mev=300.0):
    axes = Axes(*(np.repeat(np.array(pair)[:, None], n, axis=1) for pair in (point, slope)))
    component = Component(np.full((n, 1), energy_mev), np.full((n, 1), radius_mm))
    return cell_showers_mev([component], axes, SLAB, PLATE, readout, rng)


@pytest.mark.parametrize("spread", [1.0, 1.8])
def test_mean_energies_are_the_integrals_of_the_density(rng, spread):
    """Breaks if the profile of spots is not the published one, far spots are not weighted, or a border is moved."""
    mean = plate_mev(3000, 8.0, Readout(2.0, spread=spread), rng, point=(3.0, -4.0)).mean(axis=0).reshape(2, 4)
    corners = quadrant(np.arange(-20, 21, 10)[None, :] - 3.0, np.array([-30, 0, 30])[:, None] + 4.0, 8.0)
    expected = 300 * np.diff(np.diff(corners, axis=0), axis=1)
    np.testing.assert_allclose(mean, expected, rtol=0.03)


def test_variance_is_that_of_exponential_spots(rng):
    """Breaks if spots are counted twice or have no energy spectrum: all in one cell, variance 2 x 3 MeV x energy."""
    total = plate_mev(4000, 1e-3, Readout(3.0, fraction=0.5), rng, point=(5.0, 10.0))
    np.testing.assert_array_equal(np.flatnonzero(total.any(axis=0)), [4 + 2])
    assert total[:, 6].mean() == pytest.approx(0.5 * 300, rel=0.01)
    assert total[:, 6].var() == pytest.approx(0.25 * 6 * 300, rel=0.1)


def test_counted_energy_is_conserved(rng):
    """Breaks if the sum of a shower fluctuates where absorber and active plates are counted, or exceeds the energy."""
    inside = plate_mev(200, 1e-3, Readout(3.0, conserved=True), rng, point=(5.0, 10.0))
    np.testing.assert_allclose(inside.sum(axis=1), 300, rtol=1e-5)
    wide = plate_mev(200, 8.0, Readout(3.0, conserved=True), rng)
    assert (wide.sum(axis=1) < 300 * (1 + 1e-5)).all()


def test_nothing_thrown_is_nothing(rng):
    """Breaks if a shower without a spot divides by 0."""
    assert not plate_mev(5, 8.0, Readout(1e9, conserved=True), rng).any()


def test_the_centre_moves_with_depth(rng):
    """Breaks if the axis of an inclined particle stays where it entered: 0.8 over 10 mm fills -4 ... 4 mm evenly."""
    columns = plate_mev(2000, 1e-3, Readout(3.0), rng, point=(-4.0, 10.0), slope=(0.8, 0.0)).sum(axis=0)[4:]
    np.testing.assert_allclose(columns / columns.sum(), [0, 0.5, 0.5, 0], atol=0.01)
    outside = plate_mev(50, 1e-3, Readout(3.0), rng, point=(15.0, 10.0), slope=(1.0, 0.0)).sum() / (50 * 300)
    assert outside == pytest.approx(0.5, abs=0.03)


def test_rows_and_columns_of_calogan(rng):
    """Breaks if rows of CaloGAN count y: a point at x = 100, y = -30 mm is row 8, column 5 of layer 1."""
    component = Component(np.where(CALOGAN_STACK.layer_index == 1, 50.0, 0.0)[None], np.full((1, 24), 1e-3))
    axes = Axes(np.array([[100.0], [-30.0]]), np.zeros((2, 1)))
    shower = cell_showers_mev([component], axes, CALOGAN_STACK, CALOGAN, Readout(1.0), rng)
    assert np.argwhere(CALOGAN.layer_image(shower, 1)[0]).tolist() == [[8, 5]]
    assert not CALOGAN.layer_image(shower, 0).any()


def test_axes_from_angles():
    """Breaks if the two angles are exchanged, or a sign is lost: (1, -2, 20) / sqrt(405)."""
    px, py, pz = np.array([1.0, -2.0, 20.0])
    angles = [np.arccos(py / np.sqrt(405)), np.arctan(-px / pz), 7.0, -9.0]
    axes = calogan_axes(np.array([angles]))
    np.testing.assert_allclose(axes.slope[:, 0], [0.05, -0.1])
    np.testing.assert_allclose(axes.point_mm[:, 0], [7, -9])
    assert axes.stretch[0] == pytest.approx(np.sqrt(405) / 20)
