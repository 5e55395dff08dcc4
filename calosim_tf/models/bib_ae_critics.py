"""Critics of the BIB-AE: of showers beside their originals, and of single latent numbers."""

from __future__ import annotations

import keras

from calosim_tf.config.ilc.bib_ae_network import BibAeNetwork
from calosim_tf.layers.volumes.log_cells import LogCells
from calosim_tf.models.ilc_parts import Parts, shower_inputs

# PyTorch's default slope of leaky ReLU, which the authors leave in two places
DEFAULT_SLOPE = 0.01


def build_critic(network: BibAeNetwork, seed: int = 0) -> keras.Model:
    """Critic and difference critic in one network: a shower, another one and the energy to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 30, 1), the originals; ``other``, of the same shape, themselves or their
        reconstructions; ``condition`` (batch, 1).  Output ``score`` (batch, 1).  The originals enter by the difference
        alone.
    """
    build, units = Parts(network, seed), network.critic_branch_units
    inputs = shower_inputs(network)
    other = keras.Input(network.showers_shape, name="other")
    difference = keras.layers.Subtract(name="difference")([other, inputs["showers"]])
    difference = keras.layers.Flatten(name="difference_cells")(difference)
    branches = [
        _images(build, network, other, "cells"),
        _images(build, network, LogCells(name="logs")(other), "log_cells"),
        build.hidden(units, difference, "difference_hidden", DEFAULT_SLOPE),
        build.hidden(units, inputs["condition"], "condition_hidden"),
    ]
    x = keras.layers.Concatenate(name="branches")(branches)
    for index, width in enumerate(network.critic_units):
        x = build.hidden(width, x, f"hidden_{index}")
    return keras.Model({**inputs, "other": other}, build.dense(1, x, "score"), name="critic")


def _images(build: Parts, network: BibAeNetwork, x, name: str):
    """Features of an image: 30 to 14, 6 and 4 cells."""
    for stage, stride in enumerate((2, 2, 1), start=1):
        x = build.convolution(network.critic_filters, x, f"{name}_{stage}", 3, stride)
        if stage < 3:
            x = build.normalise(x, f"{name}_{stage}_norm")
        x = build.leaky_relu(x, f"{name}_{stage}_activation")
    x = keras.layers.Flatten(name=f"{name}_features")(x)
    return build.hidden(network.critic_branch_units, x, f"{name}_hidden")


def build_latent_critic(network: BibAeNetwork, seed: int = 0) -> keras.Model:
    """Critic of latents: each number by itself to a score.

    Returns
    -------
    keras.Model
        Input ``latent`` (batch, network.decoder_latents); output ``score`` of the same shape.
    """
    build, size = Parts(network, seed), network.decoder_latents
    latent = keras.Input((size,), name="latent")
    x = keras.layers.Reshape((size, 1), name="numbers")(latent)
    for index, units in enumerate(network.latent_critic_units):
        x = build.hidden(units, x, f"hidden_{index}", DEFAULT_SLOPE)
    score = keras.layers.Reshape((size,), name="score")(build.dense(1, x, "scores"))
    return keras.Model({"latent": latent}, score, name="latent_critic")
