"""BIB-AE of the ILD's calorimeter (Buhmann et al. 2021): encoder, decoder and post-processor.

Layers are those of the authors' public PyTorch classes.
"""

from __future__ import annotations

import keras

from calosim_tf.config.ilc.bib_ae_network import BibAeNetwork
from calosim_tf.layers.shower_image import CellSum
from calosim_tf.layers.volumes.latent_density import LatentDensity
from calosim_tf.models.bib_ae_critics import build_critic, build_latent_critic
from calosim_tf.models.ilc_parts import Parts, generator_inputs, shower_inputs

FIRST_SIDE = 10
# Apart by more than the layers of a network, so that no two kernels share a seed
POST_SEEDS, ENCODER_SEEDS, LATENT_CRITIC_SEEDS = 1_000, 1_000, 2_000
# Slope of the post-processor's activations: PyTorch's default, not that of the other networks
POST_SLOPE = 0.01


def build_generator(network: BibAeNetwork, seed: int = 0) -> keras.Model:
    """Generator: decoder and post-processor, with ``latent_sampling = kde`` behind the density of the codes.

    Parameters
    ----------
    network : BibAeNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 1), energy in GeV; output ``showers``
        (batch, 30, 30, 30, 1), MeV, which may be negative.  Its parts ``decoder`` and ``post_processor`` are models.
    """
    inputs = generator_inputs(network)
    latent = inputs["latent"]
    if network.latent_sampling == "kde":
        density = LatentDensity(network.kde_showers, network.code_size, name="latent_density")
        latent = density([latent, inputs["condition"]])
    image = build_decoder(network, seed)({"latent": latent, "condition": inputs["condition"]})
    refined = build_post_processor(network, seed + POST_SEEDS)({"showers": image, "condition": inputs["condition"]})
    return keras.Model(inputs, keras.layers.Activation("linear", name="showers")(refined), name="generator")


def build_companions(network: BibAeNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: both critics and the encoder."""
    return {
        "critic": build_critic(network, seed),
        "latent_critic": build_latent_critic(network, seed + LATENT_CRITIC_SEEDS),
        "encoder": build_encoder(network, seed + ENCODER_SEEDS),
    }


def build_decoder(network: BibAeNetwork, seed: int = 0) -> keras.Model:
    """Decoder: latent and energy to a shower before post-processing.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, network.decoder_latents) and ``condition`` (batch, 1); output ``image``
        (batch, 30, 30, 30, 1), MeV >= 0.
    """
    build = Parts(network, seed)
    inputs = {
        "latent": keras.Input((network.decoder_latents,), name="latent"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }
    x = keras.layers.Concatenate(name="latent_and_condition")([inputs["latent"], inputs["condition"]])
    channels = network.decoder_seed_channels
    for index, units in enumerate((*network.decoder_units, FIRST_SIDE**3 * channels)):
        x = build.hidden(units, x, f"hidden_{index}")
    x = keras.layers.Reshape((FIRST_SIDE, FIRST_SIDE, FIRST_SIDE, channels), name="first_image")(x)
    first, second, third, *rest = network.decoder_filters
    x = _activated(build, build.transposed(first, x, "stage_1", 3, 3, padding=1, more=2), "stage_1")  # 30 cells
    x = _activated(build, build.transposed(second, x, "stage_2", 3, 2, padding=1, more=1), "stage_2")  # 60 cells
    x = _activated(build, build.convolution(third, x, "stage_3", 2, 2), "stage_3")  # 30 cells
    for stage, filters in enumerate(rest, start=4):
        x = _activated(build, build.convolution(filters, x, f"stage_{stage}", 3, padding=1), f"stage_{stage}")
    image = keras.layers.ReLU(name="image")(build.convolution(1, x, "cells", 3, padding=1))
    return keras.Model(inputs, image, name="decoder")


def build_encoder(network: BibAeNetwork, seed: int = 0) -> keras.Model:
    """Encoder: shower and energy to a normal law of the code.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 30, 1) and ``condition`` (batch, 1); outputs ``mean`` and ``log_variance``,
        each (batch, code_size).
    """
    build = Parts(network, seed)
    inputs = shower_inputs(network)
    *halving, last = network.encoder_filters
    x = inputs["showers"]
    for stage, channels in enumerate(halving, start=1):
        x = _activated(build, build.convolution(channels, x, f"stage_{stage}", 4, 2, padding=2), f"stage_{stage}")
    x = _activated(build, build.convolution(last, x, "stage_4", 3, padding=1), "stage_4")
    x = keras.layers.Flatten(name="features")(x)
    x = keras.layers.Concatenate(name="features_and_condition")([x, inputs["condition"]])
    for index, units in enumerate(network.encoder_units):
        x = build.hidden(units, x, f"hidden_{index}")
    code = {name: build.dense(network.code_size, x, name) for name in ("mean", "log_variance")}
    return keras.Model(inputs, code, name="encoder")


def build_post_processor(network: BibAeNetwork, seed: int = 0) -> keras.Model:
    """Post-processor: each cell by itself, beside the energy and the sum of the cells.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 30, 1), MeV, and ``condition`` (batch, 1); output of the same shape.
    """
    build = Parts(network, seed)
    inputs = shower_inputs(network)
    side, channels = network.showers_shape[:3], network.post_filters
    known = keras.layers.Concatenate(name="sum_and_condition")(
        [CellSum(name="sum")(inputs["showers"]), inputs["condition"]]
    )
    for index, units in enumerate(network.post_units):
        known = build.hidden(units, known, f"hidden_{index}", POST_SLOPE)
    known = keras.layers.RepeatVector(side[0] * side[1] * side[2], name="everywhere")(known)
    known = keras.layers.Reshape((*side, network.post_units[-1]), name="known")(known)
    x = inputs["showers"]
    for stage in range(1, 6):
        if stage == 2:
            x = keras.layers.Concatenate(name="cells_and_known")([x, known])
        x = build.convolution(channels, x, f"stage_{stage}", 1, bias=True)
        if stage < 5:
            x = build.normalise(x, f"stage_{stage}_norm")
        x = build.leaky_relu(x, f"stage_{stage}_activation", POST_SLOPE)
    return keras.Model(inputs, build.convolution(1, x, "refined", 1), name="post_processor")


def _activated(build: Parts, x, name: str):
    return build.leaky_relu(build.normalise(x, f"{name}_norm"), f"{name}_activation")
