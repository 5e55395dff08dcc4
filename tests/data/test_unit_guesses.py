"""A unit that is guessed is offered as a guess, and logarithms are named."""

from __future__ import annotations

import re

import numpy as np
import pytest

from calosim_tf.data.layouts.ecal_file import EcalAngleFile, EcalFile
from calosim_tf.data.layouts.hit_cells import HitCells, hit_cells
from calosim_tf.data.readers import open_shower_file, read_incident_particles, read_showers
from calosim_tf.data.units import logarithm_by_deposits
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON
from calosim_tf.geometry.detectors import CLIC

ENERGY_MEV = np.full(10, 5e4)


@pytest.mark.parametrize(
    ("fraction", "units"),
    [
        (0.445, ["MeV", "50 x GeV"]),  # hadrons in MeV, or electrons in 50 x GeV
        (1.0, ["MeV", "50 x GeV"]),
        (19.0, ["MeV"]),
        (0.02, []),
        (0.3, ["MeV", "50 x GeV"]),
    ],
)
def test_where_two_units_are_possible_both_are_named_and_a_power_of_ten_first(fraction, units):
    """Breaks if hadrons in MeV are said to be in 50 x GeV, with advice that leaves 20 times too much energy."""
    found = EcalFile.scale.describe_wrong(ENERGY_MEV, fraction, "energy")
    if not units:
        assert found is None
    elif len(units) == 1:
        assert found.startswith(f"ECAL is in {units[0]} (")
    else:
        places = [found.index(f"in {unit} it would be") for unit in units]
        assert places == sorted(places)
        assert found.count("it would be") == len(units)
        assert "multiply ECAL by 0.001" in found
        assert "multiply ECAL by 0.02" in found


@pytest.mark.parametrize(("layout", "words"), [("ecal", "ECAL is in MeV"), ("ilc", "30x30/layers is in keV")])
def test_the_share_alone_tells_the_unit_where_no_cells_are_known(cells, store, tmp_path, layout, words):
    """Breaks when an open file takes what its caller found out about the deposits for something else."""
    with open_shower_file(store(tmp_path / "a.hdf5", cells(layout, 4))) as file:
        assert file.wrong_units(None) is None
        assert file.wrong_units(19.0).startswith(words)


# What passes through the silicon of one layer
PASSING_MEV = 0.4


def hits(median_mev: float, largest_share: float = 1e-5) -> HitCells:
    """Cells of this median, and more that are below any threshold."""
    return HitCells(np.array([0.2, 0.9, 1.0, 1.4, 30.0] + [1e-9] * 9) * median_mev, largest_share)


@pytest.mark.parametrize(
    ("file", "fraction", "cells", "advice"),
    [
        # 0.4 MeV written as 0.4 where the layout has GeV reads as 400 MeV
        (EcalFile, 0.445, hits(1e3 * PASSING_MEV), ["0.001"]),  # hadrons in MeV; 8 MeV in 50 x GeV
        (EcalFile, 0.05, hits(1e3 * PASSING_MEV), ["0.001"]),  # muons of 200 GeV in MeV, whose share is usual
        (EcalFile, 1.0, hits(50 * PASSING_MEV), ["0.001", "0.02"]),  # electrons in 50 x GeV, or soft hadrons in MeV
        (EcalFile, 0.445, hits(1e3 * 0.019 * PASSING_MEV), ["0.001", "0.02"]),  # weak hits: both stay
        (EcalFile, 0.445, hits(50.0), ["0.001", "0.02"]),
        (EcalFile, 0.445, hits(50.0, largest_share=0.9), ["0.001"]),  # 1.8 % in one cell in 50 x GeV
        (EcalFile, 0.02, hits(PASSING_MEV), []),
        (EcalFile, 0.05, hits(PASSING_MEV), []),
        (EcalAngleFile, 0.0004, hits(PASSING_MEV), []),  # hadrons in the unit of the layout; 20 MeV in GeV
        (EcalAngleFile, 0.0004, hits(0.02 * PASSING_MEV), ["nothing to change", "50"]),  # or electrons in GeV
        (EcalAngleFile, 0.02, hits(20 * PASSING_MEV), ["0.05"]),  # passing particles in MeV: a share as of electrons
    ],
)
def test_the_largest_cell_and_the_hits_rule_out_a_unit(file, fraction, cells, advice):
    """Breaks if hadrons in MeV may be in 50 x GeV, or muons in MeV pass as electrons with 1000 times their energy."""
    found = file.scale.describe_wrong(ENERGY_MEV, fraction, "energy", cells) or ""
    assert re.findall(r"multiply ECAL by ([\d.]+)|(nothing to change)", found) == [
        ("", item) if item.startswith("nothing") else (item, "") for item in advice
    ]
    assert found.count("it would be") == (len(advice) if len(advice) > 1 else 0)
    if advice and len(advice) < 2:
        assert re.search(r"half of the cells hit would hold more than \S+ MeV|the largest cell would hold 0.018", found)


