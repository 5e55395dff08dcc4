"""From showers in MeV to what the networks see, and back (no TensorFlow)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.errors import DataError


@dataclass(frozen=True)
class KineticNormalisation:
    """Voxels over kinetic energy, and the logarithmic energy label of CaloShowerGAN.

    Label c = ln(kin / kin_min) / ln(kin_max / kin_min), 0 at the lowest and 1 at the highest energy of the training
    selection.

    Attributes
    ----------
    mass_mev : float
    kin_min_mev, kin_max_mev : float
        Kinetic energies of label 0 and 1, MeV.
    """

    mass_mev: float
    kin_min_mev: float
    kin_max_mev: float

    @classmethod
    def fit(cls, incident_energy_mev: np.ndarray, mass_mev: float) -> KineticNormalisation:
        """Label range of a training selection; :class:`DataError` when it holds a single energy."""
        kinetic = kinetic_energy_mev(incident_energy_mev, mass_mev)
        low, high = float(kinetic.min()), float(kinetic.max())
        if not high > low:
            raise DataError(
                f"the training selection holds the single kinetic energy {low:g} MeV; "
                "the energy label needs at least two: widen data.energy_min_mev / data.energy_max_mev"
            )
        return cls(mass_mev, low, high)

    def label(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Energy label, shape (n, 1), float32."""
        kinetic = kinetic_energy_mev(incident_energy_mev, self.mass_mev)
        label = np.log(kinetic / self.kin_min_mev) / np.log(self.kin_max_mev / self.kin_min_mev)
        return label.astype(np.float32)[:, None]

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Voxels over kinetic energy, shape (n, n_voxels), float32."""
        kinetic = kinetic_energy_mev(incident_energy_mev, self.mass_mev)
        return showers_mev * (1.0 / kinetic).astype(np.float32)[:, None]

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`to_network`."""
        kinetic = kinetic_energy_mev(incident_energy_mev, self.mass_mev)
        return outputs * kinetic.astype(np.float32)[:, None]

    def to_dict(self) -> dict[str, float]:
        """JSON-able form; ``KineticNormalisation(**stored)`` is the inverse."""
        return asdict(self)
