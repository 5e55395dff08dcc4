"""Electromagnetic showers against the published formulae evaluated by hand, and against theory."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data_prep import electromagnetic
from calosim_tf.data_prep.electromagnetic import (
    electron_components,
    front_loss_mev,
    lateral_shape,
    longitudinal_shape,
    pair_fraction,
    photon_components,
)
from calosim_tf.data_prep.lateral import expected_voxels_mev, share_within
from calosim_tf.data_prep.media import LEAD_ARGON
from calosim_tf.data_prep.stacks import NOT_READ, PHOTON_STACK
from calosim_tf.geometry import PHOTON


def total_slices(components):
    return sum(component.energy_mev for component in components)


def mean_depth_x0(slices, stack):
    return float((slices * stack.mid_x0).sum() / slices.sum())


def test_longitudinal_shape_of_10_gev(rng):
    """Breaks if a published constant, a sign or the correlation is wrong (numbers calculated for ln(E/Ec) = 7.0163)."""
    shape = longitudinal_shape(np.full(100_000, 1e4), LEAD_ARGON, rng)
    log_a, log_t = np.log(shape.a), np.log((shape.a - 1) / shape.b_per_x0)
    # 1.03 * 7.0163 - 0.812 - 0.55 / 2.5979 - 0.69 * 0.3094
    assert np.median(log_t) == pytest.approx(np.log(5.990), abs=0.003)
    # 0.81 + (0.458 + 2.26 / 69.365) * 7.0163 - 0.476 / 2.5979
    assert np.median(log_a) == pytest.approx(np.log(4.069), abs=0.003)
    # 1 / (-2.5 + 1.25 * 7.0163), 1 / (-0.82 + 0.79 * 7.0163), 0.784 - 0.023 * 7.0163
    assert log_t.std() == pytest.approx(0.1595, rel=0.02)
    assert log_a.std() == pytest.approx(0.2117, rel=0.02)
    assert np.corrcoef(log_a, log_t)[0, 1] == pytest.approx(0.6226, abs=0.015)


def test_lateral_shape_at_the_maximum_of_a_10_gev_shower():
    """Breaks if a published radial constant or a sampling correction is wrong (numbers calculated for tau = 1)."""
    weight, core, tail = lateral_shape(np.array([[1e4]]), np.array([[1.0]]), LEAD_ARGON)
    # 0.0251 + 0.00319 * 2.3026 + 0.1162 - 0.000381 * 69.365 - 0.0203 * 0.30939 + 0.0397 / 2.5979 * 0.36788
    assert core[0, 0] == pytest.approx(0.12156, rel=1e-3)
    # 0.44466 * (0.39875 + 1.17528) - 0.14 * 0.30939 - 0.495 / 2.5979 * 0.36788, times the tuned 0.95
    assert tail[0, 0] == pytest.approx(0.95 * 0.58652, rel=1e-3)
    # x = -0.40565: 2.5668 * 0.66654 * 0.51345 + 0.30939 * (0.348 - 0.642 / 2.5979), times the tuned 0.90
    x = (0.401 + 0.00187 * 69.365 - 1) / (1.313 - 0.0686 * 2.30259)
    by_hand = 2.5668 * np.exp(x) * np.exp(-np.exp(x)) + 0.30939 * (0.348 - 0.24712)
    assert weight[0, 0] == pytest.approx(0.90 * by_hand, rel=1e-3)


def test_mean_depth_grows_with_the_logarithm_of_the_energy(rng, deep_stack):
    """Breaks if showers do not deepen by about one radiation length per factor e (Heitler, Rossi)."""
    energies = np.array([1e3, 1e4, 1e5])
    depths = []
    for energy in energies:
        components = electron_components(np.full(2000, energy), np.zeros(2000), deep_stack, rng)
        depths.append(mean_depth_x0(total_slices(components), deep_stack))
    slopes = np.diff(depths) / np.diff(np.log(energies))
    np.testing.assert_allclose(slopes, 1.03, atol=0.06)


def test_inclined_showers_are_shallower(rng, deep_stack):
    """Breaks if the path through the plates is mistaken for the depth: half as deep at 60 degrees, and no energy
    lost."""
    start, energy = np.zeros(2000), np.full(2000, 1e4)
    straight, inclined = (
        total_slices(electron_components(energy, start, deep_stack, rng, stretch))
        for stretch in (np.ones(2000), np.full(2000, 2.0))
    )
    ratio = mean_depth_x0(inclined, deep_stack) / mean_depth_x0(straight, deep_stack)
    assert ratio == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(inclined.sum(axis=1), 1e4, rtol=1e-3)


def test_electron_leaves_all_its_energy_in_a_deep_calorimeter(rng, deep_stack):
    """Breaks if the longitudinal or the core and tail weights are not normalised."""
    components = electron_components(np.full(500, 1e4), np.zeros(500), deep_stack, rng)
    np.testing.assert_allclose(total_slices(components).sum(axis=1), 1e4, rtol=1e-3)


def test_nine_tenths_within_one_moliere_radius(rng, deep_stack):
    """Breaks if radii lose their unit: by definition about 90 % lie within one Moliere radius, 95 % within two."""
    components = electron_components(np.full(2000, 1e4), np.zeros(2000), deep_stack, rng)
    total = total_slices(components).sum()
    for radii, expected in ((1, 0.89), (2, 0.96)):
        inside = sum(
            (c.energy_mev * share_within(radii * LEAD_ARGON.moliere_mm, c.radius_mm)).sum() for c in components
        )
        assert inside / total == pytest.approx(expected, abs=0.02)


def test_photons_convert_after_nine_sevenths_of_a_radiation_length(rng, deep_stack):
    """Breaks if the depth of the first pair is not exponential with mean 9/7 X0: untouched slices show it."""
    n = 40_000
    slices = total_slices(photon_components(np.full(n, 1e4), deep_stack, rng))
    border = deep_stack.edges_x0[[1, 2, 3]]
    untouched = [(slices[:, :k].sum(axis=1) == 0).mean() for k in (1, 2, 3)]
    np.testing.assert_allclose(untouched, np.exp(-7 / 9 * border), atol=4 * np.sqrt(0.25 / n))


def test_photon_shower_is_deeper_than_that_of_an_electron(rng, deep_stack):
    """Breaks if the pair does not share the energy: 9/7 X0 deeper, less what two smaller showers are shorter."""
    electrons = electron_components(np.full(8000, 1e4), np.zeros(8000), deep_stack, rng)
    photons = photon_components(np.full(8000, 1e4), deep_stack, rng)
    later = mean_depth_x0(total_slices(photons), deep_stack) - mean_depth_x0(total_slices(electrons), deep_stack)
    # energy-weighted mean of ln z: 2 * integral of 9/7 (1 - 4/3 z (1 - z)) z ln z = -10/21
    assert later == pytest.approx(9 / 7 - 1.02 * 10 / 21, abs=0.08)


def test_pair_fraction_moments(rng):
    """Breaks if the two are not alike, or the density is flat: the mean square is 12/35, not 1/3."""
    share = pair_fraction(400_000, rng)
    assert share.mean() == pytest.approx(0.5, abs=0.002)
    assert (share**2).mean() == pytest.approx(12 / 35, abs=0.002)
    assert 0 < share.min() < share.max() < 1


def test_front_loss_by_hand():
    """Breaks if a term of the loss in dead material is lost, or it can exceed the energy."""
    # 1 + 1/(3 * 9/7) * ln(1 + 1000/39.31) + 0.22 = 2.0695 tracks times X0, 39.31 MeV each: 81.35 MeV
    assert front_loss_mev(np.array([1e3]), np.array([1.0]))[0] == pytest.approx(1e3 * -np.expm1(-0.08135), rel=1e-3)
    assert front_loss_mev(np.array([10.0]), np.array([50.0]))[0] <= 10
    assert front_loss_mev(np.array([1e3]), np.array([0.0]))[0] == 0


@pytest.mark.parametrize("energy_mev", [256.0, 4096.0, 2.0**22])
def test_photon_never_deposits_more_than_its_energy(rng, energy_mev):
    """Breaks if scaling behind the dead material, or the voxels, create energy."""
    components = photon_components(np.full(3000, energy_mev), PHOTON_STACK, rng)
    read = total_slices(components)[:, PHOTON_STACK.layer_index != NOT_READ].sum(axis=1)
    voxels = expected_voxels_mev(PHOTON_STACK, PHOTON, components)
    assert voxels.min() >= 0
    assert (voxels.sum(axis=1) <= read * (1 + 1e-12)).all()
    assert (read <= energy_mev * (1 + 1e-12)).all()


def test_dead_material_takes_more_of_a_low_energy(rng):
    """Breaks if energy in dead material is counted, or not lost: the EGSnrc sample has 0.78 at 256 MeV, 0.994 high."""
    fraction = []
    for energy in (256.0, 2.0**16):
        components = photon_components(np.full(4000, energy), PHOTON_STACK, rng)
        fraction.append(expected_voxels_mev(PHOTON_STACK, PHOTON, components).sum() / (4000 * energy))
    assert fraction[0] == pytest.approx(0.78, abs=0.02)
    assert 0.99 < fraction[1] < 0.999


def test_shape_stays_below_the_range_of_the_formulae(rng):
    """Breaks if a soft electron of a pair gives a negative logarithm, a zero radius or no number at all."""
    soft = np.array([1e-3, 1.0, electromagnetic.MIN_ENERGY_OVER_CRITICAL * LEAD_ARGON.critical_energy_mev])
    shape = longitudinal_shape(soft, LEAD_ARGON, rng)
    assert (shape.a > 1).all()
    assert (shape.b_per_x0 >= electromagnetic.MIN_DECAY_PER_X0).all()
    weight, core, tail = lateral_shape(soft[:, None], np.linspace(0, 30, 50)[None, :], LEAD_ARGON)
    np.testing.assert_array_equal(core[0], core[2])
    assert (core > 0).all()
    assert (tail > core).all()
    assert ((weight >= 0) & (weight <= 1)).all()
