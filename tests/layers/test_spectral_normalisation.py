"""Spectral normalisation against singular values from numpy, finite differences and the plain layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.self_attention import SelfAttention
from calosim_tf.layers.spectral_normalisation import SpectralNormalisation, folded_kernel, normalised

LAYERS = {
    "dense": (lambda: keras.layers.Dense(6, activation="tanh", name="plain"), (5, 9)),
    "convolution": (
        lambda: keras.layers.Conv2D(6, 3, strides=2, padding="valid", activation="relu", name="plain"),
        (5, 7, 7, 4),
    ),
    "same_convolution": (lambda: keras.layers.Conv2D(6, (2, 3), padding="same", name="plain"), (5, 4, 5, 3)),
    "transposed": (lambda: keras.layers.Conv2DTranspose(6, 3, strides=2, name="plain"), (5, 3, 4, 8)),
    "same_transposed": (
        lambda: keras.layers.Conv2DTranspose(3, 2, strides=2, padding="same", use_bias=False, name="plain"),
        (5, 3, 4, 8),
    ),
}


def made(kind, seed=0):
    """A wrapped layer with random weights, a plain one of the same shape, and an input."""
    make, shape = LAYERS[kind]
    rng = np.random.default_rng(seed)
    x = tf.constant(rng.normal(size=shape).astype("f4"))
    wrapped, plain = SpectralNormalisation(make(), seed), make()
    wrapped(x), plain(x)
    wrapped.layer.set_weights([rng.normal(size=w.shape) for w in wrapped.layer.get_weights()])
    return wrapped, plain, x


def torch_matrix(layer):
    """(outputs) x (inputs times window), as PyTorch normalises; the kernel of a transposed convolution is stored
    (rows, columns, out, in)."""
    kernel = layer.kernel.numpy().astype("f8")
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return np.moveaxis(kernel, 2, 0).reshape(kernel.shape[2], -1)
    return np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)


def sigma_of(wrapped):
    return np.median((wrapped.layer.kernel / wrapped.folded_kernel()).numpy())


@pytest.mark.parametrize("kind", LAYERS)
def test_sigma_is_the_largest_singular_value_after_warm_up(kind):
    """Breaks when the power iteration is wrong, u is not kept, or the matrix of a transposed convolution is taken over
    its input channels."""
    wrapped, _, x = made(kind)
    expected = np.linalg.svd(torch_matrix(wrapped.layer), compute_uv=False)[0]
    for _ in range(60):
        wrapped(x, training=True)
    assert sigma_of(wrapped) == pytest.approx(expected, rel=0.01)


def test_the_two_matrices_of_a_transposed_convolution_differ():
    """The test above could not tell them apart otherwise."""
    wrapped, _, _ = made("transposed")
    kernel = wrapped.layer.kernel.numpy()
    over_inputs = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    assert abs(over_inputs / np.linalg.svd(torch_matrix(wrapped.layer), compute_uv=False)[0] - 1) > 0.05


@pytest.mark.parametrize("kind", LAYERS)
def test_the_layer_acts_as_the_plain_one_with_the_folded_kernel(kind):
    """Breaks when stride, padding, bias or activation is lost on the way, or the bias is divided by sigma too."""
    wrapped, plain, x = made(kind)
    plain.set_weights([wrapped.folded_kernel().numpy(), *wrapped.layer.get_weights()[1:]])
    np.testing.assert_allclose(wrapped(x).numpy(), plain(x).numpy(), rtol=1e-4, atol=1e-5)
    assert wrapped.compute_output_shape(x.shape) == plain.compute_output_shape(x.shape)


def test_the_gradient_passes_through_sigma():
    """Finite differences of sum(c x W / (u^T W v)) with u, v held; breaks when sigma is treated as a constant."""
    wrapped, _, x = made("dense")
    wrapped.layer.activation = keras.activations.linear
    kernel = wrapped.layer.kernel.numpy().astype("f8")
    factors = np.random.default_rng(5).normal(size=(5, 6))
    # u, v of this call, in numpy
    v = kernel @ wrapped.u.numpy()
    v /= np.linalg.norm(v)
    u = v @ kernel
    u /= np.linalg.norm(u)

    def value(weights):
        return (factors * (x.numpy().astype("f8") @ weights / (v @ weights @ u))).sum()

    expected = np.zeros_like(kernel)
    for index in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = 1e-5
        expected[index] = (value(kernel + step) - value(kernel - step)) / 2e-5
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.constant(factors, tf.float32) * (wrapped(x, training=True) - wrapped.layer.bias))
    found = tape.gradient(loss, wrapped.layer.kernel).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * abs(expected).max())
    without = (x.numpy().T @ factors) / (v @ kernel @ u)
    assert abs(without - expected).max() > 0.05 * abs(expected).max()


@pytest.mark.parametrize("kind", LAYERS)
def test_training_calls_move_u_only(kind):
    """Breaks when the kernel is divided in place: two critic calls of one step would see different weights."""
    wrapped, _, x = made(kind)
    kernel, u = wrapped.layer.kernel.numpy(), wrapped.u.numpy()
    first = wrapped(x, training=True).numpy()
    for _ in range(200):
        wrapped(x, training=True)
    converged = wrapped(x, training=True).numpy()
    np.testing.assert_array_equal(wrapped.layer.kernel.numpy(), kernel)
    assert not np.allclose(wrapped.u.numpy(), u, atol=1e-3)
    assert not np.allclose(first, converged, rtol=1e-6)
    np.testing.assert_allclose(wrapped(x, training=True).numpy(), converged, rtol=1e-5, atol=1e-6)
    assert [v.name for v in wrapped.trainable_variables] == [v.name for v in wrapped.layer.trainable_variables]


def test_inference_leaves_u_alone_and_sees_what_training_sees():
    """Breaks when a call of the critic inside the generator's update would change the critic."""
    wrapped, _, x = made("convolution")
    u = wrapped.u.numpy()
    inference = wrapped(x, training=False).numpy()
    np.testing.assert_array_equal(wrapped.u.numpy(), u)
    np.testing.assert_array_equal(wrapped(x, training=True).numpy(), inference)


