"""What turns showers in MeV into what a network sees, and back (no TensorFlow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import DataError
from calosim_tf.same_energy import same_energy

# Name in ``data.normalisation`` and in run records -> class; each class with its own kind registers itself
NORMALISATIONS: dict[str, type[Normalisation]] = {}


@dataclass(frozen=True)
class Normalisation(ABC):
    """Showers in MeV <-> network numbers, and incident particle -> condition; in numbers and in words.

    The form of :meth:`label` and :meth:`to_mev` in an exported graph is in ``calosim_tf/export/physics_in_graph.py``.

    Attributes
    ----------
    mass_mev : float
        Of the incident particle.
    kin_min_mev, kin_max_mev : float
        Lowest and highest kinetic energy of the training selection, MeV.
    """

    kind: ClassVar[str]
    # whether networks are shown empty showers
    learns_empty: ClassVar[bool] = True
    # showers per call of a network, unless a caller says otherwise
    largest_batch: ClassVar[int] = 4096

    mass_mev: float
    kin_min_mev: float
    kin_max_mev: float

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "kind" in vars(cls):
            NORMALISATIONS[cls.kind] = cls

    @classmethod
    @abstractmethod
    def of_training(cls, source: ShowerSource, data, network) -> Normalisation:
        """The normalisation of a training selection.

        Parameters
        ----------
        source : ShowerSource
        data : calosim_tf.config.DataConfig
        network : a network of :mod:`calosim_tf.config`
            Whose ``condition_size`` says how much of the particle is needed.

        Raises
        ------
        ConfigError
            The detector or the network has no use for this normalisation.
        DataError
            The selection holds a single incident energy.
        """

    @staticmethod
    def energy_range_mev(incident_energy_mev: np.ndarray, mass_mev: float) -> tuple[float, float]:
        """Kinetic energy range of a training selection; :class:`DataError` when it holds a single energy."""
        kinetic = kinetic_energy_mev(incident_energy_mev, mass_mev)
        low, high = float(kinetic.min()), float(kinetic.max())
        if same_energy(low, high):
            raise DataError(
                f"the training selection holds the single kinetic energy {low:g} MeV; "
                "the energy label needs at least two: widen data.energy_min_mev / data.energy_max_mev"
            )
        return low, high

    @abstractmethod
    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """Condition of each shower, shape (n, condition_size), float32.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        attributes : ndarray, shape (n, attributes of the detector), optional
            Where the condition is more than the energy.
        """

    @abstractmethod
    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """Shape of the tensor of one shower."""

    @abstractmethod
    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Training tensors, shape ``(n, *value_shape)``, float32."""

    @abstractmethod
    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`to_network` (but for masked voxels), shape (n, n_voxels)."""

    @abstractmethod
    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """Names of the numbers of :meth:`label`, and how they follow from the particle.

        Parameters
        ----------
        attributes : tuple of str
            Of the detector.
        """

    @abstractmethod
    def output_words(self) -> tuple[str, str]:
        """What a network's output is and how it turns into MeV, and its unit."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form; :func:`calosim_tf.data.normalisations.normalisation_from_dict` is the inverse."""
        return {"kind": self.kind, **asdict(self)}


def training_range(source: ShowerSource) -> tuple[float, float, float]:
    """Mass and range of kinetic energies, MeV: the first three fields of a normalisation of ``source``."""
    mass = source.detector.mass_mev
    return mass, *Normalisation.energy_range_mev(source.incident_energy_mev, mass)


def masked(showers_mev: np.ndarray, mask_mev: float) -> np.ndarray:
    """Showers with voxels below ``mask_mev`` set to 0; the same array for a mask of 0."""
    if mask_mev == 0.0:
        return showers_mev
    return np.where(showers_mev < np.float32(mask_mev), np.float32(0.0), showers_mev)
