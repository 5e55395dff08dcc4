"""The density of showers under a trained generator that has one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from calosim_tf.config import Experiment
from calosim_tf.data.cell_transforms import MEV_PER_100_GEV
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.shower_generator import ShowerGenerator
from calosim_tf.training.flow_density import has_density, loss_per_voxel

# Showers of one call (our choice)
SHOWERS_PER_CALL = 500


def loss_of(generator: ShowerGenerator, experiment: Experiment) -> Callable[[Sample], np.ndarray] | None:
    """-ln p of each shower of a sample, nats per voxel; None for a generator without a density.

    Showers get the noise of the training; it is the same at each call.
    """
    network = getattr(generator, "network", None)
    if not has_density(network):
        return None
    noise = experiment.training.voxel_noise_mev / MEV_PER_100_GEV
    call = tf.function(
        lambda showers, condition, uniform: loss_per_voxel(network, showers, condition, uniform, noise),
        reduce_retracing=True,
    )

    def loss(sample: Sample) -> np.ndarray:
        rng = np.random.Generator(np.random.Philox(key=experiment.run.seed, counter=[0, 0, 0, 3]))
        found = []
        for first in range(0, len(sample), SHOWERS_PER_CALL):
            part = sample.take(np.arange(first, min(first + SHOWERS_PER_CALL, len(sample))))
            energy = part.incident_mev
            showers = generator.normalisation.to_network(part.voxels_mev(), energy)
            uniform = rng.random(showers.shape).astype(np.float32)
            found.append(call(showers, generator.condition(energy), uniform).numpy())
        return np.concatenate(found)

    return loss
