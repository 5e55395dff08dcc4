"""Photon networks: exact parameter counts, exact layer arithmetic, frozen batch normalisation."""

import keras
import numpy as np
import pytest

from calosim_tf.config import DenseGanNetwork, LatentLaw
from calosim_tf.experiments import get_experiment
from calosim_tf.models.calo_shower_gan import build_critic, build_generator
from calosim_tf.training.build import build_networks

SMALL = DenseGanNetwork(
    latent=LatentLaw(size=5), n_outputs=7, generator_units=(6, 4), critic_units=(8, 3), generator_bn="all"
)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def swish(x):
    return x / (1 + np.exp(-x))


def test_photon_parameter_counts_are_the_published_ones():
    """Breaks when a layer, bias or normalisation is added or lost (talk: 261k and 408k; exact by arithmetic)."""
    network = get_experiment("photon").network
    generator, critic = build_generator(network), build_critic(network)
    assert trainable(generator) == 260_504
    assert generator.count_params() == 262_640
    assert trainable(critic) == critic.count_params() == 408_113


@pytest.mark.parametrize(("seed", "generator_seed", "critic_seed"), [(0, 0, 5_000), (3, 30_000, 35_000)])
def test_the_first_weights_of_a_seed_never_change(seed, generator_seed, critic_seed):
    """Breaks when a run of the same seed begins with other weights than in an earlier release."""
    network = {"generator_units": (6, 4), "critic_units": (8, 3), "latent.size": 5}
    values = {"run.seed": seed} | {f"network.{key}": value for key, value in network.items()}
    networks = build_networks(get_experiment("photon").with_values(values))
    first = {"generator": ("glorot_normal", generator_seed), "critic": ("he_uniform", critic_seed)}
    assert networks.keys() == first.keys()
    for name, (initialiser, number) in first.items():
        kernels = [weight for weight in networks[name].get_weights() if weight.ndim == 2]
        assert len(kernels) == 3
        for index, kernel in enumerate(kernels):
            drawn = keras.initializers.get({"class_name": initialiser, "config": {"seed": number + index}})
            np.testing.assert_array_equal(kernel, np.asarray(drawn(kernel.shape)))


@pytest.mark.parametrize(("place", "normalisation"), [("none", 0), ("hidden", 4 * (6 + 4)), ("all", 4 * (6 + 4 + 7))])
def test_batch_normalisation_stands_where_the_setting_says(place, normalisation):
    """Breaks when the output layer is normalised although only the hidden ones should be (pion against photon)."""
    network = DenseGanNetwork(
        latent=LatentLaw(size=5), n_outputs=7, generator_units=(6, 4), critic_units=(8,), generator_bn=place
    )
    dense = (6 + 1) * 6 + (6 + 1) * 4 + (4 + 1) * 7
    assert build_generator(network).count_params() == dense + normalisation


def test_generator_output_equals_the_layer_table_in_numpy():
    """Breaks when order of normalisation and activation, epsilon or the place of the condition changes."""
    generator = build_generator(SMALL, seed=3)
    rng = np.random.default_rng(0)
    for layer in generator.layers:
        if layer.name.endswith("_bn"):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([rng.normal(size=gamma.shape), rng.normal(size=beta.shape), mean, variance])
    latent, condition = rng.normal(size=(4, 5)).astype("f4"), rng.normal(size=(4, 1)).astype("f4")
    x = np.concatenate([latent, condition], axis=1)
    for name in ("hidden_0", "hidden_1", "output"):
        kernel, bias = generator.get_layer(name).get_weights()
        gamma, beta, mean, variance = generator.get_layer(f"{name}_bn").get_weights()
        x = x @ kernel + bias
        x = swish((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta)
    found = generator({"latent": latent, "condition": condition}).numpy()
    np.testing.assert_allclose(found, x, rtol=2e-5, atol=1e-6)


def test_critic_output_equals_the_layer_table_in_numpy():
    """Breaks when the score is squashed or the condition is not concatenated behind the voxels."""
    critic = build_critic(SMALL, seed=4)
    rng = np.random.default_rng(1)
    showers, condition = rng.normal(size=(4, 7)).astype("f4"), rng.normal(size=(4, 1)).astype("f4")
    x = np.concatenate([showers, condition], axis=1)
    for name in ("hidden_0", "hidden_1"):
        kernel, bias = critic.get_layer(name).get_weights()
        x = np.maximum(x @ kernel + bias, 0)
    kernel, bias = critic.get_layer("score").get_weights()
    found = critic({"showers": showers, "condition": condition}).numpy()
    np.testing.assert_allclose(found, x @ kernel + bias, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("mode", "moves"), [("frozen", False), ("batch", True)])
def test_moving_statistics_move_only_in_batch_mode(mode, moves):
    """Breaks when frozen batch normalisation starts to follow the batch (or textbook mode does not)."""
    network = DenseGanNetwork(
        latent=LatentLaw(size=5), n_outputs=7, generator_units=(6,), critic_units=(3,), bn_mode=mode
    )
    generator = build_generator(network)
    before = generator.get_layer("hidden_0_bn").get_weights()[2:]
    generator({"latent": np.ones((4, 5), "f4"), "condition": np.ones((4, 1), "f4")}, training=True)
    after = generator.get_layer("hidden_0_bn").get_weights()[2:]
    changed = any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert changed is moves


def test_the_seed_fixes_the_initial_weights_and_layers_differ():
    """Breaks when initialisers draw from global state, or when two layers share a seed."""
    first, again, other = (build_generator(SMALL, seed) for seed in (1, 1, 2))
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    critic = build_critic(DenseGanNetwork(n_outputs=7, critic_units=(8, 8), generator_units=(4,)), seed=1)
    square = critic.get_layer("hidden_1").get_weights()[0]
    assert not np.array_equal(critic.get_layer("hidden_0").get_weights()[0], square)
