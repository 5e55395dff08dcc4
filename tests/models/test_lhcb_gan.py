"""LHCb networks: exact parameter counts, and random weights against the layers of PyTorch written out in numpy."""

import dataclasses

import keras
import numpy as np
import pytest

from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.errors import ConfigError
from calosim_tf.layers.initialisers import initial_weights
from calosim_tf.models.lhcb_gan import build_critic, build_generator

SMALL = LhcbGanNetwork(generator_filters=(12, 10, 9, 8), critic_filters=(8, 9, 10, 11), critic_units=(7, 6))
SPECTRAL = dataclasses.replace(
    SMALL, attention="two_each", spectral_norm_generator=True, spectral_norm_critic=True, value_full_width=True
)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def inputs(network, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    condition = rng.normal(0.0, 3.0, (batch, network.condition_size)).astype("f4")
    latent = rng.normal(size=(batch, network.latent.size)).astype("f4")
    return {"latent": latent, "condition": condition}, {
        "showers": rng.gamma(0.3, 2.0, (batch, 30, 30, 1)).astype("f4"),
        "condition": condition,
    }


def randomised(model, seed=1):
    """Random weights everywhere: biases, moving statistics (positive, for the variances) and gamma too."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0.0, 0.3, w.shape) for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(rng.uniform(0.02, 0.2, layer.moving_variance.shape))
    return model


@pytest.mark.parametrize(
    ("values", "generator", "critic"),
    [
        ({}, 656_321, 406_721),
        pytest.param({"attention": "one_each"}, 658_458, 408_858, marks=pytest.mark.slow),
        pytest.param({"attention": "two_each"}, 659_015, 409_415, marks=pytest.mark.slow),
        pytest.param({"attention": "one_each", "value_full_width": True}, 661_522, 411_922, marks=pytest.mark.slow),
        (
            {"attention": "one_each", "spectral_norm_generator": True, "spectral_norm_critic": True},
            658_458,
            408_858,
        ),
    ],
)
def test_parameter_counts(values, generator, critic):
    """Breaks when a layer, bias or block is added, lost or moved (released weights: 656 321; the rest by formula)."""
    network = LhcbGanNetwork(**values)
    assert trainable(build_generator(network)) == generator
    assert trainable(build_critic(network)) == critic


def test_only_batch_normalisation_adds_non_trainable_numbers():
    """448 moving statistics in the generator, none in the critic."""
    assert build_generator(LhcbGanNetwork()).count_params() == 656_321 + 448
    assert build_critic(LhcbGanNetwork()).count_params() == 406_721


def transposed_convolution(x, kernel, bias, stride=2, padding=1, output_padding=1):
    """ConvTranspose2d of PyTorch, one input cell after the other: input i reaches output i * stride - padding + k."""
    batch, side, _, _ = x.shape
    size = (side - 1) * stride - 2 * padding + kernel.shape[0] + output_padding
    out = np.zeros((batch, size, size, kernel.shape[2])) + bias
    for row, column, k, m in np.ndindex(side, side, *kernel.shape[:2]):
        r, c = row * stride - padding + k, column * stride - padding + m
        if 0 <= r < size and 0 <= c < size:
            out[:, r, c] += x[:, row, column] @ kernel[k, m].T  # kernel (rows, columns, out, in)
    return out


def convolution(x, kernel, bias, stride=2, padding=0):
    """Conv2d of PyTorch (a correlation)."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    size = (x.shape[1] - kernel.shape[0]) // stride + 1
    out = np.zeros((len(x), size, size, kernel.shape[3])) + bias
    for row, column, k, m in np.ndindex(size, size, *kernel.shape[:2]):
        out[:, row, column] += x[:, row * stride + k, column * stride + m] @ kernel[k, m]
    return out


def leaky(x):
    return np.where(x > 0, x, 0.01 * x)


def weights(model, name):
    return [w.astype("f8") for w in model.get_layer(name).get_weights()]


def test_generator_equals_the_pytorch_layers_written_out():
    """Breaks when padding is 'same' (one cell off), the crop takes the wrong edge, or channels come last in the
    reshape. Also when the leaky slope is Keras' 0.3, the BN epsilon its 1e-3, or BN or ReLU stands in the wrong
    place."""
    generator = randomised(build_generator(SMALL))
    given, _ = inputs(SMALL)
    kernel, bias = weights(generator, "dense")
    x = leaky(np.concatenate([given["latent"], given["condition"]], axis=1).astype("f8") @ kernel + bias)
    x = x.reshape(-1, 12, 2, 2).transpose(0, 2, 3, 1)
    for stage in (1, 2, 3, 4):
        x = transposed_convolution(x, *weights(generator, f"stage_{stage}"))
        if stage < 4:
            gamma, beta, mean, variance = weights(generator, f"stage_{stage}_bn")
            x = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
        x = np.maximum(x, 0)
    assert x.shape == (3, 32, 32, 1)
    found = generator(given).numpy()
    np.testing.assert_allclose(found, x[:, 1:31, 1:31], rtol=2e-4, atol=2e-4 * x.max())
    assert 0.1 < (found > 0).mean() < 0.9


def test_critic_equals_the_pytorch_layers_written_out():
    """Breaks when another convolution than the first is padded, the condition joins elsewhere, or the slope changes."""
    critic = randomised(build_critic(SMALL))
    _, given = inputs(SMALL)
    x = given["showers"].astype("f8")
    for stage in (1, 2, 3, 4):
        x = leaky(convolution(x, *weights(critic, f"stage_{stage}"), padding=1 if stage == 1 else 0))
    assert x.shape == (3, 1, 1, 11)
    x = np.concatenate([x[:, 0, 0], given["condition"].astype("f8")], axis=1)
    for name in ("hidden_0", "hidden_1", "score"):
        kernel, bias = weights(critic, name)
        x = x @ kernel + bias
        x = x if name == "score" else leaky(x)
    np.testing.assert_allclose(critic(given).numpy(), x, rtol=1e-3, atol=1e-4 * abs(x).max())


@pytest.mark.parametrize(
    ("attention", "generator", "critic"),
    [
        ("none", {}, {}),
        ("one_each", {"attention_2": (8, 8, 64)}, {"attention_2": (7, 7, 64)}),
        (
            "two_each",
            {"attention_2": (8, 8, 64), "attention_3": (16, 16, 32)},
            {"attention_1": (15, 15, 32), "attention_2": (7, 7, 64)},
        ),
    ],
)
def test_attention_stands_where_the_setting_says(attention, generator, critic):
    """Breaks when a block moves to another stage, where it has another cost and another meaning."""
    network = LhcbGanNetwork(attention=attention)
    for build, expected in ((build_generator, generator), (build_critic, critic)):
        layers = build(network).layers
        assert {x.name: tuple(x.output.shape[1:]) for x in layers if x.name.startswith("attention")} == expected


def wrapped(model):
    names = {layer.name for layer in model.layers if hasattr(layer, "u")}
    for layer in model.layers:
        if layer.name.startswith("attention"):
            names |= {f"{layer.name}/{c.name}" for c in layer.convolutions() if hasattr(c, "u")}
    return names


STAGES = {"stage_1", "stage_2", "stage_3", "stage_4"}
DENSE = {"hidden_0", "hidden_1", "score"}
BLOCK = {"attention_2/f", "attention_2/g", "attention_2/h", "attention_2/v"}


@pytest.mark.parametrize(
    ("values", "generator", "critic"),
    [
        ({}, set(), set()),
        ({"spectral_norm_critic": True}, set(), STAGES | DENSE | BLOCK),
        ({"spectral_norm_generator": True}, STAGES | {"dense"} | BLOCK, set()),
        ({"spectral_norm_generator": True, "normalise_generator_dense": False}, STAGES | BLOCK, set()),
        ({"spectral_norm_critic": True, "normalise_attention": False}, set(), STAGES | DENSE),
        pytest.param(
            {"spectral_norm_critic": True, "spectral_norm": "addons"},
            set(),
            STAGES | DENSE | BLOCK,
            marks=pytest.mark.addons,
        ),
    ],
)
@pytest.mark.slow
def test_spectral_normalisation_covers_what_the_settings_say(values, generator, critic):
    """Breaks when a run labelled 'critic only' normalises the generator, or a layer is left out."""
    network = dataclasses.replace(SMALL, attention="one_each", **values)
    assert wrapped(build_generator(network)) == generator
    assert wrapped(build_critic(network)) == critic


@pytest.mark.slow
def test_a_normalised_generator_survives_cloning():
    """Breaks when the averaged generator, a clone, loses a wrapper or a weight."""
    generator = randomised(build_generator(SPECTRAL))
    clone = keras.models.clone_model(generator)
    clone.set_weights(generator.get_weights())
    given, _ = inputs(SPECTRAL)
    np.testing.assert_array_equal(clone(given).numpy(), generator(given).numpy())


def test_initial_weights_have_pytorch_bounds_and_follow_the_seed():
    """Breaks when a transposed convolution takes its inputs for the fan-in (PyTorch: outputs x 9), biases start at 0,
    two layers share their numbers, or the seed is ignored."""
    network = LhcbGanNetwork()
    generator, again, other = (build_generator(network, seed) for seed in (7, 7, 8))
    for name, fan_in in {"dense": 261, "stage_1": 128 * 9, "stage_2": 64 * 9, "stage_3": 32 * 9, "stage_4": 9}.items():
        kernel, bias = weights(generator, name)
        assert 0.97 * fan_in**-0.5 < abs(kernel).max() <= fan_in**-0.5 * (1 + 1e-6)
        assert 0 < abs(bias).max() <= fan_in**-0.5
        np.testing.assert_array_equal(kernel, weights(again, name)[0])
        assert abs(kernel - weights(other, name)[0]).max() > 0
    critic = build_critic(network, 7)
    for name, fan_in in {"stage_1": 9, "stage_4": 128 * 9, "hidden_0": 261, "score": 32}.items():
        assert 0.8 * fan_in**-0.5 < abs(weights(critic, name)[0]).max() <= fan_in**-0.5 * (1 + 1e-6)
    glorot = build_critic(dataclasses.replace(network, initialiser="glorot_uniform"))
    assert (weights(glorot, "stage_2")[1] == 0).all()
    with pytest.raises(ValueError, match="not one of"):
        initial_weights("zeros", 3, 0)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"attention": "three"}, "network.attention"),
        ({"spectral_norm": "keras"}, "network.spectral_norm"),
        ({"initialiser": "he"}, "network.initialiser"),
        ({"generator_filters": (64, 32)}, "network.generator_filters"),
        ({"critic_filters": (8, 8, 8, 0)}, "network.critic_filters"),
        ({"critic_units": ()}, "network.critic_units"),
        ({"leaky_relu_slope": 1.0}, "network.leaky_relu_slope"),
        ({"bn_epsilon": 0.0}, "network.bn_epsilon"),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(values, key):
    """Breaks when a misspelt option falls back to a default, or the message does not name the key."""
    with pytest.raises(ConfigError, match=key):
        LhcbGanNetwork(**values)
