"""The comparison command: its numbers by hand, and the command itself."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.layouts.calochallenge_writer import CaloChallengeWriter
from calosim_tf.data.readers import read_showers
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data_prep.compare_simulation import (
    correlation_table,
    energy_ranges,
    hits_table,
    layer_table,
    main,
    mean_width_mm,
    section_energies_mev,
    sections,
    shower_table,
    simulate_like,
)
from calosim_tf.data_prep.simulate import simulate_to_file
from calosim_tf.geometry import PHOTON
from calosim_tf.geometry.detectors import CALOGAN, CLIC


@pytest.fixture
def two_showers():
    """Two photons of 100 MeV: 30 MeV in layer 0 and 60 MeV in layer 12; 10 MeV in layer 1."""
    showers = np.zeros((2, 368), dtype=np.float32)
    showers[0, 3], showers[0, 366], showers[1, 10] = 30, 60, 10
    return ShowerSet(np.full(2, 100.0), showers, PHOTON, "two")


def test_layer_energies(two_showers):
    """Breaks if a layer begins at a wrong voxel."""
    np.testing.assert_array_equal(section_energies_mev(two_showers), [[30, 0, 0, 0, 60], [0, 10, 0, 0, 0]])


def test_eta_width():
    """Breaks if the coordinate is not r cos(alpha), the width not an rms, or empty showers count."""
    layer = PHOTON.layers[1]
    image = np.zeros((3, *layer.shape))
    # equal energies at opposite angles: centre 0, rms r |cos(-0.9 pi)|
    image[0, 0, 5] = image[0, 5, 5] = 2.0
    image[1, 3, 2] = 1.0
    expected = (11.0 * abs(np.cos(-0.9 * np.pi)) + 0.0) / 2
    assert mean_width_mm(image.reshape(3, -1), layer.coordinates_mm["eta"]) == pytest.approx(expected)


def test_many_layers_are_taken_five_at_a_time():
    """Breaks if a layer is left out, or the cells of a group are not added up."""
    parts = sections(CLIC)
    assert [part.name for part in parts] == [f"layers {first}-{first + 4}" for first in range(0, 25, 5)]
    showers = np.zeros((1, CLIC.n_voxels))
    showers[0, [5 * 625 + 3, 9 * 625 + 3, 10 * 625]] = 1, 2, 4
    cells = parts[1].cells_mev(ShowerSet(np.array([1e4]), showers, CLIC, "one"))
    assert cells[0, 3] == cells.sum() == 3
    assert parts[1].width_axes == ("x", "y")


def test_many_energies_are_taken_in_ranges():
    """Breaks if an event is lost between ranges, or a range has the wrong name."""
    energies = np.concatenate([np.linspace(1000, 1999, 50), np.linspace(2000, 4000, 40)])
    ranges = energy_ranges(energies)
    assert [(name, rows.sum()) for name, rows in ranges] == [("1000 - 2000", 50), ("2000 - 5000", 40)]


def test_tables_by_hand(two_showers):
    """Breaks if sample and simulation swap places, or a mean, a share or an error is wrong."""
    doubled = ShowerSet(two_showers.incident_energy_mev, 2 * two_showers.showers_mev, PHOTON, "doubled")
    row = shower_table(two_showers, doubled).splitlines()[2]
    # responses 0.9 and 0.1: mean 0.5, std 0.4, error 0.4 / sqrt(2)
    assert row.startswith("| 100 | 0.5000 ± 0.2828 / 1.0000 ± 0.5657 | 0.4000 / 0.8000 | 0.004 / 0.004 |")
    row = layer_table(two_showers, doubled).splitlines()[2]
    assert row.split(" | ")[:3] == ["| 100", "0.3000 / 0.3000", "0.1000 / 0.1000"]
    # one of two showers has one of the 8 voxels of layer 0
    assert hits_table(two_showers, doubled).splitlines()[2].startswith("| 100 | 0.062 / 0.062 | 0.003 / 0.003 |")


def test_no_energy_has_no_width():
    """Breaks if a layer that no shower reaches ends the comparison, or counts as width 0."""
    assert np.isnan(mean_width_mm(np.zeros((2, 160)), PHOTON.layers[1].coordinates_mm["eta"]))


def test_correlations():
    """Breaks if the matrix is transposed into showers, or its diagonal is not 1."""
    showers = ShowerSet(np.full(50, 1e3), np.random.default_rng(1).random((50, 368)), PHOTON, "noise")
    table = correlation_table(showers, showers).splitlines()
    assert len(table) == 2 + 5
    assert table[2].startswith("| layer 0 | 1.000 / 1.000 |")


def test_simulated_energies_are_those_of_the_sample(two_showers):
    """Breaks if another mix of energies is compared."""
    simulated = simulate_like(two_showers, seed=1)
    assert simulated.incident_energy_mev.tolist() == [100.0, 100.0]
    assert simulated.source == "parametrised showers"


def test_command_prints_all_tables(tmp_path, capsys):
    """Breaks if the module does not run on a file, or tells the layout wrongly from it."""
    out = tmp_path / "pions.hdf5"
    simulate_to_file("pion", out, 300, 4)
    assert main([str(out), "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("300 showers, each cell: parametrised showers / parametrised showers (seed 5)")
    assert printed.count("---:") == (4 + 4) + 3 * (1 + 7)


def test_inclined_particles_are_simulated_as_they_are(tmp_path, capsys):
    """Breaks if attributes are drawn again, or the named layout is ignored: photons where positrons are compared."""
    out = tmp_path / "positrons.hdf5"
    simulate_to_file("calogan", out, 70, 4)
    sample = read_showers(out, CALOGAN)
    simulated = simulate_like(sample, seed=5)
    np.testing.assert_array_equal(simulated.attributes, sample.attributes)
    centres = [showers.showers_mev[:, :288] @ CALOGAN.layers[0].coordinates_mm["y"] for showers in (sample, simulated)]
    energies = [section_energies_mev(showers)[:, 0] for showers in (sample, simulated)]
    assert np.corrcoef(centres[0] / energies[0], centres[1] / energies[1])[0, 1] > 0.9
    tables = []
    for layout in ([], ["--layout", "calogan_gamma"]):
        assert main([str(out), "--seed", "5", *layout]) == 0
        tables.append(capsys.readouterr().out)
    assert tables[0] != tables[1]
    assert main([str(out), "--layout", "proton"]) == 2


def test_file_that_cannot_be_simulated(tmp_path, capsys):
    """Breaks if an unknown layout ends in a traceback, or in exit code 0."""
    path = tmp_path / "seven.hdf5"
    with CaloChallengeWriter(path, 7, 1) as writer:
        writer.append(np.array([1e3]), np.ones((1, 7)))
    assert main([str(path)]) == 2
    assert "7 voxels" in capsys.readouterr().err
