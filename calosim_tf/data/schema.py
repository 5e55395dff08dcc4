"""What a set of showers is, whatever file it came from (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from calosim_tf.geometry import VoxelDetector


@dataclass(frozen=True)
class ShowerSet:
    """Showers in physical units with their incident energies.

    Attributes
    ----------
    incident_energy_mev : ndarray, shape (n,)
        As in the file, MeV (for pions of data set 1 this is a momentum).
    showers_mev : ndarray, shape (n, n_voxels)
        Deposited energy per voxel, MeV, file order; or showers that stay in their file
        (:class:`~calosim_tf.data.streamed.StreamedShowers`).
    detector : VoxelDetector
    source : str
        Provenance label, shown next to numbers: ``"EGSnrc sample"``, ``"photon, iteration 10000"``.
    attributes : ndarray, shape (n, len(detector.attributes))
        What is known of the incident particles besides their energy.
    """

    incident_energy_mev: np.ndarray
    showers_mev: np.ndarray
    detector: VoxelDetector
    source: str
    attributes: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self):
        if not self.detector.attributes:
            object.__setattr__(self, "attributes", np.empty((len(self.incident_energy_mev), 0)))

    def __len__(self) -> int:
        return len(self.incident_energy_mev)

    @property
    def kinetic_energy_mev(self) -> np.ndarray:
        """Kinetic energy, shape (n,), MeV."""
        return kinetic_energy_mev(self.incident_energy_mev, self.detector.mass_mev)

    def take(self, rows: np.ndarray) -> ShowerSet:
        """The showers of ``rows`` (indices or mask), in that order; what stays in a file stays there."""
        part = getattr(self.showers_mev, "view", None) if not isinstance(self.showers_mev, np.ndarray) else None
        return replace(
            self,
            incident_energy_mev=self.incident_energy_mev[rows],
            showers_mev=part(rows) if part else self.showers_mev[rows],
            attributes=self.attributes[rows],
        )


def kinetic_energy_mev(momentum_mev: np.ndarray, mass_mev: float) -> np.ndarray:
    """Kinetic energy sqrt(p^2 + m^2) - m in MeV, float64, same shape as ``momentum_mev``."""
    momentum = np.asarray(momentum_mev, dtype=np.float64)
    # (p^2)/(sqrt(p^2+m^2)+m) is the same number without the cancellation at small p
    return momentum**2 / (np.sqrt(momentum**2 + mass_mev**2) + mass_mev)


def holdout_rows(incident_energy_mev: np.ndarray, fraction: float) -> np.ndarray:
    """Mask of the rows that are never trained on, stratified in incident energy.

    Showers are ordered by energy (stable) and every ``1/fraction``-th is held out, so discrete energies are each split
    in the same proportion and continuous ones evenly.  Depends on the file alone, not on any seed.

    Parameters
    ----------
    incident_energy_mev : ndarray, shape (n,)
    fraction : float
        In [0, 1).

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    order = np.argsort(incident_energy_mev, kind="stable")
    # +1e-9: 0.2 * 5 must count as 1 whatever its last bit is
    count = np.floor(np.arange(len(order) + 1) * fraction + 1e-9)
    held_out = np.zeros(len(order), dtype=bool)
    held_out[order[np.diff(count) > 0]] = True
    return held_out
