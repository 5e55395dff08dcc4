"""Effective media and calorimeters in depth against numbers calculated by hand."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data_prep.media import ALUMINIUM, DEAD_ALUMINIUM, IRON_SCINTILLATOR, LEAD, LEAD_ARGON, TUNGSTEN_SILICON
from calosim_tf.data_prep.stacks import (
    CALOGAN_STACK,
    CLIC_STACK,
    LHCB_STACK,
    NOT_READ,
    PHOTON_STACK,
    PION_STACK,
)


def test_critical_energies():
    """Breaks if the power or the factor is lost: 2.66 (6.37 82 / 207.2)^1.1 = 7.35 MeV, aluminium 39.3 MeV."""
    assert LEAD.critical_energy_mev == pytest.approx(7.354, abs=0.005)
    assert ALUMINIUM.critical_energy_mev == pytest.approx(39.31, abs=0.02)


def test_lead_and_argon_as_one_medium():
    """Breaks if weights are by length instead of by mass, or absorber and active plate are swapped."""
    # one period: 2 mm / 5.612 mm + 4 mm / 140.0 mm = 0.38495 X0; mass shares 0.8026 and 0.1974
    assert LEAD_ARGON.period_mm / LEAD_ARGON.x0_mm == pytest.approx(0.38495, abs=2e-4)
    assert LEAD_ARGON.z == pytest.approx(0.8026 * 82 + 0.1974 * 18, abs=0.02)
    assert LEAD_ARGON.sampling_frequency == pytest.approx(1 / 0.38495, abs=2e-3)
    assert LEAD_ARGON.e_over_mip == pytest.approx(1 / (1 + 0.007 * 64))
    assert LEAD_ARGON.critical_energy_mev == pytest.approx(8.97, abs=0.01)
    assert LEAD_ARGON.moliere_mm == pytest.approx(21.2 * 15.588 / 8.971, abs=0.02)


def test_one_plate_is_homogeneous():
    """Breaks if a single material gets sampling corrections."""
    assert 1 / DEAD_ALUMINIUM.sampling_frequency == 0
    assert DEAD_ALUMINIUM.e_over_mip == 1
    assert DEAD_ALUMINIUM.x0_mm == pytest.approx(88.96, abs=0.01)


def test_photon_stack_is_that_of_the_sample():
    """Breaks if a section is not 1.5 X0 of dead material or 3, 12, 42, 8, 12 pairs of 0.38495 X0."""
    assert PHOTON_STACK.layer_ids == (0, 1, 2, 3, 12)
    assert PHOTON_STACK.front_x0 == pytest.approx(1.5)
    lengths = [np.ptp(PHOTON_STACK.edges_x0[[s.start, s.stop]]) for s in map(PHOTON_STACK.slices_of, range(5))]
    np.testing.assert_allclose(lengths, 0.38492 * np.array([3, 12, 42, 8, 12]), rtol=1e-3)


def test_pion_stack():
    """Breaks if a tile layer is not as deep as stated, or the wall in front of them is read."""
    assert PION_STACK.layer_ids == (0, 1, 2, 3, 12, 13, 14)
    lengths = [np.ptp(PION_STACK.edges_lambda[[s.start, s.stop]]) for s in map(PION_STACK.slices_of, range(7))]
    np.testing.assert_allclose(lengths[4:], [1.5, 4.1, 1.8])
    # 65 pairs of 2 mm / 175.86 mm + 4 mm / 857.4 mm
    assert sum(lengths[:4]) == pytest.approx(65 * 0.016038, rel=1e-3)
    dead = PION_STACK.layer_index == NOT_READ
    assert np.flatnonzero(dead).tolist() == [0, PION_STACK.slices_of(4).start - 1]
    # aluminium: 1.615 MeV cm2/g times 107.2 g/cm2 per interaction length
    assert np.diff(PION_STACK.ionisation_mev)[dead][1] == pytest.approx(0.5 * 1.615 * 107.2)


def test_tungsten_and_silicon():
    """Breaks if the gap counts as the active plate, or weighs anything: 3.503 mm and 93.69 mm per X0."""
    assert TUNGSTEN_SILICON.period_mm / TUNGSTEN_SILICON.x0_mm == pytest.approx(2.8 / 3.503 + 0.5 / 93.69, abs=5e-4)
    assert TUNGSTEN_SILICON.e_over_mip == pytest.approx(1 / (1 + 0.007 * 60))
    assert TUNGSTEN_SILICON.electromagnetic
    assert not IRON_SCINTILLATOR.electromagnetic


def test_stacks_of_cells():
    """Breaks if a calorimeter has another depth, or a segment another border, than its sample."""
    # 2 mm / 5.612 mm + 4 mm / 413.1 mm
    assert LHCB_STACK.edges_x0[-1] == pytest.approx(66 * (0.35637 + 0.00968), rel=1e-3)
    assert LHCB_STACK.edges_mm[-1] == pytest.approx(396)
    borders = [CALOGAN_STACK.edges_mm[CALOGAN_STACK.slices_of(layer).stop] for layer in range(3)]
    np.testing.assert_allclose(borders, [90, 437, 480])
    assert CALOGAN_STACK.edges_x0[-1] == pytest.approx(80 * 0.38495, rel=1e-3)
    assert CLIC_STACK.layer_ids == tuple(range(25))
    assert CLIC_STACK.edges_mm[-1] == pytest.approx(125)
    assert {s.front_x0 for s in (LHCB_STACK, CALOGAN_STACK, CLIC_STACK)} == {0.0}
