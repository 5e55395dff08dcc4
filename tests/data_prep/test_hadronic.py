"""Pion showers: shares of the energy, first interaction, stopping."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data_prep.hadronic import draw_energies, pion_components
from calosim_tf.data_prep.lateral import expected_voxels_mev
from calosim_tf.data_prep.stacks import PION_STACK
from calosim_tf.geometry import PION

N = 20_000


@pytest.mark.parametrize("kinetic_mev", [150.0, 1e4, 4e6])
def test_shares_add_up_to_the_kinetic_energy(rng, kinetic_mev):
    """Breaks if energy is lost or made between track, electromagnetic, hadronic and invisible parts."""
    energies = draw_energies(np.full(N, kinetic_mev), PION_STACK, rng)
    parts = [energies.ionisation, energies.em_first, energies.em_late, energies.hadronic, energies.invisible]
    np.testing.assert_allclose(sum(parts), kinetic_mev, rtol=1e-12)
    assert min(part.min() for part in parts) >= 0


def test_first_interaction_is_exponential_in_interaction_lengths(rng):
    """Breaks if the depth is drawn in other units: e^-1 of the pions pass one interaction length."""
    depth = draw_energies(np.full(N, 1e5), PION_STACK, rng).depth_lambda
    assert depth.mean() == pytest.approx(1, abs=0.03)
    assert (depth > 1).mean() == pytest.approx(np.exp(-1), abs=0.015)


def test_electromagnetic_fraction_follows_the_power_law(rng):
    """Breaks if the fraction is not 1 - 100^-0.18 = 0.5635 at 100 GeV and growing."""
    fractions = []
    for kinetic in (1e4, 1e5, 1e6):
        energies = draw_energies(np.full(N, kinetic), PION_STACK, rng)
        em = energies.em_first + energies.em_late
        fractions.append((em / (kinetic - energies.ionisation)).mean())
    assert fractions[1] == pytest.approx(0.5635, abs=0.005)
    assert fractions[0] < fractions[1] < fractions[2] < 0.72


def test_slow_pion_stops_where_its_energy_ends(rng):
    """Breaks if a pion of 100 MeV never stops ionising: the calorimeter takes 470 MeV up to the first tile layer."""
    kinetic = np.full(2000, 100.0)
    energies = draw_energies(kinetic, PION_STACK, rng)
    # stopped before it could interact: ionisation took everything
    stopped = energies.ionisation == 100
    reach_lambda = np.interp(100.0, PION_STACK.ionisation_mev, PION_STACK.edges_lambda)
    np.testing.assert_array_equal(stopped, energies.depth_lambda >= reach_lambda)
    _, (track, *_) = pion_components(np.full(2000, 190.0), kinetic, PION_STACK, np.random.default_rng(1))
    np.testing.assert_array_equal(track.energy_mev[:, PION_STACK.edges_lambda[:-1] > reach_lambda], 0)


@pytest.mark.parametrize("momentum_mev", [256.0, 2.0**14, 2.0**22])
def test_pion_never_deposits_more_than_its_kinetic_energy(rng, momentum_mev):
    """Breaks if a profile is not normalised, or invisible energy is deposited."""
    momentum = np.full(2000, momentum_mev)
    kinetic = kinetic_energy_mev(momentum, PION.mass_mev)
    voxels = sum(
        expected_voxels_mev(PION_STACK, PION, part) for part in pion_components(momentum, kinetic, PION_STACK, rng)
    )
    assert np.isfinite(voxels).all()
    assert voxels.min() >= 0
    assert (voxels.sum(axis=1) <= kinetic * (1 + 1e-9)).all()


def test_late_energy_starts_behind_the_interaction(rng):
    """Breaks if hadronic energy is laid down before the pion has interacted."""
    momentum = np.full(500, 1e5)
    kinetic = kinetic_energy_mev(momentum, PION.mass_mev)
    # the same stream: the energies are drawn first
    depth = draw_energies(kinetic, PION_STACK, np.random.default_rng(3)).depth_lambda
    _, (_, core, tail) = pion_components(momentum, kinetic, PION_STACK, np.random.default_rng(3))
    before = PION_STACK.edges_lambda[1:] < depth[:, None]
    assert before.any()
    assert not (core.energy_mev + tail.energy_mev)[before].any()
