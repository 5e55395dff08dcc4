"""Self-attention against the paper's sums written out, and its parameter counts."""

import keras
import numpy as np
import pytest

from calosim_tf.layers.self_attention import SelfAttention


def feature_map(channels=16, rows=3, columns=4, batch=2, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, rows, columns, channels)).astype("f4")


def randomised(layer, x, gamma=0.7):
    """The layer, built, with large random weights (biases too), so that the softmax is far from flat."""
    layer(x)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0.0, 0.5, w.shape) for w in layer.get_weights()])
    layer.gamma.assign(gamma)
    return layer


def as_matrix(convolution):
    kernel, bias = (array.astype("f8") for array in convolution.get_weights())
    return kernel[0, 0].T, bias  # (out, in) as W_f x is written


def written_out(layer, x):
    """Eqs. 2 and 3, one position after the other, then y = x + gamma o; also beta."""
    batch, rows, columns, channels = x.shape
    (wf, bf), (wg, bg), (wh, bh) = (as_matrix(c) for c in (layer.f, layer.g, layer.h))
    positions = x.reshape(batch, rows * columns, channels).astype("f8")
    n = rows * columns
    beta, y = np.zeros((batch, n, n)), np.zeros_like(positions)
    for b in range(batch):
        for j in range(n):
            s = np.array([(wf @ positions[b, i] + bf) @ (wg @ positions[b, j] + bg) for i in range(n)])
            beta[b, j] = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
            o = sum(beta[b, j, i] * (wh @ positions[b, i] + bh) for i in range(n))
            if layer.v is not None:
                wv, bv = as_matrix(layer.v)
                o = wv @ o + bv
            y[b, j] = positions[b, j] + float(layer.gamma) * o
    return y.reshape(x.shape), beta


@pytest.mark.parametrize("value_full_width", [False, True])
def test_output_and_map_equal_the_paper_equations_written_out(value_full_width):
    """Breaks when the softmax runs over j, f and g change places, the residual or gamma is lost, or rows and columns
    are mixed up on the way back."""
    x = feature_map()
    layer = randomised(SelfAttention(value_full_width), x)
    y, beta = written_out(layer, x)
    assert abs(beta.sum(axis=1) - 1).max() > 0.5, "a softmax over the other index must not pass"
    np.testing.assert_allclose(layer(x).numpy(), y, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(layer.attention_map(x).numpy(), beta, atol=2e-5)


def test_a_fresh_block_is_the_identity():
    """Breaks when gamma does not start at 0: the paper lets the convolutions learn the near range first."""
    x = feature_map()
    np.testing.assert_array_equal(SelfAttention()(x).numpy(), x)


def test_gamma_has_a_gradient_at_the_start():
    """Breaks when gamma is not trainable or the block is cut off while gamma is 0: it would never learn."""
    import tensorflow as tf

    x = feature_map()
    layer = SelfAttention()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    assert any(v is layer.gamma for v in layer.trainable_variables)
    assert abs(float(tape.gradient(loss, layer.gamma))) > 1e-3


@pytest.mark.parametrize(
    ("channels", "value_full_width", "expected"),
    [
        *((32, False, 557), (64, False, 2137), (128, False, 8369), (256, False, 33121)),
        *((32, True, 1321), (64, True, 5201), (128, True, 20641), (256, True, 82241)),
    ],
)
def test_parameter_counts(channels, value_full_width, expected):
    """Breaks when a bias, gamma or the width of a map changes: counts by formula, 3 (C + 1) C/8 + (C/8 + 1) C + 1."""
    layer = SelfAttention(value_full_width)
    layer.build((None, 2, 2, channels))
    assert layer.count_params() == expected


@pytest.mark.parametrize("kind", ["none", "own", pytest.param("addons", marks=pytest.mark.addons)])
def test_a_model_with_attention_survives_cloning(kind):
    """Breaks when the block or a wrapped convolution cannot be rebuilt: the averaged generator is a clone."""
    x = feature_map()
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, SelfAttention(spectral_norm=kind, seed=3, name="attention")(inputs))
    randomised(model.get_layer("attention"), x)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(x).numpy(), model(x).numpy())
    assert abs(model(x).numpy() - x).max() > 0.1
