"""Conditional variational autoencoder of the LHCb calorimeter (Sergeev et al. 2021).

Layers are those of the authors' public PyTorch class, the last of three generations; batch normalisations that it
declares and never calls are left out.
"""

from __future__ import annotations

import keras

from calosim_tf.config.lhcb_cvae_network import LhcbCvaeNetwork
from calosim_tf.models.lhcb_parts import Parts, generator_inputs, shower_inputs

FIRST_SIDE = 2
# Lines cut off the 34 x 34 cells of the last layer, before and behind: off centre, as in the authors' code
CUT = (1, 3)


def build_generator(network: LhcbCvaeNetwork, seed: int = 0) -> keras.Model:
    """Generator: the decoder by itself."""
    return build_decoder(network, seed, "generator")


def build_decoder(network: LhcbCvaeNetwork, seed: int, name: str) -> keras.Model:
    """Decoder: latent and condition to the logarithms of cell energies.

    Parameters
    ----------
    network : LhcbCvaeNetwork
    seed : int
        Seed of the initial weights.
    name : str

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size); output ``showers``
        (batch, 30, 30, 1), ln(1 + E / MeV) >= 0.
    """
    build = Parts(network, "none", seed)
    inputs = generator_inputs(network)
    x = _hidden(build, network.latent_units, inputs["latent"], "latent_hidden")
    x = keras.layers.Concatenate(name="hidden_and_condition")([x, inputs["condition"]])
    for index, units in enumerate((*network.decoder_units, FIRST_SIDE**2 * network.decoder_seed_channels)):
        x = _hidden(build, units, x, f"hidden_{index}")
    x = build.image(FIRST_SIDE, x)
    for stage, channels in enumerate(network.decoder_filters, start=1):
        x = _activated(build, build.upsample(channels, x, f"stage_{stage}"), f"stage_{stage}")
    x = build.transposed(1, x, "cells")  # (batch, 32, 32, channels) to (batch, 34, 34, 1)
    x = keras.layers.ReLU(name="cells_activation")(x)
    showers = keras.layers.Cropping2D((CUT, CUT), name="showers")(x)
    return keras.Model(inputs, showers, name=name)


def build_companions(network: LhcbCvaeNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the encoder."""
    return {"encoder": build_encoder(network, seed)}


def build_encoder(network: LhcbCvaeNetwork, seed: int = 0) -> keras.Model:
    """Encoder: logarithms of cell energies and condition to a normal law of the latent.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 1) and ``condition`` (batch, condition_size); outputs ``mean`` and
        ``log_variance``, each (batch, latent.size).
    """
    build = Parts(network, "none", seed)
    inputs = shower_inputs(network)
    x = inputs["showers"]
    for stage, channels in enumerate(network.encoder_filters, start=1):
        if stage == 2:
            # 'same' would pad the end only at stride 2; PyTorch pads both sides
            x = keras.layers.ZeroPadding2D(1, name="padding")(x)
        way = {"strides": 1, "padding": "same"} if stage == 1 else {"strides": 2, "padding": "valid"}
        x = _activated(build, build.convolution(channels, x, f"stage_{stage}", **way), f"stage_{stage}")
    x = keras.layers.Flatten(name="features")(x)
    x = keras.layers.Concatenate(name="features_and_condition")([x, inputs["condition"]])
    for index, units in enumerate(network.encoder_units):
        x = _hidden(build, units, x, f"hidden_{index}")
    code = {name: build.dense(network.latent.size, x, name) for name in ("mean", "log_variance")}
    return keras.Model(inputs, code, name="encoder")


def _hidden(build: Parts, units: int, x, name: str):
    return _activated(build, build.dense(units, x, name), name)


def _activated(build: Parts, x, name: str):
    return build.leaky_relu(build.normalise_batch(x, f"{name}_bn"), f"{name}_activation")
