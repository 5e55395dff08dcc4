"""The CaloGAN step against an independent re-computation with plain tapes and numpy."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.config import LatentLaw
from calosim_tf.config.calogan_network import CaloGanNetwork, original_calogan
from calosim_tf.config.calogan_training import CaloGanTraining
from calosim_tf.errors import ConfigError
from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.models.calogan import build_critic, build_generator
from calosim_tf.training import random
from calosim_tf.training.algorithms.calogan import DROPOUT_DRAWS, CaloGanModel
from calosim_tf.training.build import build_optimizer, state_variables

# Every test traces the step of a network of many layers
pytestmark = pytest.mark.slow

BATCH = 8
SMALL = {
    "latent": LatentLaw(size=6, mean=0.0, std=1.0),
    "seed_channels": 2,
    "minibatch_features": 2,
    "minibatch_dimensions": 2,
}
NETWORK = CaloGanNetwork(
    **SMALL, generator_filters=(3, 2), smearing_filters=2, critic_filters=(2, 3, 2), attribute_units=(6, 5),
    attribute_dropout=(0.2, 0.5),
)  # fmt: skip
ORIGINAL = original_calogan(**SMALL, generator_filters=(3, 2), critic_filters=(2, 3, 2, 2))
ATTRIBUTE_MAES = ("theta_mae_{}_rad", "phi_mae_{}_rad", "x0_mae_{}_mm", "y0_mae_{}_mm")


def sample_conditions(network=NETWORK):
    rng = np.random.default_rng(9)
    angles = rng.normal([1.57, 0.0], 0.1, (40, 2))
    columns = [rng.uniform(1, 100, (40, 1)), angles, rng.uniform(-50, 50, (40, 2))]
    return np.concatenate(columns, axis=1).astype("f4")[:, : network.condition_size]


def model_of(network=NETWORK, seed=3, **settings):
    training = CaloGanTraining(batch_size=BATCH, **settings)
    networks = {"generator": build_generator(network, 1), "critic": build_critic(network, 2)}
    model = CaloGanModel(networks, None, network.latent, training, seed, sample_conditions(network))
    model.compile({name: build_optimizer(training, name) for name in model.networks})
    return model


def batch_of(network=NETWORK, seed=0):
    rng = np.random.default_rng(seed)
    showers = rng.gamma(0.3, 0.5, (BATCH, 504)).astype("f4")
    return tf.constant(showers), tf.constant(sample_conditions(network)[rng.integers(0, 40, BATCH)])


def weights_of(network):
    return [np.array(weight) for weight in network.get_weights()]


def dropout_of(model, first):
    return dropout_numbers(lambda shape, index: random.uniform(shape, model.seed, model.iteration, first + index))


def judge(model, showers, condition, first_dropout):
    """Heads of the critic in training mode, moving statistics put back."""
    kept = weights_of(model.critic)
    with dropout_of(model, first_dropout):
        judged = model.critic({"showers": showers, "condition": tf.convert_to_tensor(condition)}, training=True)
    model.critic.set_weights(kept)
    return {name: value.numpy().astype("f8") for name, value in judged.items()}


def bce(logits, labels):
    p = 1 / (1 + np.exp(-logits))
    return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def drawn_condition(model, draw):
    """Energy uniform over the sample's range, each attribute taken from a separate row."""
    table = model.conditions
    unit = random.uniform((table.shape[1], BATCH), model.seed, model.iteration, draw).numpy()
    energy = table[:, 0].min() + unit[0] * (table[:, 0].max() - table[:, 0].min())
    attributes = [table[(row * len(table)).astype(int), i + 1] for i, row in enumerate(unit[1:])]
    return np.stack([energy, *attributes], axis=1).astype("f4")


