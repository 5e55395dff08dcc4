"""Trained generators for Python programs, and for the commands (imports TensorFlow where a network needs it)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calosim_tf.api.arguments import (
    NEGATIVE,
    checked_batch,
    negative_voxels,
    requested_energies,
    require_same_particles,
    require_whole,
)
from calosim_tf.api.generator_source import GeneratorSource
from calosim_tf.api.particles import Particles, beyond_training, label_inputs, numbers, particle_attributes
from calosim_tf.api.showers import Showers
from calosim_tf.api.tensorflow_start import start_tensorflow
from calosim_tf.errors import ConfigError
from calosim_tf.inference.backends import WITH_TENSORFLOW
from calosim_tf.inference.negative_voxels import NegativeVoxels
from calosim_tf.messages import in_a_program, note, warn
from calosim_tf.progress import progress as progress_line

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from calosim_tf.data.schema import ShowerSet
    from calosim_tf.geometry import VoxelDetector
    from calosim_tf.inference.sampler import ShowerSampler


@dataclass(frozen=True)
class GeneratorInfo:
    """What is known of a generator.

    Attributes
    ----------
    name : str
        As it was loaded.
    experiment : str
    detector : str
    particle : str
    n_voxels : int
    layers : tuple of int
        Layer ids, in the order of the voxels.
    energy_range_mev : tuple of float
        Lowest and highest kinetic energy trained on, MeV.
    conditions : dict of str to (tuple of float or None)
        What ``generate`` takes besides the energy, and the range trained on; None where the run did not record it.
    iterations : tuple of int
        Of the checkpoint, for a split of each network.
    backend, precision : str
    """

    name: str
    experiment: str
    detector: str
    particle: str
    n_voxels: int
    layers: tuple[int, ...]
    energy_range_mev: tuple[float, float]
    conditions: dict[str, tuple[float, float] | None]
    iterations: tuple[int, ...]
    backend: str
    precision: str


class Generator:
    """A trained generator in memory, as :func:`calosim_tf.load` gives it; threads may share it.

    Attributes
    ----------
    source : GeneratorSource
        Run folder or bundle that it comes from.
    sampler : ShowerSampler
        What runs the network.
    iterations : tuple of int
    backend, precision : str
    """

    def __init__(self, source: GeneratorSource, backend: str, precision: str, threads: int = 0):
        self.source, self.backend, self.precision = source, backend, precision
        source.require(backend, precision)
        if backend in WITH_TENSORFLOW:
            start_tensorflow(threads)
        self.sampler: ShowerSampler
        self.sampler, self.iterations = source.load(backend, precision, threads)

    def __repr__(self) -> str:
        """In one line."""
        return f"<generator {self.source.name}: {self.words}, back end {self.backend}, {self.precision}>"

    @property
    def detector(self) -> VoxelDetector:
        """Detector whose showers it makes."""
        return self.source.detector

    @property
    def words(self) -> str:
        """Experiment and iteration, shown beside numbers."""
        from calosim_tf.inference.sampler import in_words

        return f"{self.source.experiment}, {in_words(self.iterations)}"

    @property
    def info(self) -> GeneratorInfo:
        """What is known of it."""
        detector, networks = self.detector, self.source.trained_on
        ranges: dict[str, tuple[float, float] | None] = {}
        for name in detector.attributes:
            known = [network.attributes[name] for network in networks if name in network.attributes]
            ranges[name] = (min(low for low, _ in known), max(high for _, high in known)) if known else None
        return GeneratorInfo(
            name=self.source.name,
            experiment=self.source.experiment,
            detector=detector.name,
            particle=detector.particle,
            n_voxels=detector.n_voxels,
            layers=detector.layer_ids,
            energy_range_mev=self.sampler.trained_range_mev,
            conditions={name: ends for name, ends in ranges.items() if name != "pz_gev"},
            iterations=self.iterations,
            backend=self.backend,
            precision=self.precision,
        )

    def generate(
        self,
        energy_mev: ArrayLike | None = None,
        *,
        events: int | None = None,
        like: Showers | None = None,
        layer_energies_mev: ArrayLike | None = None,
        seed: int = 0,
        batch: int | None = None,
        negative: str = "zero",
        progress: bool = False,
        **conditions: ArrayLike,
    ) -> Showers:
        """Make showers; the same seed gives the same ones at any batch size, bit for bit those of ``calosim generate``.

        Parameters
        ----------
        energy_mev : number or array_like, shape (n,)
            Incident energies, MeV.
        events : int, optional
            Showers of each energy; one unless given.  One energy with arrays of conditions is that of all.
        like : Showers, optional
            One shower for each of these, with its energy and conditions, instead of ``energy_mev``.
        layer_energies_mev : array_like, shape (n, layers), optional
            Energies that the layers are to have, MeV, for factorised generators.
        seed : int
            Key of the latent stream, at least 0.
        batch : int, optional
            Showers per call of the network.
        negative : {"zero", "scale", "keep"}
            Voxels that the network made slightly negative are set to 0; with ``scale`` the others then keep the energy
            of the shower; ``keep`` leaves them.
        progress : bool
            Notes on stderr, and a line that shows how far it is where that is a terminal.
        **conditions : number or array_like, shape (n,)
            Attributes of the particles (:attr:`GeneratorInfo.conditions`): perpendicular, in the middle unless given.

        Returns
        -------
        Showers

        Raises
        ------
        ConfigError
            An energy, a condition or another argument is not possible, or shapes differ.
        DataError
            No network of a split makes showers of an energy.

        Warns
        -----
        CalosimWarning
            Energies or conditions are beyond those trained on.

        Examples
        --------
        >>> import calosim_tf
        >>> generator = calosim_tf.load("pretrained:photon")
        >>> generator.info.detector, generator.info.energy_range_mev
        ('photon', (256.0, 65536.0))
        >>> showers = generator.generate([1024.0, 65536.0], events=2, seed=7)
        >>> showers.energies_mev.tolist(), showers.voxels_mev.shape
        ([1024.0, 1024.0, 65536.0, 65536.0], (4, 368))
        """
        with in_a_program(progress):
            particles = self._particles(energy_mev, events, like, layer_energies_mev, conditions)
            require_whole("seed", seed, 0)
            removed = negative_voxels(negative)
            voxels = np.empty((len(particles.energy_mev), self.detector.n_voxels), dtype=np.float32)
            made = self.made(particles, seed, checked_batch(batch), removed)
            for rows, block in progress_line(made, len(voxels), "generating", size=lambda item: len(item[1])):
                voxels[rows] = block
            if removed is not None and (summary := removed.summary()):
                note(summary)
        return self._showers(particles, voxels, self.file_attributes(seed, negative))

    def blocks(
        self,
        energy_mev: ArrayLike | None = None,
        *,
        events: int | None = None,
        like: Showers | None = None,
        layer_energies_mev: ArrayLike | None = None,
        seed: int = 0,
        batch: int | None = None,
        negative: str = "zero",
        **conditions: ArrayLike,
    ) -> Iterator[Showers]:
        """The showers of :meth:`generate` block by block, for more of them than fit into memory.

        Examples
        --------
        >>> import calosim_tf
        >>> import calosim_tf
        >>> blocks = calosim_tf.load("pretrained:photon").blocks(1024.0, events=5000, batch=2000)
        >>> [len(block) for block in blocks]
        [2000, 2000, 1000]
        """
        with in_a_program(progress=False):
            particles = self._particles(energy_mev, events, like, layer_energies_mev, conditions)
            require_whole("seed", seed, 0)
            made = self.made(particles, seed, checked_batch(batch), negative_voxels(negative))
        record = self.file_attributes(seed, negative)
        return (self._showers(particles, block, record, rows) for rows, block in made)

    def made(
        self, particles: Particles, seed: int, batch: int | None, negative: NegativeVoxels | None
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Showers of checked particles, block by block, with the rows that they are; warns of an extrapolation.

        Parameters
        ----------
        particles : Particles
        seed : int
        batch : int or None
        negative : NegativeVoxels or None
            What removes negative voxels; None to keep them.
        """
        if beyond := beyond_training(self.source, self.sampler, particles):
            warn(f"{'; '.join(beyond)}: showers there are an extrapolation")
        inputs = label_inputs(self.sampler, particles, self.source.experiment)
        return self._cleaned(self.sampler.blocks(particles.energy_mev, seed, batch, inputs), particles, negative)

    @staticmethod
    def _cleaned(
        blocks: Iterator[Any], particles: Particles, negative: NegativeVoxels | None
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        first = 0
        for block in blocks:
            rows = slice(first, first + len(block))
            if negative is not None:
                negative.remove(block, particles.energy_mev[rows])
            yield rows, block
            first = rows.stop

    def showers_like(self, reference: ShowerSet, seed: int) -> ShowerSet:
        """One shower for each of a reference, negative voxels included, to be judged."""
        from calosim_tf.inference.like import showers_like

        reduced = "" if self.precision == "float32" else f", {self.precision}"
        return showers_like(self.sampler, reference, seed, f"{self.words}{reduced}")

    def file_attributes(self, seed: int, negative: str) -> dict[str, Any]:
        """What a file of its showers says of them; ``negative`` as for :meth:`generate`."""
        experiment, iterations = self.source.experiment, self.iterations
        return {
            "generator": f"calosim_tf, experiment {experiment}",
            "experiment": experiment,
            "backend": self.backend,
            "precision": self.precision,
            "seed": seed,
            "negative_voxels": NEGATIVE[negative],
            "source": self.words,
            "iteration": iterations[0] if len(iterations) == 1 else iterations,
        }

    def _particles(
        self,
        energy_mev: ArrayLike | None,
        events: int | None,
        like: Showers | None,
        layer_energies_mev: ArrayLike | None,
        conditions: dict[str, ArrayLike],
    ) -> Particles:
        if like is not None:
            for option, given in (("energy_mev", energy_mev is not None), ("events", events is not None)):
                if given:
                    raise ConfigError(f"{option}: found it with like: leave one of them out")
            for name in conditions:
                raise ConfigError(f"condition {name}: found it with like, which has its own: leave one of them out")
            require_same_particles(like, self.detector)
            energy, attributes = like.energies_mev, like.attributes
        else:
            nominal = self.detector.nominal_energy_mev
            energy = requested_energies(nominal if energy_mev is None and nominal else energy_mev, events, conditions)
            attributes = particle_attributes(self.detector, energy, conditions)
        layers = None
        if layer_energies_mev is not None:
            from calosim_tf.data.layer_energy_file import require_layer_energies

            layers = numbers(layer_energies_mev, "layer_energies_mev", "energies in MeV")
            require_layer_energies("layer_energies_mev", energy, layers, self.detector)
        return Particles(energy, attributes, layers)

    def _showers(
        self, particles: Particles, voxels: NDArray[np.float32], record: dict[str, Any], rows: slice = slice(None)
    ) -> Showers:
        columns = particles.attributes[rows].T
        conditions = dict(zip(self.detector.attributes, columns, strict=True))
        return Showers._of(particles.energy_mev[rows], voxels, conditions, self.detector, self.words, record)
