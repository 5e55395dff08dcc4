"""Mean visible energy of a sampling calorimeter as a polynomial of the incident energy.

It is part of the data contract of 3DGAN: what a generated shower should sum up to at its energy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.same_energy import one_value_each

# Energy label of 3DGAN
UNIT_GEV = 100.0


@dataclass(frozen=True)
class SamplingFraction:
    """Visible energy in GeV is e * polynomial(e) with the incident energy e in 100 GeV.

    Attributes
    ----------
    coefficients : tuple of float
        Of the polynomial, highest power first.
    """

    coefficients: tuple[float, ...]

    def visible_energy_gev(self, incident_energy_gev: np.ndarray) -> np.ndarray:
        """Mean sum of all cells, GeV, same shape as ``incident_energy_gev``."""
        label = np.asarray(incident_energy_gev, dtype=np.float64) / UNIT_GEV
        return label * np.polyval(self.coefficients, label)

    def fraction(self, incident_energy_gev: np.ndarray) -> np.ndarray:
        """Visible over incident energy, same shape as ``incident_energy_gev``."""
        label = np.asarray(incident_energy_gev, dtype=np.float64) / UNIT_GEV
        return np.polyval(self.coefficients, label) / UNIT_GEV


# Authors' code of the Conv2D networks; electrons of 2 to 500 GeV in the public CLIC files, 1.9 % at 100 GeV.
PUBLISHED = SamplingFraction((0.0018, -0.023, 0.11, -0.28, 2.21))


def fit(incident_energy_gev: np.ndarray, visible_energy_gev: np.ndarray, degree: int = 2) -> SamplingFraction:
    """Sampling fraction of other data, by least squares.

    Parameters
    ----------
    incident_energy_gev, visible_energy_gev : ndarray, shape (n,)
    degree : int
        Of the polynomial.

    Returns
    -------
    SamplingFraction

    Raises
    ------
    DataError
        Fewer different energies than coefficients, energies that are not above 0, or arrays of different shape.
    """
    energy = np.asarray(incident_energy_gev, dtype=np.float64)
    visible = np.asarray(visible_energy_gev, dtype=np.float64)
    if energy.shape != visible.shape or energy.ndim != 1:
        raise DataError(
            f"sampling fraction: found shapes {energy.shape} and {visible.shape}, expected one energy and one sum per "
            "shower"
        )
    if not np.all(energy > 0.0):
        raise DataError(f"sampling fraction: found an incident energy of {energy.min():g} GeV, expected all above 0")
    different = len(np.unique(one_value_each(energy)))
    if different <= degree:
        raise DataError(
            f"sampling fraction: found {different} different energies, expected more than the degree {degree} of the "
            "polynomial"
        )
    label = energy / UNIT_GEV
    # The resolution goes as 1/sqrt(E), so this gives every shower its share of the information
    coefficients = np.polyfit(label, visible / label, degree, w=np.sqrt(label))
    return SamplingFraction(tuple(float(value) for value in coefficients))


@dataclass(frozen=True)
class EnergyContract:
    """What 3DGAN needs of its training data to draw conditions of generated showers.

    Attributes
    ----------
    sampling : SamplingFraction
    fake_energy_gev, first_energy_gev : (low, high)
        Energies to draw from, and those of the first epochs.
    """

    sampling: SamplingFraction
    fake_energy_gev: tuple[float, float]
    first_energy_gev: tuple[float, float]


# Authors' code
PUBLISHED_CONTRACT = EnergyContract(PUBLISHED, (2.0, 500.0), (100.0, 400.0))
# Our choice of what counts as the public data: their energies, and a sampling fraction that agrees with the polynomial
# (the EGSnrc sample has 60 GeV and is 9 % above it)
PUBLIC_ENERGY_GEV = 300.0
PUBLIC_AGREEMENT = 0.02
FITTED_DEGREE = 1


def contract_of(incident_energy_gev: np.ndarray, visible_energy_gev: np.ndarray) -> EnergyContract:
    """The published contract for the public data, one fitted to the showers for others.

    Parameters
    ----------
    incident_energy_gev, visible_energy_gev : ndarray, shape (n,)
        Of the training showers.

    Raises
    ------
    DataError
        As :func:`fit`.
    """
    energy, visible = (
        np.asarray(incident_energy_gev, dtype=np.float64),
        np.asarray(visible_energy_gev, dtype=np.float64),
    )
    deviation = float(np.mean(visible / PUBLISHED.visible_energy_gev(energy))) - 1.0
    if energy.max() >= PUBLIC_ENERGY_GEV and abs(deviation) <= PUBLIC_AGREEMENT:
        return PUBLISHED_CONTRACT
    low, high = float(energy.min()), float(energy.max())
    published_high = PUBLISHED_CONTRACT.fake_energy_gev[1]
    first = tuple(end / published_high * high for end in PUBLISHED_CONTRACT.first_energy_gev)
    return EnergyContract(fit(energy, visible, FITTED_DEGREE), (low, high), first)