def test_logged_terms_equal_a_re_computation():
    """First iteration: the pass on real showers with the start weights, label flips included.

    Breaks when real and generated showers share a pass, the flips miss, dropout or batch statistics are off, or a
    weight is forgotten.
    """
    model = model_of(label_flip=0.3)
    real, condition = batch_of()
    judged = judge(model, real, condition, 3)
    logs = {name: float(value) for name, value in model.train_step((real, condition)).items()}
    model.iteration.assign(0)
    unit = random.uniform((2, BATCH, 1), model.seed, model.iteration, 2).numpy()[0]
    assert 0 < (unit < 0.3).sum() < BATCH
    errors = np.abs(judged["attributes"] - condition.numpy()[:, 1:]).mean(axis=0)
    assert logs["critic_loss_real"] == pytest.approx(bce(judged["score"], np.where(unit < 0.3, 0.0, 1.0)), rel=1e-4)
    assert logs["critic_loss_attributes_real"] == pytest.approx(0.01 * errors.mean(), rel=1e-4)
    for name, error in zip(ATTRIBUTE_MAES, errors, strict=True):
        assert logs[name.format("real")] == pytest.approx(error, rel=1e-4)
    energy_error = np.abs(real.numpy().sum(axis=1) - condition.numpy()[:, 0]).mean()
    assert logs["energy_mae_real_gev"] == pytest.approx(energy_error, rel=1e-4)
    expected_names = {
        *("critic_loss_real", "critic_loss_fake", "critic_loss_attributes_real", "critic_loss_attributes_fake"),
        *("energy_mae_real_gev", "energy_mae_fake_gev", "critic_accuracy"),
        *(name.format(kind) for name in ATTRIBUTE_MAES for kind in ("real", "fake")),
        *("generator_loss_adversarial", "generator_loss_energy", "generator_loss_attributes"),
    }
    assert set(logs) == expected_names


def test_the_generated_pass_and_the_generator_terms_equal_a_re_computation():
    """With learning rates near zero all passes see the start weights: those on generated showers are computed too.

    Breaks when the critic's showers are made in training mode, their conditions are those of the real ones, or the two
    generator updates share a latent.
    """
    model = model_of(learning_rate_critic=1e-12, learning_rate_generator=1e-12, energy_weight=0.07, label_flip=0.0)
    generator_start = weights_of(model.generator)
    real, condition = batch_of()
    logs = {name: float(value) for name, value in model.train_step((real, condition)).items()}
    model.iteration.assign(0)
    moved = weights_of(model.generator)
    model.generator.set_weights(generator_start)
    fake_condition = tf.convert_to_tensor(drawn_condition(model, 1))
    fake = model.generator({"latent": model.draw_latent(BATCH, 0), "condition": fake_condition}, training=False)
    judged = judge(model, fake, fake_condition, 3 + DROPOUT_DRAWS)
    assert logs["critic_loss_fake"] == pytest.approx(bce(judged["score"], 0.0), rel=1e-4)
    errors = np.abs(judged["attributes"] - fake_condition[:, 1:]).mean(axis=0)
    assert logs["critic_loss_attributes_fake"] == pytest.approx(0.01 * errors.mean(), rel=1e-4)
    deviation = np.abs(fake.numpy().sum(axis=1) - fake_condition[:, 0]).mean()
    assert logs["energy_mae_fake_gev"] == pytest.approx(deviation, rel=1e-4)
    real_judged = judge(model, real, condition, 3)
    accuracy = ((real_judged["score"] > 0).mean() + (judged["score"] <= 0).mean()) / 2
    assert logs["critic_accuracy"] == pytest.approx(accuracy)
    terms = []
    for step in range(2):
        draw = model.CRITIC_DRAWS + step * model.GENERATOR_DRAWS
        wanted = drawn_condition(model, draw + 1)
        made = model.generator(
            {"latent": model.draw_latent(BATCH, draw), "condition": tf.convert_to_tensor(wanted)}, training=True
        )
        judged = judge(model, made, wanted, draw + 2)
        energy = 0.07 * np.abs(made.numpy().sum(axis=1) - wanted[:, 0]).mean()
        attributes = 0.01 * np.abs(judged["attributes"] - wanted[:, 1:]).mean()
        terms.append([-np.mean(np.log(1 / (1 + np.exp(-judged["score"])))), energy, attributes])
    found = [logs[f"generator_loss_{name}"] for name in ("adversarial", "energy", "attributes")]
    np.testing.assert_allclose(found, np.mean(terms, axis=0), rtol=1e-4)
    assert abs(terms[0][1] - terms[1][1]) > 1e-6
    statistics = [not np.array_equal(a, b) for a, b in zip(moved, generator_start, strict=True)]
    assert any(statistics)  # the generator's own moving statistics follow its updates


