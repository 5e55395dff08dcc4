"""CaloGAN networks: published sizes, ranges, and what each input does."""

import keras
import numpy as np
import pytest

from calosim_tf.config import LatentLaw
from calosim_tf.config.calogan_network import CaloGanNetwork, original_calogan
from calosim_tf.errors import ConfigError
from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.models.calogan import build_critic, build_generator

SMALL = {
    "latent": LatentLaw(size=6, mean=0.0, std=1.0),
    "seed_channels": 2,
    "minibatch_features": 2,
    "minibatch_dimensions": 2,
}
CONDITION = np.array([[60.0, 1.5, 0.1, 20.0, -30.0], [5.0, 1.6, -0.1, -10.0, 40.0]], "f4")


def small(variant="conditional"):
    if variant == "original":
        return original_calogan(**SMALL, generator_filters=(3, 2), critic_filters=(2, 3, 2, 2))
    return CaloGanNetwork(
        variant=variant, **SMALL, generator_filters=(3, 2), smearing_filters=2, critic_filters=(2, 3, 2),
        attribute_units=(6, 5), attribute_dropout=(0.2, 0.5),
    )  # fmt: skip


def size_of(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


# generator trainable and not, critic trainable and not: counted on the authors' code
COUNTS = {
    "conditional": (CaloGanNetwork(), (29_606_810, 393, 4_197_368, 576)),
    "explicit_blur": (CaloGanNetwork(variant="explicit_blur"), (29_639_802, 384, 4_198_376, 576)),
    "original": (original_calogan(), (29_726_280, 96, 2_744_332, 192)),
}


@pytest.mark.parametrize("variant", COUNTS)
@pytest.mark.slow
def test_networks_have_the_sizes_of_the_authors(variant):
    """Breaks when a kernel, width, bias, padding, head or attention differs; only BN and the blur are not trained."""
    network, expected = COUNTS[variant]
    generator, critic = build_generator(network), build_critic(network)
    found = [
        size_of(weights)
        for model in (generator, critic)
        for weights in (model.trainable_weights, model.non_trainable_weights)
    ]
    assert tuple(found) == expected


@pytest.mark.slow
def test_critic_features_are_those_of_the_authors():
    """21 775 numbers reach the last layer; breaks when a layer's map, sparsity or minibatch feature is left out."""
    critic = build_critic(CaloGanNetwork())
    assert critic.get_layer("features").output.shape[1] == 21_775
    sizes = [critic.get_layer(f"layer_{index}_features").output.shape[1] for index in range(3)]
    assert sizes == [12_544, 5_824, 3_328]


@pytest.mark.parametrize(
    "variant", [pytest.param(name, marks=() if name == "original" else pytest.mark.slow) for name in COUNTS]
)
def test_showers_are_never_negative_and_the_energy_head_is_their_sum(variant):
    """Breaks when the last rectifier is lost, or the energy head has a scale or sums one layer."""
    network = small(variant)
    condition = CONDITION[:, : network.condition_size]
    latent = np.random.default_rng(0).normal(size=(2, 6)).astype("f4")
    showers = build_generator(network, 1)({"latent": latent, "condition": condition}).numpy()
    assert showers.shape == (2, 504)
    assert showers.min() >= 0
    assert (showers > 0).mean() > 0.05
    judged = build_critic(network, 2)({"showers": showers, "condition": condition})
    np.testing.assert_allclose(judged["energy"].numpy()[:, 0], showers.sum(axis=1), rtol=1e-4, atol=1e-7)
    expected = {"score": (2, 1), "energy": (2, 1), "attributes": (2, 4)}
    if variant == "original":
        expected.pop("attributes")
    assert {name: tuple(value.shape) for name, value in judged.items()} == expected


def test_the_condition_enters_scaled_and_in_its_order():
    """Latent times E/100, then theta, phi, x0/50, y0/50: by hand; breaks with another order or scale."""
    generator = build_generator(small())
    entry = keras.Model(generator.inputs, generator.get_layer("latent_and_attributes").output)
    latent = np.arange(12, dtype="f4").reshape(2, 6)
    found = entry({"latent": latent, "condition": CONDITION}).numpy()
    expected = [
        [*(latent[0] * 0.6), 1.5, 0.1, 0.4, -0.6],
        [*(latent[1] * 0.05), 1.6, -0.1, -0.2, 0.8],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_energy_passes_down_from_layer_to_layer():
    """Breaks when an attention is not connected: layer 0 reaches layers 1 and 2, layer 2 reaches no other."""
    generator = build_generator(small(), 1)
    inputs = {"latent": np.ones((2, 6), "f4"), "condition": CONDITION}
    parts = [slice(0, 288), slice(288, 432), slice(432, 504)]
    for source, reached in ((0, {0, 1, 2}), (1, {1, 2}), (2, {2})):
        before = generator(inputs).numpy()
        layer = generator.get_layer(f"layer_{source}_smear_1")
        weights = layer.get_weights()
        layer.set_weights([weights[0], weights[1] + 2.0])
        after = generator(inputs).numpy()
        layer.set_weights(weights)
        assert {i for i, part in enumerate(parts) if not np.array_equal(before[:, part], after[:, part])} == reached


def test_the_critic_uses_of_the_condition_the_energy_alone():
    """Attributes are estimated, not told; breaks when they leak into the score."""
    critic = build_critic(small(), 3)
    showers = np.random.default_rng(1).gamma(0.3, 0.1, (2, 504)).astype("f4")
    found = critic({"showers": showers, "condition": CONDITION})
    other = CONDITION.copy()
    other[:, 1:] += 7.0
    again = critic({"showers": showers, "condition": other})
    np.testing.assert_array_equal(found["score"], again["score"])
    np.testing.assert_array_equal(found["attributes"], again["attributes"])
    other[:, 0] += 40.0
    assert not np.array_equal(found["score"], critic({"showers": showers, "condition": other})["score"])


def test_the_attribute_head_alone_drops_units_in_training():
    """Breaks when dropout is missing in training, or acts on the score."""
    critic = build_critic(small(), 3)
    inputs = {"showers": np.random.default_rng(1).gamma(0.3, 0.1, (4, 504)).astype("f4"), "condition": np.ones((4, 5))}
    judged = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        with dropout_numbers(lambda shape, index, rng=rng: rng.random(tuple(shape)).astype("f4")):
            judged.append(critic(inputs, training=True))
    np.testing.assert_allclose(judged[0]["score"], judged[1]["score"], rtol=1e-5)
    assert not np.array_equal(judged[0]["attributes"], judged[1]["attributes"])


@pytest.mark.parametrize("variant", COUNTS)
@pytest.mark.slow
def test_networks_survive_cloning_and_depend_on_the_seed_alone(variant):
    """Breaks when an own layer cannot be rebuilt (the average is a clone), or an initial weight is unseeded."""
    network = small(variant)
    for build in (build_generator, build_critic):
        model, same, other = build(network, 5), build(network, 5), build(network, 6)
        clone = keras.models.clone_model(model)
        # read once: it gathers every weight of the network
        weights, others = model.get_weights(), other.get_weights()
        clone.set_weights(weights)
        assert [w.shape for w in clone.get_weights()] == [w.shape for w in weights]
        for a, b in zip(weights, same.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        kernels = [i for i, weight in enumerate(model.weights) if "kernel" in weight.name and "blur" not in weight.name]
        assert all(not np.array_equal(weights[i], others[i]) for i in kernels)
        assert len(kernels) > 10


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"variant": "wide"}, "network.variant: found 'wide', expected one of conditional"),
        ({"critic_filters": (1, 2)}, "network.critic_filters: found (1, 2), expected 3 widths >= 1"),
        ({"attribute_units": (4,)}, "network.attribute_units: found (4,), expected 4 widths >= 1"),
        ({"sparsity": "soft"}, "network.sparsity: found 'soft'"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(settings, expected):
    """Breaks when a typing mistake surfaces as a traceback from inside a network."""
    with pytest.raises(ConfigError) as caught:
        CaloGanNetwork(**settings)
    assert str(caught.value).startswith(expected)
