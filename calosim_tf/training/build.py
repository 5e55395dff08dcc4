"""From a configuration to a compiled model: networks, loss, optimisers, checkpointed state."""

from __future__ import annotations

import importlib
from dataclasses import replace
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import Experiment, ThreeDGanTraining, TrainingConfig
from calosim_tf.data.cell_transforms import CubeNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.layers.replicas import ALONE, Replicas
from calosim_tf.training.addons import build_addons_optimizer, build_cyclical_schedule
from calosim_tf.training.algorithms.calogan import CaloGanModel
from calosim_tf.training.algorithms.hinge import HingeModel
from calosim_tf.training.algorithms.three_d_gan import ThreeDGanModel
from calosim_tf.training.algorithms.wasserstein import WassersteinGpModel
from calosim_tf.training.gan import AdversarialModel
from calosim_tf.training.warm_up import WarmUp

ALGORITHMS: dict[str, type[AdversarialModel]] = {
    "wgan_gp": WassersteinGpModel,
    "hinge": HingeModel,
    "calogan": CaloGanModel,
    "three_d_gan": ThreeDGanModel,
}


# Apart by more than any number of layers, so that no two kernels share a seed
GENERATOR_SEEDS, CRITIC_OFFSET = 10_000, 5_000


def build_networks(experiment: Experiment) -> tuple[keras.Model, keras.Model]:
    """Freshly initialised generator and critic of an experiment."""
    seed = GENERATOR_SEEDS * experiment.run.seed
    return build_generator(experiment), _family(experiment).build_critic(experiment.network, seed + CRITIC_OFFSET)


def build_generator(experiment: Experiment) -> keras.Model:
    """Freshly initialised generator of an experiment, the one of :func:`build_networks`."""
    return _family(experiment).build_generator(experiment.network, GENERATOR_SEEDS * experiment.run.seed)


def _family(experiment: Experiment) -> ModuleType:
    """Module that builds the networks of an experiment."""
    return importlib.import_module(f"calosim_tf.models.{experiment.network.family}")


def build_model(
    experiment: Experiment,
    conditions: np.ndarray | None = None,
    normalisation: Normalisation | None = None,
    replicas: Replicas = ALONE,
) -> AdversarialModel:
    """Compiled adversarial model at iteration 0; the same seed gives the same weights.

    Parameters
    ----------
    experiment : Experiment
    conditions : ndarray, shape (n, condition_size), optional
        Conditions of the training showers; losses that draw from them need it.
    normalisation : Normalisation, optional
        Of the training data, for losses whose settings may be left to the data.
    replicas : Replicas, optional
        Those that share the global batch; with several, call it in the scope of their strategy.
    """
    training = experiment.training
    if isinstance(training, ThreeDGanTraining) and isinstance(normalisation, CubeNormalisation):
        training = _from_data(training, normalisation)
    generator, critic = build_networks(experiment)
    average = None
    if training.generator_average > 0.0:
        average = keras.models.clone_model(generator)
        average.set_weights(generator.get_weights())
    model = ALGORITHMS[training.algorithm](
        generator, critic, average, experiment.network.latent, training, experiment.run.seed, conditions, replicas
    )
    model.compile(
        build_optimizer(training, "generator"),
        build_optimizer(training, "critic"),
        jit_compile=training.jit_compile,
    )
    return model


def _from_data(training: ThreeDGanTraining, normalisation: CubeNormalisation) -> ThreeDGanTraining:
    """Settings that are left empty, taken from the training data."""
    return replace(
        training,
        ecal_coefficients=training.ecal_coefficients or normalisation.sampling_coefficients,
        fake_energy_gev=training.fake_energy_gev or normalisation.fake_energy_gev,
        first_energy_gev=training.first_energy_gev or normalisation.first_energy_gev,
    )


def build_optimizer(training: TrainingConfig, network: str) -> keras.optimizers.Optimizer:
    """Optimiser of ``generator`` or ``critic`` with its learning-rate schedule."""
    rate = getattr(training, f"learning_rate_{network}")
    # An optimiser counts its own steps, several per iteration
    updates = training.schedule_iterations * training.optimizer_steps_per_iteration(network)
    if training.schedule == "cyclical":
        rate = build_cyclical_schedule(training.schedule_floor * rate, rate, updates)
    elif training.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, updates, alpha=training.schedule_floor)
    if training.warmup_iterations > 0:
        rate = WarmUp(
            rate,
            training.warmup_from,
            training.warmup_iterations * training.optimizer_steps_per_iteration(network),
        )
    beta1, beta2 = getattr(training, f"beta1_{network}"), getattr(training, f"beta2_{network}")
    name = getattr(training, f"optimizer_{network}")
    if name == "rmsprop":
        # beta1 is the momentum, beta2 the decay of the squared gradient
        return keras.optimizers.RMSprop(rate, rho=beta2, momentum=beta1, epsilon=training.epsilon, jit_compile=False)
    if name != "adam":
        return build_addons_optimizer(name, rate, beta1, beta2, training.epsilon, training.weight_decay)
    # XLA made the photon step slower on CPU (docs/architecture.md)
    return keras.optimizers.Adam(rate, beta_1=beta1, beta_2=beta2, epsilon=training.epsilon, jit_compile=False)


def tracked_state(model: AdversarialModel) -> tf.train.Checkpoint:
    """Everything the next iteration depends on, by name."""
    parts = {"average": model.average} if model.average is not None else {}
    return tf.train.Checkpoint(
        iteration=model.iteration,
        generator=model.generator,
        critic=model.critic,
        optimizer_generator=model.optimizer_generator,
        optimizer_critic=model.optimizer_critic,
        **parts,
    )


def state_variables(model: AdversarialModel) -> list[tf.Variable]:
    """The variables behind :func:`tracked_state`, in an order that depends on the experiment alone."""
    networks = [model.generator, model.critic, *([] if model.average is None else [model.average])]
    found = [model.iteration, *(variable for network in networks for variable in network.variables)]
    for optimizer in (model.optimizer_generator, model.optimizer_critic):
        # a method in the legacy interface of tensorflow-addons
        variables = optimizer.variables
        found += variables() if callable(variables) else variables
    return found


def state_bytes(model: AdversarialModel) -> int:
    """Size of one checkpoint's numbers: networks, average and both optimisers with their slots."""
    return sum(int(np.prod(variable.shape)) * variable.dtype.size for variable in state_variables(model))
