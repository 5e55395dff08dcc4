"""Showers in MeV from a trained generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.latents import draw_latents

# Showers per call unless asked for, and voxels where these are fewer: feature maps of convolutions take many times the
# memory of their showers (our choice, 268 showers of 25 x 25 x 25 cells and 64 of 51 x 51 x 25)
LARGEST_DEFAULT_BATCH = 4096
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
            Showers per block; :attr:`default_batch` unless given.
        attributes : ndarray, shape (n, attributes of the detector), optional
            Of the incident particles; those of perpendicular ones in the middle unless given.

        Yields
        ------
        ndarray, shape (up to batch, n_voxels), float32
            Deposited energy per voxel, MeV, as the network gives it (a swish output is slightly negative in many
            voxels).
        """

    @property
    @abstractmethod
    def default_batch(self) -> int:
        """Showers per call that fit into the memory of a usual machine."""

    @abstractmethod
    def ready_call(self, batch: int) -> Callable[[], None]:
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


class ShowerGenerator(ShowerSampler):
    """A generator network with everything that turns incident energies into showers.

    Parameters
    ----------
    network : keras.Model
        Inputs ``latent`` and ``condition``, output normalised voxels.
    latent : LatentLaw
    normalisation : Normalisation
    detector : VoxelDetector
    jit_compile : bool
        Compile with XLA; one compilation per batch size.
    """

    def __init__(
        self,
        network: keras.Model,
        latent: LatentLaw,
        normalisation: Normalisation,
        detector: VoxelDetector,
        jit_compile: bool = False,
    ):
        self.network = network
        self.latent = latent
        self.normalisation = normalisation
        self.detector = detector
        self.jit_compile = jit_compile
        self.apply = tf.function(self._apply, jit_compile=jit_compile, reduce_retracing=True)

    def _apply(self, latent: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        return self.network({"latent": latent, "condition": condition}, training=False)

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

    def showers(
        self, incident_energy_mev: np.ndarray, latent: np.ndarray, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """Showers of these particles and latents in one call, MeV, shape (n, n_voxels)."""
        if attributes is None:
            attributes = self.detector.central_attributes(incident_energy_mev)
        outputs = self.apply(latent, self.normalisation.label(incident_energy_mev, attributes)).numpy()
        return self.normalisation.to_mev(outputs, incident_energy_mev)

    @property
    def default_batch(self) -> int:
        """As :attr:`ShowerSampler.default_batch`."""
        return min(LARGEST_DEFAULT_BATCH, max(1, DEFAULT_BATCH_VOXELS // self.detector.n_voxels))

    def ready_call(self, batch: int) -> Callable[[], None]:
        """As :meth:`ShowerSampler.ready_call`."""
        energy = np.geomspace(self.normalisation.kin_min_mev, self.normalisation.kin_max_mev, batch)
        latent = tf.constant(draw_latents(self.latent, 0, 0, batch))
        label = tf.constant(self.normalisation.label(energy, self.detector.central_attributes(energy)))
        return lambda: self.apply(latent, label).numpy()

    @property
    def trained_range_mev(self) -> tuple[float, float]:
        """As :attr:`ShowerSampler.trained_range_mev`."""
        return self.normalisation.kin_min_mev, self.normalisation.kin_max_mev

    def outside_trained_range(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`ShowerSampler.outside_trained_range`."""
        distinct = np.unique(incident_energy_mev)
        kinetic = kinetic_energy_mev(distinct, self.normalisation.mass_mev)
        low, high = self.trained_range_mev
        # files of single precision round the ends of the range: they are inside
        return distinct[(kinetic < low * (1 - 1e-6)) | (kinetic > high * (1 + 1e-6))]


class RoutedShowerGenerator(ShowerSampler):
    """Several generators, each for its range of incident energy.

    Parameters
    ----------
    members : sequence of (low, high, ShowerGenerator)
        Ranges of incident energy, MeV, inclusive at both ends, ascending; the upper one has a shared edge.
    """

    def __init__(self, members: Sequence[tuple[float, float, ShowerGenerator]]):
        self.members = tuple(members)

    def route(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Number of the member that makes each shower, shape (n,).

        Raises
        ------
        DataError
            An energy lies outside of all ranges.
        """
        energy = np.asarray(incident_energy_mev)
        chosen = np.full(len(energy), -1)
        for number, (low, high, _) in enumerate(self.members):
            chosen[(energy >= low) & (energy <= high)] = number
        if (chosen < 0).any():
            ranges = ", ".join(f"{low:g} to {high:g}" for low, high, _ in self.members)
            raise DataError(
                f"no generator of this split covers an incident energy of {energy[chosen < 0][0]:g} MeV, "
                f"expected {ranges} MeV: leave such energies out"
            )
        return chosen

    def blocks(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """As :meth:`ShowerSampler.blocks`; a shower's latent follows from its place among all, whoever makes it."""
        batch = batch or self.default_batch
        chosen = self.route(incident_energy_mev)
        for first in range(0, len(chosen), batch):
            energy, number = incident_energy_mev[first : first + batch], chosen[first : first + batch]
            more = None if attributes is None else attributes[first : first + batch]
            rows = {item: np.flatnonzero(number == item) for item in np.unique(number)}
            made = np.concatenate([self._made_by(item, rows[item], energy, more, seed, first) for item in rows])
            block = np.empty_like(made)
            block[np.concatenate(list(rows.values()))] = made
            yield block

    @property
    def default_batch(self) -> int:
        """As :attr:`ShowerSampler.default_batch`: what fits all members."""
        return min(generator.default_batch for _, _, generator in self.members)

    def ready_call(self, batch: int) -> Callable[[], None]:
        """As :meth:`ShowerSampler.ready_call`; the batch is shared out evenly over the members."""
        shares = np.diff(np.linspace(0, batch, len(self.members) + 1).astype(int))
        calls = [item[2].ready_call(int(share)) for item, share in zip(self.members, shares, strict=True) if share]

        def call() -> None:
            for member_call in calls:
                member_call()

        return call

    @property
    def trained_range_mev(self) -> tuple[float, float]:
        """As :attr:`ShowerSampler.trained_range_mev`, over all members."""
        lows, highs = zip(*(generator.trained_range_mev for _, _, generator in self.members), strict=True)
        return min(lows), max(highs)

    def outside_trained_range(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`ShowerSampler.outside_trained_range`."""
        distinct = np.unique(incident_energy_mev)
        number = self.route(distinct)
        found = [item[2].outside_trained_range(distinct[number == index]) for index, item in enumerate(self.members)]
        return np.concatenate(found)

    def _made_by(
        self,
        number: int,
        rows: np.ndarray,
        energy: np.ndarray,
        attributes: np.ndarray | None,
        seed: int,
        first: int,
    ) -> np.ndarray:
        generator = self.members[number][2]
        # XLA compiles once per number of rows: few numbers, whatever the mixture
        padded = np.resize(rows, 1 << (len(rows) - 1).bit_length()) if generator.jit_compile else rows
        span = int(rows[-1] - rows[0]) + 1
        latent = draw_latents(generator.latent, seed, first + int(rows[0]), span)[padded - rows[0]]
        more = None if attributes is None else attributes[padded]
        return generator.showers(energy[padded], latent, more)[: len(rows)]