def test_the_length_of_u_does_not_matter():
    """Breaks when an average of several u, which is shorter than 1, changes the averaged generator's scale."""
    wrapped, _, x = made("transposed")
    before = wrapped(x).numpy()
    wrapped.u.assign(0.3 * wrapped.u)
    np.testing.assert_allclose(wrapped(x).numpy(), before, rtol=1e-5, atol=1e-6)


def test_u_moves_inside_a_traced_model_and_inside_self_attention():
    """Breaks when the training flag does not reach a nested wrapper, or the assignment is pruned from the graph."""
    inputs = keras.Input((4, 4, 8))
    attention = SelfAttention(spectral_norm="own", name="attention")
    x = normalised(keras.layers.Conv2D(8, 1, name="first"), "own")(inputs)
    model = keras.Model(inputs, attention(x))
    vectors = [model.get_layer("first").u, *(layer.u for layer in attention.convolutions())]
    assert len(vectors) == 5
    step = tf.function(lambda batch, training: model(batch, training=training))
    for training in (False, True):
        before = [u.numpy() for u in vectors]
        step(tf.ones((2, 4, 4, 8)), training)
        assert [not np.array_equal(u.numpy(), b) for u, b in zip(vectors, before, strict=True)] == [training] * 5
    attention.f.u.assign([3.0])  # one output channel: a training call makes it 1 or -1
    attention(tf.ones((2, 4, 4, 8)), training=True)
    assert abs(float(attention.f.u[0])) == pytest.approx(1.0)


@pytest.mark.addons
def test_addons_overwrite_the_kernel_and_take_the_input_channels():
    """The documented behaviour of tensorflow-addons: the stored kernel ends with singular value 1 over the wrong axis
    of a transposed convolution, and inference divides no more."""
    make, shape = LAYERS["transposed"]
    layer, x = normalised(make(), "addons", seed=2), tf.ones(shape)
    layer(x)
    # both singular values are near each other for some kernels: one where they are not, the same each time
    layer.layer.kernel.assign(np.random.default_rng(2).normal(size=layer.layer.kernel.shape) * np.arange(1, 9))
    start = layer.layer.kernel.numpy()
    layer(x, training=False)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), start)
    for _ in range(60):
        layer(x, training=True)
    kernel = layer.layer.kernel.numpy()
    assert not np.allclose(kernel, start)
    over_inputs = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    assert over_inputs == pytest.approx(1.0, rel=0.01)
    assert abs(np.linalg.svd(torch_matrix(layer.layer), compute_uv=False)[0] - 1.0) > 0.02
    np.testing.assert_array_equal(folded_kernel(layer).numpy(), kernel)


@pytest.mark.addons
def test_addons_start_from_the_seed():
    """Breaks when the wrapper's own unseeded vector comes back: the same run seed would give another training."""
    vectors = []
    for seed in (4, 4, 5):
        layer = normalised(keras.layers.Dense(6, name="plain"), "addons", seed)
        layer(tf.ones((1, 3)))
        vectors.append(layer.u.numpy())
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: keras.layers.BatchNormalization(), "BatchNormalization cannot be"),
        (lambda: keras.layers.DepthwiseConv2D(3), "DepthwiseConv2D cannot be"),
        (lambda: keras.layers.Conv2D(4, 3, dilation_rate=2), "dilation_rate 1"),
    ],
)
def test_layers_it_would_normalise_wrongly_are_refused(layer, message):
    """Breaks when a layer with another meaning of its kernel, or settings that are ignored, gets through."""
    with pytest.raises(ValueError, match=message):
        SpectralNormalisation(layer())
    with pytest.raises(ValueError, match="not one of"):
        normalised(keras.layers.Dense(1), "weight")
