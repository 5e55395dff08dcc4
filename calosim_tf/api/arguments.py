"""Arguments of generation, checked (no TensorFlow)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.api.particles import numbers, require_energies
from calosim_tf.api.showers import Showers
from calosim_tf.errors import ConfigError
from calosim_tf.inference.negative_voxels import NegativeVoxels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from calosim_tf.geometry import VoxelDetector

# What may become of voxels that the network made slightly negative, and how a file says it
NEGATIVE = {"zero": "set to 0", "scale": "set to 0, others scaled", "keep": "kept"}


def requested_energies(
    energy_mev: ArrayLike | None, events: int | None, conditions: dict[str, ArrayLike]
) -> NDArray[np.float64]:
    """Incident energies, one for each shower."""
    if energy_mev is None:
        raise ConfigError("energy_mev: found none, expected incident energies in MeV, or like")
    given = numbers(energy_mev, "energy_mev", "incident energies in MeV")
    if given.ndim > 1 or given.size == 0:
        raise ConfigError(f"energy_mev: found shape {given.shape}, expected one energy or a list of them, in MeV")
    require_energies(given.reshape(-1), "energy_mev")
    if events is not None:
        require_whole("events", events, 1)
        return np.repeat(given.reshape(-1), events)
    lengths = [np.shape(values)[0] for values in conditions.values() if np.ndim(values)] if given.ndim == 0 else []
    return np.repeat(given.reshape(-1), lengths[0] if lengths else 1)


def require_same_particles(like: Showers, detector: VoxelDetector) -> None:
    if like.detector is None or like.detector.attributes != detector.attributes:
        found = "an unknown detector" if like.detector is None else like.detector.name
        raise ConfigError(f"like: found showers of {found}, expected particles of the detector {detector.name}")


def require_whole(option: str, number: object, lowest: int) -> None:
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < lowest:
        raise ConfigError(f"{option}: found {number!r}, expected an integer >= {lowest}")


def checked_batch(batch: int | None) -> int | None:
    if batch is not None:
        require_whole("batch", batch, 1)
    return batch


def negative_voxels(negative: str) -> NegativeVoxels | None:
    if negative not in NEGATIVE:
        raise ConfigError(f"negative: found {negative!r}, expected one of: {', '.join(NEGATIVE)}")
    return None if negative == "keep" else NegativeVoxels(negative == "scale")
