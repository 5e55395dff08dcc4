"""First generation of the LHCb autoencoder, with the refiner of its images (authors' code, March and April 2020)."""

from __future__ import annotations

import keras

from calosim_tf.config.lhcb_cvae_network import LhcbEarlyCganNetwork
from calosim_tf.models.lhcb_cvae_cgan import ENCODER_SEEDS, build_critic, refined
from calosim_tf.models.lhcb_parts import Parts, generator_inputs, shower_inputs

FIRST_SIDE = 5
# Stages, counted from 1: convolutions of the encoder that are pooled before they are activated; that of stride 2; the
# transposed convolution of the decoder of stride 2
POOLED, STRIDED, DOUBLED = (3, 6), 4, 4


def build_generator(network: LhcbEarlyCganNetwork, seed: int = 0) -> keras.Model:
    """Generator: decoder, then refiner; inputs and output as in the last generation, in MeV."""
    return refined(network, build_decoder(network, seed), seed)


def build_companions(network: LhcbEarlyCganNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic, and the encoder of the decoder."""
    return {"critic": build_critic(network, seed), "encoder": build_encoder(network, seed + ENCODER_SEEDS)}


def build_decoder(network: LhcbEarlyCganNetwork, seed: int = 0) -> keras.Model:
    """Decoder: latent and condition to cells in MeV.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size); output ``showers``
        (batch, 30, 30, 1), MeV, with small negative numbers: it ends in a leaky ReLU.
    """
    build = Parts(network, "none", seed)
    inputs = generator_inputs(network)
    x = keras.layers.Concatenate(name="latent_and_condition")(list(inputs.values()))
    for index, units in enumerate((*network.decoder_units, FIRST_SIDE**2 * network.decoder_seed_channels)):
        x = build.leaky_relu(build.dense(units, x, f"hidden_{index}"), f"hidden_{index}_activation")
    x = build.image(FIRST_SIDE, x)
    for stage, channels in enumerate(network.decoder_filters, start=1):
        if stage == DOUBLED:
            x = _doubled(build, channels, x, f"stage_{stage}")
        else:
            x = build.transposed(channels, x, f"stage_{stage}")
        x = build.leaky_relu(build.normalise_batch(x, f"stage_{stage}_bn"), f"stage_{stage}_activation")
    showers = build.leaky_relu(build.transposed(1, x, "cells"), "showers")
    return keras.Model(inputs, showers, name="decoder")


def _doubled(build: Parts, channels: int, x, name: str):
    """Transposed convolution with kernel 3, stride 2, no padding, output padding 1 of PyTorch: 11 to 24 cells.

    The line that output padding adds at the end holds the bias; a line of zeros behind the input makes it, in every
    format of the export.
    """
    ends = ((0, 1), (0, 1))
    x = build.transposed(channels, keras.layers.ZeroPadding2D(ends, name=f"{name}_pad")(x), name, strides=2)
    return keras.layers.Cropping2D(ends, name=f"{name}_crop")(x)


def build_encoder(network: LhcbEarlyCganNetwork, seed: int = 0) -> keras.Model:
    """Encoder: cells in MeV and condition to a normal law of the latent.

    Returns
    -------
    keras.Model
        Inputs and outputs as in the last generation.  Leaky ReLUs stand behind both outputs too, so that variances
        below 1 are hard to reach, and two of them behind the features: as in the authors' code.
    """
    build = Parts(network, "none", seed)
    inputs = shower_inputs(network)
    x = inputs["showers"]
    for stage, channels in enumerate(network.encoder_filters, start=1):
        way = {"strides": 2, "padding": "valid"} if stage == STRIDED else {}
        x = build.normalise_batch(build.convolution(channels, x, f"stage_{stage}", **way), f"stage_{stage}_bn")
        if stage == POOLED[0]:
            x = keras.layers.MaxPooling2D(2, name="pool")(x)
        if stage == POOLED[1]:
            x = build.leaky_relu(keras.layers.GlobalMaxPooling2D(name="features")(x), "features_activation")
        x = build.leaky_relu(x, f"stage_{stage}_activation")
    x = keras.layers.Concatenate(name="features_and_condition")([x, inputs["condition"]])
    code = {
        name: build.leaky_relu(build.dense(network.latent.size, x, f"{name}_linear"), name)
        for name in ("mean", "log_variance")
    }
    return keras.Model(inputs, code, name="encoder")
