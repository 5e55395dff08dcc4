"""Laws of incident particles: continuous energies, directions and positions (no TensorFlow)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

# LHCb-like set (public generator): density 1/E from 1 to 100 GeV, slopes of 10 degrees, a spot of half a cell at a
# plane 15 cm behind the point that is stored.
LHCB_MIN_MEV, LHCB_DECADES = 1e3, 2
SLOPE_SIGMA = 0.175
SPOT_CM, BACK_CM = 1.01, 15.0
# CaloGAN (public macro): a square of +-50 mm, directions isotropic in a cone of 20 degrees.
SQUARE_MM, CONE_RAD = 50.0, math.radians(20)
# 3DGAN of variable angle: polar angles of a barrel, 60 to 120 degrees, in equal numbers.
POLAR_RAD = (math.radians(60), math.radians(120))


@dataclass(frozen=True)
class Beam:
    """Laws of the incident particles.

    Attributes
    ----------
    energies_mev : callable
        ``(n, rng) -> energies`` of shape (n,), MeV.
    attributes : callable
        ``(energies_mev, rng) -> attributes`` of shape (n, attributes of the detector).
    """

    energies_mev: Callable[[int, np.random.Generator], np.ndarray]
    attributes: Callable[[np.ndarray, np.random.Generator], np.ndarray]


def uniform_energies(min_mev: float, max_mev: float) -> Callable[[int, np.random.Generator], np.ndarray]:
    """Law of energies in equal numbers from ``min_mev`` to ``max_mev``."""
    return partial(_uniform_energies, min_mev, max_mev)


def _uniform_energies(min_mev: float, max_mev: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(min_mev, max_mev, n)


def uniform_attributes(*ranges: tuple[float, float]) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Law of independent attributes, each in equal numbers over its ``(low, high)``."""
    return partial(_uniform_attributes, ranges)


def _uniform_attributes(
    ranges: tuple[tuple[float, float], ...], energies_mev: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return np.stack([rng.uniform(low, high, len(energies_mev)) for low, high in ranges], axis=1)


def nominal_energy(energy_mev: float) -> Callable[[int, np.random.Generator], np.ndarray]:
    """Law of samples whose particles have no known energy: the number that stands in for it."""
    return partial(_nominal_energy, energy_mev)


def _nominal_energy(energy_mev: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.full(n, energy_mev)


def two_classes(energies_mev: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Classes 0 and 1, as many of each on average: shape (n, 1)."""
    return rng.integers(0, 2, (len(energies_mev), 1)).astype(np.float64)


def lhcb_energies_mev(n: int, rng: np.random.Generator) -> np.ndarray:
    """Density 1/E from 1 to 100 GeV: shape (n,), MeV."""
    return LHCB_MIN_MEV * 10 ** (LHCB_DECADES * rng.random(n))


def lhcb_attributes(energies_mev: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """px, py, pz in GeV and the stored point x, y in cm: shape (n, 5)."""
    slope = SLOPE_SIGMA * rng.standard_normal((2, len(energies_mev)))
    spot = rng.uniform(-SPOT_CM, SPOT_CM, slope.shape)
    pz = energies_mev / 1e3 / np.sqrt(1 + np.square(slope).sum(axis=0))
    return np.stack([*(pz * slope), pz, *(spot - BACK_CM * slope)], axis=1)


def calogan_attributes(energies_mev: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """theta and phi in rad (frame of the authors) and the point x0, y0 at the front in mm: shape (n, 4)."""
    n = len(energies_mev)
    cosine = rng.uniform(math.cos(CONE_RAD), 1, n)
    around = rng.uniform(-math.pi, math.pi, n)
    across = np.sqrt(1 - cosine**2)
    theta = np.arccos(across * np.sin(around))
    phi = np.arctan(-across * np.cos(around) / cosine)
    return np.stack([theta, phi, *rng.uniform(-SQUARE_MM, SQUARE_MM, (2, n))], axis=1)


def polar_attributes(energies_mev: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """theta in rad: shape (n, 1)."""
    return rng.uniform(*POLAR_RAD, (len(energies_mev), 1))


def no_attributes(energies_mev: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nothing is known but the energy: shape (n, 0)."""
    return np.empty((len(energies_mev), 0))
