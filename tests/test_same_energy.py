"""One tolerance for incident energies that are the same."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.config.energy_range import route
from calosim_tf.data.sampling_fraction import fit
from calosim_tf.errors import DataError
from calosim_tf.same_energy import listed_energies, one_value_each, same_energy, within

RNG = np.random.default_rng(5)
ROUNDED = 1 + 2.4e-7


def test_rounding_by_other_programs_makes_no_new_energy():
    """Breaks if 256 and 256.00006 MeV are two energies; the more frequent value stays."""
    energy = np.array([512.0, 256.0 * ROUNDED, 256.0, 256.0, 512.0 / ROUNDED, 512.0])
    assert one_value_each(energy).tolist() == [512.0, 256.0, 256.0, 256.0, 512.0, 512.0]
    assert listed_energies(energy).tolist() == [256.0, 512.0]
    assert listed_energies(np.repeat([256.0, 256.0 * (1 + 3e-5)], 2)).tolist() == [256.0, 256.0 * (1 + 3e-5)]
    assert same_energy(256.0, 256.0 * (1 + 0.9e-5))
    assert not same_energy(256.0, 256.0 * (1 + 1.1e-5))


@pytest.mark.parametrize(
    ("energy", "is_list"),
    [
        (np.array([50.0]), True),
        (np.array([50.0, 50.0]), True),
        (RNG.uniform(1e3, 1e5, 51), False),
        (2.0 ** np.arange(8, 23), False),
        (np.repeat(2.0 ** np.arange(8, 23), 2), True),
        (np.append(np.repeat(2.0 ** np.arange(8, 23), 2), 300.0), True),
        (16384 - RNG.exponential(0.5, 200), False),
        (RNG.uniform(1e3, 1e5, 200_000), False),
        (np.repeat(np.arange(1.0, 101.0), 50), False),
    ],
    ids=["one", "twice", "few", "one each", "pairs", "stray", "test beam", "dense", "100 energies"],
)
def test_a_list_is_told_from_a_spectrum_by_repeated_values(energy, is_list):
    """Breaks if a few showers of a spectrum, or a beam with a spread, count as discrete energies."""
    assert (listed_energies(energy) is not None) == is_list
    if not is_list:
        np.testing.assert_array_equal(one_value_each(energy), energy)


def test_ends_of_ranges_take_rounding_too():
    """Breaks if a shower at the end of a range is lost to rounding, or no network of a split makes it."""
    energy = np.array([256 / ROUNDED, 4096 / ROUNDED, 4096 * ROUNDED, 65536 * ROUNDED, 65537.0])
    assert within(energy, 256.0, 65536.0).tolist() == [True, True, True, True, False]
    assert within(energy, -np.inf, np.inf).all()
    ranges = [(256.0, 4096.0), (4096.0, 65536.0)]
    assert route(ranges, energy, np.where).tolist() == [0, 1, 1, 1, -1]


def test_one_energy_with_two_roundings_gives_no_line():
    """Breaks if a polynomial is laid through two roundings of one energy."""
    with pytest.raises(DataError, match="found 1 different energies"):
        fit(np.array([50.0, 50.0, 50.0 * ROUNDED]), np.ones(3), degree=1)
