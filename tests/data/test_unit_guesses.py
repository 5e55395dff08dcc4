"""A unit that is guessed is offered as a guess, and logarithms are named."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.layouts.ecal_file import EcalFile
from calosim_tf.data.readers import read_incident_particles, read_showers
from calosim_tf.data.units import logarithm_by_deposits
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON

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
