"""Bins and separation power."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.geometry import PHOTON, PION
from calosim_tf.geometry.detectors import CLIC
from calosim_tf.physics.distances.histograms import (
    feature_edges,
    log_edges,
    response_edges,
    separation_of_groups,
    separation_power,
    separation_with_error,
)


def test_separation_known_answers():
    """0 for the same shape whatever its size, 1 without a common bin, and 1/2 (1/4 + 1/12 + ...) calculated by hand."""
    assert separation_power(np.array([1, 2, 3]), np.array([10, 20, 30])) == pytest.approx(0, abs=1e-15)
    assert separation_power(np.array([5, 0]), np.array([0, 7])) == pytest.approx(1)
    # (1/4, 3/4) against (1/2, 1/2): 1/2 (1/16 / (3/4) + 1/16 / (5/4)) = 1/24 + 1/40
    assert separation_power(np.array([1, 3]), np.array([4, 4])) == pytest.approx(1 / 24 + 1 / 40, rel=1e-12)


def test_separation_of_empty_histograms():
    """Breaks if an empty generated histogram counts as half right."""
    assert separation_power(np.zeros(3), np.zeros(3)) == 0
    assert separation_power(np.zeros(3), np.array([0, 1, 0])) == 1


def test_entries_outside_of_the_bins_are_ignored():
    """The challenge normalises inside the range: showers outside change nothing."""
    rng = np.random.default_rng(0)
    edges = np.linspace(0, 1, 6)
    inside = np.array([0.1, 0.5, 0.5, 0.9])
    outside = np.append(inside, [-3.0, 7.0])
    assert separation_with_error(outside, inside, edges, rng)[0] == pytest.approx(0, abs=1e-15)


def test_bootstrap_error_is_the_spread_of_independent_samples():
    """The error of a clear separation agrees within 30 % with the spread over 150 truly independent pairs."""
    edges = np.linspace(-4, 5, 31)
    rng = np.random.default_rng(1)
    pairs = [
        separation_with_error(rng.normal(1.0, 1, 500), rng.normal(0, 1, 500), edges, np.random.default_rng(2))
        for _ in range(150)
    ]
    values, errors = np.array(pairs).T
    assert np.median(errors) == pytest.approx(values.std(), rel=0.3)


def test_group_bootstrap_sees_correlated_entries():
    """100 copies of each entry inside a group: the error must not shrink as if the copies were independent."""
    rng = np.random.default_rng(3)
    counts, reference = rng.poisson(5, (2, 64, 20))
    reference[:, :10] += 2
    _, error = separation_of_groups(counts, reference, np.random.default_rng(4))
    value_copied, error_copied = separation_of_groups(100 * counts, 100 * reference, np.random.default_rng(4))
    assert error_copied == pytest.approx(error, rel=1e-9)
    assert value_copied == pytest.approx(separation_power(counts.sum(axis=0), reference.sum(axis=0)))


def test_error_of_groups_of_one_entry_is_that_of_single_entries():
    """Breaks when the error of groups is another number than a standard deviation."""
    bins = [np.arange(400) % n for n in (8, 5)]
    _, error = separation_of_groups(*(np.eye(8, dtype=int)[number] for number in bins), np.random.default_rng(4))
    _, expected = separation_with_error(*bins, np.arange(9) - 0.5, np.random.default_rng(5))
    assert error == pytest.approx(expected, rel=0.25)


def test_response_bins_of_other_detectors_follow_the_reference():
    """The central 99 % of 0 to 1, half as much again on both sides, in 100 bins, or 20 at one energy."""
    for energy, edges in ((None, 101), (2048.0, 21)):
        found = response_edges(CLIC, energy, np.linspace(0.0, 1.0, 1001))
        assert (len(found), found[0], found[-1]) == pytest.approx((edges, 0.005 - 0.495, 0.995 + 0.495), abs=1e-12)
        # a single response has bins around it
        assert response_edges(CLIC, energy, np.full(3, 0.5))[[0, -1]] == pytest.approx([0.45, 0.55])


def test_official_response_bins():
    """100 bins 0.5..1.5 for all energies; 20 bins at one energy, narrow for photons from 4096 MeV upwards only."""
    overall = response_edges(PHOTON, None, np.empty(0))
    assert (len(overall), overall[0], overall[-1]) == (101, 0.5, 1.5)
    for detector, energy, low, high in (
        (PHOTON, 2048.0, 0.4, 1.4),
        (PHOTON, 4096.0, 0.9, 1.1),
        (PION, 8192.0, 0.4, 1.4),
    ):
        edges = response_edges(detector, energy, np.empty(0))
        assert (len(edges), edges[0], edges[-1]) == (21, low, high)


@pytest.mark.parametrize(
    ("quantity", "layer_id", "bins", "low", "high"),
    [
        ("centre_eta", 2, 100, -100, 100),
        ("centre_phi", 12, 100, -500, 500),
        ("width_phi", 1, 100, 0, 100),
        ("width_eta", 13, 100, 0, 400),
        ("centre_r", 3, 100, 0, 500),
        ("width_r", 14, 100, 0, 1500),
        ("sparsity", 12, 20, 0, 1),
    ],
)
def test_official_feature_bins(quantity, layer_id, bins, low, high):
    edges = feature_edges(quantity, layer_id, PHOTON, np.array([3.0, 4.0]))
    assert (len(edges) - 1, edges[0], edges[-1]) == (bins, low, high)


def test_other_detectors_are_binned_between_the_references_extremes():
    edges = feature_edges("centre_x", 0, CLIC, np.array([-2.0, 5.0, 1.0]))
    assert (len(edges), edges[0], edges[-1]) == (101, -2.0, 5.0)
    assert np.all(np.diff(feature_edges("centre_x", 0, CLIC, np.zeros(3))) > 0)


def test_log_bins():
    edges = log_edges(39, 1000.0)
    assert len(edges) == 40
    assert (edges[0], edges[13], edges[-1]) == pytest.approx((1.0, 10.0, 1000.0))
    assert log_edges(3, 0.2)[-1] == 10.0
