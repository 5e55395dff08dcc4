"""Parameters and convolutions of all networks of 3DGAN: the published numbers and those of the authors' code."""

import importlib

import numpy as np
import pytest

from calosim_tf.config.conv2d_network import Conv2dGanNetwork
from calosim_tf.config.conv3d_network import AngleGanNetwork, Conv3dGanNetwork
from calosim_tf.config.network import LatentLaw

# Builds networks in their full size
pytestmark = pytest.mark.slow

G1 = Conv2dGanNetwork()
G2 = Conv2dGanNetwork(generator="g2", output_activation="linear")
G3 = Conv2dGanNetwork(generator="g3", output_activation="linear")
OLDER_ANGLE = AngleGanNetwork(conditioning="scaled", latent=LatentLaw(size=255))

# network, convolutions, parameters in all, trainable ones.  Convolutions and the leading digits of G1 to G3 and of the
# first Conv3D: table 1 of the paper (752k, 2052k, 2131k, 2397k); the others: authors' code.
GENERATORS = {
    "g1": (G1, 28, 2_055_324, 2_053_446),
    "g2": (G2, 177, 2_131_000, 2_125_300),
    "g3": (G3, 25, 2_397_022, 2_394_774),
    "g3_aligned": (Conv2dGanNetwork(generator="g3", aligned=True), 25, 2_397_022, 2_394_774),
    "conv3d_32": (Conv3dGanNetwork(), 4, 752_980, 752_904),
    "conv3d_64": (Conv3dGanNetwork(first_filters=64), 4, 872_948, 872_808),
    "angle": (AngleGanNetwork(), 7, 1_365_047, 1_364_983),
    "angle_scaled": (OLDER_ANGLE, 7, 1_365_047, 1_364_983),
}
CRITICS = {
    "conv2d_18": (G1, 18, 714_114, 712_888),
    "conv2d_27": (Conv2dGanNetwork(generator="g3", critic_convolutions=27), 27, 902_658, 900_856),
    "conv2d_batch": (Conv2dGanNetwork(bn_mode="batch"), 18, 714_114, 712_888),
    "conv3d": (Conv3dGanNetwork(), 4, 73_450, 73_402),
    "angle": (AngleGanNetwork(), 4, 87_402, 87_354),
}


def counts(model):
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    convolutions = sum("Conv" in type(layer).__name__ for layer in model.layers)
    return convolutions, model.count_params(), trainable


def family(network):
    return importlib.import_module(f"calosim_tf.models.{network.family}")


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_have_the_published_counts(name):
    """Breaks when a filter, kernel, bias, branch or normalisation differs, or a seed makes weights of its own."""
    network, *expected = GENERATORS[name]
    generator = family(network).build_generator(network)
    assert counts(generator) == tuple(expected)
    assert generator.output_shape == (None, *network.showers_shape)
    assert {tensor.name: tensor.shape[1] for tensor in generator.inputs} == {
        "latent": network.latent.size,
        "condition": network.condition_size,
    }


@pytest.mark.parametrize("name", CRITICS)
def test_critics_have_the_published_counts(name):
    """Breaks when a layer differs, or the sum of the cells gets a weight."""
    network, *expected = CRITICS[name]
    critic = family(network).build_critic(network)
    assert counts(critic) == tuple(expected)
    heads = {"generation", "auxiliary", "ecal"} | ({"angle"} if name == "angle" else set())
    assert critic.output_shape == dict.fromkeys(heads, (None, 1))


def test_first_dense_layer_of_the_baseline_holds_most_of_it():
    """630 336 of 752 980, the 630k of 753k (84 %) that the paper complains about."""
    network = Conv3dGanNetwork()
    dense = family(network).build_generator(network).get_layer("dense_1")
    assert dense.count_params() == 630_336
