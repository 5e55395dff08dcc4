"""LHCb autoencoder and the refiner of its images: exact counts, and PyTorch's layers written out in numpy."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from calosim_tf.config import LatentLaw, LhcbCvaeCganNetwork, LhcbCvaeNetwork, LhcbEarlyCganNetwork
from calosim_tf.errors import ConfigError
from calosim_tf.models import lhcb_cvae, lhcb_cvae_cgan, lhcb_early_cgan

from .test_lhcb_gan import convolution, inputs, leaky, randomised, trainable, transposed_convolution, weights

SMALL = {
    "latent": LatentLaw(size=6, mean=0.0, std=1.0),
    "encoder_filters": (4, 5, 6, 7, 8),
    "encoder_units": (9, 7),
    "latent_units": 8,
    "decoder_units": (10,),
    "decoder_seed_channels": 9,
    "decoder_filters": (8, 7, 6, 5),
}
CGAN = LhcbCvaeCganNetwork(
    **SMALL, refiner_filters=(3, 4), refiner_windows=(3, 5, 3), critic_filters=(3, 4, 5, 6), refiner_start="random"
)


def test_parameter_counts():
    """Breaks when a layer, a bias or the place where the condition joins changes, or unused layers come along."""
    decoder, encoder = (build(LhcbCvaeNetwork()) for build in (lhcb_cvae.build_generator, lhcb_cvae.build_encoder))
    assert (trainable(encoder), trainable(decoder)) == (1_023_648, 540_673)
    assert trainable(encoder) + trainable(decoder) == 1_564_321
    moving = encoder.count_params() + decoder.count_params() - 1_564_321
    assert moving == 4_224


@pytest.mark.parametrize(
    ("values", "refiner"),
    [({}, 10_081), ({"refiner_filters": (16, 16), "refiner_windows": (3, 3, 3)}, 2_625)],
)
@pytest.mark.slow
def test_parameter_counts_of_refiner_and_critic(values, refiner):
    """Breaks when a window or a pooling changes: both refiners of the authors, and their critic."""
    network = LhcbCvaeCganNetwork(**values)
    assert trainable(lhcb_cvae_cgan.build_generator(network)) == 540_673 + refiner
    assert trainable(lhcb_cvae_cgan.build_critic(network)) == 1_211_969


@pytest.mark.slow
def test_parameter_counts_and_images_of_the_first_generation():
    """Breaks when a layer of the April 2020 network changes, or its images do not grow as PyTorch's do."""
    network = LhcbEarlyCganNetwork()
    encoder, decoder = lhcb_early_cgan.build_encoder(network), lhcb_early_cgan.build_decoder(network)
    assert (trainable(encoder), trainable(decoder)) == (144_000 + 8_040, 2_142_241)
    moving = encoder.count_params() + decoder.count_params() - 2_294_281
    assert moving == 1_536
    sides = [decoder.get_layer(f"stage_{stage}_bn").output.shape[1] for stage in range(1, 7)]
    assert sides == [7, 9, 11, 24, 26, 28]
    assert decoder.output.shape[1:] == (30, 30, 1)
    assert [encoder.get_layer(f"stage_{stage}").output.shape[1] for stage in (1, 3, 4, 6)] == [30, 30, 7, 7]


def test_the_doubling_of_the_first_generation_has_pytorchs_output_padding():
    """Breaks when the line that output padding adds is at the beginning, or is no longer the bias alone."""
    decoder = lhcb_early_cgan.build_decoder(LhcbEarlyCganNetwork(decoder_filters=(3, 3, 3, 2, 2, 2)))
    doubled = keras.Model(decoder.get_layer("stage_4_pad").input, decoder.get_layer("stage_4_crop").output)
    x = np.random.default_rng(1).normal(size=(2, 11, 11, 3)).astype("f4")
    expected = transposed_convolution(x, *weights(decoder, "stage_4"), stride=2, padding=0, output_padding=1)
    np.testing.assert_allclose(doubled(x).numpy(), expected, rtol=1e-4, atol=1e-5)


def normalised(model, name, x):
    gamma, beta, mean, variance = weights(model, f"{name}_bn")
    return leaky(gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta)


def dense(model, name, x):
    kernel, bias = weights(model, name)
    return x @ kernel + bias


