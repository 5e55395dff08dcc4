"""Fully connected generator and critic of CaloShowerGAN (talk of May 2023, CaloChallenge data set 1).

Faucci Giannelli and Zhang, "CaloShowerGAN", table of final hyper-parameters.  The talk gives the widths; that photons
carry batch normalisation on the output layer and pions do not follows from the published parameter counts.
"""

from __future__ import annotations

import keras

from calosim_tf.config import DenseGanNetwork

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
        (batch, n_outputs): deposited energy per voxel over the kinetic energy.
    """
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    x = keras.layers.Concatenate(name="latent_and_condition")([latent, condition])
    for index, units in enumerate(network.generator_units):
        x = _dense(units, network.generator_initialiser, seed + index, f"hidden_{index}")(x)
        if network.generator_bn != "none":
            x = _normalise(x, network.bn_mode, f"hidden_{index}_bn")
        x = keras.layers.Activation(network.generator_activation, name=f"hidden_{index}_activation")(x)
    x = _dense(network.n_outputs, network.generator_initialiser, seed + len(network.generator_units), "output")(x)
    if network.generator_bn == "all":
        x = _normalise(x, network.bn_mode, "output_bn")
    showers = keras.layers.Activation(network.output_activation, name="showers")(x)
    return keras.Model({"latent": latent, "condition": condition}, showers, name="generator")


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
        x = keras.layers.Activation(network.critic_activation, name=f"hidden_{index}_activation")(x)
    score = _dense(1, network.critic_initialiser, seed + len(network.critic_units), "score")(x)
    return keras.Model({"showers": showers, "condition": condition}, score, name="critic")


def _dense(units: int, initialiser: str, seed: int, name: str) -> keras.layers.Dense:
    kernel = keras.initializers.get({"class_name": initialiser, "config": {"seed": seed}})
    return keras.layers.Dense(units, kernel_initializer=kernel, name=name)


def _normalise(x, bn_mode: str, name: str):
    layer = keras.layers.BatchNormalization(momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=name)
    # training=False at build time: statistics stay 0 and 1 whatever flag the training loop passes
    return layer(x, training=False) if bn_mode == "frozen" else layer(x)
