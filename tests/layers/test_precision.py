"""Which layers multiply in 16 bits, and that they multiply as rounded matrices do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.experiments import get_experiment
from calosim_tf.layers.precision import in_precision, reduced_layers
from calosim_tf.layers.shower_image import CellSum
from calosim_tf.layers.spectral_normalisation import SpectralNormalisation
from calosim_tf.training.build import build_networks

POLICIES = {"mixed_bfloat16": tf.bfloat16, "mixed_float16": tf.float16}


def small_critic():
    """Two inputs, a skipped connection, batch normalisation, and two heads of which one sees no weights."""
    showers, condition = keras.Input((6,), name="showers"), keras.Input((1,), name="condition")
    x = keras.layers.Concatenate(name="both")([showers, condition])
    first = keras.layers.LeakyReLU(0.2, name="first_activation")(keras.layers.Dense(5, name="first")(x))
    second = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(5, name="second")(first))
    joined = keras.layers.Add(name="joined")([first, second])
    third = keras.layers.ReLU(name="third_activation")(keras.layers.Dense(4, name="third")(joined))
    score = keras.layers.Dense(1, name="score")(third)
    total = CellSum(name="total")(keras.layers.Reshape((6, 1, 1, 1), name="image")(showers))
    return keras.Model({"showers": showers, "condition": condition}, {"score": score, "total": total})


def test_inner_layers_are_reduced_and_no_others():
    """Breaks when a condition, a score or an input that is only moved loses digits, or nothing is reduced."""
    inner = {"second", "third", "third_activation"}
    assert reduced_layers(small_critic(), exact_inputs=True) == inner
    assert reduced_layers(small_critic(), exact_inputs=False) == inner | {"first", "first_activation"}


def test_what_an_unknown_layer_takes_stays_exact():
    """Breaks when a layer of physics, for example shares of energy, is given numbers of three digits."""

    class Physics(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2.0

    x = inputs = keras.Input((3,))
    for name in ("a", "b", "c"):
        x = keras.layers.Dense(4, name=name)(x)
    x = keras.layers.Dense(4, name="d")(Physics(name="physics")(x))
    network = keras.Model(inputs, keras.layers.Dense(2, name="e")(x))
    assert reduced_layers(network, exact_inputs=True) == {"b", "d"}
    assert reduced_layers(network, exact_inputs=False) == {"a", "b", "d"}


@pytest.mark.parametrize(
    ("name", "generator", "critic"),
    [
        ("photon", {"hidden_1", "hidden_2"}, {"hidden_0", "hidden_1", "hidden_2"}),
        (
            "lhcb_sagan_sn_gd",
            {"stage_1", "stage_2", "stage_3"},
            {"stage_1", "stage_2", "stage_3", "stage_4", "hidden_0", "hidden_1"},
        ),
    ],
)
def test_layers_of_the_papers(name, generator, critic):
    """Breaks when a change of the rules or of a network takes its layers out of 16 bits, or puts its ends in."""
    networks = build_networks(get_experiment(name))
    for network, expected in (("generator", generator), ("critic", critic)):
        whole = {layer.name for layer in networks[network].layers if layer.weights}
        assert reduced_layers(networks[network], network == "generator") & whole == expected


def random_network(seed=0):
    x = inputs = keras.Input((7,), name="latent")
    for name, units in (("a", 16), ("b", 12), ("c", 5)):
        x = keras.layers.Dense(units, activation="relu" if name != "c" else None, name=name)(x)
    network = keras.Model(inputs, x, name="inside")
    rng = np.random.default_rng(seed)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("policy", POLICIES)
def test_outputs_are_those_of_rounded_matrices(policy):
    """Breaks when layers only claim to be in 16 bits, or the ends or the weights are rounded for good."""
    network = random_network()
    reduced = in_precision(network, policy, exact_inputs=True)
    x = np.random.default_rng(1).normal(size=(50, 7)).astype("f4")
    (w_a, b_a, w_b, b_b, w_c, b_c), kind = network.get_weights(), POLICIES[policy].as_numpy_dtype

    def rounded(values):
        return values.astype(kind).astype("f8")

    first = np.maximum(x @ w_a + b_a, 0.0)
    second = rounded(rounded(rounded(first) @ rounded(w_b)) + rounded(b_b))
    expected = np.maximum(second, 0.0) @ w_c + b_c
    found = reduced(x).numpy()
    assert found.dtype == np.float32
    scale = np.abs(expected).max()
    # one more rounding where a kernel adds up in another order
    digit = {"mixed_bfloat16": 2.0**-8, "mixed_float16": 2.0**-11}[policy]
    assert np.abs(found - expected).max() < digit * scale
    assert np.abs(found - network(x).numpy()).max() > 0.1 * digit * scale
    assert all(np.array_equal(a, b) for a, b in zip(reduced.get_weights(), network.get_weights(), strict=True))
    assert {weight.dtype if isinstance(weight.dtype, str) else weight.dtype.name for weight in reduced.weights} == {
        "float32"
    }


def test_networks_inside_networks_are_reduced_too():
    """Breaks when the shape network of a factorised generator is left out, or its last layer is not exact."""
    inside = random_network()
    inputs = keras.Input((7,), name="latent")
    whole = keras.Model(inputs, keras.layers.Activation("linear", name="showers")(inside(inputs)))
    reduced = in_precision(whole, "mixed_bfloat16", exact_inputs=True)
    x = np.random.default_rng(1).normal(size=(9, 7)).astype("f4")
    np.testing.assert_array_equal(
        reduced(x).numpy(), in_precision(inside, "mixed_bfloat16", exact_inputs=True)(x).numpy()
    )
    assert next(layer for layer in reduced.layers if layer.name == "inside").get_layer("b").compute_dtype == "bfloat16"


def test_spectral_norms_are_found_in_float32():
    """Breaks when sigma or u has three digits, or the convolution is not the one of the rounded kernel."""

    def network():
        x = inputs = keras.Input((6, 6, 3))
        for name in ("a", "b", "c"):
            x = SpectralNormalisation(keras.layers.Conv2D(3, 2, name=name, padding="same"), seed=3, name=name)(x)
        return keras.Model(inputs, x)

    plain = network()
    reduced = in_precision(plain, "mixed_bfloat16", exact_inputs=True)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("f4")
    close, layer = plain(x, training=True).numpy(), reduced.get_layer("b")
    found = reduced(x, training=True).numpy()
    np.testing.assert_array_equal(layer.u.numpy(), plain.get_layer("b").u.numpy())
    assert (layer.compute_dtype, layer.layer.compute_dtype) == ("float32", "bfloat16")
    assert 0.0 < np.abs(found - close).max() < 0.03 * np.abs(close).max()
