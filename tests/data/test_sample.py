"""The bundled sample, and the command that cuts it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample, pretrained_names, run_path
from calosim_tf.data.readers import read_showers
from calosim_tf.data_prep.make_sample import first_rows_per_energy, make_sample, round_mantissa
from calosim_tf.errors import ConfigError, DataError, RunFolderError
from calosim_tf.geometry import PHOTON, get_detector

SAMPLES = Path(str(resources.files("calosim_tf.data_prep"))) / "samples"


def test_pretrained_generators_are_found_by_name():
    """Breaks if the list is empty, or an unknown name does not say which there are."""
    assert "photon" in pretrained_names()
    assert (run_path("pretrained:photon") / "config.json").is_file()
    with pytest.raises(RunFolderError, match=r"no such pretrained generator, expected one of: .*photon"):
        run_path("pretrained:nothing")


@pytest.fixture(scope="module")
def sample():
    return read_showers(SAMPLES / "photon.hdf5", PHOTON)


# Sample -> most bytes that the package may carry, detector, events, words of its provenance
BUNDLED = {
    "photon": (8_000_000, "photon", 17_550, ("9 mantissa bits", "first 1950", "77 x (2 mm Pb")),
    "pion": (6_000_000, "pion", 10_800, ("9 mantissa bits", "first 1200", "90 x (14 mm Fe")),
    "lhcb": (4_000_000, "lhcb", 11_000, ("7 mantissa bits", "first 11000 events", "66 x (2 mm Pb")),
    "calogan": (4_000_000, "calogan", 8_000, ("7 mantissa bits", "first 8000 events", "80 x (2 mm Pb")),
    "clic": (6_000_000, "clic", 2_400, ("9 mantissa bits", "first 2400 events", "25 x (2.8 mm W")),
}
# Samples of another program, as they are labelled
ORIGIN = {"pion": "Geant4 (data-free) pion sample"}


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sample_is_what_its_readme_says(name):
    """Breaks if a file is replaced without its documentation, or outgrows what the package may carry."""
    content = (SAMPLES / f"{name}.hdf5").read_bytes()
    section = (SAMPLES / "README.md").read_text().split(f"## `{name}.hdf5`")[1].split("\n## ")[0]
    assert len(content) <= BUNDLED[name][0]
    assert hashlib.sha256(content).hexdigest() in section
    assert f"{len(content):,}".replace(",", " ") in section
    assert ORIGIN.get(name, "EGSnrc sample") in section
    assert re.search("not.*Geant4", (SAMPLES / "README.md").read_text())


def test_every_bundled_sample_is_documented():
    """Breaks if a sample is added without a place in the tests and the README."""
    assert {path.stem for path in SAMPLES.glob("*.hdf5")} == set(BUNDLED)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sample_tells_its_origin(name):
    """Breaks if provenance is lost, or a copy could pass for Geant4 or experiment data."""
    _, _, events, words = BUNDLED[name]
    with h5py.File(SAMPLES / f"{name}.hdf5") as file:
        attributes = dict(file.attrs)
        assert {len(dataset) for dataset in file.values()} == {events}
        assert all("units" in dataset.attrs for dataset in file.values()) or name in ("photon", "pion")
    assert attributes["generator"].startswith("Geant4 11.4.0" if name == "pion" else "EGSnrc")
    assert attributes.get("name", ORIGIN["pion"]) == ORIGIN.get(name, "EGSnrc sample")
    for word in words:
        assert word in " ".join(str(value) for value in attributes.values())
    if name == "pion":
        assert "without the Geant4 data" in attributes["generator"]
        assert {"licence", "geometry", "replaced", "seeds", "not_modelled"} <= set(attributes)
    elif name != "lhcb":  # its source is npz, which has no attributes
        assert "not Geant4, not experiment data" in attributes["generator"]
        assert {"licence", "geometry", "cuts", "seeds", "not_modelled"} <= set(attributes)
    assert len(attributes["source_sha256"]) == 64


# Sample -> energies in MeV within, mean of deposited over incident energy of the source, spread (README)
CELL_SAMPLES = {
    "lhcb": (1e3, 1e5, 0.17339, 0.006),
    "calogan": (1e3, 1e5, 0.99596, 0.00177),
    "clic": (2e3, 6e4, 0.02328, 0.0011),
}


@pytest.mark.parametrize("name", CELL_SAMPLES)
def test_bundled_cells_have_the_response_of_their_source(name):
    """Breaks if units, rows or rounding went wrong."""
    low, high, mean, spread = CELL_SAMPLES[name]
    detector = get_detector(BUNDLED[name][1])
    showers = read_showers(SAMPLES / f"{name}.hdf5", detector)
    fraction = showers.showers_mev.sum(axis=1, dtype=np.float64) / showers.incident_energy_mev
    assert fraction.mean() == pytest.approx(mean, abs=2e-5)
    assert fraction.std() == pytest.approx(spread, rel=0.1)
    assert showers.source == "EGSnrc sample"
    assert low < showers.incident_energy_mev.min() < 1.05 * low
    assert 0.95 * high < showers.incident_energy_mev.max() < high
    assert showers.attributes.shape == (BUNDLED[name][2], len(detector.attributes))


@pytest.mark.parametrize(("name", "columns"), [("lhcb", (3, 0, 2)), ("calogan", (2, None, None))])
def test_bundled_pictures_lie_where_the_particle_enters(name, columns):
    """Breaks if x and y are exchanged between images and particles, or one of them is mirrored."""
    detector = get_detector(name)
    showers = read_showers(SAMPLES / f"{name}.hdf5", detector)
    position, across, along = columns
    entry = showers.attributes[:, position]
    if across is not None:
        entry = entry + 10.0 * showers.attributes[:, across] / showers.attributes[:, along]
    layer = detector.layers[0 if name == "lhcb" else 1]
    cells = showers.showers_mev[:, detector.layer_slices[layer.layer_id]]
    centre = {axis: cells @ place / cells.sum(axis=1) for axis, place in layer.coordinates_mm.items()}
    assert np.corrcoef(centre["x"], entry)[0, 1] > 0.5
    assert abs(np.corrcoef(centre["y"], entry)[0, 1]) < 0.05


@pytest.mark.parametrize(
    ("layout", "sample_name"),
    [
        ("photon", "photon"),
        ("pion", "pion"),
        ("lhcb", "lhcb"),
        ("lhcb_xy", "lhcb"),
        ("lhcb_yx", "lhcb"),
        ("calogan", "calogan"),
        ("calogan_central", "calogan"),
        ("clic", "clic"),
    ],
)
def test_each_layout_finds_its_sample(layout, sample_name):
    """Breaks if an experiment on axes set by hand, or on the original CaloGAN, finds no default data."""
    assert bundled_sample(layout) == SAMPLES / f"{sample_name}.hdf5"


@pytest.mark.parametrize("layout", ["calogan_gamma", "calogan_piplus", "clic_angle", "dataset_2"])
def test_no_other_particle_stands_in(layout):
    """Breaks if photons or pions are silently trained on positrons."""
    with pytest.raises(ConfigError, match=f"no sample is bundled for layout '{layout}': give your own file"):
        bundled_sample(layout)


def test_axes_set_by_hand_do_not_turn_the_sample():
    """Breaks if lhcb_yx transposes the bundled images, whose file says xy."""
    showers = [read_showers(SAMPLES / "lhcb.hdf5", get_detector(name)) for name in ("lhcb", "lhcb_xy", "lhcb_yx")]
    for other in showers[1:]:
        np.testing.assert_array_equal(other.showers_mev, showers[0].showers_mev)


def test_bundled_sample_has_nine_energies_in_equal_numbers(sample):
    """Breaks if an energy is missing: quick training and its chi2 rely on all nine."""
    energies, counts = np.unique(sample.incident_energy_mev, return_counts=True)
    assert energies.tolist() == [2.0**n for n in range(8, 17)]
    assert counts.tolist() == [1950] * 9
    assert sample.source == "EGSnrc sample"


def test_bundled_sample_has_plausible_response(sample):
    """Breaks if units or voxel order went wrong: the source has 0.78 of 256 MeV, 0.97 of 4 GeV, 0.994 of 65 GeV."""
    fraction = sample.showers_mev.sum(axis=1, dtype=np.float64) / sample.incident_energy_mev
    for energy, expected in ((256.0, 0.78), (4096.0, 0.97), (65536.0, 0.994)):
        at_energy = fraction[sample.incident_energy_mev == energy]
        error = at_energy.std() / np.sqrt(len(at_energy))
        assert at_energy.mean() == pytest.approx(expected, abs=4 * error + 0.005)
    # most of a 65 GeV photon shower is in the middle layer
    middle = sample.showers_mev[sample.incident_energy_mev == 65536.0][:, PHOTON.layer_slices[2]]
    assert 0.5 < middle.sum(axis=1).mean() / 65536 < 0.9


def test_rounding_by_hand():
    """Breaks if values are cut off instead of rounded, or ties do not go to even; 2 bits leave 1, 1.25, 1.5, 1.75."""
    values = np.array([1.0, 1.12, 1.125, 1.13, 1.375, 1.874, 1.875, 0.0, -1.13], dtype=np.float32)
    expected = [1.0, 1.0, 1.0, 1.25, 1.5, 1.75, 2.0, 0.0, -1.25]
    assert round_mantissa(values, 2).tolist() == expected


def test_rounding_error_is_bounded():
    """Breaks if a carry spoils the exponent: relative change at most 2^-10 with 9 bits, over 30 decades."""
    values = 10.0 ** np.random.default_rng(0).uniform(-15, 15, 10_000)
    rounded = round_mantissa(values, 9)
    assert np.abs(rounded / values - 1).max() <= 2.0**-10
    assert not (rounded.view(np.uint32) & 0x3FFF).any()
    np.testing.assert_array_equal(round_mantissa(values, 23), values.astype(np.float32))


def test_first_rows_of_each_energy():
    """Breaks if rows are taken out of order or beyond what an energy has."""
    energy = np.array([2.0, 1, 2, 2, 1, 1])
    assert first_rows_per_energy(energy, 2).tolist() == [0, 1, 2, 4]
    with pytest.raises(DataError, match="has 3 events at 1 MeV"):
        first_rows_per_energy(energy, 4)


def run_make_sample(*arguments):
    command = [sys.executable, "-m", "calosim_tf.data_prep.make_sample", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_command_cuts_and_rounds(write, few_showers, tmp_path):
    """Breaks if the documented command does not run, loses provenance or changes which showers are kept."""
    source = write(attributes={"generator": "EGSnrc test", "seeds": np.arange(3), "precision": "23 mantissa bits"})
    out = tmp_path / "sample.hdf5"
    result = run_make_sample(source, out, "--events-per-energy", 1, "--mantissa-bits", 9)
    assert result.returncode == 0, result.stderr
    kept = np.sort([np.flatnonzero(few_showers[0] == energy)[0] for energy in np.unique(few_showers[0])])
    showers = read_showers(out, PHOTON)
    np.testing.assert_array_equal(showers.incident_energy_mev, few_showers[0][kept])
    np.testing.assert_allclose(showers.showers_mev, few_showers[1][kept], rtol=2.0**-10)
    with h5py.File(out) as file:
        assert file.attrs["seeds"].tolist() == [0, 1, 2]
        assert file.attrs["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
        assert file.attrs["name"] == "EGSnrc sample"


def test_command_reports_in_one_line(write, tmp_path):
    """Breaks if a wrong request ends in a traceback or leaves a file."""
    out = tmp_path / "sample.hdf5"
    for options in (
        ("--events-per-energy", 99, "--mantissa-bits", 9),
        ("--events-per-energy", 1, "--mantissa-bits", 24),
    ):
        result = run_make_sample(write(), out, *options)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("layout", "detector", "ending"),
    [("lhcb", "lhcb", "npz"), ("calogan", "calogan", "hdf5"), ("ecal", "clic", "hdf5")],
)
def test_first_events_of_a_layout_of_cells(cells, store, tmp_path, layout, detector, ending):
    """Breaks if --events takes other rows, rounds energies of particles or loses a dataset."""
    arrays = cells(layout, 60 if layout != "ecal" else 6)
    source = store(tmp_path / f"source.{ending}", arrays)
    make_sample(source, tmp_path / "out.hdf5", 7, events=4)
    whole, cut = (read_showers(path, get_detector(detector)) for path in (source, tmp_path / "out.hdf5"))
    np.testing.assert_allclose(cut.showers_mev, whole.showers_mev[:4], rtol=2.0**-8)
    assert (cut.showers_mev != whole.showers_mev[:4]).any()
    np.testing.assert_array_equal(cut.incident_energy_mev, whole.incident_energy_mev[:4])
    np.testing.assert_array_equal(cut.attributes, whole.attributes[:4])
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert set(file) == set(arrays)
        assert file.attrs["cut"] == "first 4 events"
        assert file.attrs.get("axes") == ("yx" if layout == "lhcb" else None)


@pytest.mark.parametrize("events", [0, -1, 61])
def test_events_beyond_the_source_are_refused(cells, store, tmp_path, events):
    """Breaks if a sample is silently shorter than requested, or empty."""
    source = store(tmp_path / "source.npz", cells("lhcb", 60))
    with pytest.raises(DataError, match=f"--events {events}: the source has 60 events"):
        make_sample(source, tmp_path / "out.hdf5", 7, events=events)
    assert [entry.name for entry in tmp_path.iterdir()] == ["source.npz"]
