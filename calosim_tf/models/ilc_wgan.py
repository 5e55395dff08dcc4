"""Wasserstein GAN of "Getting High" (Buhmann et al. 2021) with a network that measures the energy.

Layers are those of the authors' public PyTorch classes.
"""

from __future__ import annotations

import keras

from calosim_tf.config.ilc.ilc_network import IlcWganNetwork
from calosim_tf.models.ilc_parts import Parts, generator_inputs, shower_inputs

# Windows of the critic along the layers
CRITIC_DEPTHS = (10, 6, 4)
LAST_DEPTH = 4
# Apart by more than the layers of the critic, so that no two kernels share a seed
CONSTRAINER_OFFSET = 1_000


def build_generator(network: IlcWganNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and energy to a shower.

    Parameters
    ----------
    network : IlcWganNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 1), energy in GeV; output ``showers``
        (batch, 30, 30, 30, 1), MeV.
    """
    build = Parts(network, seed)
    inputs = generator_inputs(network)
    first, *widths = network.generator_filters
    beside = []
    for name in ("condition", "latent"):
        point = keras.layers.Reshape((1, 1, 1, -1), name=f"{name}_point")(inputs[name])
        beside.append(build.transposed(first, point, f"{name}_seed", 4, 1))
    x = keras.layers.Concatenate(name="seeds")(beside)
    for stage, channels in enumerate(widths, start=1):
        x = build.transposed(channels, x, f"stage_{stage}", 4, 2, padding=1)
        x = build.normalise(x, f"stage_{stage}_norm")
        x = keras.layers.ReLU(name=f"stage_{stage}_activation")(x)
    x = build.transposed(1, x, "cells", 3, 1, padding=2)
    showers = keras.layers.ReLU(name="showers")(x)
    return keras.Model(inputs, showers, name="generator")


def build_companions(network: IlcWganNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic, and the constrainer, which measures the energy."""
    return {"critic": build_critic(network, seed), "constrainer": build_constrainer(network, seed + CONSTRAINER_OFFSET)}


def build_critic(network: IlcWganNetwork, seed: int = 0) -> keras.Model:
    """Critic: a shower and its energy to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 30, 1) and ``condition`` (batch, 1); output ``score`` (batch, 1).
    """
    build = Parts(network, seed)
    inputs = shower_inputs(network)
    x = inputs["showers"]
    for stage, (channels, depth) in enumerate(zip(network.critic_filters, CRITIC_DEPTHS, strict=True), start=1):
        padding = (0, 1, 1) if stage == 1 else 0
        x = build.convolution(channels, x, f"stage_{stage}", (depth, 2, 2), (1, 2, 2), padding)
        x = build.leaky_relu(build.normalise(x, f"stage_{stage}_norm"), f"stage_{stage}_activation")
    x = keras.layers.Flatten(name="features")(build.convolution(1, x, "last", (LAST_DEPTH, 2, 2)))
    x = keras.layers.Concatenate(name="features_and_condition")([x, inputs["condition"]])
    for index, units in enumerate(network.critic_units):
        x = build.hidden(units, x, f"hidden_{index}")
    return keras.Model(inputs, build.dense(1, x, "score"), name="critic")


def build_constrainer(network: IlcWganNetwork, seed: int = 0) -> keras.Model:
    """Constrainer: a shower to the incident energy, learnt from real showers.

    Returns
    -------
    keras.Model
        Input ``showers`` (batch, 30, 30, 30, 1), MeV; output ``energy`` (batch, 1), GeV.
    """
    build = Parts(network, seed)
    inputs = {"showers": shower_inputs(network)["showers"]}
    first, second, last = network.constrainer_filters
    x = inputs["showers"]
    for stage, channels in enumerate((first, second), start=1):
        x = build.normalise(build.convolution(channels, x, f"stage_{stage}", 3, 2), f"stage_{stage}_norm")
        x = build.leaky_relu(x, f"stage_{stage}_activation")
    x = keras.layers.Flatten(name="features")(build.convolution(last, x, "last", 2))
    for index, units in enumerate(network.constrainer_units):
        x = build.hidden(units, x, f"hidden_{index}")
    energy = keras.layers.ReLU(name="energy")(build.dense(1, x, "energy_before"))
    return keras.Model(inputs, energy, name="constrainer")
