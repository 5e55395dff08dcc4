"""Removing negative voxels, against numbers by hand."""

import numpy as np

from calosim_tf.inference.negative_voxels import NegativeVoxels

ENERGY = np.array([256.0, 300.0, 4096.0, 4096.0])


def showers() -> np.ndarray:
    return np.array([[60, 50, -10], [100, -20, 20], [4000, -10, 10], [-5, -5, 5]], np.float32)


def test_the_share_is_that_of_the_worst_energies():
    """Breaks when the energy that is added at low energies hides behind that of high ones."""
    negative, made = NegativeVoxels(keep_energy=False), showers()
    for rows in (slice(0, 3), slice(3, 4)):
        negative.remove(made[rows], ENERGY[rows])
    np.testing.assert_array_equal(made, np.maximum(showers(), 0))
    # 50 MeV added to 4195 MeV, of them 30 to 200 MeV below 512 MeV
    assert negative.summary() == (
        "negative voxels were set to 0, which adds 1.19 % to the deposited energy, 15 % at 256 to 512 MeV "
        "(--no-clip keeps them, --keep-energy the total)"
    )


def test_totals_can_be_kept():
    """Breaks when a shower's energy is not that of the network, or one of negative energy keeps any."""
    negative, made = NegativeVoxels(keep_energy=True), showers()
    negative.remove(made, ENERGY)
    np.testing.assert_allclose(made.sum(axis=1), [100, 100, 4000, 0], rtol=1e-6)
    np.testing.assert_allclose(made[0], [60 / 1.1, 50 / 1.1, 0], rtol=1e-6)
    assert "instead of adding 1.19 %" in negative.summary()


def test_nothing_is_said_where_no_voxel_was_negative():
    """Breaks when voxels that are all 0 or above are said to have been set to 0."""
    for keep_energy in (False, True):
        negative = NegativeVoxels(keep_energy)
        for values in (np.zeros((4, 3), np.float32), np.full((4, 3), 2.0, np.float32)):
            negative.remove(values, ENERGY)
        assert negative.summary() is None


def test_empty_showers_get_nothing_added():
    """Breaks when 0 of 0 is called an infinite share."""
    negative = NegativeVoxels(keep_energy=True)
    negative.remove(np.array([[0, 0, 0], [0, 0, 0], [3990, -10, 0], [4020, 0, 0]], np.float32), ENERGY)
    assert negative.summary().startswith(
        "negative voxels were set to 0 and the others scaled, instead of adding 0.125 % to the deposited energy, "
        "0.125 % at 4096 to 8192 MeV"
    )


def test_no_share_is_infinite():
    """Breaks when showers that sum up to 0 or less are said to get inf % more energy."""
    negative = NegativeVoxels(keep_energy=False)
    negative.remove(np.array([[5, -5, -5], [0, 0, 0], [0, -10, 0], [0, 0, 0]], np.float32), ENERGY)
    assert negative.summary().startswith(
        "negative voxels were set to 0, which adds all of it to showers of no or negative energy, all of it at 256 to"
    )
    negative.remove(np.full((1, 3), 100, np.float32), ENERGY[2:3])
    assert "adds 7.02 % to the deposited energy, all of it at 256 to 512 MeV" in negative.summary()