def test_a_unit_stays_out_by_its_share_whatever_the_cells_say():
    """Breaks if cells that fit make a unit possible in which 40 % of the energy would be in the silicon."""
    found = EcalFile.scale.describe_wrong(ENERGY_MEV, 20.0, "energy", hits(100.0))
    assert found.startswith("ECAL is in MeV (")


def test_particles_that_only_pass_are_read_once_their_unit_is_mended(store, tmp_path):
    """Breaks if muons in MeV are read as GeV without a word, or the advice leads to a file that is refused."""
    rng = np.random.default_rng(3)
    cubes = np.zeros((30, 25, 25, 25), dtype=np.float32)
    cubes[:, 12, 12, :] = PASSING_MEV * rng.gamma(8.0, 1 / 8.0, (30, 25))
    energies = {"energy": np.full(30, 200.0, dtype=np.float32)}
    with pytest.raises(DataError, match=r"ECAL is in MeV .*expected GeV; multiply ECAL by 0.001"):
        read_showers(store(tmp_path / "mev.hdf5", {"ECAL": cubes, **energies}), CLIC)
    with pytest.raises(DataError, match="in GeV half of the cells hit would hold more than"):
        read_showers(store(tmp_path / "wrong.hdf5", {"ECAL": cubes * np.float32(0.02), **energies}), CLIC)
    mended = read_showers(store(tmp_path / "gev.hdf5", {"ECAL": cubes * np.float32(0.001), **energies}), CLIC)
    np.testing.assert_allclose(mended.showers_mev.sum(axis=1), cubes.sum(axis=(1, 2, 3)), rtol=1e-5)


def test_cells_of_a_block():
    """Breaks if empty showers or empty cells count, or the largest cell is taken over all showers together."""
    found = hit_cells(np.array([10.0, 10.0, 20.0, 40.0]), np.array([[0, 0, 0], [1, 0, 2], [0, 6, 0], [0, 0, 4.0]]))
    assert found.deposits_mev.tolist() == [1, 2, 6, 4]
    assert found.largest_share == pytest.approx(0.2)  # of 0.2, 0.3, 0.1
    assert hit_cells(np.ones(2), np.zeros((2, 3))) is None


def test_visible_energies_are_an_alternative_to_gev(write, few_showers):
    """Breaks if a sampling fraction of 0.1 % is taken for GeV without a word of doubt."""
    with pytest.raises(DataError, match=r"showers are in GeV .*or if they are the visible energy"):
        read_showers(write(showers=few_showers[1] / 1000), PHOTON)


@pytest.mark.parametrize(
    ("function", "unit", "words"),
    [
        (np.log10, 1.0, r"log10 of the energy in MeV.*write 10\*\*incident_energies in MeV"),
        (np.log, 1.0, r"ln of the energy in MeV.*write e\*\*incident_energies in MeV"),
        (np.log10, 1e3, "log10 of the energy in GeV|a positive energy .*take the power of their base"),
        (np.log, 1e3, "ln of the energy in GeV|a positive energy .*take the power of their base"),
    ],
)
@pytest.mark.parametrize("lowest_mev", [256.0, 2048.0])
def test_logarithms_are_named_and_not_multiplied_by_1000(write, few_showers, function, unit, words, lowest_mev):
    """Breaks if log10(E) is said to be in GeV; energies alone (generate --like) show it, and so do deposits."""
    kept = few_showers[0] >= lowest_mev
    incident, showers = few_showers[0][kept].astype(np.float64), few_showers[1][kept]
    path = write(incident=function(incident / unit)[:, None], showers=showers)
    with pytest.raises(DataError, match=words):
        read_showers(path, PHOTON)
    with pytest.raises(DataError, match=words):
        read_incident_particles(path, PHOTON)


def test_deposits_decide_for_energies_of_no_list():
    """Breaks if a spectrum of logarithms passes, or energies of a few GeV are taken for logarithms."""
    rng = np.random.default_rng(3)
    energy_mev = np.exp(rng.uniform(np.log(1e3), np.log(1e5), 300))
    deposited = energy_mev * rng.normal(0.9, 0.1, 300)
    assert logarithm_by_deposits(energy_mev, deposited) is None
    assert logarithm_by_deposits(energy_mev / 1e3, deposited) is None
    assert logarithm_by_deposits(np.log10(energy_mev), deposited) == "log10 of the energy in MeV"
    assert logarithm_by_deposits(np.log(energy_mev), deposited) == "ln of the energy in MeV"
    # layouts in GeV read their numbers times 1000
    assert logarithm_by_deposits(1e3 * np.log10(energy_mev / 1e3) + 1e-9, deposited) == "log10 of the energy in GeV"
    assert logarithm_by_deposits(1e3 * rng.uniform(1.0, 1.1, 300), deposited[:300]) is None
    assert logarithm_by_deposits(np.log10(energy_mev[:4]), deposited[:4]) is None
    assert logarithm_by_deposits(np.full(300, 4.0), 1e4 * rng.normal(0.9, 0.1, 300)) is None
