"""Splines, masked networks, permutations and the spaces of logits of CaloFlow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.keras_compat import raws
from calosim_tf.layers.flows.logit_space import FilledLayers, ParticleContext, SuccessiveShares, to_logits, to_shares
from calosim_tf.layers.flows.masked_spline import MOST_UNROLLED, MaskedSpline
from calosim_tf.layers.flows.passes import flow_steps, log_density, to_features, to_latent
from calosim_tf.layers.flows.permutation import FixedPermutation, reversal, shuffle
from calosim_tf.layers.flows.spline import BINS, BOUND, LEAST, PARAMETERS, inverse_spline, spline

RNG = np.random.default_rng(5)


def wild(n, scale=2.0):
    return scale * RNG.normal(size=(n, PARAMETERS))


def curve_of(x, raw):
    """The map of numbers (n,) with parameters (n, 23)."""
    return spline(x, tf.transpose(raw))


def inverse_of(y, raw):
    return inverse_spline(y, tf.transpose(raw))


def by_hand(x, raw):
    """The map of one number, from the formula of the paper, with numpy's own search."""
    if abs(x) > BOUND:
        return x

    def knots(part):
        share = np.exp(part) / np.exp(part).sum()
        return np.concatenate([[0.0], np.cumsum(LEAST + (1 - BINS * LEAST) * share)]) * 2 * BOUND - BOUND

    across, up = knots(raw[:BINS]), knots(raw[BINS : 2 * BINS])
    slopes = np.concatenate([[1.0], LEAST + np.log1p(np.exp(raw[2 * BINS :])), [1.0]])
    k = min(np.searchsorted(across, x, side="right") - 1, BINS - 1)
    width, height = across[k + 1] - across[k], up[k + 1] - up[k]
    s, t = height / width, (x - across[k]) / width
    above = height * (s * t**2 + slopes[k] * t * (1 - t))
    return up[k] + above / (s + (slopes[k + 1] + slopes[k] - 2 * s) * t * (1 - t))


def test_the_spline_is_that_of_the_formula():
    """Breaks with another order of the parameters, another tail, or a division of the raw numbers."""
    raw, x = wild(200), RNG.uniform(-16, 16, 200)
    np.testing.assert_allclose(curve_of(x, raw)[0], [by_hand(*pair) for pair in zip(x, raw, strict=True)], atol=1e-11)


def test_forth_and_back_is_where_it_was():
    """Breaks if bins of the two directions differ, or a root cancels."""
    raw, x = wild(5000, 1.0), RNG.uniform(-15, 15, 5000)
    y, log_slope = curve_of(x, raw)
    again, back = inverse_of(y, raw)
    assert np.abs(again - x).max() < 1e-12
    np.testing.assert_allclose(log_slope, -back, atol=1e-9)
    # slopes down to 1e-8 magnify the rounding of what they are divided into
    raw = wild(5000, 2.0)
    y, log_slope = curve_of(x, raw)
    again, _ = inverse_of(y, raw)
    assert (np.abs(again - x) * np.minimum(np.exp(log_slope), 1.0)).max() < 1e-12


def test_the_log_slope_is_that_of_small_steps():
    raw, x, step = wild(500), RNG.uniform(-13.9, 13.9, 500), 1e-6
    slope = (curve_of(x + step, raw)[0] - curve_of(x - step, raw)[0]) / (2 * step)
    found = np.exp(curve_of(x, raw)[1])
    # a few steps straddle a knot
    assert np.quantile(np.abs(found / slope - 1), 0.95) < 1e-5


def test_the_tails_go_on_with_slope_one():
    raw = wild(6)
    x = np.array([-20.0, -BOUND, BOUND, 20.0, -BOUND - 1e-9, BOUND + 1e-9])
    for curve in (curve_of, inverse_of):
        y, log_slope = curve(x, raw)
        np.testing.assert_allclose(y, x, atol=1e-12)
        np.testing.assert_allclose(log_slope, 0.0, atol=1e-9)


def test_gradients_are_finite_in_single_precision():
    """Breaks if the root of a rounded discriminant, or the clipped outside, gives a gradient that is not a number."""
    raw = tf.constant(wild(20_000, 4.0), tf.float32)
    x = tf.constant(RNG.uniform(-16, 16, 20_000), tf.float32)
    for curve in (curve_of, inverse_of):
        with tf.GradientTape() as tape:
            tape.watch([x, raw])
            y, log_slope = curve(x, raw)
            total = tf.reduce_sum(y) + tf.reduce_sum(log_slope)
        for gradient in tape.gradient(total, [x, raw]):
            assert np.isfinite(gradient).all()


def block(features, units, fast="density", hidden_layers=1, **options):
    layer = MaskedSpline(units, hidden_layers, fast, seed=3, dtype="float64", **options)
    layer.build([(None, features), (None, 2)])
    return layer


