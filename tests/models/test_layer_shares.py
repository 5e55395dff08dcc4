"""Layer-normalised output block, the zero gate, and batch normalisation folded into the dense layers."""

import keras
import numpy as np
import pytest

from calosim_tf.config import DenseGanNetwork, LatentLaw
from calosim_tf.layers.layer_shares import GATE, LayerShares
from calosim_tf.models.calo_shower_gan import build_generator

SIZES = (2, 3, 1)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def rows(seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(0.0, scale, (50, sum(SIZES) + len(SIZES) + 1)).astype("f4")


def test_shares_are_softmax_by_layer_softmax_over_layers_and_relu():
    """Breaks when a softmax runs over the whole vector, or the total passes unrectified."""
    x = rows()
    found = LayerShares(SIZES)(x).numpy()
    expected = [softmax(x[:, :2]), softmax(x[:, 2:5]), softmax(x[:, 5:6]), softmax(x[:, 6:9]), np.maximum(x[:, 9:], 0)]
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-5, atol=1e-7)
    assert (x[:, 9] < 0).any()


def test_the_plain_block_never_empties_a_layer_and_the_gate_does():
    """Breaks when the gate leaves a remainder in closed layers, closes all of them, or loses energy."""
    x = rows(scale=3.0)
    plain, gated = LayerShares(SIZES)(x).numpy(), LayerShares(SIZES, gate=True)(x).numpy()
    assert (plain[:, 6:9] > 0).all()
    shares = softmax(x[:, 6:9])
    np.testing.assert_array_equal(gated[:, 6:9] == 0, shares <= GATE)
    assert 10 < (gated[:, 6:9] == 0).sum() < 100
    above = np.maximum(shares - GATE, 0)
    np.testing.assert_allclose(gated[:, 6:9], above / above.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-7)
    per_voxel = np.repeat(gated[:, 6:9], SIZES, axis=1)
    assert (gated[:, :6][per_voxel == 0] == 0).all()
    np.testing.assert_array_equal(gated[:, :6][per_voxel > 0], plain[:, :6][per_voxel > 0])


def test_the_gate_is_continuous_where_a_layer_opens():
    """Breaks when a layer jumps from nothing to a finite share."""
    logits = np.zeros((2, 10), "f4")
    logits[:, 6] = np.log((1 - GATE) / 2 / GATE)  # shares of layers 1 and 2 in units of that of layer 0
    logits[:, 6:9] = np.log([[0.5, 0.5 - GATE * 1.001, GATE * 1.001], [0.5, 0.5 - GATE * 0.999, GATE * 0.999]])
    found = LayerShares(SIZES, gate=True)(logits).numpy()[:, 8]
    assert 0 < found[0] < 2e-5
    assert found[1] == 0


def test_a_layer_normalised_generator_survives_cloning():
    """Breaks when the block cannot be rebuilt from its settings: the averaged generator is a clone."""
    network = DenseGanNetwork(
        latent=LatentLaw(size=3), n_outputs=10, generator_units=(4,), layer_sizes=SIZES, layer_gate=True,
        output_activation="linear",
    )  # fmt: skip
    generator = build_generator(network, seed=1)
    clone = keras.models.clone_model(generator)
    clone.set_weights(generator.get_weights())
    inputs = {"latent": np.ones((2, 3), "f4"), "condition": np.ones((2, 1), "f4")}
    np.testing.assert_array_equal(clone(inputs).numpy(), generator(inputs).numpy())


def activation(name, slope):
    return {
        "swish": lambda x: x / (1 + np.exp(-x)),
        "relu": lambda x: np.maximum(x, 0),
        "leaky_relu": lambda x: np.where(x > 0, x, slope * x),
    }[name]


@pytest.mark.parametrize(
    ("hidden", "output", "place"),
    [("swish", "swish", "all"), ("relu", "relu", "hidden"), ("leaky_relu", "swish", "all")],
)
def test_frozen_batch_normalisation_folds_into_the_dense_layers(hidden, output, place):
    """Kernel times gamma / sqrt(1.001), bias times the same plus beta: dense layers alone give the same showers."""
    network = DenseGanNetwork(
        latent=LatentLaw(size=5), n_outputs=7, generator_units=(6, 4), generator_bn=place, leaky_relu_slope=0.1,
        generator_activation=hidden, output_activation=output,
    )  # fmt: skip
    generator = build_generator(network, seed=3)
    rng = np.random.default_rng(0)
    for layer in generator.layers:
        if layer.name.endswith("_bn"):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([rng.normal(size=gamma.shape), rng.normal(size=beta.shape), mean, variance])
    latent, condition = rng.normal(size=(4, 5)).astype("f4"), rng.random((4, 1)).astype("f4")
    names = [layer.name for layer in generator.layers]
    x = np.concatenate([latent, condition], axis=1).astype("f8")
    for name in ("hidden_0", "hidden_1", "output"):
        kernel, bias = (array.astype("f8") for array in generator.get_layer(name).get_weights())
        if f"{name}_bn" in names:
            gamma, beta, mean, variance = (
                array.astype("f8") for array in generator.get_layer(f"{name}_bn").get_weights()
            )
            assert (mean == 0).all()
            assert (variance == 1).all()
            factor = gamma / np.sqrt(1.001)
            kernel, bias = kernel * factor, bias * factor + beta
        x = activation(output if name == "output" else hidden, 0.1)(x @ kernel + bias)
    found = generator({"latent": latent, "condition": condition}, training=True).numpy()
    np.testing.assert_allclose(found, x, rtol=2e-5, atol=1e-6)
