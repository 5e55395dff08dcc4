"""What every generator offers, whatever runs its network (no TensorFlow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.geometry import VoxelDetector
from calosim_tf.latents import draw_latents, latents_at
from calosim_tf.same_energy import within

# Most voxels per call by default: feature maps of convolutions take many times the memory of their showers (our choice,
# 268 showers of 25 x 25 x 25 cells and 64 of 51 x 51 x 25)
DEFAULT_BATCH_VOXELS = 4096 * 1024


class ShowerSampler(ABC):
    """Showers for incident energies, from one network or several."""

    @abstractmethod
    def blocks(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """Showers for these incident energies, in order, block by block.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        seed : int
            Key of the latent stream; shower i of a seed has the same latent at any batch size.
        batch : int, optional
            Showers per call of the network; :attr:`default_batch` unless given.
        attributes : ndarray, shape (n, attributes of the detector), optional
            Of the incident particles; those of perpendicular ones in the middle unless given.

        Yields
        ------
        ndarray, shape (showers of the block, n_voxels), float32
            Deposited energy per voxel, MeV, as the network gives it (a swish output is slightly negative in many
            voxels).
        """

    @abstractmethod
    def at(
        self, places: np.ndarray, incident_energy_mev: np.ndarray, seed: int, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """Showers in one call of the network, each with the latent of a place in the stream.

        Parameters
        ----------
        places : ndarray of integers, shape (n,)
            Ascending.
        incident_energy_mev : ndarray, shape (n,)
        seed : int
        attributes : ndarray, shape (n, attributes of the detector), optional

        Returns
        -------
        ndarray, shape (n, n_voxels), float32
        """

    @property
    @abstractmethod
    def default_batch(self) -> int:
        """Showers per call that fit into the memory of a usual machine."""

    @abstractmethod
    def ready_call(self, batch: int) -> Callable[[], object]:
        """A call of the network on ``batch`` showers over its range of energies, latents and labels ready in memory."""

    @property
    @abstractmethod
    def trained_range_mev(self) -> tuple[float, float]:
        """Lowest and highest kinetic energy trained on, MeV."""

    @abstractmethod
    def outside_trained_range(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Incident energies, each once, that no network was trained on and one can only extrapolate to, MeV."""

    def total_energy_gev(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> np.ndarray:
        """Sum over voxels per shower, GeV, float64, without threshold or clipping (the selection's definition)."""
        blocks = self.blocks(incident_energy_mev, seed, batch, attributes)
        return np.concatenate([block.sum(axis=1, dtype=np.float64) for block in blocks]) / 1e3


class NetworkSampler(ShowerSampler):
    """One network with everything that turns incident particles into its inputs and its outputs into showers.

    Parameters
    ----------
    latent : LatentLaw
    normalisation : Normalisation
    detector : VoxelDetector

    Attributes
    ----------
    pads_rows : bool
        Each number of rows is compiled separately, so callers should use few of them.
    """

    pads_rows = False

    def __init__(self, latent: LatentLaw, normalisation: Normalisation, detector: VoxelDetector):
        self.latent = latent
        self.normalisation = normalisation
        self.detector = detector

    @abstractmethod
    def showers(
        self, incident_energy_mev: np.ndarray, latent: np.ndarray, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """Showers of these particles and latents, MeV, shape (n, n_voxels)."""

    @abstractmethod
    def network_call(self, latent: np.ndarray, condition: np.ndarray) -> Callable[[], np.ndarray]:
        """A call of the network alone on inputs that are ready in its memory, float32, (n, l) and (n, k)."""

    def blocks(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """As :meth:`ShowerSampler.blocks`."""
        batch = batch or self.default_batch
        for first in range(0, len(incident_energy_mev), batch):
            energy = incident_energy_mev[first : first + batch]
            latent = draw_latents(self.latent, seed, first, len(energy))
            yield self.showers(energy, latent, None if attributes is None else attributes[first : first + batch])

    def at(
        self, places: np.ndarray, incident_energy_mev: np.ndarray, seed: int, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """As :meth:`ShowerSampler.at`."""
        n = len(places)
        # compiled once per number of rows: few numbers, whatever the mixture
        padded = np.resize(np.arange(n), 1 << (n - 1).bit_length()) if self.pads_rows else slice(None)
        latent = latents_at(self.latent, seed, places)[padded]
        more = None if attributes is None else attributes[padded]
        return self.showers(incident_energy_mev[padded], latent, more)[:n]

    def condition(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """Conditions of these particles, float32, shape (n, k)."""
        if attributes is None:
            attributes = self.detector.central_attributes(incident_energy_mev)
        return self.normalisation.label(incident_energy_mev, attributes)

    @property
    def default_batch(self) -> int:
        """As :attr:`ShowerSampler.default_batch`."""
        return min(self.normalisation.largest_batch, max(1, DEFAULT_BATCH_VOXELS // self.detector.n_voxels))

    def ready_call(self, batch: int) -> Callable[[], object]:
        """As :meth:`ShowerSampler.ready_call`."""
        energy = np.geomspace(self.normalisation.kin_min_mev, self.normalisation.kin_max_mev, batch)
        return self.network_call(draw_latents(self.latent, 0, 0, batch), self.condition(energy))

    @property
    def trained_range_mev(self) -> tuple[float, float]:
        """As :attr:`ShowerSampler.trained_range_mev`."""
        return self.normalisation.kin_min_mev, self.normalisation.kin_max_mev

    def outside_trained_range(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`ShowerSampler.outside_trained_range`."""
        distinct = np.unique(incident_energy_mev)
        kinetic = kinetic_energy_mev(distinct, self.normalisation.mass_mev)
        return distinct[~within(kinetic, *self.trained_range_mev)]


def in_words(iterations: tuple[int, ...]) -> str:
    """``iteration 300``, or for a split ``iterations 300 + 250``."""
    return f"iteration{'s' * (len(iterations) > 1)} {' + '.join(map(str, iterations))}"
