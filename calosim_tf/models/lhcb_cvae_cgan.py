"""CVAE and CGAN of the LHCb calorimeter (Sergeev et al. 2021): a refiner sharpens the images of the decoder."""

from __future__ import annotations

import keras

from calosim_tf.config.lhcb_cvae_network import LhcbCvaeCganNetwork, LhcbRefiner
from calosim_tf.models.lhcb_cvae import build_decoder, build_encoder
from calosim_tf.models.lhcb_parts import Parts, generator_inputs, shower_inputs

REFINER_SEEDS = 1_000  # behind those of the decoder
ENCODER_SEEDS = 1_000  # behind those of the critic
# Side of the pooling behind the second and the fourth convolution of the critic: 30 -> 15 -> 5 cells
POOLED = {2: 2, 4: 3}


def build_generator(network: LhcbCvaeCganNetwork, seed: int = 0) -> keras.Model:
    """Generator: decoder, then refiner, which sees the image alone.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size); output ``showers``
        (batch, 30, 30, 1), ln(1 + E / MeV) >= 0.  Its part ``decoder`` is a model.
    """
    return refined(network, build_decoder(network, seed, "decoder"), seed)


def refined(network: LhcbRefiner, decoder: keras.Model, seed: int) -> keras.Model:
    """Generator of a decoder, which becomes its part of that name, and of the refiner of its images."""
    inputs = generator_inputs(network)
    x = decoder(inputs)
    build = Parts(network, "none", seed + REFINER_SEEDS)
    *hidden, last = network.refiner_windows
    for stage, (channels, window) in enumerate(zip(network.refiner_filters, hidden, strict=True), start=1):
        x = build.convolution(channels, x, f"refiner_{stage}", window)
        x = build.leaky_relu(x, f"refiner_{stage}_activation")
    x = build.convolution(1, x, "refined", last)
    generator = keras.Model(inputs, keras.layers.ReLU(name="showers")(x), name="generator")
    if network.refiner_start == "identity":
        _hand_on(generator)
    return generator


def _hand_on(generator: keras.Model) -> None:
    """Let the first channel of each convolution be that of the one before, and the last one see no other."""
    for layer in generator.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = layer.get_weights()
            kernel[..., 0], bias[0] = 0.0, 0.0
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, 0, 0] = 1.0
            layer.set_weights([kernel, bias])


def build_companions(network: LhcbCvaeCganNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic, and the encoder of the decoder."""
    return {"critic": build_critic(network, seed), "encoder": build_encoder(network, seed + ENCODER_SEEDS)}


def build_critic(network: LhcbRefiner, seed: int = 0) -> keras.Model:
    """Critic: logarithms of cell energies and condition to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 1) and ``condition`` (batch, condition_size); output ``score`` (batch, 1).
    """
    build = Parts(network, network.spectral_norm if network.spectral_norm_critic else "none", seed)
    inputs = shower_inputs(network)
    x = inputs["showers"]
    for stage, channels in enumerate(network.critic_filters, start=1):
        x = build.convolution(channels, x, f"stage_{stage}")
        x = build.leaky_relu(x, f"stage_{stage}_activation")
        if stage in POOLED:
            x = keras.layers.MaxPooling2D(POOLED[stage], name=f"stage_{stage}_pool")(x)
    score = build.score(x, inputs["condition"], network.critic_units)
    return keras.Model(inputs, score, name="critic")
