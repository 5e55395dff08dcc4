"""Whether a generator makes what was requested: requested against reconstructed energy and attributes (numpy only).

The incident energy is the deposited energy over the mean response; the other attributes are linear functions of the
energy centres of the layers.  Both are calibrated on real showers and applied to other real showers and to generated
ones.  A perfect generator has the numbers of the real showers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.physics.observables.features import ShowerFeatures

ENERGY = "energy"
RESAMPLES = 200


@dataclass(frozen=True)
class Control:
    """One attribute of one set of showers; errors are standard deviations from a bootstrap over showers.

    Attributes
    ----------
    bias, bias_error : float
        Mean of reconstructed minus requested; for the energy of their ratio minus 1.
    resolution, resolution_error : float
        Half of the central 68 % interval of the same differences.
    slope, slope_error : float
        Change of the reconstructed per change of the requested value (least squares).  A calibrated estimate of limited
        resolution is drawn to the mean, so real showers stay below 1 too; 0 is a generator that ignores the request.
    n : int
    """

    bias: float
    bias_error: float
    resolution: float
    resolution_error: float
    slope: float
    slope_error: float
    n: int


@dataclass(frozen=True, eq=False)
class CentreCalibration:
    """Linear estimates from layer energies and energy centres.

    Attributes
    ----------
    response : float
        Mean deposited over incident energy.
    coefficients : ndarray, shape (1 + centres, attributes)
        Of a constant and the energy centres along each axis of each layer, in the order of the features.
    """

    response: float
    coefficients: np.ndarray

    def energy_mev(self, features: ShowerFeatures) -> np.ndarray:
        """Reconstructed incident energy, shape (n,), MeV."""
        return features.total_mev / self.response

    def attributes(self, features: ShowerFeatures) -> np.ndarray:
        """Reconstructed attributes, shape (n, attributes)."""
        return _design(features) @ self.coefficients


def calibrate(
    features: ShowerFeatures, incident_energy_mev: np.ndarray, attributes: np.ndarray, rows: np.ndarray
) -> CentreCalibration:
    """Least-squares estimates of energy and attributes of real showers.

    Parameters
    ----------
    features : ShowerFeatures
    incident_energy_mev : ndarray, shape (n,)
    attributes : ndarray, shape (n, k)
    rows : ndarray
        Showers to calibrate on (mask or indices); the others stay for the comparison.
    """
    response = float(np.mean(features.total_mev[rows] / incident_energy_mev[rows]))
    coefficients = np.linalg.lstsq(_design(features)[rows], attributes[rows], rcond=None)[0]
    return CentreCalibration(response, coefficients)


def _design(features: ShowerFeatures) -> np.ndarray:
    """A constant and the centres along every axis of every layer, shape (n, 1 + centres)."""
    centres = [
        values
        for quantity, layers in features.per_layer.items()
        if quantity.startswith("centre_")
        for values in layers.values()
    ]
    return np.stack([np.ones_like(features.total_mev), *centres], axis=1)


def differences(requested: np.ndarray, reconstructed: np.ndarray, relative: bool) -> np.ndarray:
    """Reconstructed minus requested, or where ``relative`` their ratio minus 1."""
    return reconstructed / requested - 1.0 if relative else reconstructed - requested


def control(
    requested: np.ndarray, reconstructed: np.ndarray, rng: np.random.Generator, *, relative: bool = False
) -> Control:
    """Bias, resolution and slope of one attribute.

    Parameters
    ----------
    requested, reconstructed : ndarray, shape (n,)
    rng : numpy.random.Generator
        For the bootstrap.
    relative : bool
        Bias and resolution of the ratio (energies).
    """
    difference = differences(requested, reconstructed, relative)
    n = len(difference)
    draws = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, n, n)
        draws.append(_numbers(difference[rows], requested[rows], reconstructed[rows]))
    errors = np.std(draws, axis=0)
    values = _numbers(difference, requested, reconstructed)
    pairs = [float(number) for pair in zip(values, errors, strict=True) for number in pair]
    return Control(*pairs, n=n)


def _numbers(difference: np.ndarray, requested: np.ndarray, reconstructed: np.ndarray) -> tuple[float, float, float]:
    low, high = np.percentile(difference, (16, 84))
    centred = requested - requested.mean()
    square = float(centred @ centred)
    return float(difference.mean()), float(high - low) / 2, float(centred @ reconstructed) / square if square else 0.0