def decoded(decoder, given):
    """The decoder's layers one after another."""
    x = normalised(decoder, "latent_hidden", dense(decoder, "latent_hidden", given["latent"].astype("f8")))
    x = np.concatenate([x, given["condition"]], axis=1)
    for name in ("hidden_0", "hidden_1"):
        x = normalised(decoder, name, dense(decoder, name, x))
    x = x.reshape(-1, 9, 2, 2).transpose(0, 2, 3, 1)
    for name in ("stage_1", "stage_2", "stage_3", "stage_4"):
        x = normalised(decoder, name, transposed_convolution(x, *weights(decoder, name)))
    x = transposed_convolution(x, *weights(decoder, "cells"), stride=1, padding=0, output_padding=0)
    assert x.shape == (3, 34, 34, 1)
    return np.maximum(x, 0)[:, 1:31, 1:31]


def test_generator_equals_the_pytorch_layers_written_out():
    """Breaks when the crop is centred, the condition joins the latent, or a normalisation or slope is another one."""
    network = LhcbCvaeNetwork(**SMALL)
    generator = randomised(lhcb_cvae.build_generator(network))
    given, _ = inputs(network)
    expected, found = decoded(generator, given), generator(given).numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4 * expected.max())
    assert 0.05 < (found == 0).mean() < 0.95


def test_encoder_equals_the_pytorch_layers_written_out():
    """Breaks when the second convolution is padded at its end only, a later one too, or the heads are not linear."""
    network = LhcbCvaeNetwork(**SMALL)
    encoder = randomised(lhcb_cvae.build_encoder(network))
    _, given = inputs(network)
    x = given["showers"].astype("f8")
    for stage in range(1, 6):
        way = {"stride": 1 if stage == 1 else 2, "padding": 1 if stage < 3 else 0}
        x = normalised(encoder, f"stage_{stage}", convolution(x, *weights(encoder, f"stage_{stage}"), **way))
    assert x.shape == (3, 1, 1, 8)
    x = np.concatenate([x[:, 0, 0], given["condition"]], axis=1)
    for name in ("hidden_0", "hidden_1"):
        x = normalised(encoder, name, dense(encoder, name, x))
    found = encoder(given)
    for name in ("mean", "log_variance"):
        expected = dense(encoder, name, x)
        np.testing.assert_allclose(found[name].numpy(), expected, rtol=1e-3, atol=1e-4 * abs(expected).max())


def test_the_refiner_sees_the_image_of_the_decoder_and_nothing_else():
    """Breaks when a window has another size, an edge is cut, or the last activation lets negative cells through."""
    generator = lhcb_cvae_cgan.build_generator(CGAN)
    decoder = randomised(generator.get_layer("decoder"))
    rng = np.random.default_rng(7)
    for name in ("refiner_1", "refiner_2", "refined"):
        layer = generator.get_layer(name)
        layer.set_weights([rng.normal(0.0, 0.3, weight.shape) for weight in layer.get_weights()])
    given, _ = inputs(CGAN)
    x = decoder(given).numpy().astype("f8")
    for name, window in (("refiner_1", 3), ("refiner_2", 5), ("refined", 3)):
        x = convolution(x, *weights(generator, name), stride=1, padding=window // 2)
        x = np.maximum(x, 0) if name == "refined" else leaky(x)
    found = generator(given).numpy()
    assert 0.05 < (found == 0).mean() < 0.95
    np.testing.assert_allclose(found, x, rtol=1e-3, atol=1e-4 * x.max())


def test_a_refiner_may_start_as_the_identity():
    """Breaks when the first image of the second stage is not that of the autoencoder, or other channels start at 0."""
    generator = lhcb_cvae_cgan.build_generator(replace(CGAN, refiner_start="identity"), seed=3)
    decoder = randomised(generator.get_layer("decoder"))
    given, _ = inputs(CGAN)
    np.testing.assert_allclose(generator(given).numpy(), decoder(given).numpy(), rtol=1e-6)
    kernels = weights(generator, "refiner_1")[0][..., 1:], weights(generator, "refiner_2")[0][..., 1:]
    assert all((kernel != 0).all() for kernel in kernels)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"refiner_windows": (5, 3, 3)}, "network.refiner_windows"),
        ({"refiner_windows": (5, 3, 4, 5)}, "network.refiner_windows"),
        ({"refiner_start": "zero"}, "network.refiner_start"),
        ({"decoder_filters": (8, 8)}, "network.decoder_filters"),
        ({"encoder_units": ()}, "network.encoder_units"),
        ({"latent": LatentLaw(size=16, mean=0.5, std=0.5)}, "network.latent"),
        ({"initialiser": "he"}, "network.initialiser"),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(values, key):
    """Breaks when networks are built that do not fit together, or latents are drawn from another law than the prior."""
    with pytest.raises(ConfigError, match=key):
        replace(LhcbCvaeCganNetwork(), **values)