@pytest.mark.parametrize("network", [NETWORK, ORIGINAL], ids=["conditional", "original"])
def test_one_step_changes_both_networks_and_counts_two_updates_of_each(network):
    """Breaks when a pass is skipped, or one of the networks is left out of its optimiser."""
    model = model_of(network)
    before = {name: weights_of(getattr(model, name)) for name in ("generator", "critic")}
    logs = model.train_step(batch_of(network))
    for name, start in before.items():
        trained = {id(weight) for weight in getattr(model, name).trainable_weights}
        pairs = zip(getattr(model, name).weights, start, strict=True)
        changed = [not np.array_equal(weight.numpy(), old) for weight, old in pairs if id(weight) in trained]
        assert np.mean(changed) > 0.9, name
    assert (int(model.optimizers["critic"].iterations), int(model.optimizers["generator"].iterations)) == (2, 2)
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert ("critic_loss_attributes_real" in logs) == (network is NETWORK)


def test_the_generator_update_leaves_the_critic_as_it_is():
    """Weights and moving statistics; breaks when batch normalisation of the critic drifts with generated showers."""
    model = model_of()
    _, condition = batch_of()
    critic, generator = weights_of(model.critic), weights_of(model.generator)
    model.generator_update(condition, 40)
    for before, after in zip(critic, weights_of(model.critic), strict=True):
        np.testing.assert_array_equal(before, after)
    assert any(not np.array_equal(a, b) for a, b in zip(generator, weights_of(model.generator), strict=True))


def test_the_critic_updates_leave_the_generator_as_it_is_and_move_the_critics_statistics():
    """Breaks when showers for the critic are made in training mode, which moves the generator's statistics."""
    model = model_of()
    generator, statistics = weights_of(model.generator), [v.numpy() for v in model.critic.non_trainable_variables]
    model.critic_update(*batch_of(), draw=0)
    for before, after in zip(generator, weights_of(model.generator), strict=True):
        np.testing.assert_array_equal(before, after)
    now = model.critic.non_trainable_variables
    assert all(not np.array_equal(a, b.numpy()) for a, b in zip(statistics, now, strict=True))


def test_the_energy_term_has_a_gradient_in_the_generator_and_none_in_the_critic():
    """Breaks when a detached sum, or weights in the energy head, change who learns from the energy."""
    model = model_of()
    _, condition = batch_of()
    with tf.GradientTape(persistent=True) as tape, dropout_of(model, 5):
        latent = model.draw_latent(BATCH, 0)
        fake = model.generator({"latent": latent, "condition": condition}, training=True)
        energy = model.generator_losses(fake, condition)["generator_loss_energy"]
    assert all(gradient is None for gradient in tape.gradient(energy, model.critic.trainable_variables))
    gradients = tape.gradient(energy, model.generator.get_layer("layer_1_smear_1").trainable_variables)
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients)


def test_the_attribute_loss_can_be_kept_to_real_showers():
    """Breaks when "real" still trains the estimate on generated showers, or stops logging how good it is there."""
    logs = model_of(attribute_loss_on="real").train_step(batch_of())
    assert float(logs["critic_loss_attributes_fake"]) == 0.0
    assert float(logs["critic_loss_attributes_real"]) > 0.0
    assert float(logs["x0_mae_fake_mm"]) > 0.0


