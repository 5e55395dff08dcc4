"""Telling GeV from MeV, and logarithms from energies, by the numbers alone (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calosim_tf.data.layouts.hit_cells import HitCells, MostPerCell
from calosim_tf.same_energy import same_energy

# Discrete incident energies of CaloChallenge data set 1: 2^8 ... 2^22 MeV.
DISCRETE_ENERGIES_MEV = 2.0 ** np.arange(8, 23)

# No published set has half of its showers below this; in GeV most have (256 MeV reads as 0.256).
LOWEST_MEDIAN_MEV = 10.0

# No published set has half of its particles above a TeV; GeV that are really MeV read 1000 times too high.
HIGHEST_MEDIAN_MEV = 1e6

# Hadrons leave less in an electromagnetic calorimeter than electrons, and other sampling fractions are in use: down to
# this part of the usual deposits a unit is possible (our choice; pions in the silicon of CLIC leave a twentieth).
LOWEST_PART = 0.05
# 1 MeV in the unit, and the median of published sets: a number 1000 times as high means more than any accelerator has.
SMALLER_UNITS = {"eV": 1e6, "keV": 1e3}
COMMON_MEDIAN_MEV = 1e4

# Deposited over incident energy is 0.2 ... 1.5 for calibrated showers; off by a factor 1000 it falls into one of these.
SHOWERS_IN_GEV = (1e-4, 3e-3)
ENERGIES_IN_GEV = (1e2, 3e3)

# Logarithms that energies are kept in
BASES = {"log10": 10.0, "ln": float(np.e)}
# ln(4 TeV in MeV) is 15; energies themselves may be as low, then their deposits decide
HIGHEST_LOGARITHM = 20.0
# Our choice: fewer showers have no spread to speak of; a logarithm taken for an energy has ten times the spread
LEAST_SHOWERS = 5
LESS_SPREAD = 0.5
# Deposited over incident energy of any detector, a factor 1000 wide: it tells MeV from GeV
POSSIBLE_FRACTION = (0.003, 3.0)


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
    return bool(same_energy(distinct, nearest).all())


def describe_wrong_units(incident_energy: np.ndarray, fraction: float | None) -> str | None:
    """What is in GeV, keV or eV, how that shows and what to do, in words for a message; None when all looks like MeV.

    Parameters
    ----------
    incident_energy : ndarray, shape (n,)
        As in the file.
    fraction : float or None
        :func:`median_deposited_fraction`.
    """
    logarithm = logarithm_by_values(incident_energy, DISCRETE_ENERGIES_MEV)
    if logarithm:
        return describe_logarithm(logarithm, "incident_energies")
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
            + _unless_logarithm(incident_energy)
        )
    if incident_energies_look_like_gev(incident_energy):
        return f"energies are in GeV {found}, expected MeV; multiply incident_energies and showers by 1000" + (
            _unless_logarithm(incident_energy)
        )
    if fraction is not None and SHOWERS_IN_GEV[0] < fraction < SHOWERS_IN_GEV[1]:
        return (
            f"showers are in GeV but incident_energies in MeV {found}, expected MeV; multiply showers by 1000, or if "
            "they are the visible energy of a sampling calorimeter in MeV, divide them by its sampling fraction"
        )
    return None


def _unless_logarithm(incident_energy: np.ndarray) -> str:
    """The other meaning that small numbers may have, where their deposits could not decide."""
    if incident_energy.max() > HIGHEST_LOGARITHM:
        return ""
    return "; if they are logarithms (log10, ln), take the power of their base instead"


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
    most_per_cell : MostPerCell, optional
        Rules units out, where the cells are known.
    """

    usual: tuple[float, float]
    showers_name: str
    showers_unit: str
    other_units: Mapping[str, float]
    most_per_cell: MostPerCell | None = None

    def describe_wrong(
        self,
        incident_energy_mev: np.ndarray,
        fraction: float | None,
        energies_name: str,
        cells: HitCells | None = None,
    ) -> str | None:
        """As :func:`describe_wrong_units`; energies are those of dataset ``energies_name`` in the layout's unit.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        fraction : float or None
            :func:`median_deposited_fraction`, likewise.
        energies_name : str
        cells : HitCells, optional
            Of the same showers or of some of them.
        """
        middle = float(np.median(incident_energy_mev))
        if middle > HIGHEST_MEDIAN_MEV:
            # taken for GeV, keV are a thousand times higher than MeV
            unit, factor = ("keV", 1e6) if middle > 1e3 * HIGHEST_MEDIAN_MEV else ("MeV", 1e3)
            return (
                f"{energies_name} is in {unit} (median {middle / 1000:g}), expected GeV; divide {energies_name} by "
                f"{factor:g}"
            )
        if fraction is None:
            return None
        factors = {self.showers_unit: 1.0, **self.other_units}
        excess = {unit: self._excess(cells, factor) for unit, factor in factors.items()}
        possible = self._possible_units(factors, fraction, excess)
        if not possible or possible == [self.showers_unit]:
            return None
        low, high = self.usual
        found = [f"deposited / incident {fraction:.3g}, usual {low:g} to {high:g}"]
        found += [f"in {unit} {words}" for unit, words in excess.items() if words and fraction / factors[unit] < high]
        words = "; ".join(found)
        if len(possible) > 1:
            return self._describe_choice({unit: factors[unit] for unit in possible}, fraction, words)
        return (
            f"{self.showers_name} is in {possible[0]} ({words}), expected {self.showers_unit}; "
            f"multiply {self.showers_name} by {1 / factors[possible[0]]:g}"
        )

    def _excess(self, cells: HitCells | None, factor: float) -> str | None:
        return None if self.most_per_cell is None else self.most_per_cell.describe_excess(cells, factor)

    def _possible_units(
        self, factors: Mapping[str, float], fraction: float, excess: Mapping[str, str | None]
    ) -> list[str]:
        """Units that the deposits may be in; none where they are as usual."""
        low, high = self.usual
        # a power of ten first: programs differ by it more often than by 50
        order = sorted(factors, key=lambda unit: not np.log10(factors[unit]).is_integer())
        if excess[self.showers_unit]:
            # whatever the share: particles that only pass leave a thousandth of a shower
            fitting = [unit for unit in order if fraction / factors[unit] < high and not excess[unit]]
            if fitting:
                return fitting
        if low < fraction < high:
            return []
        by_share = [unit for unit in order if LOWEST_PART * low < fraction / factors[unit] < high]
        if not any(low < fraction / factors[unit] < high for unit in by_share):
            return []
        return [unit for unit in by_share if not excess[unit]] or by_share

    def _describe_choice(self, factors: Mapping[str, float], fraction: float, found: str) -> str:
        """Several units are possible: what each would mean."""
        meanings = []
        for unit, factor in factors.items():
            share = fraction / factor
            particle = "as electrons leave" if share > self.usual[0] else "as hadrons or a thinner calorimeter leave"
            advice = "nothing to change" if factor == 1.0 else f"multiply {self.showers_name} by {1 / factor:g}"
            meanings.append(f"in {unit} it would be {share:.3g}, {particle}: {advice}")
        return (
            f"the unit of {self.showers_name} cannot be told, expected {self.showers_unit} ({found}); "
            f"{'; '.join(meanings)}"
        )


