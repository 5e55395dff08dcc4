"""Groups of equal incident energy."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.observables.energies import (
    EnergyGroups,
    group_energies,
    joined_ranges,
    require_no_missing,
    require_same_mix,
)


def test_float32_and_float64_energies_are_the_same_group():
    """Breaks if energies are matched bit by bit: 151.989 is another number in float32."""
    groups = group_energies(np.array([151.989, 4096.0, 151.989]))
    assert groups.discrete
    assert groups.index(np.array([4096.0, 151.989], dtype=np.float32)).tolist() == [1, 0]


def test_rows_keep_file_order_inside_each_energy():
    incident = np.array([512.0, 256.0, 512.0, 256.0, 512.0])
    rows = group_energies(incident).rows(incident)
    assert [row.tolist() for row in rows] == [[1, 3], [0, 2, 4]]


def test_unknown_energy_is_named():
    groups = group_energies(np.array([256.0, 512.0, 512.0, 256.0]))
    with pytest.raises(DataError, match=r"2 showers .*\(300 MeV\).*256, 512 MeV"):
        groups.index(np.array([256.0, 300.0, 300.0]), "generated")


def test_continuous_energies_become_log_uniform_ranges():
    """Breaks if continuous energies are treated as one group per shower, or cut in equal steps of energy."""
    incident = np.geomspace(100.0, 10_000.0, 1000)
    groups = group_energies(incident, n_ranges=2)
    assert not groups.discrete
    np.testing.assert_allclose(groups.low_mev, [100.0, 1000.0])
    np.testing.assert_allclose(groups.energy_mev, [100 * 10**0.5, 1000 * 10**0.5])
    assert [len(row) for row in groups.rows(incident)] == [500, 500]
    # a little outside of the reference's range: end ranges
    assert groups.index(np.array([99.0, 10_001.0])).tolist() == [0, 1]


@pytest.mark.parametrize("bad", [[], [256.0, np.nan], [256.0, 0.0], [-1.0]])
def test_unusable_energies_are_refused(bad):
    with pytest.raises(DataError):
        group_energies(np.array(bad))


def test_same_mix_up_to_chance_is_accepted_and_another_mix_is_not():
    """Breaks if a set with half of its showers at one energy passes: its inclusive histograms would be distorted."""
    reference = np.repeat([256.0, 512.0], 5000)
    groups = group_energies(reference)
    require_same_mix(groups, reference, np.repeat([256.0, 512.0], [510, 490]), "generated")
    with pytest.raises(DataError, match="distributed differently"):
        require_same_mix(groups, reference, np.repeat([256.0, 512.0], [1500, 500]), "generated")
    with pytest.raises(DataError, match="no showers at 512 MeV"):
        require_same_mix(groups, reference, np.repeat([256.0], 100), "generated")


def test_a_single_shower_where_the_reference_has_none_is_named():
    """Breaks if one stray shower passes: it would have a row without a reference."""
    groups = group_energies(np.array([256.0, 512.0, 512.0, 256.0]))
    with pytest.raises(DataError, match="showers at 512 MeV where the reference has none"):
        require_no_missing(groups, np.array([5, 0]), np.array([5, 1]), "generated")


def test_a_sparse_range_is_joined_with_the_next_one_and_the_last_with_the_one_below():
    """Breaks when the other edge goes, or the last range has no neighbour."""
    edges = np.array([1.0, 10.0, 100.0, 1000.0])
    groups = EnergyGroups(edges[:-1], edges[1:], discrete=False)
    for filled, low in (((3, 3, 1), [1, 10]), ((1, 3, 3), [1, 100]), ((3, 1, 3), [1, 10])):
        energies = np.repeat([5.0, 50.0, 500.0], filled)
        found = joined_ranges(groups, energies, [energies], 2)
        assert (found.low_mev.tolist(), found.high_mev.tolist()) == (low, [*low[1:], 1000])
