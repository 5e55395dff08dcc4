"""The layers of CaloGAN against loops in numpy and numbers calculated by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.blur import FixedBlur
from calosim_tf.layers.energy_features import EnergyFeatures, EnergySum, LayerEnergies
from calosim_tf.layers.layer_attention import LayerAttention
from calosim_tf.layers.locally_connected import LocallyConnected2D
from calosim_tf.layers.minibatch_discrimination import MinibatchDiscrimination


def rng_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape).astype("f4")


def test_minibatch_discrimination_equals_a_loop_over_pairs():
    """Breaks when the event itself is left out, the bias is lost, or features and dimensions are exchanged."""
    layer, x = MinibatchDiscrimination(3, 2, seed=4), rng_array(5, 4)
    layer.build((None, 4))
    layer.set_weights([rng_array(3, 4, 2, seed=1), rng_array(3, 2, seed=2)])
    kernel, bias = layer.get_weights()
    expected = np.zeros((5, 3))
    for b in range(5):
        for other in range(5):
            for feature in range(3):
                m, m_other = (x[row] @ kernel[feature] + bias[feature] for row in (b, other))
                expected[b, feature] += np.exp(-np.abs(m - m_other).sum())
    found = layer(x).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (found >= 1).all()


def test_events_far_apart_count_only_themselves_and_equal_ones_all():
    """Ends of the range: 1 for a lonely event, the batch size for a batch of copies."""
    layer = MinibatchDiscrimination(2, 3, seed=0)
    np.testing.assert_allclose(layer(np.ones((6, 4), "f4")).numpy(), 6.0)
    np.testing.assert_allclose(layer(1e4 * rng_array(6, 4)).numpy(), 1.0)
    assert [w.shape for w in layer.get_weights()] == [(2, 4, 3), (2, 3)]


def test_the_gradient_of_minibatch_discrimination_is_that_of_the_sum():
    """Breaks when a closeness passes no gradient, so the generator could not learn from it."""
    layer, x = MinibatchDiscrimination(2, 3, seed=1), rng_array(4, 5)
    layer(x)

    def total(values):
        return float(tf.reduce_sum(layer(values)))

    with tf.GradientTape() as tape:
        watched = tf.constant(x)
        tape.watch(watched)
        value = tf.reduce_sum(layer(watched))
    gradient = tape.gradient(value, watched).numpy()
    moved = x.copy()
    moved[2, 3] += 1e-3
    assert gradient[2, 3] == pytest.approx((total(moved) - total(x)) / 1e-3, rel=0.05, abs=1e-3)
    assert np.abs(gradient[2, 3]) > 1e-2


@pytest.mark.parametrize(
    ("kernel", "strides", "use_bias"),
    [((2, 2), (1, 1), False), ((3, 2), (1, 2), True), ((3, 3), (2, 2), True)],
)
def test_locally_connected_equals_a_loop_over_places(kernel, strides, use_bias):
    """Breaks when places share a kernel, the order in a patch changes, or strides are exchanged."""
    layer, x = LocallyConnected2D(3, kernel, strides, use_bias), rng_array(2, 5, 6, 2)
    layer.build(x.shape)
    layer.set_weights([rng_array(*weight.shape, seed=i) for i, weight in enumerate(layer.get_weights())])
    weights = layer.get_weights()
    rows, columns = (5 - kernel[0]) // strides[0] + 1, (6 - kernel[1]) // strides[1] + 1
    expected = np.zeros((2, rows, columns, 3))
    for row in range(rows):
        for column in range(columns):
            top, left = row * strides[0], column * strides[1]
            patch = x[:, top : top + kernel[0], left : left + kernel[1]].reshape(2, -1)
            expected[:, row, column] = patch @ weights[0][row * columns + column]
            if use_bias:
                expected[:, row, column] += weights[1][row, column]
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_the_blur_is_a_mean_of_neighbours_and_survives_training():
    """Breaks when the kernel is trained, does not average, or mixes channels."""
    inputs = keras.Input((4, 5, 2))
    outputs = FixedBlur(3, 3, name="blur")(keras.layers.Conv2D(2, 1)(inputs))
    model = keras.Model(inputs, outputs)
    blur = model.get_layer("blur")
    x = rng_array(3, 4, 5, 2)
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    expected = np.mean([padded[:, i : i + 4, j : j + 5] for i in range(3) for j in range(3)], axis=0)
    np.testing.assert_allclose(blur(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    conv = model.layers[1].get_weights()[0]
    model.fit(x, x, epochs=3, verbose=0)
    assert not np.array_equal(model.layers[1].get_weights()[0], conv)
    np.testing.assert_array_equal(blur.get_weights()[0], np.full((3, 3, 2, 1), np.float32(1 / 9)))
    assert (len(blur.trainable_weights), blur.count_params()) == (0, 18)


def softmax_of_two(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_convolutional_attention_is_a_softmax_mean_of_own_and_carry():
    """Breaks when own and carried map are exchanged, the border is not zero, or the softmax runs over cells."""
    own, carry = rng_array(2, 3, 4, 1, seed=1), rng_array(2, 3, 4, 1, seed=2)
    layer = LayerAttention(seed=3)
    found = layer([own, carry]).numpy()
    kernel, bias = layer.get_weights()
    assert (kernel.shape, layer.count_params()) == ((3, 3, 2, 2), 38)
    np.testing.assert_array_equal(bias, [0, 0])
    both = np.concatenate([own, carry], axis=-1)
    padded = np.pad(both, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for row in range(3):
        for column in range(4):
            logits = np.einsum("bijc,ijcf->bf", padded[:, row : row + 3, column : column + 3], kernel)
            expected = (both[:, row, column] * softmax_of_two(logits)).sum(axis=-1)
            np.testing.assert_allclose(found[:, row, column, 0], expected, rtol=1e-4, atol=1e-5)


def test_the_original_attention_begins_with_trust_in_its_own_layer():
    """Bias -10 of the second channel: with a zero kernel the carried layer weighs 1/(1 + e^10) = 4.54e-5."""
    own, carry = np.zeros((1, 2, 3, 1), "f4"), np.ones((1, 2, 3, 1), "f4")
    layer = LayerAttention(local=True)
    layer([own, carry])
    kernel, bias = layer.get_weights()
    assert (kernel.shape, bias.shape) == ((6, 18, 2), (2, 3, 2))
    layer.set_weights([np.zeros_like(kernel), bias])
    np.testing.assert_allclose(layer([own, carry]).numpy(), 4.5398e-5, rtol=1e-4)


def test_energy_features_are_the_sums_scales_and_flag_by_hand():
    """Breaks when a scale, the 5 GeV limit or the order of layers changes."""
    cells = np.array([[1, 2, 3, 4, 5.0], [10, 20, 0, 0, 40.0]], "f4")
    energies = LayerEnergies((2, 3))(cells)
    np.testing.assert_allclose(energies.numpy(), [[3, 12], [30, 40]])
    np.testing.assert_allclose(EnergySum()(energies).numpy(), [[15], [70]])
    found = EnergyFeatures()([energies, np.array([[19.0], [64.9]], "f4")]).numpy()
    np.testing.assert_allclose(found, [[0.3, 1.2, 0.15, 4.0, 0.0], [3.0, 4.0, 0.7, 5.1, 10.0]], rtol=1e-5)
