"""The generators of a run, ready to be written in another format."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.bundle.sidecar import Condition, NetworkRecord
from calosim_tf.config import Experiment
from calosim_tf.data.trained_on import TrainedOn
from calosim_tf.export.cost import multiply_adds
from calosim_tf.export.fold import folded
from calosim_tf.export.particles import covering_particles
from calosim_tf.shower_generator import ShowerGenerator
from calosim_tf.training.load import load_network
from calosim_tf.training.run_folder import RunFolder

# Particles of the public law whose conditions give the range in the sidecar, where the run recorded none
RANGE_PARTICLES = 10_000
OUTPUT = "showers"


@dataclass(frozen=True)
class Part:
    """One generator of a run.

    Attributes
    ----------
    name : str
        ``generator``, or the name of the member of a split.
    energy_range_mev : tuple of (float or None), or None
        As in :class:`~calosim_tf.bundle.sidecar.NetworkRecord`.
    generator : ShowerGenerator
        As trained.
    network : keras.Model
        Its network, folded.
    iteration : int
    experiment : Experiment
        That of the member in a split.
    trained_on : TrainedOn or None
        Ranges of the training showers; None where the run did not record them.
    """

    name: str
    energy_range_mev: tuple[float | None, float | None] | None
    generator: ShowerGenerator
    network: keras.Model
    iteration: int
    experiment: Experiment
    trained_on: TrainedOn | None

    def particles(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Incident energies, MeV, and attributes that cover what this network makes."""
        generator = self.generator
        return covering_particles(generator.detector, generator.normalisation, count, seed, self.energy_range_mev)

    def label(self, energy_mev: np.ndarray, attributes: np.ndarray) -> np.ndarray:
        """Conditions of these particles, float32."""
        return self.generator.normalisation.label(energy_mev, attributes)

    def outputs(self, latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """What the folded network gives, in blocks that fit into memory, shape (n, numbers of a shower)."""
        size = self.generator.default_batch
        blocks = [
            self.network({"latent": latent[rows], "condition": condition[rows]}, training=False).numpy()
            for rows in (slice(first, first + size) for first in range(0, len(latent), size))
        ]
        return np.concatenate(blocks).reshape(len(latent), -1)

    def showers(self, outputs: np.ndarray, energy_mev: np.ndarray) -> np.ndarray:
        """Outputs of shape (n, numbers of a shower) in MeV, shape (n, n_cells)."""
        shaped = outputs.reshape(len(outputs), *self.network.output.shape[1:])
        return self.generator.normalisation.to_mev(shaped, energy_mev)

    def record(self) -> NetworkRecord:
        """What the sidecar says of it, without files."""
        law, detector = self.generator.normalisation, self.generator.detector
        names, formula = law.condition_words(detector.attributes)
        low, high = zip(*self._condition_ranges(), strict=True)
        scale, unit = law.output_words()
        return NetworkRecord(
            name=self.name,
            energy_range_mev=self.energy_range_mev,
            latent=self.generator.latent,
            normalisation=law.to_dict(),
            condition=Condition(names, formula, low, high),
            output_shape=tuple(law.value_shape(detector.n_voxels)),
            output_scale=scale,
            output_unit=unit,
            iteration=self.iteration,
            parameters=self.network.count_params(),
            multiply_adds=multiply_adds(raw_function(self.network, batch=1).graph),
            trained_on=self.trained_on,
        )

    def _condition_ranges(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest value of each number of the condition: recorded, or those of the public data set."""
        if self.trained_on is not None:
            return self.trained_on.condition
        conditions = self.label(*self.particles(RANGE_PARTICLES, seed=0))
        return tuple((float(column.min()), float(column.max())) for column in conditions.T)


def load_parts(run: RunFolder) -> list[Part]:
    """Judged generators of a run, one for each member of a split, ascending in energy.

    Raises
    ------
    CheckpointError
        The run, or a member of it, has no sound checkpoint.
    """
    experiment = run.experiment()
    if not experiment.members:
        return [_part("generator", None, run)]
    return [
        _part(member.name, (member.energy_min_mev, member.energy_max_mev), run.member(member.name))
        for member in experiment.members
    ]


def _part(name: str, energy_range_mev: tuple[float | None, float | None] | None, run: RunFolder) -> Part:
    generator, iteration = load_network(run)
    network = folded(generator.network)
    return Part(name, energy_range_mev, generator, network, iteration, run.experiment(), run.trained_on())


def raw_function(network: keras.Model, batch: int | None = None):
    """The network as a traced function of ``latent`` and ``condition`` with the output ``showers``.

    Parameters
    ----------
    network : keras.Model
    batch : int, optional
        Showers per call; any number unless given.
    """

    @tf.function
    def raw(latent, condition):
        return {OUTPUT: network({"latent": latent, "condition": condition}, training=False)}

    return raw.get_concrete_function(
        **{
            name: tf.TensorSpec((batch, network.input[name].shape[1]), tf.float32, name)
            for name in ("latent", "condition")
        }
    )
