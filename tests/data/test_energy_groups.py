"""Groups of energies, balanced order, random symmetries: functions of (seed, position)."""

import numpy as np

from calosim_tf.data.batches.energy_groups import energy_groups
from calosim_tf.data.batches.order import BalancedRows
from calosim_tf.data.batches.symmetry import random_orders


def test_discrete_energies_are_groups_and_continuous_ones_ranges_of_the_logarithm():
    """Breaks if continuous energies are cut into equal ranges of E, where the highest hold nearly all showers."""
    groups = energy_groups(np.array([512.0, 256.0, 512.0, 1024.0]))
    assert [group.tolist() for group in groups] == [[1], [0, 2], [3]]
    energies = np.geomspace(1e3, 1e5, 800)
    groups = energy_groups(energies)
    assert [len(group) for group in groups] == [100] * 8
    assert energies[groups[0]].max() < energies[groups[1]].min()


def test_balanced_rows_hold_groups_alike_and_continue_anywhere():
    """Breaks if a slice of the sequence depends on where reading began, or a group is skipped."""
    groups = [np.array([0, 3]), np.array([1, 4, 6]), np.array([2, 5, 7, 8])]
    whole = BalancedRows(groups, 5).rows(0, 60)
    for start, count in ((0, 7), (1, 1), (13, 31), (59, 1)):
        np.testing.assert_array_equal(BalancedRows(groups, 5).rows(start, count), whole[start : start + count])
    for number, group in enumerate(groups):
        own = whole[number::3]
        assert set(own) == set(group)
        # whole passes: each shower is as frequent as its neighbours
        counts = np.bincount(own, minlength=9)[group]
        assert counts.max() - counts.min() <= 1
    assert not np.array_equal(BalancedRows(groups, 6).rows(0, 60), whole)


def test_random_orders_continue_anywhere_and_are_even():
    whole = random_orders(20, 3, 0, 4000)
    np.testing.assert_array_equal(random_orders(20, 3, 1001, 50), whole[1001:1051])
    assert np.bincount(whole, minlength=20).min() > 120