def jacobian(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.jacobian(y, x).numpy()


@pytest.mark.parametrize("units", [4, 11])
@pytest.mark.parametrize("fast", ["density", "sampling"])
def test_parameters_see_the_features_before_alone(fast, units):
    """Breaks if a mask is >= where it has to be >, or transposed."""
    layer = block(6, units, fast, hidden_layers=2)
    # no unit is off, which would hide what it sees
    layer.set_weights([np.abs(weight) for weight in layer.get_weights()])
    x, context = tf.constant(RNG.uniform(size=(2, 6))), tf.constant(RNG.uniform(size=(2, 2)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = tf.transpose(layer.parameters(x, context), (2, 0, 1))
    found = tape.batch_jacobian(found, x).numpy()
    seen = np.abs(found).max(axis=(0, 2))
    assert (np.triu(seen) == 0.0).all()
    # degrees 1 ... min(units, 5) reach a hidden unit
    reached = np.tril(np.ones((6, 6)), -1) * (np.arange(6) < units)
    assert ((seen > 0.0) == (reached > 0.0)).all()


@pytest.mark.parametrize("fast", ["density", "sampling"])
@pytest.mark.parametrize("features", [5, MOST_UNROLLED + 3])
def test_the_slow_direction_undoes_the_fast_one(fast, features):
    """Breaks if the parameters of a feature are found from others than in one pass, in the loop or without."""
    layer = block(features, 7, fast, hidden_layers=2)
    context = RNG.normal(size=(9, 2))
    start = RNG.normal(size=(9, features)) * 3
    forth, back = ("density", "sample") if fast == "density" else ("sample", "density")
    moved, log_det, raw = getattr(layer, forth)(start, context)
    again, other, nothing = getattr(layer, back)(moved, context)
    assert np.abs(again - start).max() < 1e-12
    np.testing.assert_allclose(log_det, -other, atol=1e-9)
    assert raw.shape == (features, PARAMETERS, 9)
    assert nothing is None


def test_masked_weights_stay_where_they_are():
    """Breaks if training moves a weight that inference then uses without its mask."""
    layer = block(6, 4)
    x, context = tf.constant(RNG.normal(size=(20, 6))), tf.constant(RNG.normal(size=(20, 2)))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer.density(x, context, training=True)[0] ** 2)
    kernels = raws([layer.input_kernel, layer.hidden_kernel, layer.output_kernel])
    masked = 0
    for kernel, gradient in zip(kernels, tape.gradient(value, kernels), strict=True):
        closed = tf.convert_to_tensor(kernel).numpy() == 0.0
        masked += closed.sum()
        assert (gradient.numpy()[closed] == 0.0).all()
        assert (gradient.numpy()[~closed] != 0.0).any()
    # 6 x 4 with degrees 1 to 4: 3 + 2 + 1 and 2 x 4; 4 x 4: 6; of the 6 features: 4 + 3 + 2 + 1
    assert masked == 14 + 6 + PARAMETERS * 10


def test_dropout_and_context_act_where_they_should():
    """Breaks if the context is added before its activation: with bias -1 and no kernel it adds exactly nothing."""
    layer = block(5, 7)
    layer.context_kernel.assign(0.0 * tf.convert_to_tensor(layer.context_kernel))
    layer.context_bias.assign(-tf.ones(7, tf.float64))
    x = RNG.normal(size=(3, 5))
    contexts = RNG.normal(size=(2, 3, 2))
    first, second = (layer.parameters(x, context).numpy() for context in contexts)
    np.testing.assert_array_equal(first, second)
    layer.context_bias.assign(tf.ones(7, tf.float64))
    assert (layer.parameters(x, contexts[0]).numpy() != first).any()


def toy(fast, features=2, units=6, blocks=3):
    """A flow of several blocks with permutations between them, as a network."""
    latent, context = keras.Input((features,), name="latent"), keras.Input((2,), name="context")
    x = latent
    for index in reversed(range(blocks)):
        if index < blocks - 1:
            x = FixedPermutation(np.roll(np.arange(features), 1), name=f"permutation_{index}", dtype="float64")(x)
        x = MaskedSpline(units, 1, fast, seed=10 * index, name=f"block_{index}", dtype="float64")([x, context])
    return keras.Model([latent, context], x)


@pytest.mark.parametrize("fast", ["density", "sampling"])
def test_the_density_integrates_to_one(fast):
    """Breaks if a determinant has the wrong sign, or is left out of a block."""
    network = toy(fast)
    edge, n = 15.0, 250
    middle = (np.arange(n) + 0.5) / n * 2 * edge - edge
    points = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
    density = np.exp(log_density(network, points, np.tile([[0.3, -0.8]], (n * n, 1))))
    assert abs(density.sum() * (2 * edge / n) ** 2 - 1.0) < 2e-3


@pytest.mark.parametrize("fast", ["density", "sampling"])
@pytest.mark.slow
def test_a_flow_undoes_itself_and_its_network_samples(fast):
    """Breaks if blocks and permutations are taken in another order in one of the directions."""
    network = toy(fast, features=6)
    features, context = RNG.normal(size=(8, 6)), RNG.normal(size=(8, 2))
    latent = to_latent(network, features, context)
    back = to_features(network, latent.value, context)
    np.testing.assert_allclose(back.value, features, atol=1e-11)
    np.testing.assert_allclose(back.log_det, -latent.log_det, atol=1e-9)
    np.testing.assert_allclose(network([latent.value, tf.constant(context)]), features, atol=1e-5)
    for one, other in zip(latent.states, reversed(back.states), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11)


@pytest.mark.slow
def test_a_teacher_of_one_block_is_triangular_behind_its_permutation():
    """Breaks if the permutation is undone on the wrong side."""
    network = toy("density", features=5, blocks=2)
    (last, permutation, first) = flow_steps(network)
    assert permutation.order == (4, 0, 1, 2, 3)
    assert (last.name, first.name) == ("block_1", "block_0")
    context = tf.constant(RNG.normal(size=(1, 2)))
    x = tf.constant(RNG.normal(size=(1, 5)))
    inner = jacobian(lambda x: first.density(x, context)[0], x)[0, :, 0]
    assert (np.triu(inner, 1) == 0.0).all()
    assert (np.diag(inner) > 0.0).all()
    ordered = jacobian(lambda x: permutation.density(first.density(x, context)[0]), x)[0, :, 0]
    assert (np.triu(ordered[np.argsort(permutation.order)], 1) == 0.0).all()
    assert np.triu(ordered, 1).any()


def test_permutations_stay_inside_their_layer():
    sizes = (3, 1, 4)
    np.testing.assert_array_equal(reversal(sizes), [2, 1, 0, 3, 7, 6, 5, 4])
    order = shuffle(sizes, 7, 2)
    for start, size in ((0, 3), (3, 1), (4, 4)):
        assert sorted(order[start : start + size]) == list(range(start, start + size))
    np.testing.assert_array_equal(order, shuffle(sizes, 7, 2))
    assert (shuffle((50,), 7, 2) != shuffle((50,), 7, 3)).any()
    layer = FixedPermutation(order)
    x = RNG.normal(size=(2, 8)).astype("f4")
    np.testing.assert_array_equal(layer(layer.density(x)), x)
    np.testing.assert_array_equal(layer.density(x), x[:, order])


def test_logits_of_shares_near_the_ends():
    """Breaks if a share of 0 or 1 leaves the square of the spline, or loses its digits in single precision."""
    shares = np.array([0.0, 1e-9, 1e-3, 0.5, 1.0 - 1e-6, 1.0])
    for dtype, tolerance in (("f8", 1e-12), ("f4", 1e-6)):
        logits = to_logits(tf.constant(shares.astype(dtype)), 1e-6)
        assert np.abs(logits).max() == pytest.approx(np.log(1e6), rel=1e-3)
        np.testing.assert_allclose(to_shares(logits, 1e-6), shares, atol=tolerance)


def test_layer_energies_and_voxels_go_there_and_back():
    """Breaks if shares are of another rest, or filled layers miss their energy."""
    sizes = (3, 2, 4)
    voxels = RNG.exponential(size=(20, 9)) * 1e-3
    energy = np.full((20, 1), 0.1)
    filled = FilledLayers(sizes, 1e-6, dtype="float64")
    energies = filled.sums(voxels)
    np.testing.assert_allclose(energies[:, 1], voxels[:, 3:5].sum(axis=1))
    space = SuccessiveShares(1e-6, 2.42, dtype="float64")
    logits = space.logits(energies, energy)
    u = to_shares(logits, 1e-6).numpy()
    np.testing.assert_allclose(u[:, 0], voxels.sum(axis=1) / 0.242, rtol=1e-9)
    np.testing.assert_allclose(u[:, 2], energies[:, 1] / (energies[:, 1] + energies[:, 2]), rtol=1e-6)
    np.testing.assert_allclose(space([logits, energy]), energies, rtol=1e-6)
    again = filled([filled.logits(voxels, energies), energies])
    np.testing.assert_allclose(again, voxels, rtol=1e-5)
    np.testing.assert_allclose(np.abs(filled([RNG.normal(size=(20, 9)), energies])).sum(axis=1), voxels.sum(axis=1))


def test_the_context_of_a_particle_and_its_layers():
    context = ParticleContext(10.0, 2.0, dtype="float64")
    found = context([np.array([[0.1]]), np.array([[0.0, 1e-2 - 1e-8]])])
    np.testing.assert_allclose(found, [[0.0, -6.0, 0.0]], atol=1e-9)
    np.testing.assert_allclose(ParticleContext(3.0, dtype="float64")(np.array([[1.0]])), [[np.log10(3.0)]])
