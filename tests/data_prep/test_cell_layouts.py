"""Beams and showers of the detectors of rectangular cells."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.readers import read_showers
from calosim_tf.data_prep.layouts import LAYOUTS, get_layout
from calosim_tf.data_prep.simulate import (
    incident_attributes,
    incident_energies_mev,
    simulate,
    simulate_particles,
    simulate_to_file,
)
from calosim_tf.geometry import get_detector

N = 20_000
CELL_LAYOUTS = [name for name, layout in LAYOUTS.items() if layout.beam is not None]


def particles(layout, n=N):
    energies = incident_energies_mev(get_layout(layout), n, 1)
    return energies, incident_attributes(get_layout(layout), energies, 1)


def mean_shower(layout, events, seed=1):
    return np.mean([block.showers_mev.mean(axis=0) for block in simulate(layout, events, seed)], axis=0)


def test_lhcb_particles():
    """Breaks if the spectrum is not 1/E, slopes are not 0.175, or the spot is not +-1.01 cm 15 cm behind the point."""
    energies, attributes = particles("lhcb")
    px, py, pz, x, y = attributes.T
    # as many in each factor 10; mean 99 / ln 100
    assert (energies < 1e4).mean() == pytest.approx(0.5, abs=0.015)
    assert energies.mean() / 1e3 == pytest.approx(99 / np.log(100), rel=0.03)
    np.testing.assert_allclose(np.sqrt(px**2 + py**2 + pz**2) * 1e3, energies)
    np.testing.assert_allclose([(px / pz).std(), (py / pz).std()], 0.175, rtol=0.02)
    spot = np.stack([x, y]) + 15 * np.stack([px, py]) / pz
    assert np.abs(spot).max() <= 1.01
    np.testing.assert_allclose(spot.std(axis=1), 1.01 / np.sqrt(3), rtol=0.02)


def test_calogan_particles():
    """Breaks if directions are not isotropic in 20 degrees: cosines are uniform, the mean is (1 + cos 20) / 2."""
    energies, (theta, phi, x0, y0) = (lambda e, a: (e, a.T))(*particles("calogan"))
    cosine = np.sin(theta) * np.cos(phi)
    assert (energies.min(), energies.max()) == (pytest.approx(1e3, rel=0.02), pytest.approx(1e5, rel=0.001))
    assert cosine.min() == pytest.approx(np.cos(np.radians(20)), abs=1e-5)
    assert cosine.mean() == pytest.approx((1 + np.cos(np.radians(20))) / 2, abs=1e-3)
    assert abs(np.cos(theta).mean()) < 0.005
    np.testing.assert_allclose([np.abs(x0).max(), np.abs(y0).max()], 50, rtol=0.001)


def test_energies_of_3dgan():
    """Breaks if energies leave 2-500 GeV, or angles 60-120 degrees."""
    energies, theta = particles("clic_angle")
    assert (energies.min(), energies.max()) == (pytest.approx(2e3, rel=0.05), pytest.approx(5e5, rel=0.001))
    np.testing.assert_allclose(np.degrees([theta.min(), theta.max()]), [60, 120], atol=0.1)
    assert particles("clic")[1].shape == (N, 0)


def test_a_larger_sample_begins_with_the_smaller():
    """Breaks if a particle of a whole block depends on the size of its sample."""
    for small, large in zip(particles("lhcb", 1024), particles("lhcb", 1500), strict=True):
        np.testing.assert_array_equal(small, large[:1024])


@pytest.mark.parametrize("layout", CELL_LAYOUTS)
def test_file_is_read_back(layout, tmp_path):
    """Breaks if a layout is written in other units or axes than its reader has, or does not say what it is."""
    out, n = tmp_path / "some.hdf5", 12
    simulate_to_file(layout, out, n, 9)
    sample = read_showers(out, get_detector(layout))
    (made,) = simulate(layout, n, 9)
    np.testing.assert_allclose(sample.incident_energy_mev, made.incident_energy_mev, rtol=1e-6)
    np.testing.assert_allclose(sample.showers_mev, made.showers_mev, rtol=1e-6)
    np.testing.assert_allclose(sample.attributes, made.attributes, rtol=1e-4, atol=1e-5)
    assert sample.source == "parametrised showers"
    with h5py.File(out) as file:
        assert file.attrs["particle"] == get_detector(layout).particle
        assert "not Geant4, not experiment data" in file.attrs["generator"]


def test_visible_shares():
    """Breaks if an active medium counts all, or all energy a share: EGSnrc samples 0.1734, 0.9960 and 0.0233."""
    for name, share, tolerance in (("lhcb", 0.1734, 0.01), ("calogan", 0.996, 0.004), ("clic", 0.0233, 0.02)):
        assert mean_shower(name, {2e4: 300}).sum() / 2e4 == pytest.approx(share, rel=tolerance)


def test_photons_are_later_than_positrons_and_pions_latest():
    """Breaks if photons do not convert first, or pions shower at once: less in the first segment of 0.24 lambda."""
    means = [mean_shower(name, {3e4: 200}) for name in ("calogan", "calogan_gamma", "calogan_piplus")]
    positrons, photons, pions = (mean[:288].sum() / 3e4 for mean in means)
    assert positrons > photons + 0.04
    assert photons > pions + 0.04


@pytest.mark.parametrize("particle", ["", "_gamma", "_piplus"])
def test_central_particles_are_perpendicular_in_the_middle(particle):
    """Breaks if the original sets are made with the angles and positions of the later ones."""
    (central,) = simulate(f"calogan_central{particle}", 20, 9)
    energies = central.incident_energy_mev
    middle = np.tile([np.pi / 2, 0.0, 0.0, 0.0], (20, 1))
    (expected,) = simulate_particles(f"calogan{particle}", energies, middle, 9)
    np.testing.assert_array_equal(central.showers_mev, expected.showers_mev)
    assert central.attributes.shape == (20, 0)


def test_inclined_electrons_cross_the_middle_of_the_window():
    """Breaks if theta tilts along x, to the wrong side, or the window does not follow the shower."""
    layout = get_layout("clic_angle")
    theta = np.radians([60.0, 90.0, 120.0]).repeat(4)[:, None]
    showers = layout.showers_mev(np.full(12, 1e5), theta, np.random.default_rng(1))
    cells = showers.reshape(3, 4, 25, 51, 51).sum(axis=1)
    shift = []
    for shower in cells:
        early, late = (part.sum(axis=0) for part in (shower[3:6], shower[12:16]))
        rows, columns = (
            [part.sum(axis=axis) @ np.arange(51) / part.sum() for part in (early, late)] for axis in (1, 0)
        )
        assert abs(rows[1] - rows[0]) < 1
        shift.append(columns[1] - columns[0])
        assert shower.sum(axis=(0, 1)) @ np.arange(51) / shower.sum() == pytest.approx(25, abs=1.5)
    # layers 4 and 13.5 in the middle: 9.5 x 5 mm x tan(30 deg) = 27 mm, 5.4 cells
    np.testing.assert_allclose(shift, [5.4, 0, -5.4], atol=0.7)


def test_showers_agree_with_the_egsnrc_sample():
    """Breaks if a constant drifts: LHCb width of images and hit cells, against the EGSnrc sample below 2 GeV."""
    sample = read_showers(bundled_sample("lhcb"), get_detector("lhcb"))
    low = sample.take(sample.incident_energy_mev < 2e3)
    simulated = next(simulate("lhcb", {1443.0: 512}, 1))
    hits = [(showers.showers_mev > 0).mean() for showers in (low, simulated)]
    assert hits[1] == pytest.approx(hits[0], abs=0.015)
    response = [(s.showers_mev.sum(axis=1) / s.incident_energy_mev).std() for s in (low, simulated)]
    assert response[1] == pytest.approx(response[0], rel=0.15)


def test_photons_of_the_ild():
    """Breaks when the visible share is not 19 MeV per GeV, or single particles lose their peak at 0.2 MeV."""
    (made,) = simulate("ilc", 60, 1)
    energies_gev = made.incident_energy_mev / 1e3
    assert ((energies_gev >= 10.0) & (energies_gev <= 100.0)).all()
    # a part leaks behind and beside the cells
    visible = made.showers_mev.sum(axis=1).mean() / energies_gev.mean()
    assert 17.0 < visible < 19.0
    cells, edges = np.histogram(made.showers_mev[made.showers_mev > 0.1], np.linspace(0.1, 1.0, 46))
    assert edges[np.argmax(cells)] == pytest.approx(0.2, abs=0.021)
    # the next peak, of two particles in a cell, is lower
    assert cells.max() > 1.5 * cells[15:].max()
    # most energy is in the first half, around the middle of the cells
    images = made.showers_mev.reshape(-1, 30, 30, 30).mean(axis=0)
    assert 6 <= np.argmax(images.sum(axis=(1, 2))) <= 11
    assert images[:, 14:16, 14:16].sum() > 0.2 * images.sum()
