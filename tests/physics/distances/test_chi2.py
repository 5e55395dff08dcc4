"""The checkpoint-selection chi2: numbers by hand, by loops, and the degrees of freedom of the published table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calosim_tf.errors import DataError, NonFiniteError
from calosim_tf.physics.distances.chi2 import (
    Chi2Reference,
    chi2_from_totals,
    selection_edges_gev,
    selection_range_gev,
    two_sample_chi2,
)
from calosim_tf.physics.observables.energies import EnergyGroups, group_energies


def quantile_by_hand(values, share):
    """Linear interpolation between the sorted values."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def chi2_by_loops(reference, generated):
    """Steps 1 to 3 of the definition for one energy, one number at a time."""
    median, q84 = quantile_by_hand(reference, 0.5), quantile_by_hand(reference, 0.84)
    q05, q95 = quantile_by_hand(reference, 0.05), quantile_by_hand(reference, 0.95)
    high = median + min(abs(max(reference) - median), 2 * abs(q95 - median), 10 * abs(q84 - median))
    low = median - min(abs(min(reference) - median), 2 * abs(q05 - median), 10 * abs(q84 - median))
    edges = [round(low + (i + 0.5) * (high - low) / 30, 3) for i in range(30)]
    counts = []
    for sample in (reference, generated):
        count = [0] * 29
        for value in sample:
            clipped = min(max(value, edges[0]), edges[-1])
            place = 28
            for i in range(28):
                if edges[i] <= clipped < edges[i + 1]:
                    place = i
            count[place] += 1
        counts.append(count)
    w1, w2 = sum(counts[0]), sum(counts[1])
    chi2, ndf = 0.0, 28
    for y1, y2 in zip(*counts, strict=True):
        if y1 == 0 and y2 == 0:
            ndf -= 1
        else:
            chi2 += (w1 * y2 - w2 * y1) ** 2 / (w1**2 * y2 + w2**2 * y1)
    return chi2, ndf


def normal_totals(seed, energies_mev, per_energy, shift=0.0):
    rng = np.random.default_rng(seed)
    incident = np.repeat(np.asarray(energies_mev, dtype=float), per_energy)
    return incident, incident / 1000 * rng.normal(0.95 + shift, 0.1, size=len(incident))


@pytest.mark.parametrize(
    ("sizes", "shift"), [((400, 400), 0.0), ((400, 130), 0.0), ((300, 500), 0.05), ((12, 7), 0.3), ((1, 5), 0.0)]
)
def test_equals_explicit_loops(sizes, shift):
    """Breaks on any slip in range, edges, clipping, weights or NDF; unequal sizes and nearly empty histograms
    included.
    """
    incident, total = normal_totals(1, [2048.0], sizes[0])
    generated_incident, generated_total = normal_totals(2, [2048.0], sizes[1], shift)
    table = chi2_from_totals(incident, total, generated_incident, generated_total)
    chi2, ndf = chi2_by_loops(total.tolist(), generated_total.tolist())
    assert table.rows[0].chi2 == pytest.approx(chi2, rel=1e-12)
    assert table.rows[0].ndf == ndf
    assert table.rows[0].n_reference == sizes[0]
    assert table.rows[0].n_generated == sizes[1]


def test_chi2_of_three_bins_by_hand():
    """(10, 20, 0, 0) against (15, 10, 5, 0): W = 30 and 30, so the terms are 25/25 + 100/30 + 25/5 and one bin is
    empty in both.
    """
    chi2, ndf = two_sample_chi2(np.array([10, 20, 0, 0]), np.array([15, 10, 5, 0]))
    assert chi2 == pytest.approx(1.0 + 10.0 / 3.0 + 5.0, rel=1e-14)
    assert ndf == 2


def test_range_and_edges_by_hand():
    """0..100 in steps of 1 GeV: median 50, q05 = 5, q84 = 84, q95 = 95; the nearest limit is the extreme value on
    both sides.
    """
    low, high = selection_range_gev(np.arange(101.0))
    assert (low, high) == (0.0, 100.0)
    edges = selection_edges_gev(low, high)
    assert len(edges) == 30
    assert edges[0] == 1.667  # centre of the first of 30 cells, 100/60, rounded
    assert edges[-1] == 98.333
    # one far outlier: twice the distance to q95 limits the range above, the minimum still limits it below
    low, high = selection_range_gev(np.append(np.arange(100.0), 1e6))
    assert (low, high) == (0.0, 50.0 + 2 * 45.0)
    # a narrow core between far tails: ten times the distance of q84 limits both sides
    tails = np.repeat([0.0, 100.0, 101.0, 500.0], [10, 74, 11, 6])
    assert selection_range_gev(tails) == (90.0, 110.0)


