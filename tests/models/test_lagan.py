"""LAGAN networks: counts of the authors' code, start weights of their Keras, the class of a jet."""

import numpy as np
import pytest

from calosim_tf.config import LaganNetwork, LatentLaw
from calosim_tf.errors import ConfigError
from calosim_tf.layers.minibatch_discrimination import MinibatchDiscrimination
from calosim_tf.models.lagan import build_critic, build_generator

SMALL = LaganNetwork(
    latent=LatentLaw(size=5, mean=0.0, std=1.0), seed_channels=2, generator_filters=(3, 2, 2), critic_filters=(2,) * 4,
    minibatch_features=2, minibatch_dimensions=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def generator():
    return build_generator(LaganNetwork(), seed=1)


@pytest.fixture(scope="module")
def critic():
    return build_critic(LaganNetwork(), seed=2)


def counts(network):
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return trained, network.count_params() - trained


def parameters(network):
    return {layer.name: layer.count_params() for layer in network.layers if layer.count_params()}


def test_parameter_counts(generator, critic):
    """Breaks when a window, width, bias, zero-padding or batch normalisation differs from the authors' networks."""
    assert counts(generator) == (3_586_932, 140)
    assert counts(critic) == (1_398_986, 48)
    assert parameters(generator) == {
        "embedding": 400, "seed": 1_260_672, "conv": 204_864, "conv_bn": 256, "local_1": 1_882_776, "local_1_bn": 24,
        "local_2": 223_080, "local_3": 15_000,
    }  # fmt: skip
    assert parameters(critic) == {
        "conv": 832, "local_1": 1_082_952, "local_1_bn": 32, "local_2": 271_752, "local_2_bn": 32, "local_3": 28_616,
        "local_3_bn": 32, "closeness": 14_600, "score": 93, "signal": 93,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("variant", "generator_count", "critic_count"),
    [("dcgan", 1_519_705, 1_018_738), ("fcn", 895_315, 1_257_586), ("hybrid", 2_414_620, 2_276_082)],
)
@pytest.mark.slow
def test_parameter_counts_of_the_rivals(variant, generator_count, critic_count):
    """Breaks when a network that the paper compares with loses a layer, or the hybrid one has two tables of classes."""
    network = LaganNetwork(variant=variant)
    assert counts(build_generator(network))[0] == generator_count
    assert counts(build_critic(network))[0] == critic_count


def uniform(bound):
    return bound / np.sqrt(3), bound


# Keras 1: both fans of a kernel of three axes are the root of its size; spread, and largest number where there is one
START = {
    "generator": {
        "local_1": uniform(0.0661), "local_2": uniform(0.1132), "local_3": (0.0904, None), "embedding": (0.0995, None),
    },
    "critic": {
        "local_1": uniform(0.0537), "local_2": uniform(0.0760), "local_3": uniform(0.1336),
        "closeness": uniform(0.1581),
    },
}  # fmt: skip


@pytest.mark.parametrize(("which", "name"), [(which, name) for which, laws in START.items() for name in laws])
def test_start_weights_have_the_spread_of_keras_1(which, name, generator, critic):
    """Breaks when locally connected kernels start 8 to 15 times smaller, as later versions of Keras start them."""
    spread, largest = START[which][name]
    network = generator if which == "generator" else critic
    kernel = network.get_layer(name).get_weights()[0]
    assert kernel.std() == pytest.approx(spread, rel=0.15 if name == "embedding" else 0.02)
    if largest is not None:
        assert np.abs(kernel).max() == pytest.approx(largest, rel=2e-3)


def test_images_have_no_negative_pixel_and_the_class_chooses_them():
    """Breaks when the last map is not rectified, the class is ignored, or it is not the row of the table."""
    network = build_generator(SMALL, 3)
    latent = np.random.default_rng(0).normal(size=(4, 5)).astype("f4")

    def images(label):
        return network({"latent": latent, "condition": np.full((4, 1), label, "f4")}).numpy()

    first, second = images(0.0), images(1.0)
    assert first.shape == (4, 25, 25, 1)
    assert first.min() == 0.0
    assert not np.allclose(first, second)
    (table,) = network.get_layer("embedding").get_weights()
    network.get_layer("embedding").set_weights([table[::-1]])
    np.testing.assert_allclose(images(0.0), second, rtol=1e-6)
    np.testing.assert_allclose(images(1.0), first, rtol=1e-6)


def test_heads_of_the_critic():
    """Breaks when closeness is limited by a tanh as in CaloGAN: for copies of one jet it is the size of the batch."""
    network = build_critic(SMALL, 4)
    shapes = {name: tuple(output.shape) for name, output in zip(network.output_names, network.outputs, strict=True)}
    assert shapes == {"score": (None, 1), "signal": (None, 1)}
    joined = network.get_layer("closeness_and_features")
    closeness = network.get_layer("closeness")
    assert isinstance(closeness, MinibatchDiscrimination)
    assert joined.output.shape[1] == 2 + 3 * 3 * 2
    np.testing.assert_allclose(closeness(np.ones((6, 18), "f4")).numpy(), 6.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"generator_filters": (3, 2)}, r"network\.generator_filters: found \(3, 2\), expected 3 widths"),
        ({"critic_filters": (1, 2, 3, 0)}, r"network\.critic_filters: found .*, expected 4 widths"),
        ({"critic_dropout": 1.0}, r"network\.critic_dropout: found 1\.0"),
    ],
)
def test_impossible_settings_are_refused(values, words):
    """Breaks when a wrong width fails deep inside Keras."""
    with pytest.raises(ConfigError, match=words):
        LaganNetwork(**values)