def logarithm_by_values(incident: np.ndarray, discrete_mev: np.ndarray) -> str | None:
    """``log10`` or ``ln`` if all energies are that of one of a list, in MeV or GeV; None otherwise.

    Parameters
    ----------
    incident : ndarray, shape (n,)
        As in the file.
    discrete_mev : ndarray, shape (k,)
    """
    distinct = np.unique(incident)
    if len(distinct) > len(discrete_mev) or distinct[-1] > HIGHEST_LOGARITHM:
        return None
    for name, base in BASES.items():
        for unit, unit_mev in (("MeV", 1.0), ("GeV", 1e3)):
            energy = base**distinct * unit_mev
            nearest = discrete_mev[np.abs(discrete_mev[:, None] - energy).argmin(axis=0)]
            if same_energy(energy, nearest).all():
                return f"{name} of the energy in {unit}"
    return None


def logarithm_by_deposits(incident_mev: np.ndarray, deposited_mev: np.ndarray) -> str | None:
    """``log10`` or ``ln`` if the deposits follow the exponential of the energies instead of the energies; else None.

    Parameters
    ----------
    incident_mev, deposited_mev : ndarray, shape (n,)
        Energies as read, which may be numbers of GeV times 1000.
    """
    filled = deposited_mev > 0
    if filled.sum() < LEAST_SHOWERS:
        return None
    incident, deposited = incident_mev[filled], np.log(deposited_mev[filled])
    spread = {None: _width(deposited - np.log(incident))}
    for scale in (1.0, 1e3):
        x = incident / scale
        if x.max() <= HIGHEST_LOGARITHM:
            for name, base in BASES.items():
                residual = deposited - x * np.log(base)
                spread[f"{name} of the energy in {_unit_of(float(np.median(residual)))}"] = _width(residual)
    best = min(spread, key=lambda name: spread[name])
    return best if spread[best] < LESS_SPREAD * spread[None] else None


def _unit_of(log_fraction: float) -> str:
    return "GeV" if log_fraction > np.log(POSSIBLE_FRACTION[1]) else "MeV"


def _width(values: np.ndarray) -> float:
    low, high = np.percentile(values, (16, 84))
    return float(high - low)


def describe_logarithm(logarithm: str, name: str) -> str:
    """What to do about dataset ``name``, in words for an error message."""
    base = "10**" if logarithm.startswith("log10") else "e**"
    factor = "1000 * " if logarithm.endswith("GeV") else ""
    return f"{name} is the {logarithm}, expected the energy; write {factor}{base}{name} in MeV"
