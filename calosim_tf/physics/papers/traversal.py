"""Walks along one condition with fixed latents, Figs. 3 to 5 of Conditional CaloGAN (numpy only).

Each point of a walk is the mean over the same few latents, everything but the walked quantity held fixed.  A generator
whose latent is multiplied by the energy deposits more at higher energy even without training.  Compare a walk with that
of the untrained network, and with real showers of such conditions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import VoxelDetector
from calosim_tf.physics.observables.features import ShowerFeatures, mean_shower_mev, shower_features

ENERGY = "incident_energy_mev"
N_LATENTS = 10  # paper: each point is the mean of 10 showers
N_POINTS = 9  # our choice: odd, so that there is a middle point to subtract (Fig. 5)


@dataclass(frozen=True, eq=False)
class Path:
    """Particles of one walk.

    Attributes
    ----------
    quantity : str
        ``incident_energy_mev`` or an attribute of the detector.
    values : ndarray, shape (points,)
        Of the walked quantity, ascending at regular intervals.
    incident_energy_mev : ndarray, shape (points * latents,)
        Latents fastest.
    attributes : ndarray, shape (points * latents, attributes)
    fixed_energy_mev : float
        Incident energy where it is not what is walked along.
    """

    quantity: str
    values: np.ndarray
    incident_energy_mev: np.ndarray
    attributes: np.ndarray
    fixed_energy_mev: float

    @property
    def n_latents(self) -> int:
        return len(self.incident_energy_mev) // len(self.values)

    def latents(self, latent: np.ndarray) -> np.ndarray:
        """The same latents at every point: shape (n_latents, size) to (points * n_latents, size)."""
        return np.tile(latent, (len(self.values), 1))


@dataclass(frozen=True, eq=False)
class Curve:
    """Mean of one quantity at each point, and its standard error; NaN where there is no shower.

    Over latents the errors at different points are correlated; ``change`` takes that into account.

    Attributes
    ----------
    mean, error : ndarray, shape (points,)
    change, change_error : float
        Last minus first point; for a walk with fixed latents the error of the differences latent by latent.
    """

    mean: np.ndarray
    error: np.ndarray
    change: float
    change_error: float

    @property
    def steps_up(self) -> float:
        """Share of the steps that go up: 1 for a rising curve, 0 for a falling one."""
        steps = np.diff(self.mean[np.isfinite(self.mean)])
        return float(np.mean(steps > 0)) if len(steps) else float("nan")

    @property
    def monotonic(self) -> bool:
        """Whether all steps have the same sign."""
        return self.steps_up in (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Walk:
    """Showers along a path, averaged.

    Attributes
    ----------
    mean_showers_mev : ndarray, shape (points, n_voxels)
    curves : dict of str to Curve
        ``total_energy``, and per layer ``energy_layer_<id>`` (MeV), ``centre_<axis>_layer_<id>`` and
        ``width_<axis>_layer_<id>`` (mm).
    """

    mean_showers_mev: np.ndarray
    curves: dict[str, Curve]


def paths(
    detector: VoxelDetector,
    energy_range_mev: tuple[float, float],
    attributes: np.ndarray,
    n_points: int = N_POINTS,
    n_latents: int = N_LATENTS,
) -> list[Path]:
    """A walk along the incident energy, and one along every attribute that is free at a given energy.

    Parameters
    ----------
    detector : VoxelDetector
    energy_range_mev : (low, high)
        Range of the energy walk; its middle is the energy of the others.
    attributes : ndarray, shape (n, attributes of the detector)
        Of real particles: their extremes are the ends of the walks; other attributes are those of a perpendicular
        particle in the middle.
    n_points, n_latents : int
    """
    middle = float(np.mean(energy_range_mev))
    ranges = {ENERGY: energy_range_mev}
    for column, (name, central) in enumerate(zip(detector.attributes, detector.central, strict=True)):
        if np.isfinite(central):
            ranges[name] = (float(attributes[:, column].min()), float(attributes[:, column].max()))
    found = []
    for quantity, (low, high) in ranges.items():
        values = np.linspace(low, high, n_points)
        walked = np.repeat(values, n_latents)
        energy = walked if quantity == ENERGY else np.full(len(walked), middle)
        particles = detector.central_attributes(energy)
        if quantity != ENERGY:
            particles[:, detector.attributes.index(quantity)] = walked
        found.append(Path(quantity, values, energy, particles, middle))
    return found


def walk(path: Path, showers_mev: np.ndarray, detector: VoxelDetector) -> Walk:
    """Means along a path; ``showers_mev`` has shape (points * latents, n_voxels), made of the particles of ``path``."""
    points = np.split(np.arange(len(showers_mev)), len(path.values))
    means = np.stack([mean_shower_mev(showers_mev, rows) for rows in points])
    features = shower_features(ShowerSet(path.incident_energy_mev, showers_mev, detector, "walk", path.attributes))
    curves = {}
    for name, values in _quantities(features).items():
        by_point = values.reshape(len(path.values), path.n_latents)
        difference = by_point[-1] - by_point[0]
        curves[name] = Curve(
            by_point.mean(axis=1), _error(by_point), float(difference.mean()), float(_error(difference))
        )
    return Walk(means, curves)


def along(path: Path, reference: ShowerSet, features: ShowerFeatures) -> dict[str, Curve]:
    """The same curves from real showers, whose other attributes vary: each counts at the nearest point of the path.

    Away from the energy walk, energies are scaled to the fixed energy of the path.

    Parameters
    ----------
    path : Path
    reference : ShowerSet
    features : ShowerFeatures
        Of ``reference``.
    """
    if path.quantity == ENERGY:
        walked, scale = reference.incident_energy_mev, 1.0
    else:
        walked = reference.attributes[:, reference.detector.attributes.index(path.quantity)]
        scale = path.fixed_energy_mev / reference.incident_energy_mev
    middles = (path.values[1:] + path.values[:-1]) / 2
    point = np.searchsorted(middles, walked)
    curves = {}
    for name, values in _quantities(features).items():
        scaled = values * scale if "energy" in name else values
        groups = [scaled[point == number] for number in range(len(path.values))]
        mean = np.array([group.mean() if len(group) else np.nan for group in groups])
        error = np.array([float(_error(group)) if len(group) else np.nan for group in groups])
        curves[name] = Curve(mean, error, float(mean[-1] - mean[0]), float(np.hypot(error[-1], error[0])))
    return curves


def _quantities(features: ShowerFeatures) -> dict[str, np.ndarray]:
    """Energies, centres and widths by name, each of shape (n,)."""
    quantities = {"total_energy": features.total_mev}
    for quantity, layers in features.per_layer.items():
        if quantity == "energy" or quantity.startswith(("centre_", "width_")):
            quantities |= {f"{quantity}_layer_{layer_id}": values for layer_id, values in layers.items()}
    return quantities


def _error(values: np.ndarray) -> np.ndarray:
    """Standard error of the mean over the last axis; NaN for a single value."""
    n = values.shape[-1]
    return values.std(axis=-1, ddof=1) / np.sqrt(n) if n > 1 else np.full(values.shape[:-1], np.nan)