def test_unequal_sizes_compare_shapes():
    """chi2 of raw counts equals sum (p1 - p2)^2 / (p1/W1 + p2/W2); a k-fold copy of the same histogram gives 0."""
    y1 = np.array([3.0, 14.0, 25.0, 8.0])
    y2 = np.array([20.0, 90.0, 260.0, 30.0])
    p1, p2 = y1 / y1.sum(), y2 / y2.sum()
    expected = np.sum((p1 - p2) ** 2 / (p1 / y1.sum() + p2 / y2.sum()))
    assert two_sample_chi2(y1, y2)[0] == pytest.approx(expected, rel=1e-12)
    assert two_sample_chi2(y1, 7 * y1) == (0.0, 3)


def test_out_of_range_entries_count_in_the_end_bins():
    """Breaks if generated showers outside of the reference's range are dropped: a wild GAN would look better than
    it is.
    """
    incident, total = normal_totals(3, [2048.0], 500)
    wild = np.concatenate([np.full(100, -50.0), np.full(50, 1e4)])
    row = chi2_from_totals(incident, total, np.full(150, 2048.0), wild).rows[0]
    assert row.generated_counts[0] == 100
    assert row.generated_counts[-1] == 50
    assert row.reference_counts.sum() == 500


def test_narrow_distribution_with_equal_edges():
    """0.2 GeV +- 1 MeV: 30 edges on a grid of 1 MeV. Bins of no width are empty in both and take one off the NDF
    each.
    """
    rng = np.random.default_rng(4)
    total, generated = rng.normal(0.2, 0.001, size=(2, 300))
    row = chi2_from_totals(np.full(300, 256.0), total, np.full(300, 256.0), generated).rows[0]
    assert np.any(np.diff(row.edges) == 0)
    assert np.all(np.diff(row.edges) >= 0)
    filled = np.count_nonzero(row.reference_counts + row.generated_counts)
    assert row.ndf == filled - 1
    assert (row.chi2, row.ndf) == pytest.approx(chi2_by_loops(total.tolist(), generated.tolist()))


def test_a_single_value_has_no_degree_of_freedom():
    """All edges equal: chi2 0, NDF 0 and no value, instead of a division by zero."""
    row = chi2_from_totals(np.full(5, 256.0), np.full(5, 0.2), np.full(4, 256.0), np.full(4, 0.7)).rows[0]
    assert (row.chi2, row.ndf) == (0.0, 0)
    assert math.isnan(row.value)


def test_equal_distributions_give_one():
    """Two independent samples of the same law: chi2/NDF = 1 within 4 sigma of its spread sqrt(2/NDF)."""
    energies = 2.0 ** np.arange(8, 23)
    table = chi2_from_totals(*normal_totals(5, energies, 2000), *normal_totals(6, energies, 2000))
    assert table.ndf == 420
    assert abs(table.value - 1) < 4 * math.sqrt(2 / table.ndf)


def test_shift_grows_with_the_number_of_showers():
    """The documented warning: the same shift costs about ten times more chi2 with ten times the showers."""
    small = chi2_from_totals(*normal_totals(7, [8192.0], 1000), *normal_totals(8, [8192.0], 1000, 0.03))
    large = chi2_from_totals(*normal_totals(7, [8192.0], 10_000), *normal_totals(8, [8192.0], 10_000, 0.03))
    assert 5 < (large.chi2 - 28) / (small.chi2 - 28) < 20


def test_ranges_have_the_published_degrees_of_freedom():
    """Talk: 420, 140 (up to 4.1 GeV), 308 (from 4.1 GeV), 196, 140: a limit counts in both of its ranges."""
    energies = 2.0 ** np.arange(8, 23)
    table = chi2_from_totals(*normal_totals(9, energies, 1000), *normal_totals(10, energies, 1000))
    ranges = ((0, np.inf), (0, 2**12), (2**12, np.inf), (2**12, 2**18), (2**18, np.inf))
    ndf = [sum(row.ndf for row in table.rows if low <= row.energy_mev <= high) for low, high in ranges]
    assert ndf == [420, 140, 308, 196, 140]


