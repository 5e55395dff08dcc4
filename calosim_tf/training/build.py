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
from calosim_tf.errors import ConfigError
from calosim_tf.keras_compat import build_keras_optimizer, checkpoint_of, optimizer_variables, raws
from calosim_tf.layers.keras_settings import set_keras_defaults
from calosim_tf.layers.precision import in_precision, is_in_precision
from calosim_tf.layers.replicas import ALONE, Replicas
from calosim_tf.training.addons import build_addons_optimizer, build_cyclical_schedule
from calosim_tf.training.cycles import CycledAdam, FlowSchedule, cycled_beta1
from calosim_tf.training.matching import variables_below
from calosim_tf.training.model import GenerativeModel
from calosim_tf.training.warm_up import WarmUp

# Apart by more than any number of layers, so that no two kernels share a seed
GENERATOR_SEEDS, COMPANION_OFFSET = 10_000, 5_000


def build_networks(experiment: Experiment) -> dict[str, keras.Model]:
    """Freshly initialised networks of an experiment, by name: the generator first, then the auxiliary models.

    A network that the experiment trains and that is not an auxiliary model is a part of the generator: its layer of
    that name.
    """
    family, seed = _family(experiment), GENERATOR_SEEDS * experiment.run.seed
    generator = build_generator(experiment)
    networks = {"generator": generator, **family.build_companions(experiment.network, seed + COMPANION_OFFSET)}
    for name in experiment.training.NETWORKS:
        if name not in networks:
            networks[name] = _part(generator, name, experiment)
    return networks


def _part(generator: keras.Model, name: str, experiment: Experiment) -> keras.Model:
    part = next((layer for layer in generator.layers if layer.name == name), None)
    if not isinstance(part, keras.Model):
        raise ConfigError(
            f"training.algorithm: found {experiment.training.algorithm}, which trains the network {name!r}, expected "
            f"an algorithm for the networks of the family {experiment.network.family}"
        )
    return part


def build_generator(experiment: Experiment) -> keras.Model:
    """Freshly initialised generator of an experiment, the one of :func:`build_networks`."""
    return _family(experiment).build_generator(experiment.network, GENERATOR_SEEDS * experiment.run.seed)


def _family(experiment: Experiment) -> ModuleType:
    """Module that builds the networks of an experiment, with Keras set as they need it."""
    set_keras_defaults()
    family = experiment.network.family
    return importlib.import_module(family if "." in family else f"calosim_tf.models.{family}")


def model_class(training: TrainingConfig) -> type[GenerativeModel]:
    """The model that trains with these settings."""
    module, _, name = training.MODEL.rpartition(".")
    return getattr(importlib.import_module(module), name)


