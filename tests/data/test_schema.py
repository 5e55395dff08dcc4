"""Kinetic energy and the held-out part."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet, holdout_rows, kinetic_energy_mev
from calosim_tf.geometry import PHOTON

PION_MASS_MEV = 139.6


@pytest.mark.parametrize(("momentum_mev", "kinetic_mev"), [(256.0, 151.989), (4194304.0, 4194164.402)])
def test_pion_kinetic_energy_as_published(momentum_mev, kinetic_mev):
    """Breaks if the file's value is mistaken for a total energy: sqrt(p^2 + m^2) - m with the published constants."""
    assert kinetic_energy_mev(np.array([momentum_mev]), PION_MASS_MEV)[0] == pytest.approx(kinetic_mev, abs=5e-4)


def test_photon_kinetic_energy_is_the_energy():
    """Breaks if float32 energies lose digits on the way."""
    energy = np.array([256.0, 4194304.0], dtype=np.float32)
    kinetic = kinetic_energy_mev(energy, 0.0)
    assert kinetic.dtype == np.float64
    np.testing.assert_array_equal(kinetic, [256.0, 4194304.0])


def test_small_momenta_do_not_cancel():
    """Breaks if the difference sqrt(p^2 + m^2) - m is taken directly: p^2 / 2m at p = 1e-4 MeV."""
    assert kinetic_energy_mev(np.array([1e-4]), PION_MASS_MEV)[0] == pytest.approx(1e-8 / (2 * PION_MASS_MEV), rel=1e-9)


def test_a_fifth_of_every_energy_is_held_out(photon_showers):
    """Breaks if the split is random per energy or shifts between energies."""
    incident, _ = photon_showers
    held_out = holdout_rows(incident, 0.2)
    for energy in np.unique(incident):
        assert held_out[incident == energy].sum() == (incident == energy).sum() / 5


def test_held_out_rows_do_not_follow_random_state(photon_showers):
    """Breaks if a seed reaches the split: a resumed or repeated run would train on held-out showers."""
    incident, _ = photon_showers
    np.random.seed(1)  # noqa: NPY002 - the global state is what must have no influence
    first = holdout_rows(incident, 0.2)
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(first, holdout_rows(incident, 0.2))


def test_held_out_part_of_continuous_energies_is_even():
    """Breaks if a continuous spectrum is split by anything but rank: 1 in 4 of every run of 4 sorted energies."""
    energy = np.random.default_rng(0).uniform(1e3, 1e5, 400)
    sorted_mask = holdout_rows(energy, 0.25)[np.argsort(energy)]
    np.testing.assert_array_equal(sorted_mask.reshape(100, 4).sum(axis=1), 1)


def test_held_out_number_is_not_lost_to_rounding():
    """Breaks if 0.29 * 100, which is 28.999999999999996 in floating point, counts as 28."""
    assert holdout_rows(np.arange(100.0), 0.29).sum() == 29


def test_nothing_is_held_out_at_fraction_zero():
    """Breaks if rounding lets a row slip in."""
    assert not holdout_rows(np.arange(1.0, 1000.0), 0.0).any()


def test_take_keeps_pairs_together():
    """Breaks if energies and showers are indexed differently."""
    showers = ShowerSet(np.array([1.0, 2.0, 3.0]), np.arange(3.0)[:, None] * np.ones(368), PHOTON, "made up")
    taken = showers.take(np.array([2, 0]))
    assert taken.incident_energy_mev.tolist() == [3.0, 1.0]
    assert taken.showers_mev[:, 5].tolist() == [2.0, 0.0]
    assert len(taken) == 2