def test_order_of_showers_is_irrelevant_and_the_reference_can_be_reused():
    incident, total = normal_totals(11, [256.0, 1024.0, 4096.0], 200)
    other_incident, other_total = normal_totals(12, [256.0, 1024.0, 4096.0], 150)
    order = np.random.default_rng(0).permutation(len(other_total))
    kept = Chi2Reference(incident, total)
    first = kept.compare(other_incident, other_total)
    assert kept.compare(other_incident[order], other_total[order]).chi2 == first.chi2
    assert chi2_from_totals(incident, total, other_incident, other_total).chi2 == first.chi2


def test_continuous_energies_are_cut_into_ranges():
    rng = np.random.default_rng(13)
    incident = np.exp(rng.uniform(np.log(1000), np.log(64_000), size=3000))
    total = incident / 1000 * rng.normal(0.95, 0.05, size=3000)
    table = chi2_from_totals(incident, total, incident, total, group_energies(incident, n_ranges=3))
    assert not table.discrete
    assert [round(row.energy_mev / 1000) for row in table.rows] == [2, 8, 32]
    assert table.chi2 == 0


def test_continuous_energies_of_two_spectra_by_hand():
    """Breaks if total energies are compared as they are: then chi2 would judge the spectra and not the response.

    Ranges 1 to 4 and 4 to 16 GeV, centres 2 and 8 GeV.  Responses of the reference 0.5, 1 and 1.5, ten of each in a
    flat spectrum, fill the first, middle and last of the 29 bins from 0.5 to 1.5 times the centre.  The generated 15,
    10 and 5 of them have a steep spectrum.  With W = 30 and 30 the terms are 25/25 + 0/20 + 25/15, and 26 bins are
    empty.
    """
    groups = EnergyGroups(np.array([1e3, 4e3]), np.array([4e3, 16e3]), discrete=False)
    rng = np.random.default_rng(13)
    samples = []
    for numbers, power in (((10, 10, 10), 1.0), ((15, 10, 5), 4.0)):
        response = np.tile(np.repeat([0.5, 1.0, 1.5], numbers), 2)
        incident = np.repeat([1e3, 4e3], 30) * 4 ** rng.uniform(0.0, 1.0, 60) ** power
        samples += [incident, response * incident / 1000]
    table = chi2_from_totals(*samples, groups)
    assert not table.discrete
    for row, centre_gev in zip(table.rows, (2.0, 8.0), strict=True):
        assert row.energy_mev == pytest.approx(1000 * centre_gev)
        assert (row.lo, row.hi) == pytest.approx((0.5 * centre_gev, 1.5 * centre_gev))
        assert row.reference_counts[[0, 14, 28]].tolist() == [10, 10, 10]
        assert row.generated_counts[[0, 14, 28]].tolist() == [15, 10, 5]
        assert (row.chi2, row.ndf, row.value) == (pytest.approx(8 / 3, rel=1e-12), 2, pytest.approx(4 / 3, rel=1e-12))
    assert table.value == pytest.approx(4 / 3, rel=1e-12)


def test_missing_and_surplus_energies_are_refused():
    both = normal_totals(14, [256.0, 512.0], 50)
    one = normal_totals(15, [256.0], 50)
    with pytest.raises(DataError, match=r"generated: no showers at 512 MeV.*same incident-energy distribution"):
        chi2_from_totals(*both, *one)
    with pytest.raises(DataError, match="512 MeV"):
        chi2_from_totals(*one, *both)


def test_lengths_and_numbers_that_are_not_finite_are_refused():
    incident, total = normal_totals(16, [256.0], 50)
    broken = total.copy()
    broken[3] = np.nan
    with pytest.raises(NonFiniteError, match="1 of 50"):
        chi2_from_totals(incident, total, incident, broken)
    with pytest.raises(DataError, match="not finite"):
        chi2_from_totals(incident, broken, incident, total)
    with pytest.raises(DataError, match="50 incident energies but 49"):
        chi2_from_totals(incident, total[:-1], incident, total)
