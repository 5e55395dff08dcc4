"""Telling GeV from MeV by the numbers alone (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Discrete incident energies of CaloChallenge data set 1: 2^8 ... 2^22 MeV.
DISCRETE_ENERGIES_MEV = 2.0 ** np.arange(8, 23)

# No published set has half of its showers below this; in GeV most have (256 MeV reads as 0.256).
LOWEST_MEDIAN_MEV = 10.0

# No published set has half of its particles above a TeV; GeV that are really MeV read 1000 times too high.
HIGHEST_MEDIAN_MEV = 1e6

# 1 MeV in the unit, and the median of published sets: a number 1000 times as high means more than any accelerator has.
SMALLER_UNITS = {"eV": 1e6, "keV": 1e3}
COMMON_MEDIAN_MEV = 1e4

# Deposited over incident energy is 0.2 ... 1.5 for calibrated showers; off by a factor 1000 it falls into one of these.
SHOWERS_IN_GEV = (1e-4, 3e-3)
ENERGIES_IN_GEV = (1e2, 3e3)


def median_deposited_fraction(incident_energy: np.ndarray, deposited: np.ndarray) -> float | None:
    """Median of deposited over incident energy of the showers that are not empty; None when all are.

    Parameters
    ----------
    incident_energy, deposited : ndarray, shape (n,)
        Positive and non-negative numbers, units as in the file.
    """
    filled = deposited > 0
    if not filled.any():
        return None
    return float(np.median(deposited[filled] / incident_energy[filled]))


def incident_energies_look_like_gev(incident_energy: np.ndarray) -> bool:
    """True for the discrete energies of data set 1 divided by 1000, and for energies that are mostly below 10."""
    if _are_discrete(np.unique(incident_energy), DISCRETE_ENERGIES_MEV / 1000):
        return True
    return bool(np.median(incident_energy) < LOWEST_MEDIAN_MEV)


def smaller_unit(incident_energy: np.ndarray) -> str | None:
    """``keV`` or ``eV`` when energies are too high for MeV, otherwise None.

    That is when half of them are above 10 TeV, or when all are the discrete energies of data set 1 in that unit and go
    beyond its range: a set of its highest energies alone (4.2 TeV) is in MeV.
    """
    distinct, middle = np.unique(incident_energy), float(np.median(incident_energy))
    beyond = distinct[-1] > DISCRETE_ENERGIES_MEV[-1]
    for unit, factor in SMALLER_UNITS.items():
        if middle > factor * COMMON_MEDIAN_MEV or (beyond and _are_discrete(distinct, factor * DISCRETE_ENERGIES_MEV)):
            return unit
    return None


def _are_discrete(distinct: np.ndarray, energies: np.ndarray) -> bool:
    """Whether these energies are some of ``energies``, but for rounding."""
    if len(distinct) > len(energies):
        return False
    nearest = energies[np.abs(energies[:, None] - distinct).argmin(axis=0)]
    return bool(np.allclose(distinct, nearest, rtol=1e-5, atol=0))


def describe_wrong_units(incident_energy: np.ndarray, fraction: float | None) -> str | None:
    """What is in GeV, keV or eV, how that shows and what to do, in words for a message; None when all looks like MeV.

    Parameters
    ----------
    incident_energy : ndarray, shape (n,)
        As in the file.
    fraction : float or None
        :func:`median_deposited_fraction`.
    """
    middle = float(np.median(incident_energy))
    ratio = "no deposit" if fraction is None else f"deposited / incident {fraction:.3g}"
    found = f"(median of incident_energies {middle:g}, {ratio})"
    if unit := smaller_unit(incident_energy):
        return (
            f"energies are in {unit} {found}, expected MeV; divide incident_energies and showers by "
            f"{SMALLER_UNITS[unit]:g}"
        )
    if fraction is not None and ENERGIES_IN_GEV[0] < fraction < ENERGIES_IN_GEV[1]:
        return (
            f"incident_energies are in GeV but showers in MeV {found}, expected MeV; multiply incident_energies by 1000"
        )
    if incident_energies_look_like_gev(incident_energy):
        return f"energies are in GeV {found}, expected MeV; multiply incident_energies and showers by 1000"
    if fraction is not None and SHOWERS_IN_GEV[0] < fraction < SHOWERS_IN_GEV[1]:
        return f"showers are in GeV but incident_energies in MeV {found}, expected MeV; multiply showers by 1000"
    return None


@dataclass(frozen=True)
class DepositScale:
    """What deposits over incident energy are in a layout with energies in GeV and deposits in another unit.

    Attributes
    ----------
    usual : (float, float)
        Where the fraction lies for this detector.
    showers_name, showers_unit : str
        Dataset of the deposits and its unit.
    other_units : mapping of str to float
        Units in which deposits are found, and the factor by which the fraction is then off.
    """

    usual: tuple[float, float]
    showers_name: str
    showers_unit: str
    other_units: Mapping[str, float]

    def describe_wrong(self, incident_energy_mev: np.ndarray, fraction: float | None, energies_name: str) -> str | None:
        """As :func:`describe_wrong_units`; energies are those of dataset ``energies_name`` in the layout's unit.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        fraction : float or None
            :func:`median_deposited_fraction`, likewise.
        energies_name : str
        """
        middle = float(np.median(incident_energy_mev))
        if middle > HIGHEST_MEDIAN_MEV:
            # taken for GeV, keV are a thousand times higher than MeV
            unit, factor = ("keV", 1e6) if middle > 1e3 * HIGHEST_MEDIAN_MEV else ("MeV", 1e3)
            return (
                f"{energies_name} is in {unit} (median {middle / 1000:g}), expected GeV; divide {energies_name} by "
                f"{factor:g}"
            )
        low, high = self.usual
        if fraction is None or low < fraction < high:
            return None
        found = f"deposited / incident {fraction:.3g}, usual {low:g} to {high:g}"
        for unit, factor in self.other_units.items():
            if low < fraction / factor < high:
                return (
                    f"{self.showers_name} is in {unit} ({found}), expected {self.showers_unit}; "
                    f"multiply {self.showers_name} by {1 / factor:g}"
                )
        return None
