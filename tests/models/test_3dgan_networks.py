"""What the networks of 3DGAN compute: axes, conditioning, heads, normalisation, seeds."""

import keras
import numpy as np
import pytest

from calosim_tf.config.conv2d_network import Conv2dGanNetwork
from calosim_tf.config.conv3d_network import AngleGanNetwork, Conv3dGanNetwork
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError
from calosim_tf.models import angle_3dgan, conv2d_3dgan, conv3d_3dgan
from calosim_tf.models.three_d_gan_parts import Parts

IMAGE = np.arange(25**3, dtype="f4").reshape(1, 25, 25, 25)


@pytest.fixture(scope="module")
def g1():
    return conv2d_3dgan.build_generator(Conv2dGanNetwork(), seed=1)


@pytest.fixture(scope="module")
def g1_critic():
    return conv2d_3dgan.build_critic(Conv2dGanNetwork(), seed=2)


@pytest.fixture
def without_weights(monkeypatch):
    """Stacks of convolutions replaced by the identity: what is left are permutations and sums."""
    monkeypatch.setattr(conv2d_3dgan, "_stack", lambda parts, x, table: x)


def latents(rows, size=200, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, size)).astype("f4")


def test_permutations_are_inverses_and_name_the_right_channel():
    """Breaks when one of the two is mistyped: 'y as channel' must move axis 2 of (x, y, z) to the end, and back."""
    there = keras.layers.Permute(conv2d_3dgan.Y_AS_CHANNEL)(IMAGE)
    np.testing.assert_array_equal(there, IMAGE.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(keras.layers.Permute(conv2d_3dgan.X_AS_CHANNEL)(there), IMAGE)
    np.testing.assert_array_equal(keras.layers.Permute(conv2d_3dgan.X_AS_CHANNEL)(IMAGE), IMAGE.transpose(0, 2, 3, 1))


def test_branches_are_turned_back_before_they_are_joined(without_weights):
    """Breaks when a branch comes back with other axes: with empty branches all three are the image itself."""
    joined = conv2d_3dgan._seen_along_each_axis(None, IMAGE, ())
    np.testing.assert_array_equal(joined, np.concatenate([IMAGE] * 3, axis=-1))


def test_aligned_skips_add_equal_axes_and_the_coded_ones_do_not(without_weights):
    """With stages that do nothing, p1 + p2 + (p1 + p2) is 4 times the image if and only if all axes agree."""
    np.testing.assert_array_equal(conv2d_3dgan._join_aligned(None, IMAGE), 4 * IMAGE)
    turned = IMAGE.transpose(0, 3, 1, 2)
    expected = IMAGE + turned + (IMAGE + turned).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(conv2d_3dgan._join_as_coded(None, IMAGE), expected)


def test_aligned_needs_g3():
    """Breaks when a setting without effect is accepted."""
    with pytest.raises(ConfigError, match=r"network\.aligned: found true with network.generator = 'g1'"):
        Conv2dGanNetwork(aligned=True)


def test_the_energy_multiplies_the_latent(g1):
    """Breaks when the condition is ignored or added: half the latent at twice the energy is the same shower."""
    latent = latents(2)
    one = g1({"latent": latent, "condition": np.full((2, 1), 0.5, "f4")}).numpy()
    same = g1({"latent": latent / 2, "condition": np.full((2, 1), 1.0, "f4")}).numpy()
    np.testing.assert_allclose(one, same, rtol=1e-4, atol=1e-5 * one.max())
    assert one.max() > 0.0
    other = g1({"latent": latent, "condition": np.full((2, 1), 1.0, "f4")}).numpy()
    assert not np.allclose(one, other, rtol=1e-2)


def test_frozen_networks_ignore_the_training_flag(g1, g1_critic):
    """Breaks when batch statistics or dropout come back into the networks the authors trained without."""
    inputs = {"latent": latents(3), "condition": np.ones((3, 1), "f4")}
    np.testing.assert_array_equal(g1(inputs, training=True), g1(inputs, training=False))
    judged = {"showers": IMAGE / IMAGE.max(), "condition": np.ones((1, 1), "f4")}
    before = g1_critic(judged, training=True)
    for name, value in g1_critic(judged, training=False).items():
        np.testing.assert_array_equal(before[name], value)


def test_output_activation_is_relu_or_nothing(g1):
    """Breaks when G1's final ReLU is lost, or G2 and G3 get one."""
    inputs = {"latent": latents(2), "condition": np.ones((2, 1), "f4")}
    linear = conv2d_3dgan.build_generator(Conv2dGanNetwork(output_activation="linear"), seed=1)
    cells = linear(inputs).numpy()
    assert cells.min() < 0.0
    np.testing.assert_allclose(g1(inputs).numpy(), np.maximum(cells, 0.0), rtol=1e-5, atol=1e-6)


def test_heads_of_a_critic(g1_critic):
    """Breaks when ecal is not the plain sum in GeV, the probability is a logit, or the condition is looked at."""
    image = np.random.default_rng(1).exponential(1e-3, size=(2, 25, 25, 25)).astype("f4")
    found = g1_critic({"showers": image, "condition": np.zeros((2, 1), "f4")})
    np.testing.assert_allclose(found["ecal"][:, 0], image.sum(axis=(1, 2, 3)), rtol=1e-5)
    assert np.all((found["generation"] > 0) & (found["generation"] < 1))
    other = g1_critic({"showers": image, "condition": np.ones((2, 1), "f4")})
    np.testing.assert_array_equal(found["auxiliary"], other["auxiliary"])


@pytest.mark.slow
def test_the_cell_scale_changes_what_is_seen_but_not_the_unit():
    """Breaks when the scale leaks into the ECAL sum or the generated energies are not divided by it."""
    image = np.random.default_rng(1).exponential(1e-3, size=(1, 25, 25, 25)).astype("f4")
    plain, scaled = (conv3d_3dgan.build_critic(Conv3dGanNetwork(cell_scale=scale), 3) for scale in (1.0, 100.0))
    a = plain({"showers": 100 * image, "condition": np.ones((1, 1), "f4")})
    b = scaled({"showers": image, "condition": np.ones((1, 1), "f4")})
    np.testing.assert_allclose(a["generation"], b["generation"], rtol=1e-4)
    np.testing.assert_allclose(a["ecal"], 100 * b["ecal"], rtol=1e-4)
    inputs = {"latent": latents(1), "condition": np.ones((1, 1), "f4")}
    one, hundredth = (
        conv3d_3dgan.build_generator(Conv3dGanNetwork(cell_scale=scale), 3)(inputs) for scale in (1.0, 100.0)
    )
    np.testing.assert_allclose(one, 100 * hundredth.numpy(), rtol=1e-5)


@pytest.mark.parametrize("conditioning", ["concatenated", "scaled"])
def test_angle_networks_see_energy_and_angle(conditioning):
    """Breaks when one of the two conditions does not reach the generator, or 'scaled' multiplies by the angle."""
    size = 254 if conditioning == "concatenated" else 255
    network = AngleGanNetwork(conditioning=conditioning, latent=LatentLaw(size=size))
    inputs, first = angle_3dgan._conditioned_latent(network)
    head = keras.Model(inputs, first)
    latent = latents(1, size)
    found = head({"latent": latent, "condition": np.array([[0.5, 1.6]], "f4")}).numpy()[0]
    expected = [0.5, 1.6, *latent[0]] if conditioning == "concatenated" else [1.6, *(0.5 * latent[0])]
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-6)


def test_the_seed_fixes_the_initial_weights_and_layers_differ(g1):
    """Breaks when initialisers draw from global state or share a seed."""
    again = conv2d_3dgan.build_generator(Conv2dGanNetwork(), seed=1)
    for a, b in zip(g1.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kernels = [weight.numpy() for weight in g1.trainable_weights if weight.shape == (5, 5, 64, 64)]
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels) > 3


@pytest.mark.parametrize(("mode", "expected"), [("frozen", 0), ("batch", 1)])
def test_dropout_stands_in_batch_mode_only(mode, expected):
    """Breaks when dropout acts in the networks that are trained without the training flag."""
    image = keras.Input((4, 4, 3))
    dropped = Parts(Conv2dGanNetwork(bn_mode=mode), 0).drop(image)
    assert len(keras.Model(image, dropped).layers) - 1 == expected
