"""Files of other programs: the same showers in other types and shapes, and under other names."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from calosim_tf.cli import main
from calosim_tf.config.experiment import experiment_from_dict
from calosim_tf.data.readers import read_incident_particles, read_showers
from calosim_tf.data.source import load_source
from calosim_tf.data.units import describe_logarithm, smaller_unit
from calosim_tf.data_prep.default_data import source_of
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import PHOTON, get_detector

KEYS = ("incident_energies=data/incident_energies", "showers=data/Showers")


@pytest.fixture
def grouped(tmp_path, few_showers):
    """The few showers in a group, one of the two under another name."""
    path = tmp_path / "grouped.hdf5"
    with h5py.File(path, "w") as file:
        file["data/incident_energies"], file["data/Showers"] = few_showers[0][:, None], few_showers[1]
    return path


@pytest.mark.parametrize(
    ("incident", "showers", "rounding"),
    [
        ("f4", "f2", 1e-3),
        ("i8", "i4", 0.0),
        ("f8", ">f4", 0.0),
        ("u4", "u2", 0.0),
        ("i2", "f8", 0.0),
    ],
)
def test_half_precision_and_integers_are_read_as_they_are(write, few_showers, incident, showers, rounding):
    """Breaks if numbers of another type are refused, cut to integers or given the wrong byte order."""
    energies = np.minimum(few_showers[0], 30_000).astype(incident)
    mev = np.minimum(few_showers[1], 30_000)
    voxels = (np.rint(mev) if np.dtype(showers).kind in "iu" else mev).astype(showers)
    found = read_showers(write(incident=energies[:, None], showers=voxels), PHOTON, physical=False)
    np.testing.assert_allclose(found.incident_energy_mev, energies.astype("f8"), rtol=0)
    np.testing.assert_allclose(found.showers_mev, voxels.astype("f8"), rtol=1e-7, atol=0)
    if rounding:
        np.testing.assert_allclose(found.showers_mev, mev, rtol=rounding, atol=1e-6)


def test_energies_of_rank_one_are_read(write, few_showers):
    """Breaks if incident energies (N,) are refused, as they were."""
    energies, _ = read_incident_particles(write(incident=few_showers[0]), PHOTON)
    np.testing.assert_array_equal(energies, few_showers[0])


def test_the_line_on_a_missing_dataset_gives_the_option_that_reads_it(grouped, few_showers):
    """Breaks if other names are an error without a way out, or the way out does not read the file."""
    with pytest.raises(DataError, match="no dataset 'incident_energies'") as caught:
        load_source(grouped, PHOTON)
    assert f"other names are given with --keys {' '.join(KEYS)} (training: data.keys)" in str(caught.value)
    source = load_source(grouped, get_detector("photon", KEYS))
    np.testing.assert_array_equal(source.read(np.arange(len(source))), few_showers[1])


def test_files_with_and_without_other_names_are_compared(grouped, write, few_showers):
    """Breaks if --keys for the reference make the file of our own generator unreadable."""
    found = read_showers([grouped, write()], get_detector("photon", KEYS))
    assert len(found.showers_mev) == 2 * len(few_showers[1])


@pytest.mark.parametrize(
    ("layout", "name", "ending"),
    [
        ("lhcb", "ParticlePoint", "npz"),
        ("lhcb", "EnergyDeposit", "hdf5"),
        ("calogan", "layer_1", "hdf5"),
        ("clic", "target", "hdf5"),
        ("clic_angle", "theta", "hdf5"),
    ],
)
def test_other_names_in_every_layout(cells, store, tmp_path, capsys, layout, name, ending):
    """Breaks if one of the readers does not follow --keys, or the layout is no longer recognised."""
    arrays = cells(get_detector(layout).file_layout, 40)
    arrays["elsewhere"] = arrays.pop(name)
    path = store(tmp_path / f"other.{ending}", arrays)
    assert main(["data", "check", str(path), "--detector", layout]) == 2
    assert f"--keys {name}=NAME (training: data.keys)" in capsys.readouterr().err
    assert main(["data", "check", str(path), "--keys", f"{name}=elsewhere"]) == 0
    assert f"detector {layout}" in capsys.readouterr().out


def test_a_training_reads_and_records_other_names(grouped, few_showers):
    """Breaks if `--set data.keys=...` does not reach the reader, or is lost between the run folder and a resumption."""
    experiment = get_experiment("photon_smoke").with_values({"data.keys": ",".join(KEYS)})
    stored = experiment_from_dict(json.loads(json.dumps(experiment.to_dict())), "config.json")
    assert stored.data.keys == KEYS
    assert len(source_of(stored.data, [str(grouped)])) == len(few_showers[1])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("showers",), "found 'showers', expected NAME=DATASET"),
        (("showers=",), "expected NAME=DATASET"),
        (("showers=a", "showers=b"), "once for each name"),
        (("voxels=a",), "found 'voxels', expected names of the layout: incident_energies, showers"),
        (("showers=absent", "incident_energies=absent"), "no dataset 'absent', found 'data/Showers'"),
    ],
)
def test_a_wrong_key_is_one_line(grouped, keys, words):
    """Breaks if a misspelt name is ignored, so that the file is read without it."""
    with pytest.raises((ConfigError, DataError), match=words):
        read_incident_particles(grouped, get_detector("photon", keys))


@pytest.mark.parametrize(
    ("energies", "unit"),
    [
        (2.0 ** np.arange(8, 17) * 1e3, "keV"),
        (2.0 ** np.arange(8, 17) * 1e6, "eV"),
        (np.geomspace(1e6, 1e9, 50), "keV"),
        (np.geomspace(1e9, 1e12, 50), "eV"),
        (2.0 ** np.arange(8, 23), None),
        (np.array([2.0**22]), None),
        (np.array([256e3]), None),
        (np.geomspace(1e3, 7e6, 50), None),
    ],
)
def test_energies_in_kev_are_named_and_high_energies_are_not(energies, unit):
    """Breaks if keV pass as MeV, or the highest published energies (4.2 TeV), alone in a file, are taken for keV."""
    assert smaller_unit(energies) == unit


def test_a_record_says_the_units_and_what_else_a_file_holds(write, few_showers):
    """Breaks when showers in GeV are read as MeV, or what a file says of the particle is not read."""
    incident, showers = few_showers
    path = write(incident[:, None] / 1e3, showers / 1e3)
    theta = np.linspace(1.0, 2.0, len(incident))
    with h5py.File(path, "a") as file:
        file["theta"] = theta
    own = replace(PHOTON, name="own", energy_unit_mev=1e3, cell_unit_mev=1e3, attributes=("theta",), central=(1.5,))
    found = read_showers(path, own)
    np.testing.assert_allclose(found.showers_mev, showers, rtol=1e-6)
    np.testing.assert_allclose(found.incident_energy_mev, incident, rtol=1e-6)
    np.testing.assert_array_equal(found.attributes, theta[:, None])


def test_the_way_back_from_a_logarithm_ends_in_mev():
    """Breaks when a user is told a formula that is off by 1000, or of another base."""
    found = [
        describe_logarithm(f"{base} of the energy in {unit}", "e")
        for base in ("log10", "ln")
        for unit in ("GeV", "MeV")
    ]
    ways = ["1000 * 10**e", "10**e", "1000 * e**e", "e**e"]
    assert [words.rpartition("write ")[2] for words in found] == [f"{way} in MeV" for way in ways]
