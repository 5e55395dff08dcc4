"""A detector of cells whose particles have angle and position: one record, and every command takes it."""

import json
import math
from dataclasses import replace

import h5py
import numpy as np
import pytest

from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.cli import main
from calosim_tf.data.readers import LAYOUTS, open_shower_file, read_showers
from calosim_tf.data.writers import WRITERS, shower_writer
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.export.particles import particle_attributes
from calosim_tf.geometry import DETECTORS, Beam, CellLayer, VoxelDetector
from calosim_tf.geometry.beams import uniform_attributes, uniform_energies
from calosim_tf.training.load import load_generator
from calosim_tf.training.run_folder import RunFolder

# One run is trained, judged and exported
pytestmark = pytest.mark.slow

ANGLES, PLACES = (1.3, 1.8), (-15.0, 15.0)
OWN = VoxelDetector(
    name="own_cells",
    particle="e-",
    mass_mev=0.511,
    layers=(CellLayer(0, 2, 4, row_mm=20.0, column_mm=10.0), CellLayer(3, 3, 2, row_mm=15.0, column_mm=20.0)),
    threshold_mev=0.1,
    cell_unit_mev=1e3,
    energy_unit_mev=1e3,
    attributes=("theta_rad", "x_mm"),
    central=(math.pi / 2, 0.0),
    beam=Beam(uniform_energies(1e3, 2e4), uniform_attributes(ANGLES, PLACES)),
)
EVENTS = 400
# energy, angle and position condition the dense network of the photons
SETTINGS = [
    "data.layout=own_cells", "data.normalisation=gev", "network.condition_size=3", "network.n_outputs=14",
    "network.latent.size=3", "network.generator_units=6,5", "network.critic_units=7,6", "training.batch_size=16",
    "training.critic_steps=2", "training.checkpoint_every=2", "training.log_every=1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def own_detector(monkeypatch):
    """The one entry."""
    monkeypatch.setitem(DETECTORS, OWN.name, OWN)


def write_own(path, events=EVENTS, seed=1, **changes):
    """Made-up showers in GeV with a column for each attribute; ``changes`` replace datasets, None drops one."""
    rng = np.random.default_rng(seed)
    energy = OWN.beam.energies_mev(events, rng)
    particles = OWN.beam.attributes(energy, rng)
    cells = rng.dirichlet(np.ones(OWN.n_voxels), events) * rng.normal(0.5, 0.02, (events, 1)) * energy[:, None]
    arrays = {
        "incident_energies": energy[:, None] / 1e3,
        "showers": cells / 1e3,
        "theta_rad": particles[:, 0],
        "x_mm": particles[:, 1:],
    }
    with h5py.File(path, "w") as file:
        for name, values in (arrays | changes).items():
            if values is not None:
                file[name] = values.astype("f4")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Data file and run folder of two iterations."""
    folder = tmp_path_factory.mktemp("own")
    data = write_own(folder / "own.hdf5")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(DETECTORS, OWN.name, OWN)
        command = ["train", "photon", "--data", data, "--out", folder / "run", "--iterations", 2, "--set", *SETTINGS]
        assert main([*map(str, command)]) == 0
    return data, folder / "run"


def test_data_check_knows_cells_units_and_attributes(tmp_path, capsys):
    """Breaks when GeV of the record are read as MeV, or its attributes go by the names of another detector's."""
    data = write_own(tmp_path / "own.hdf5")
    for more in ((), ("--detector", "own_cells")):
        assert main(["data", "check", str(data), "--json", *more]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["detector"] == "own_cells"
        assert 1e3 <= report["incident_energy_min_mev"] < report["incident_energy_max_mev"] <= 2e4
        assert report["deposited_fraction_mean"] == pytest.approx(0.5, abs=0.01)
        ranges = {row["attribute"]: (row["min"], row["max"]) for row in report["particles"]}
        assert list(ranges) == list(OWN.attributes)
        for found, (low, high) in zip(ranges.values(), (ANGLES, PLACES), strict=True):
            assert low - 1e-6 <= found[0] < found[1] <= high + 1e-6


def test_run_generates_and_is_judged(trained, tmp_path, capsys):
    """Breaks when a command after the training does not know the record: writer, units, conditions, metrics."""
    data, run = trained
    out = tmp_path / "made.hdf5"
    command = ["generate", run, "--energies", 5000, "--events", 7, "--condition", "theta_rad=1.5", "--out", out]
    assert main([*map(str, command)]) == 0
    with h5py.File(out) as file:
        assert file["showers"].attrs["units"] == file["incident_energies"].attrs["units"] == "GeV"
        np.testing.assert_allclose(file["incident_energies"][:, 0], 5.0)
        np.testing.assert_allclose(file["theta_rad"][:, 0], 1.5)
        np.testing.assert_array_equal(file["x_mm"], 0.0)
    made = read_showers(out, OWN, physical=False)
    generator, _ = load_generator(RunFolder(run))
    expected = np.concatenate(list(generator.blocks(made.incident_energy_mev, 0, attributes=made.attributes)))
    np.testing.assert_allclose(made.showers_mev, np.maximum(expected, 0.0), rtol=1e-5)
    showers = [generator.showers(np.array([5e3]), np.zeros((1, 3), "f4"), np.array([[theta, 0.0]])) for theta in ANGLES]
    assert not np.allclose(*showers)
    command = ["evaluate", run, "--reference", data, "--out", tmp_path / "judged", "--checks", "images"]
    assert main([*map(str, command)]) == 0
    assert "chi2_ndf_total_energy" in capsys.readouterr().out


def test_run_is_exported_with_attributes_of_its_own_beam(trained, tmp_path):
    """Breaks when an export looks for the particles of an own detector in the public data sets (KeyError)."""
    bundle = tmp_path / "bundle"
    assert main(["export", str(trained[1]), "--format", "saved_model", "--out", str(bundle)]) == 0
    sidecar = read_sidecar(bundle)
    assert (sidecar.attributes, sidecar.n_cells) == (OWN.attributes, 14)
    assert sidecar.central == OWN.central
    (network,) = sidecar.networks
    assert network.condition.names == ("kinetic_energy_gev", *OWN.attributes)
    for low, high, (least, most) in zip(
        network.condition.low[1:], network.condition.high[1:], (ANGLES, PLACES), strict=True
    ):
        assert least <= low + 1e-6 < least + 0.1 * (most - least)
        assert most - 0.1 * (most - least) < high <= most + 1e-6
    out = tmp_path / "made.hdf5"
    assert main(["generate", str(bundle), "--energies", "5000", "--events", "3", "--out", str(out)]) == 0
    assert len(read_showers(out, OWN, physical=False)) == 3


def test_written_showers_are_read_back(tmp_path):
    """Breaks when a cell, an energy or an attribute is written in another unit or column than it is read."""
    showers = read_showers(write_own(tmp_path / "own.hdf5", 20), OWN)
    with shower_writer(tmp_path / "out.hdf5", OWN, 20) as writer:
        for rows in (slice(0, 13), slice(13, 20)):
            writer.append(showers.incident_energy_mev[rows], showers.showers_mev[rows], showers.attributes[rows])
    back = read_showers(tmp_path / "out.hdf5", OWN)
    for key in ("incident_energy_mev", "showers_mev", "attributes"):
        np.testing.assert_allclose(getattr(back, key), getattr(showers, key), rtol=3e-7)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_mm": None}, "no dataset 'x_mm'"),
        ({"x_mm": np.zeros((20, 3))}, r"x_mm has shape \(20, 3\), expected \(20, 1\)"),
        ({"theta_rad": np.full(20, np.nan)}, "row 0 of theta_rad is nan, expected a number"),
        ({"showers": np.full((20, 14), 1e3)}, "in units of 1000 MeV.*correct the file or the record"),
        ({"showers": np.full((20, 13), 0.1)}, "13 voxels per shower, expected 14 for detector 'own_cells'"),
    ],
)
def test_a_file_that_does_not_fit_the_record_is_refused(tmp_path, changes, words):
    """Breaks when an attribute is missing or not a number, or a unit is not the record's, and training continues."""
    path = write_own(tmp_path / "own.hdf5", 20, **changes)
    with pytest.raises(DataError, match=words):
        read_showers(path, OWN)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["network.condition_size=2"], "network.condition_size: found 2, expected 3 for layout own_cells and"),
        (["data.normalisation=cube"], "found own_cells with layers of different shapes"),
        (["data.normalisation=log_cells"], "found own_cells with 2 layers and 2 attributes, expected one layer"),
        (["data.normalisation=layer"], "network.layer_sizes: found (), expected (8, 6) for layout own_cells"),
        (["data.normalisation=wave"], "data.normalisation: found 'wave', expected one of"),
        (["data.layout=photon_none"], "detector 'photon_none' is unknown"),
    ],
)
def test_a_normalisation_that_does_not_fit_is_one_line(tmp_path, capsys, settings, words):
    """Breaks when detector, network and normalisation that do not belong together meet in a matrix product."""
    data = write_own(tmp_path / "own.hdf5", 100)
    command = ["train", "photon", "--data", data, "--out", tmp_path / "run", "--set", *SETTINGS, *settings]
    assert main([*map(str, command)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in error
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_record_that_does_not_fit_is_one_line(monkeypatch, tmp_path):
    """Breaks when a mistake in an entry surfaces as a traceback in the middle of a command."""
    with pytest.raises(ConfigError, match="found 1 central values for 2 attributes"):
        replace(OWN, central=(0.0,))
    odd = replace(OWN, file_layout="odd")
    with pytest.raises(ConfigError, match="'own_cells': found the file layout 'odd', which has no reader"):
        open_shower_file(tmp_path / "own.hdf5", odd)
    monkeypatch.setitem(LAYOUTS, "odd", LAYOUTS["calochallenge"])
    assert "odd" not in WRITERS
    with pytest.raises(ConfigError, match="'own_cells': found the file layout 'odd', which has no writer"):
        shower_writer(tmp_path / "out.hdf5", odd, 1)


def test_a_record_without_a_beam_is_exported_with_central_particles():
    """Breaks when the export of a detector whose record has attributes and no beam is a traceback."""
    found = particle_attributes(replace(OWN, beam=None), np.array([2e3, 3e3]), np.random.default_rng(0))
    np.testing.assert_array_equal(found, [OWN.central, OWN.central])
    drawn = particle_attributes(OWN, np.array([2e3, 3e3]), np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, OWN.beam.attributes(np.array([2e3, 3e3]), np.random.default_rng(0)))
