"""Layers of the ILD's networks against numpy."""

import keras
import numpy as np
import pytest

from calosim_tf.experiments import get_experiment
from calosim_tf.layers.volumes.latent_density import LatentDensity
from calosim_tf.layers.volumes.spatial_normalisation import SpatialNormalisation
from calosim_tf.models.bib_ae_critics import build_critic, build_latent_critic
from calosim_tf.models.ilc_parts import Parts

RNG = np.random.default_rng(2)


def small(name="bib_ae_photon_smoke", **values):
    return get_experiment(name).with_values({f"network.{key}": value for key, value in values.items()}).network


def test_normalisation_is_over_the_cells_of_one_channel():
    """Breaks when channels or showers are mixed, the variance is that of a sample, or weights are per channel."""
    images = RNG.normal(2.0, 3.0, (2, 3, 4, 5, 2)).astype("f4")
    layer = SpatialNormalisation()
    layer.build(images.shape)
    factor, shift = (RNG.normal(size=(3, 4, 5, 1)).astype("f4") for _ in range(2))
    layer.set_weights([factor, shift])
    for shower, channel in np.ndindex(2, 2):
        cells = images[shower, ..., channel]
        expected = (cells - cells.mean()) / np.sqrt(cells.var() + 1e-5) * factor[..., 0] + shift[..., 0]
        np.testing.assert_allclose(layer(images)[shower, ..., channel], expected, rtol=1e-4, atol=1e-5)


def scattered(image, kernel, stride, padding, more):
    """Transposed convolution as PyTorch defines it: each number throws the kernel, padding is taken off both sides."""
    side, window = image.shape[0], kernel.shape[0]
    full = (side - 1) * stride + window
    thrown = np.zeros((full + more,) * 3 + (kernel.shape[3],))
    for place in np.ndindex(image.shape[:3]):
        at = tuple(slice(stride * i, stride * i + window) for i in place)
        thrown[at] += kernel @ image[place]
    end = full - padding + more
    return thrown[(slice(padding, end),) * 3]


@pytest.mark.parametrize(
    ("window", "stride", "padding", "more"), [(3, 3, 1, 2), (3, 2, 1, 1), (4, 2, 1, 0), (3, 1, 2, 0)]
)
def test_transposed_convolutions_are_those_of_pytorch(window, stride, padding, more):
    """Breaks when an image is cut at the other end: for 10 to 30 cells the last line of each axis stays empty."""
    inputs = keras.Input((4, 4, 4, 2))
    outputs = Parts(small(), 3).transposed(3, inputs, "up", window, stride, padding, more)
    network = keras.Model(inputs, outputs)
    image = RNG.normal(size=(1, 4, 4, 4, 2)).astype("f4")
    (kernel,) = network.get_weights()
    expected = scattered(image[0], kernel, stride, padding, more)
    np.testing.assert_allclose(network(image)[0], expected, rtol=1e-4, atol=1e-5)
    assert network.output.shape[1] == (4 - 1) * stride + window - 2 * padding + more


def test_the_critic_sees_originals_by_the_difference_alone():
    """Breaks when the difference branch gets the image, or the image branches get the original."""
    critic, energy = build_critic(small(), 5), np.full((2, 1), 50.0, "f4")
    images = RNG.gamma(0.3, 1.0, (2, 2, 30, 30, 30, 1)).astype("f4")
    difference = keras.Model(critic.input, critic.get_layer("difference_hidden_activation").output)
    same = {"showers": images[0], "other": images[0], "condition": energy}
    empty = {name: 0.0 * values for name, values in same.items()}
    np.testing.assert_array_equal(difference(same), difference(empty))
    cells = keras.Model(critic.input, critic.get_layer("cells_hidden").output)
    np.testing.assert_array_equal(cells(same), cells(same | {"showers": images[1]}))
    assert not np.allclose(critic(same), critic(same | {"showers": images[1]}))


def test_the_latent_critic_judges_single_numbers():
    """Breaks when numbers of a latent are seen together: another one of them must not change a score."""
    network = small()
    critic = build_latent_critic(network, 5)
    latent = RNG.normal(size=(3, network.latent.size)).astype("f4")
    other = np.concatenate([latent[:, :1], latent[:, 1:] + 1.0], axis=1)
    scores, others = critic({"latent": latent}).numpy(), critic({"latent": other}).numpy()
    assert scores.shape == latent.shape
    np.testing.assert_allclose(scores[:, 0], others[:, 0], rtol=1e-5)
    assert np.all(scores[:, 1:] != others[:, 1:])


def test_the_density_of_latents_follows_the_energy():
    """Breaks when kernels are chosen far from the energy, not at random, or codes do not have their kernel's width."""
    n, rows = 400, 4_000
    energies = np.linspace(10.0, 100.0, n).astype("f4")
    codes = np.stack([energies / 10.0, RNG.normal(size=n)], axis=1).astype("f4")
    layer = LatentDensity(n, code_size=2)
    latent = RNG.normal(size=(rows, 5)).astype("f4")
    asked = np.full((rows, 1), 40.0, "f4")
    layer([latent, asked])
    layer.fill(codes, energies)
    found = layer([latent, asked]).numpy()
    scott = n ** (-1 / 7)
    wide = np.hypot(energies.std() / 10.0, codes[:, 0].std()) * scott
    assert found.shape == (rows, 4)
    np.testing.assert_array_equal(found[:, 2:], latent[:, 2:4])
    # a normal law in energy around 40 GeV, cut at the lowest energy, and the kernel itself
    assert found[:, 0].mean() == pytest.approx(4.0, abs=0.35)
    assert found[:, 0].std() == pytest.approx(wide, rel=0.15)
    assert found[:, 1].std() == pytest.approx(np.hypot(1.0, scott), rel=0.1)


def test_an_empty_density_is_the_normal_law():
    """Breaks when a network that was never trained makes showers that are not finite."""
    layer = LatentDensity(10, code_size=2)
    latent = RNG.normal(size=(6, 5)).astype("f4")
    np.testing.assert_allclose(layer([latent, np.full((6, 1), 50.0, "f4")]), latent[:, :4])
