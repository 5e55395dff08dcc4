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

from calosim_tf.data.readers import read_showers
from calosim_tf.data_prep.make_sample import first_rows_per_energy, round_mantissa
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON

SAMPLES = Path(str(resources.files("calosim_tf.data_prep"))) / "samples"


@pytest.fixture(scope="module")
def sample():
    return read_showers(SAMPLES / "photon.hdf5", PHOTON)


def test_bundled_sample_is_what_its_readme_says():
    """Breaks if the file is replaced without its documentation, or outgrows what the package may carry."""
    content = (SAMPLES / "photon.hdf5").read_bytes()
    readme = (SAMPLES / "README.md").read_text()
    assert len(content) <= 8_000_000
    assert hashlib.sha256(content).hexdigest() in readme
    assert f"{len(content):,}".replace(",", " ") in readme
    assert re.search("not.*Geant4", readme)


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


def test_bundled_sample_tells_its_origin():
    """Breaks if provenance is lost, or a copy could pass for Geant4 or experiment data."""
    with h5py.File(SAMPLES / "photon.hdf5") as file:
        attributes = dict(file.attrs)
    assert attributes["generator"].startswith("EGSnrc")
    assert "not Geant4, not experiment data" in attributes["generator"]
    assert "9 mantissa bits" in attributes["rounding"]
    assert "first 1950" in attributes["cut"]
    assert {"licence", "geometry", "cuts", "seeds", "calibration", "not_modelled"} <= set(attributes)


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
