"""Folding: the same function without normalisations."""

import keras
import numpy as np
import pytest

from calosim_tf.config import LhcbGanNetwork
from calosim_tf.experiments import get_experiment
from calosim_tf.export.fold import ChannelAffine, folded
from calosim_tf.latents import draw_latents
from calosim_tf.layers.spectral_normalisation import SpectralNormalisation
from calosim_tf.models import lhcb_gan
from calosim_tf.training.build import build_generator

from .conftest import FAMILIES, randomise, small_tables


def outputs(network, latent_law, condition_size):
    latent = draw_latents(latent_law, 1, 0, 6)
    condition = np.random.default_rng(2).uniform(0.1, 1.2, (6, condition_size)).astype("f4")
    return network({"latent": latent, "condition": condition}, training=False).numpy()


def layers(network, kind):
    return [layer.name for layer in network.layers if isinstance(layer, kind)]


# Normalisations that no linear layer can take up: G1 pads with zeros behind 15 of its 21, conv3d behind both
KEPT = {"conv2d_3dgan": 15, "conv3d_3dgan": 2}


# The quick suite folds one network without normalisations and one with them before convolutions
QUICK = ("calo_shower_gan", "lhcb_gan")


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAMILIES]
)
def test_the_folded_network_is_the_same_function(family, monkeypatch):
    """Breaks when a scale goes into the wrong axis of a kernel, a shift is lost, or one is folded through a padding."""
    small_tables(monkeypatch)
    name, values = FAMILIES[family]
    experiment = get_experiment(name).with_values(values)
    network = build_generator(experiment)
    randomise(network)
    plain = folded(network)
    sizes = experiment.network.latent, experiment.network.condition_size
    expected = outputs(network, *sizes)
    assert expected.std() > 0
    np.testing.assert_allclose(outputs(plain, *sizes), expected, rtol=0, atol=5e-6 * np.abs(expected).max())
    assert layers(plain, keras.layers.BatchNormalization) == []
    assert len(layers(plain, ChannelAffine)) == KEPT.get(family, 0)


@pytest.mark.parametrize("kind", ["own", pytest.param("addons", marks=pytest.mark.addons)])
def test_spectral_normalisation_is_folded_too(kind):
    """Breaks when a kernel keeps its sigma, an attention block its wrappers, or gamma is left behind."""
    network = LhcbGanNetwork(
        generator_filters=(16, 16, 16, 8), attention="one_each", spectral_norm_generator=True, spectral_norm=kind
    )
    generator = lhcb_gan.build_generator(network, seed=4)
    randomise(generator)
    plain = folded(generator)
    sizes = network.latent, network.condition_size
    expected = outputs(generator, *sizes)
    assert expected.std() > 0
    np.testing.assert_allclose(outputs(plain, *sizes), expected, rtol=0, atol=5e-6 * np.abs(expected).max())
    assert layers(plain, (SpectralNormalisation, keras.layers.Wrapper)) == []


def test_a_shift_before_a_padded_convolution_stays_exact_at_the_edge():
    """Breaks when a shift is folded into the bias of a convolution whose windows hold zeros at the edge."""
    x = inputs = keras.Input((4, 4, 2), name="latent")
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.LeakyReLU()(x))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 3, padding="same", name="convolution")(x))
    model.get_layer("bn").set_weights([np.full(2, w) for w in (1.3, 5.0, 0.0, 1.0)])
    plain = folded(model)
    zeros = np.zeros((1, 4, 4, 2), dtype="f4")
    np.testing.assert_allclose(plain(zeros).numpy(), model(zeros).numpy(), rtol=1e-5, atol=1e-5)
    assert layers(plain, ChannelAffine) == ["bn"]
