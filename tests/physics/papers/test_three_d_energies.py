"""Energy windows and the curve of mu90 and sigma90, from numbers that are known beforehand."""

import numpy as np
import pytest

from calosim_tf.physics.papers.three_d_energies import energy_windows, response_curve


def test_published_windows_where_the_data_reach_them():
    """Breaks when other energies are taken, or the window is not 2 GeV to each side."""
    energy = np.linspace(2.0, 502.0, 5001)
    found = energy_windows(energy, energy[::2])
    assert [window.centre_gev for window in found.windows] == [50.0, 200.0, 500.0]
    assert found.note is None
    rows = found.windows[1].reference_rows
    assert (energy[rows[0]], energy[rows[-1]]) == pytest.approx((198.0, 202.0))
    assert np.ptp(energy[::2][found.windows[1].generated_rows]) == pytest.approx(4.0, abs=0.2)
    assert found.windows[0].label == "50 ± 2 GeV"


def test_other_windows_lie_inside_the_data_and_are_said():
    """Breaks when data up to 60 GeV have one window, or nobody is told that the windows are not the published ones."""
    energy = np.linspace(0.0, 60.0, 601)
    found = energy_windows(energy, energy)
    assert [window.centre_gev for window in found.windows] == pytest.approx([10.0, 30.0, 50.0])
    assert "from 0 to 60 GeV" in found.note
    assert "published 50, 200, 500 GeV" in found.note


def test_windows_without_generated_showers_are_left_out():
    """Breaks when a window of fewer than ten showers is compared."""
    found = energy_windows(np.linspace(0.0, 60.0, 601), np.linspace(25.0, 60.0, 351))
    assert [window.centre_gev for window in found.windows] == pytest.approx([30.0, 50.0])
    assert "2 of 3 with at least 10 showers" in found.note


def test_curve_finds_mean_and_core_width_at_each_energy():
    """Breaks when samples are exchanged or the width of an energy range counts as resolution."""
    rng = np.random.default_rng(0)
    energy = np.exp(rng.uniform(np.log(2.0), np.log(60.0), 20_000))
    reference, generated = rng.normal(0.020, 0.001, 20_000), rng.normal(0.022, 0.002, 20_000)
    points = response_curve(reference, energy, generated, energy)
    assert len(points) == 10
    assert sum(point.n_reference for point in points) == 20_000
    for point in points:
        assert point.low_gev < point.energy_gev < point.high_gev
        assert abs(point.reference.mean - 0.020) < 5 * point.reference.mean_error
        assert point.reference.relative_width == pytest.approx(0.789 * 0.05, rel=0.1)
        assert point.generated.relative_width == pytest.approx(0.789 * 2 / 22, rel=0.1)


def test_single_energies_are_points_of_their_own():
    """Breaks when discrete energies are cut into ranges, or too few showers end the curve."""
    energy = np.repeat([10.0, 50.0], [100, 5])
    rng = np.random.default_rng(1)
    points = response_curve(rng.normal(0.02, 0.001, 105), energy, np.zeros(105), energy.astype(np.float32))
    assert [point.energy_gev for point in points] == pytest.approx([10.0, 50.0])
    assert points[0].reference is not None
    assert points[0].generated is None  # no energy
    assert points[1].reference is None  # five showers
