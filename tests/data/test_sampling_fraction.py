"""Visible energy as a polynomial of the incident energy."""

import numpy as np
import pytest

from calosim_tf.data.sampling_fraction import PUBLISHED, PUBLISHED_CONTRACT, SamplingFraction, contract_of, fit
from calosim_tf.errors import DataError


def test_the_published_polynomial_by_hand():
    """Breaks when the order of the coefficients is reversed or the unit is wrong: 100 GeV gives 0.0018 - 0.023 + 0.11 -
    0.28 + 2.21.

    At 500 GeV: 5 (1.125 - 2.875 + 2.75 - 1.4 + 2.21).
    """
    np.testing.assert_allclose(PUBLISHED.visible_energy_gev([100.0, 500.0]), [2.0188, 9.05], rtol=1e-12)
    np.testing.assert_allclose(PUBLISHED.fraction([100.0, 500.0]), [0.020188, 0.0181], rtol=1e-12)


def test_fit_finds_the_polynomial_that_made_the_data():
    """Breaks when the fit is of the sum instead of sum over energy, or in GeV instead of 100 GeV."""
    truth = SamplingFraction((0.1, -0.3, 2.4))
    energy = np.linspace(2.0, 60.0, 40)
    np.testing.assert_allclose(fit(energy, truth.visible_energy_gev(energy)).coefficients, truth.coefficients)


def test_fit_weighs_showers_by_their_resolution():
    """Breaks when low energies, whose fraction scatters most, weigh as much as high ones: (1*w1 + 4*w2)/(w1 + w2)."""
    energy = np.array([100.0, 400.0])
    visible = np.array([2.0, 12.0])  # fractions 2 and 3 per 100 GeV, weights 1 and 4
    assert fit(energy, visible, degree=0).coefficients[0] == pytest.approx((2.0 * 1 + 3.0 * 4) / 5)


@pytest.mark.parametrize(
    ("highest_gev", "scale", "public"),
    [(400.0, 1.01, True), (400.0, 1.09, False), (400.0, 0.9, False), (60.0, 1.0, False)],
)
def test_the_published_contract_is_for_the_public_data_alone(highest_gev, scale, public):
    """Breaks when showers of another calorimeter, or of low energy, are held to the authors' polynomial.

    The first energies, 100 to 400 of 500 GeV, are the same shares of other data: 80 to 320 of 400 GeV.
    """
    energy = np.linspace(4.0, highest_gev, 50)
    found = contract_of(energy, scale * PUBLISHED.visible_energy_gev(energy))
    assert (found == PUBLISHED_CONTRACT) is public
    if not public:
        assert found.fake_energy_gev == (4.0, highest_gev)
        np.testing.assert_allclose(found.first_energy_gev, (0.2 * highest_gev, 0.8 * highest_gev))


@pytest.mark.parametrize(
    ("energy", "visible", "words"),
    [
        ([50.0, 50.0, 50.0], [1.0, 1.1, 0.9], "1 different energies, expected more than the degree 2"),
        ([0.0, 1.0, 2.0], [1.0, 1.0, 1.0], "energy of 0 GeV, expected all above 0"),
        ([1.0, 2.0], [1.0], "expected one energy and one sum per shower"),
    ],
)
def test_data_without_a_polynomial_are_refused_in_one_line(energy, visible, words):
    """Breaks when the result is numpy's warning or a meaningless polynomial instead."""
    with pytest.raises(DataError, match=words):
        fit(np.array(energy), np.array(visible))
