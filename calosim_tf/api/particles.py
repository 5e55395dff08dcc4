"""The incident particles that a user asks for, checked, and which of them are an extrapolation (no TensorFlow)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calosim_tf.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from calosim_tf.geometry import VoxelDetector

# Of particles that move towards the calorimeter, ends excluded
ANGLE_RANGES_RAD = {"theta_rad": (0.0, math.pi), "phi_rad": (-math.pi / 2, math.pi / 2)}


@dataclass(frozen=True)
class Particles:
    """Incident particles, one for each shower to be made.

    Attributes
    ----------
    energy_mev : ndarray of float64, shape (n,)
        Incident energies, MeV.
    attributes : ndarray of float64, shape (n, attributes of the detector)
    layer_energies_mev : ndarray of float64, shape (n, layers), or None
        Energies that the layers are to have, for generators that take them.
    """

    energy_mev: NDArray[np.float64]
    attributes: NDArray[np.float64]
    layer_energies_mev: NDArray[np.float64] | None = None


def numbers(values: ArrayLike, option: str, expected: str) -> NDArray[np.float64]:
    """An array of float64; :class:`ConfigError` names the option where it is none."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{option}: found {values!r}, expected {expected}") from error


def require_energies(energies_mev: NDArray[np.float64], option: str) -> None:
    """:class:`ConfigError` unless all are finite and above 0."""
    for energy in energies_mev[~(np.isfinite(energies_mev) & (energies_mev > 0))]:
        raise ConfigError(f"{option}: found {energy}, expected incident energies in MeV, > 0")


def particle_attributes(
    detector: VoxelDetector,
    energy_mev: NDArray[np.float64],
    conditions: Mapping[str, ArrayLike],
    option: str = "condition",
) -> NDArray[np.float64]:
    """Attributes of perpendicular particles in the middle but for the given ones.

    ``pz_gev`` follows from the energy and the transverse momentum.

    Parameters
    ----------
    detector : VoxelDetector
    energy_mev : ndarray, shape (n,)
        Incident energies, MeV.
    conditions : mapping of str to number or array, shape (n,)
    option : str
        What the user calls a condition.

    Returns
    -------
    ndarray of float64, shape (n, attributes of the detector)

    Raises
    ------
    ConfigError
        An attribute that this detector does not have, no number, neither one nor one for each shower, an angle that
        points away from the calorimeter, no class, a transverse momentum larger than the total, or an energy where
        there is none to choose.
    """
    _require_choosable(detector, energy_mev)
    attributes: NDArray[np.float64] = detector.central_attributes(energy_mev)
    free = [name for name in detector.attributes if name != "pz_gev"]
    for name, given in conditions.items():
        if name == "pz_gev" and name in detector.attributes:
            raise ConfigError(f"{option}: found pz_gev, which follows from the energy, px_gev and py_gev: leave it out")
        if name not in free:
            known = ", ".join(free) or "none for this detector"
            found = f"{name}={given:g}" if isinstance(given, int | float) else name
            raise ConfigError(f"{option}: found {found!r}, expected NAME=VALUE with NAME one of: {known}")
        values = numbers(given, f"{option} {name}", "a number")
        if values.shape not in ((), (len(energy_mev),)):
            raise ConfigError(
                f"{option} {name}: found shape {values.shape}, expected one number or {len(energy_mev)}, one for each "
                "shower"
            )
        _require_possible(values.reshape(-1), f"{option} {name}", *ANGLE_RANGES_RAD.get(name, (-math.inf, math.inf)))
        if name in detector.classes and not np.isin(values, (0.0, 1.0)).all():
            wrong = values[~np.isin(values, (0.0, 1.0))].reshape(-1)[0]
            raise ConfigError(f"{option} {name}: found {wrong:g}, expected a class, 0 or 1")
        attributes[:, detector.attributes.index(name)] = values
    if "pz_gev" in detector.attributes:
        across = attributes[:, 0] ** 2 + attributes[:, 1] ** 2
        along = (energy_mev / 1e3) ** 2 - across
        if not (along > 0).all():
            raise ConfigError(
                f"{option}: px and py of {np.sqrt(across.max()):g} GeV exceed the momentum of "
                f"{energy_mev.min() / 1e3:g} GeV, expected less"
            )
        attributes[:, detector.attributes.index("pz_gev")] = np.sqrt(along)
    return attributes


def _require_choosable(detector: VoxelDetector, energy_mev: NDArray[np.float64]) -> None:
    """:class:`ConfigError` for an energy other than the one that stands in where there are no incident particles."""
    nominal = detector.nominal_energy_mev
    other = energy_mev[~np.isclose(energy_mev, nominal)] if nominal else energy_mev[:0]
    if len(other):
        raise ConfigError(
            f"energies: found {other[0]:g} MeV for detector {detector.name!r}, whose jets have no incident energy, "
            f"expected none ({nominal:g} MeV stands in for it): leave the energies out"
        )


def _require_possible(values: NDArray[np.float64], option: str, low: float, high: float) -> None:
    if not np.isfinite(values).all():
        raise ConfigError(f"{option}: found {values[~np.isfinite(values)][0]}, expected a number")
    outside = values[(values <= low) | (values >= high)]
    if len(outside):
        raise ConfigError(f"{option}: found {outside[0]:g}, expected rad, above {low:.4g} and below {high:.4g}")


def beyond_training(source: Any, sampler: Any, particles: Particles) -> list[str]:
    """Where particles go beyond those that the generator was trained on: a phrase for the energy and each attribute.

    Parameters
    ----------
    source : GeneratorSource
    sampler : ShowerSampler
        That of the source.
    particles : Particles
    """
    from calosim_tf.data.trained_on import attributes_beyond

    found = []
    for outside in sampler.outside_trained_range(particles.energy_mev)[:1]:
        low, high = sampler.trained_range_mev
        found.append(f"{outside:g} MeV is outside the trained range of {low:g} to {high:g} MeV kinetic energy")
    asked_for = dict(zip(source.detector.attributes, particles.attributes.T, strict=True))
    return found + attributes_beyond(source.trained_on, asked_for)


def label_inputs(sampler: Any, particles: Particles, experiment: str) -> NDArray[np.float64]:
    """Attributes, with the layer energies behind them where given, as the label of a factorised generator takes them.

    Raises
    ------
    ConfigError
        The generator draws the energies of its layers along with its voxels.
    """
    from calosim_tf.data.layer_energies import LayerEnergyNormalisation

    if particles.layer_energies_mev is None:
        return particles.attributes
    if not isinstance(getattr(sampler, "normalisation", None), LayerEnergyNormalisation):
        raise ConfigError(
            f"--layer-energies: found the experiment {experiment}, expected a factorised generator, such as "
            "photon_factorised: the energies of the layers are no input of others"
        )
    return np.concatenate([particles.attributes, particles.layer_energies_mev], axis=1)
