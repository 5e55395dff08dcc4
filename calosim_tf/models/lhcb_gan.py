"""Convolutional generator and critic of the LHCb calorimeter: the WGAN of Sergeev et al. 2021 and the SAGAN on it.

The SAGAN paper (Ratnikov and Rogachev) adds self-attention and spectral normalisation to that WGAN; layers are those of
the authors' public PyTorch classes and released weights.

Initial weights follow PyTorch by default: the authors' code is PyTorch and chooses none, so this is what their networks
started from.  It differs from Keras' own choice in every layer (all biases spread instead of 0; a bound of 1/3 against
0.14 in the transposed convolution that ends the generator).
"""

from __future__ import annotations

import keras

from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.models.lhcb_parts import Parts, generator_inputs, shower_inputs

FIRST_SIDE = 2
# Stages (counted from 1) that an attention block follows.  The paper adds two blocks to "the architecture", to help
# both networks, and shows them in a figure only.  One each is that sentence taken literally, at the places (8 x 8 x 64
# and 7 x 7 x 64) where public code of colleagues has them for the same data; two each, at the places of a later public
# pipeline on these data, is the other reading.
GENERATOR_ATTENTION = {"none": (), "one_each": (2,), "two_each": (2, 3)}
CRITIC_ATTENTION = {"none": (), "one_each": (2,), "two_each": (1, 2)}


def build_generator(network: LhcbGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and condition to the logarithms of cell energies.

    Parameters
    ----------
    network : LhcbGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size); output ``showers``
        (batch, 30, 30, 1), ln(1 + E / MeV) >= 0.
    """
    build = Parts(network, _normalised(network, "generator"), seed)
    filters = network.generator_filters
    inputs = generator_inputs(network)
    x = keras.layers.Concatenate(name="latent_and_condition")(list(inputs.values()))
    x = build.dense(FIRST_SIDE**2 * filters[0], x, "dense", network.normalise_generator_dense)
    x = build.leaky_relu(x, "dense_activation")
    x = build.image(FIRST_SIDE, x)
    for stage, channels in enumerate((*filters[1:], 1), start=1):
        x = build.upsample(channels, x, f"stage_{stage}")
        if stage < len(filters):
            x = build.normalise_batch(x, f"stage_{stage}_bn")
        x = keras.layers.ReLU(name=f"stage_{stage}_activation")(x)
        if stage in GENERATOR_ATTENTION[network.attention]:
            x = build.attention(x, f"attention_{stage}", network.value_full_width, network.normalise_attention)
    showers = keras.layers.Cropping2D(1, name="showers")(x)  # (batch, 32, 32, 1) to (batch, 30, 30, 1)
    return keras.Model(inputs, showers, name="generator")


def build_companions(network: LhcbGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: LhcbGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: logarithms of cell energies and condition to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 1) and ``condition`` (batch, condition_size); output ``score`` (batch, 1).
    """
    build = Parts(network, _normalised(network, "critic"), seed)
    inputs = shower_inputs(network)
    # 'same' would pad the end only at stride 2; PyTorch pads both sides, and in the first convolution alone
    x = keras.layers.ZeroPadding2D(1, name="padding")(inputs["showers"])
    for stage, channels in enumerate(network.critic_filters, start=1):
        x = build.convolution(channels, x, f"stage_{stage}", strides=2, padding="valid")
        x = build.leaky_relu(x, f"stage_{stage}_activation")
        if stage in CRITIC_ATTENTION[network.attention]:
            x = build.attention(x, f"attention_{stage}", network.value_full_width, network.normalise_attention)
    score = build.score(x, inputs["condition"], network.critic_units)
    return keras.Model(inputs, score, name="critic")


def _normalised(network: LhcbGanNetwork, part: str) -> str:
    return network.spectral_norm if getattr(network, f"spectral_norm_{part}") else "none"
