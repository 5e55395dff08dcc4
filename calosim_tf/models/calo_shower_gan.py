"""Fully connected generator and critic of CaloShowerGAN (talk of May 2023, CaloChallenge data set 1) and FastCaloGAN.

Faucci Giannelli and Zhang, "CaloShowerGAN", table of final hyper-parameters.  The talk gives the widths; that photons
carry batch normalisation on the output layer and pions do not follows from the published parameter counts.
"""

from __future__ import annotations

import keras

from calosim_tf.config import DenseGanNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.layer_shares import LayerShares

# Keras defaults, as in the authors' code
BN_MOMENTUM = 0.99
BN_EPSILON = 1e-3


def build_generator(network: DenseGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and energy label to normalised voxels.

    Parameters
    ----------
    network : DenseGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size); output ``showers``
        (batch, n_outputs): deposited energy per voxel over the kinetic energy, or the layer-normalised vector.
    """
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    x = keras.layers.Concatenate(name="latent_and_condition")([latent, condition])
    for index, units in enumerate(network.generator_units):
        x = _dense(units, network.generator_initialiser, seed + index, f"hidden_{index}")(x)
        if network.generator_bn != "none":
            x = _normalise(x, network.bn_mode, f"hidden_{index}_bn")
        x = _activate(x, network.generator_activation, network, f"hidden_{index}_activation")
    x = _dense(network.n_outputs, network.generator_initialiser, seed + len(network.generator_units), "output")(x)
    if network.generator_bn == "all":
        x = _normalise(x, network.bn_mode, "output_bn")
    if network.layer_sizes:
        x = _activate(x, network.output_activation, network, "output_activation")
        showers = LayerShares(network.layer_sizes, network.layer_gate, name="showers")(x)
    else:
        showers = _activate(x, network.output_activation, network, "showers")
    return keras.Model({"latent": latent, "condition": condition}, showers, name="generator")


def build_companions(network: DenseGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: DenseGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: normalised voxels and energy label to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, n_outputs) and ``condition`` (batch, condition_size); output ``score`` (batch, 1).
    """
    showers = keras.Input((network.n_outputs,), name="showers")
    condition = keras.Input((network.condition_size,), name="condition")
    x = keras.layers.Concatenate(name="showers_and_condition")([showers, condition])
    for index, units in enumerate(network.critic_units):
        x = _dense(units, network.critic_initialiser, seed + index, f"hidden_{index}")(x)
        x = _activate(x, network.critic_activation, network, f"hidden_{index}_activation")
    score = _dense(1, network.critic_initialiser, seed + len(network.critic_units), "score")(x)
    return keras.Model({"showers": showers, "condition": condition}, score, name="critic")


def _dense(units: int, initialiser: str, seed: int, name: str) -> keras.layers.Dense:
    kernel = keras.initializers.get({"class_name": initialiser, "config": {"seed": seed}})
    return keras.layers.Dense(units, kernel_initializer=kernel, name=name)


def _activate(x, activation: str, network: DenseGanNetwork, name: str):
    if activation == "leaky_relu":
        return keras.layers.LeakyReLU(network.leaky_relu_slope, name=name)(x)
    return keras.layers.Activation(activation, name=name)(x)


def _normalise(x, bn_mode: str, name: str):
    return BatchNormalisation(frozen=bn_mode == "frozen", momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=name)(x)
