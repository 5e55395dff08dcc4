"""Simulated samples: energies, streams of random numbers, files, and the physics that a reader of them sees."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools

import h5py
import numpy as np
import pytest

from calosim_tf.commands import data
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.checks import check_report
from calosim_tf.data.readers import read_showers
from calosim_tf.data_prep.layouts import LAYOUTS, get_layout
from calosim_tf.data_prep.simulate import (
    BLOCK_SHOWERS,
    events_per_energy,
    incident_energies_mev,
    simulate,
    simulate_to_file,
)
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import PHOTON, PION

# 900 cells for each of thousands of steps: seconds
LHCB = pytest.param("lhcb", marks=pytest.mark.slow)


def joined(blocks):
    blocks = list(blocks)
    return tuple(
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("incident_energy_mev", "showers_mev", "attributes")
    )


def test_published_events_per_energy():
    """Breaks if an energy is lost or the proportions change: 121 000 photons, 120 800 pions, published."""
    photons = events_per_energy(get_layout("photon"), 12_100)
    assert list(photons) == [2.0**power for power in range(8, 23)]
    assert list(photons.values()) == [1000] * 11 + [500, 300, 200, 100]
    pions = events_per_energy(get_layout("pion"), 120_800)
    assert list(pions.values()) == [10_000] * 10 + [9_800, 5_000, 3_000, 2_000, 1_000]


@pytest.mark.parametrize("n_events", [1, 7, 100, 12_345])
def test_any_number_of_events_is_shared_out(n_events):
    """Breaks if rounding loses or adds events, or moves one by more than one from its exact share."""
    layout = get_layout("photon")
    counts = np.array(list(events_per_energy(layout, n_events).values()))
    assert counts.sum() == n_events
    exact = np.array(list(layout.events_at_mev.values())) / 121_000 * n_events
    assert np.abs(counts - exact).max() < 1


def test_energies_are_mixed_and_complete():
    """Breaks if the file is ordered by energy, as a training that reads it in order must not see it."""
    energies = incident_energies_mev(get_layout("photon"), 1210, seed=1)
    values, counts = np.unique(energies, return_counts=True)
    assert dict(zip(values, counts, strict=True)) == events_per_energy(get_layout("photon"), 1210)
    assert abs(np.corrcoef(np.arange(1210), np.log(energies))[0, 1]) < 0.1
    assert not np.array_equal(energies, incident_energies_mev(get_layout("photon"), 1210, seed=2))


@pytest.mark.parametrize("layout", ["photon", "pion", LHCB, "calogan_piplus"])
def test_same_seed_same_showers(layout):
    """Breaks if anything but layout, energies and seed decides a shower, or if the seed does not."""
    first, again, other = (joined(simulate(layout, 600, seed))[1] for seed in (5, 5, 6))
    assert first.shape == (600, LAYOUTS[layout].detector.n_voxels)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("layout", ["photon", LHCB])
def test_parts_join_to_the_whole(layout):
    """Breaks if a shower or its particle depends on how a sample is cut into files."""
    whole = joined(simulate(layout, 1300, 3))
    cuts = [0, 1, 400, BLOCK_SHOWERS, 1030, 1300]
    parts = [joined(simulate(layout, 1300, 3, *cut)) for cut in itertools.pairwise(cuts)]
    for column in (0, 1, 2):
        np.testing.assert_array_equal(np.concatenate([part[column] for part in parts]), whole[column])


def test_blocks_have_streams_of_their_own():
    """Breaks if every block draws the same random numbers."""
    blocks = list(simulate("photon", {4096.0: 2 * BLOCK_SHOWERS}, 1))
    assert [len(block) for block in blocks] == [BLOCK_SHOWERS] * 2
    assert not np.array_equal(blocks[0].showers_mev, blocks[1].showers_mev)


def test_events_at_given_energies():
    """Breaks if a mapping of energies is not followed."""
    incident, *_ = joined(simulate("photon", {1000.0: 3, 50_000.0: 2}, 1))
    assert sorted(incident) == [1000.0] * 3 + [50_000.0] * 2


@pytest.mark.parametrize(
    ("layout", "events", "seed", "message"),
    [
        ("proton", 10, 1, r"'proton' cannot be simulated: use one of photon, pion"),
        ("photon", 0, 1, "0 showers to simulate"),
        ("photon", -3, 1, "-3 showers to simulate"),
        ("photon", {}, 1, "0 showers to simulate"),
        ("photon", {-1.0: 5}, 1, "expected numbers above 0"),
        ("photon", 10, -1, "seed -1: expected"),
        ("photon", 10, 2**64, "expected a number from 0"),
    ],
)
def test_bad_arguments_are_config_errors(layout, events, seed, message):
    """Breaks if a bad request becomes a traceback or an empty sample."""
    with pytest.raises(ConfigError, match=message):
        next(simulate(layout, events, seed))


def test_file_is_read_back_and_says_what_it_is(tmp_path):
    """Breaks if the file is not in the public layout, or could be taken for Geant4 or data."""
    out = tmp_path / "pions.hdf5"
    simulate_to_file("pion", out, 700, 9)
    sample = read_showers(out, PION)
    incident, showers, _ = joined(simulate("pion", 700, 9))
    np.testing.assert_array_equal(sample.incident_energy_mev, incident)
    np.testing.assert_array_equal(sample.showers_mev, showers)
    assert sample.source == "parametrised showers"
    with h5py.File(out) as file:
        assert "not Geant4, not experiment data" in file.attrs["generator"]
        assert (file.attrs["layout"], file.attrs["seed"], file.attrs["parametrisation"]) == ("pion", 9, "pion 1")
    assert [path.name for path in tmp_path.iterdir()] == ["pions.hdf5"]


def test_checked_file_has_the_published_mix(tmp_path):
    """Breaks if `calosim data check` finds fault with a simulated file."""
    out = tmp_path / "photons.hdf5"
    simulate_to_file("photon", out, 1210, 1)
    report = check_report(out)
    assert (report["detector"], report["events"], report["duplicated_showers"]) == ("photon", 1210, 0)
    assert [row["events"] for row in report["per_energy"]] == [100] * 11 + [50, 30, 20, 10]


def test_existing_file_is_kept(tmp_path):
    """Breaks if a sample is written over without being asked to, or a refused request leaves a file."""
    out = tmp_path / "photons.hdf5"
    out.write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        simulate_to_file("photon", out, 10, 1)
    with pytest.raises(ConfigError, match="seed"):
        simulate_to_file("photon", out, 10, -1, overwrite=True)
    assert out.read_text() == "mine"
    simulate_to_file("photon", out, 10, 1, overwrite=True)
    assert len(read_showers(out, PHOTON)) == 10


def rms_radius_mm(showers, detector, layer_id):
    layer = detector.layers[detector.layer_ids.index(layer_id)]
    rings = detector.layer_image(showers, layer_id).sum(axis=1, dtype=np.float64)
    return np.sqrt((rings * layer.r_mid_mm**2).sum() / rings.sum())


def test_pions_are_wider_and_fluctuate_more_than_photons():
    """Breaks if the two layouts are mixed up, or hadronic showers are as regular as electromagnetic ones."""
    energy = 2.0**15
    photons, pions = (joined(simulate(layout, {energy: 500}, 1))[1] for layout in ("photon", "pion"))
    responses = [showers.sum(axis=1) / energy for showers in (photons, pions)]
    assert responses[0].std() < 0.03 < 0.05 < responses[1].std()
    assert responses[1].mean() < 0.9 < responses[0].mean()
    for layer_id in (1, 2):
        assert rms_radius_mm(pions, PION, layer_id) > 1.1 * rms_radius_mm(photons, PHOTON, layer_id)


def test_low_energies_are_sparse():
    """Breaks if voxels are smeared instead of hit: most are exactly 0 at 256 MeV, few at 1 TeV."""
    zeros = [(joined(simulate("photon", {energy: 300}, 1))[1] == 0).mean() for energy in (256.0, 2.0**20)]
    assert zeros[0] > 0.8
    assert zeros[1] < 0.2


def test_photons_agree_with_the_egsnrc_sample():
    """Breaks if a constant drifts: mean response within 2 %, layer shares within 0.03 at each energy of the sample."""
    sample = read_showers(bundled_sample("photon"), PHOTON)
    energies = np.unique(sample.incident_energy_mev)
    incident, showers, _ = joined(simulate("photon", dict.fromkeys(energies.tolist(), 400), 1))
    for energy in energies:
        layers = [
            np.add.reduceat(rows.mean(axis=0, dtype=np.float64), PHOTON.offsets[:-1]) / energy
            for rows in (sample.showers_mev[sample.incident_energy_mev == energy], showers[incident == energy])
        ]
        # 2 % and four standard errors of 400 showers of 13 % / sqrt(E)
        error = 4 * 0.13 / np.sqrt(400 * energy / 1e3)
        assert layers[1].sum() == pytest.approx(layers[0].sum(), abs=0.02 + error)
        np.testing.assert_allclose(layers[1], layers[0], atol=0.03 + error)


def test_help_names_all_layouts():
    """Breaks if a layout is added and `calosim data simulate --help` does not list it."""
    parser = argparse.ArgumentParser()
    data.add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as printed:
        parser.parse_args(["data", "simulate", "--help"])
    words = printed.getvalue().replace(",", " ").split()
    assert set(LAYOUTS) <= set(words)