def test_labels_flip_at_the_stated_rate_and_anew_in_each_iteration_of_one_graph():
    """Breaks when flips are frozen into the traced graph, shared by both kinds of showers, or miss the rate."""
    model = model_of(label_flip=0.1)
    start, (real, condition) = weights_of(model.critic), batch_of()
    update = tf.function(model.critic_update)
    counts = []
    for iteration in range(6):
        model.critic.set_weights(start)
        model.iteration.assign(iteration)
        judged = judge(model, real, condition, 3)
        flipped = random.uniform((2, BATCH, 1), model.seed, model.iteration, 2).numpy() < 0.1
        found = float(update(real, condition, 0)["critic_loss_real"])
        assert found == pytest.approx(bce(judged["score"], np.where(flipped[0], 0.0, 1.0)), rel=1e-4)
        counts.append(flipped.sum(axis=(1, 2)))
    counts = np.array(counts)
    assert len(set(counts[:, 0])) > 1
    assert not np.array_equal(counts[:, 0], counts[:, 1])
    many = np.stack([random.uniform((2, 256, 1), 3, tf.constant(i, tf.int64), 2).numpy() < 0.1 for i in range(40)])
    assert many.mean() == pytest.approx(0.1, abs=4 * np.sqrt(0.1 * 0.9 / many.size))


def test_attributes_come_from_the_marginals_and_energies_are_uniform():
    """Breaks when attributes are drawn together (correlations kept), interpolated, or energies from the sample."""
    model = model_of(generated_energy_min_gev=10.0, generated_energy_max_gev=30.0)
    condition = tf.zeros([BATCH, 5])
    drawn = []
    for iteration in range(150):
        model.iteration.assign(iteration)
        drawn.append(model.generated_condition(condition, 1).numpy())
    drawn = np.concatenate(drawn)
    table = sample_conditions()
    rows = np.stack([np.searchsorted(np.sort(table[:, i]), drawn[:, i]) for i in range(1, 5)])
    for i in range(1, 5):
        assert set(drawn[:, i]) == set(table[:, i])
    assert np.abs(np.corrcoef(rows) - np.eye(4)).max() < 0.15
    assert drawn[:, 0].min() >= 10.0
    assert drawn[:, 0].max() <= 30.0
    np.testing.assert_allclose(np.quantile(drawn[:, 0], [0.25, 0.5, 0.75]), [15, 20, 25], atol=1.0)


def test_equal_seed_and_iteration_give_equal_weights_dropout_included():
    """A model whose state is copied continues exactly as the first; breaks with any generator outside of the state."""
    first, resumed = model_of(), model_of()
    for iteration in range(2):
        first.train_step(batch_of(seed=iteration))
    resumed.train_step(batch_of(seed=7))  # another history
    for mine, theirs in zip(state_variables(resumed), state_variables(first), strict=True):
        mine.assign(theirs)
    resumed.iteration.assign(first.iteration)
    for model in (first, resumed):
        model.train_step(batch_of(seed=2))
    for name in ("generator", "critic"):
        for a, b in zip(weights_of(getattr(first, name)), weights_of(getattr(resumed, name)), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"attribute_weights": (1.0, 2.0)}, "training.attribute_weights: found (1.0, 2.0), expected one number"),
        ({"attribute_loss_on": "fake"}, "training.attribute_loss_on: found 'fake'"),
        ({"label_flip": 1.0}, "training.label_flip: found 1.0, expected a number in [0, 1)"),
        (
            {"generated_energy_min_gev": 5.0, "generated_energy_max_gev": 4.0},
            "training.generated_energy_max_gev: found 4.0, expected a number > 5.0",
        ),
    ],
)
def test_a_wrong_training_setting_is_refused_in_one_line(settings, expected):
    """Breaks when an impossible setting is found only after hours of training."""
    with pytest.raises(ConfigError) as caught:
        CaloGanTraining(**settings)
    assert str(caught.value).startswith(expected)
