"""Original GAN of "Getting High" (Buhmann et al. 2021), the first baseline.

Layers are those of the authors' public PyTorch classes.
"""

from __future__ import annotations

import keras

from calosim_tf.config.ilc.ilc_network import IlcGanNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.models.ilc_parts import Parts, generator_inputs, shower_inputs

# PyTorch's; its momentum is 1 minus this
BN_MOMENTUM, BN_EPSILON = 0.9, 1e-5


class BatchParts(Parts):
    """Those of the ILD, with batch normalisation."""

    def normalise(self, x, name: str):
        """Over the batch and all cells."""
        gamma = keras.initializers.RandomNormal(1.0, self.network.initial_std, seed=next(self._seeds))
        options = {"gamma_initializer": gamma} if self.network.initialiser == "normal" else {}
        return BatchNormalisation(momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=name, **options)(x)


def build_generator(network: IlcGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent times energy to a shower.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 1), energy in GeV; output ``showers``
        (batch, 30, 30, 30, 1), MeV.
    """
    build = BatchParts(network, seed)
    inputs = generator_inputs(network)
    x = keras.layers.Multiply(name="latent_times_energy")([inputs["latent"], inputs["condition"]])
    x = keras.layers.Reshape((1, 1, 1, -1), name="point")(x)
    # nothing between the first two: together they are one linear layer
    first, *widths = network.generator_filters
    x = build.transposed(first, x, "seed", 4, 1)
    for stage, channels in enumerate(widths, start=1):
        x = build.normalise(build.transposed(channels, x, f"stage_{stage}", 4, 2, padding=1), f"stage_{stage}_norm")
        x = keras.layers.ReLU(name=f"stage_{stage}_activation")(x)
    x = build.transposed(1, x, "cells", 3, 1, padding=2)
    showers = keras.layers.ReLU(name="showers")(x)
    return keras.Model(inputs, showers, name="generator")


def build_companions(network: IlcGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic, a discriminator."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: IlcGanNetwork, seed: int = 0) -> keras.Model:
    """Discriminator: a shower and its energy to the logit of being real.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 30, 1) and ``condition`` (batch, 1); output ``score`` (batch, 1), the number
        before the sigmoid.
    """
    build = BatchParts(network, seed)
    inputs = shower_inputs(network)
    *widths, last = network.critic_filters
    x = inputs["showers"]
    for stage, channels in enumerate(widths, start=1):
        x = build.convolution(channels, x, f"stage_{stage}", 3, 2, padding=3 if stage == 1 else 1)
        if stage > 1:
            x = build.normalise(x, f"stage_{stage}_norm")
        x = build.leaky_relu(x, f"stage_{stage}_activation")
    x = keras.layers.Flatten(name="features")(build.convolution(last, x, "last", 3, 2))
    x = keras.layers.Concatenate(name="features_and_condition")([x, inputs["condition"]])
    for index, units in enumerate(network.critic_units):
        x = build.hidden(units, x, f"hidden_{index}")
    return keras.Model(inputs, build.dense(1, x, "score"), name="critic")
