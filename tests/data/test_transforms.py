"""Normalisation by kinetic energy and the logarithmic label."""

import numpy as np
import pytest

from calosim_tf.data.transforms import KineticNormalisation, normalisation_from_dict
from calosim_tf.errors import DataError

PUBLIC_ENERGIES_MEV = 2.0 ** np.arange(8, 23)


def test_photon_labels_are_equidistant():
    """(n - 8)/14 for E = 2^n MeV: the authors' labels for the 15 energies of the public file."""
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 0.0)
    np.testing.assert_allclose(normalisation.label(PUBLIC_ENERGIES_MEV)[:, 0], np.arange(15) / 14, atol=1e-7)


def test_pion_labels_are_the_published_ones():
    """Breaks when the mass is forgotten: label of 512 MeV is 0.09243, not 1/14."""
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 139.6)
    expected = [0, 0.09243, 0.17327, 0.24769, 0.31880, 0.38826, 0.45688, 0.52508]
    expected += [0.59307, 0.66096, 0.72880, 0.79662, 0.86442, 0.93221, 1]
    np.testing.assert_allclose(normalisation.label(PUBLIC_ENERGIES_MEV)[:, 0], expected, atol=6e-6)


def test_network_values_turn_back_into_mev():
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 139.6)
    showers = np.random.default_rng(0).gamma(0.3, 100.0, (15, 8)).astype("f4")
    there = normalisation.to_network(showers, PUBLIC_ENERGIES_MEV)
    np.testing.assert_allclose(there[0], showers[0] / 151.989, rtol=1e-5)
    np.testing.assert_allclose(normalisation.to_mev(there, PUBLIC_ENERGIES_MEV), showers, rtol=1e-6)


def test_a_stored_normalisation_is_read_back():
    normalisation = KineticNormalisation.fit(PUBLIC_ENERGIES_MEV, 0.0)
    assert normalisation_from_dict(normalisation.to_dict()) == normalisation


def test_a_single_energy_has_no_label():
    with pytest.raises(DataError, match="single kinetic energy 256 MeV"):
        KineticNormalisation.fit(np.full(5, 256.0), 0.0)