def build_model(
    experiment: Experiment,
    conditions: np.ndarray | None = None,
    normalisation: Normalisation | None = None,
    replicas: Replicas = ALONE,
) -> GenerativeModel:
    """Compiled model at iteration 0; the same seed gives the same weights.

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
    networks = build_networks(experiment)
    average = None
    if training.generator_average > 0.0:
        average = keras.models.clone_model(networks["generator"])
        average.set_weights(networks["generator"].get_weights())
    if training.precision != "float32":
        networks = _in_precision(networks, experiment)
    model = model_class(training)(
        networks, average, experiment.network.latent, training, experiment.run.seed, conditions, replicas
    )
    model.compile(
        {name: build_optimizer(training, name) for name in training.NETWORKS}, jit_compile=training.jit_compile
    )
    return model


def _in_precision(networks: dict[str, keras.Model], experiment: Experiment) -> dict[str, keras.Model]:
    generator = networks["generator"]
    # parts of the generator are converted with it
    whole = {name: network for name, network in networks.items() if all(network is not one for one in generator.layers)}
    found = {
        name: in_precision(network, experiment.training.precision, exact_inputs=name == "generator")
        for name, network in whole.items()
    }
    if not any(map(is_in_precision, found.values())):
        raise ConfigError(
            f"training.precision: found {experiment.training.precision}, which no layer of the family "
            f"{experiment.network.family} can work in, expected float32"
        )
    return {name: found[name] if name in whole else _part(found["generator"], name, experiment) for name in networks}


def _from_data(training: ThreeDGanTraining, normalisation: CubeNormalisation) -> ThreeDGanTraining:
    """Settings that are left empty, taken from the training data."""
    return replace(
        training,
        ecal_coefficients=training.ecal_coefficients or normalisation.sampling_coefficients,
        fake_energy_gev=training.fake_energy_gev or normalisation.fake_energy_gev,
        first_energy_gev=training.first_energy_gev or normalisation.first_energy_gev,
    )


def build_optimizer(training: TrainingConfig, network: str) -> keras.optimizers.Optimizer:
    """Optimiser of a network, by its name, with its learning-rate schedule."""
    rate = training.setting("learning_rate", network)
    # An optimiser counts its own steps, several per iteration
    updates = training.schedule_length(network) * training.optimizer_steps_per_iteration(network)
    schedule = training.schedule_of(network)
    if schedule == "cyclical":
        rate = build_cyclical_schedule(training.schedule_floor * rate, rate, updates)
    elif schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, updates, alpha=training.schedule_floor)
    elif schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(rate, updates, training.schedule_factor, staircase=True)
    elif schedule != "constant":
        rate = FlowSchedule(training, network)
    if training.warmup_iterations > 0:
        rate = WarmUp(
            rate,
            training.warmup_from,
            training.warmup_iterations * training.optimizer_steps_per_iteration(network),
        )
    beta1, beta2 = training.setting("beta1", network), training.setting("beta2", network)
    name = training.setting("optimizer", network)
    options = {"epsilon": training.epsilon, "global_clipnorm": training.gradient_clip or None}
    if name == "rmsprop":
        # beta1 is the momentum, beta2 the decay of the squared gradient
        return build_keras_optimizer(keras.optimizers.RMSprop, learning_rate=rate, rho=beta2, momentum=beta1, **options)
    if name == "sgd":
        clip = options["global_clipnorm"]
        return build_keras_optimizer(keras.optimizers.SGD, learning_rate=rate, momentum=beta1, global_clipnorm=clip)
    if name != "adam":
        full = training.setting("learning_rate", network)
        return build_addons_optimizer(name, rate, full, beta1, beta2, training.epsilon, training.weight_decay)
    if schedule == "one_cycle":
        beta1 = cycled_beta1(training, network)
        return build_keras_optimizer(CycledAdam, learning_rate=rate, beta_1=beta1, beta_2=beta2, **options)
    return build_keras_optimizer(keras.optimizers.Adam, learning_rate=rate, beta_1=beta1, beta_2=beta2, **options)


def tracked_state(model: GenerativeModel) -> tf.train.Checkpoint:
    """Everything the next iteration depends on, by name."""
    parts = {"average": model.average} if model.average is not None else {}
    optimizers = {f"optimizer_{name}": optimizer for name, optimizer in model.optimizers.items()}
    scales = {f"loss_scale_{name}": scale.state for name, scale in model.loss_scales.items()}
    return checkpoint_of(iteration=model.iteration, **model.networks, **optimizers, **scales, **parts)


def state_variables(model: GenerativeModel) -> list[tf.Variable]:
    """The variables behind :func:`tracked_state`, in an order that depends on the experiment alone."""
    networks = [*model.networks.values(), *([] if model.average is None else [model.average])]
    found = [model.iteration, *raws(variable for network in networks for variable in network.variables)]
    for optimizer in model.optimizers.values():
        found += optimizer_variables(optimizer)
    for scale in model.loss_scales.values():
        found += scale.state.values()
    # a part of the generator appears twice
    return list({id(variable): variable for variable in found}.values())


def state_bytes(model: GenerativeModel) -> int:
    """Size of one checkpoint's numbers: networks, average, optimisers with their slots and learning rates."""
    variables = (variable for _, variable in variables_below(tracked_state(model)))
    return sum(int(np.prod(variable.shape)) * variable.dtype.size for variable in variables)
