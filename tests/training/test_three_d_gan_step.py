"""One iteration of 3DGAN: order of updates, terms, labels, schedule; on networks of a few weights."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.config.network import LatentLaw
from calosim_tf.config.three_d_gan_training import ThreeDGanTraining
from calosim_tf.data.sampling_fraction import PUBLISHED
from calosim_tf.errors import ConfigError
from calosim_tf.layers.seeded_dropout import SeededDropout, dropout_numbers
from calosim_tf.layers.shower_image import CellSum, MeasuredAngle
from calosim_tf.training import random
from calosim_tf.training.algorithms.three_d_gan import ThreeDGanModel
from calosim_tf.training.model import GenerativeModel

SHAPE = (3, 3, 2)
BATCH = 8
SETTINGS = {"batch_size": BATCH, "fake_energy_gev": (10.0, 60.0), "first_energy_gev": (20.0, 40.0)}


def kernel(seed):
    return keras.initializers.GlorotUniform(seed=seed)


def small_generator(last="relu"):
    latent, condition = keras.Input((4,), name="latent"), keras.Input((1,), name="condition")
    x = keras.layers.Multiply()([latent, condition])
    x = keras.layers.Dense(18, kernel_initializer=kernel(1), bias_initializer="ones")(x)
    x = keras.layers.Reshape(SHAPE)(x)
    last_layer = keras.layers.Activation(last, name="showers") if last else keras.layers.Reshape(SHAPE)
    return keras.Model({"latent": latent, "condition": condition}, last_layer(x))


def small_critic(dropout=0.0):
    showers, condition = keras.Input(SHAPE, name="showers"), keras.Input((1,), name="condition")
    x = keras.layers.Dense(5, activation="tanh", kernel_initializer=kernel(2))(keras.layers.Flatten()(showers))
    if dropout:
        x = SeededDropout(dropout)(x)
    heads = {
        "generation": keras.layers.Dense(1, "sigmoid", kernel_initializer=kernel(3), name="generation")(x),
        "auxiliary": keras.layers.Dense(1, kernel_initializer=kernel(4), name="auxiliary")(x),
        "ecal": CellSum(name="ecal")(showers),
    }
    return keras.Model({"showers": showers, "condition": condition}, heads)


def make(dropout=0.0, last="relu", **settings):
    training = ThreeDGanTraining(**(SETTINGS | settings))
    law = LatentLaw(size=4, mean=0.0, std=1.0)
    networks = {"generator": small_generator(last), "critic": small_critic(dropout)}
    model = ThreeDGanModel(networks, None, law, training, seed=7)
    optimisers = {
        name: keras.optimizers.Adam(training.setting("learning_rate", name), beta_1=0.9, beta_2=0.999)
        for name in networks
    }
    model.compile(optimisers)
    return model


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    condition = rng.uniform(0.1, 0.6, (BATCH, 1)).astype("f4")
    return tf.constant(rng.exponential(0.1, (BATCH, *SHAPE)).astype("f4") * condition[:, :, None, None]), tf.constant(
        condition
    )


def numbers(model):
    return [variable.numpy() for network in (model.generator, model.critic) for variable in network.variables]


def uniforms(draw, iteration=0, rows=BATCH):
    return random.uniform((rows, 1), 7, tf.constant(iteration, tf.int64), draw).numpy()


def cross_entropy(labels, found):
    return -tf.reduce_mean(labels * tf.math.log(found + 2e-7) + (1 - labels) * tf.math.log(1 - found + 2e-7))


def percent(expected, found):
    return 100 * tf.reduce_mean(tf.abs(expected - found) / (expected + 2e-7))


@pytest.mark.slow
def test_a_step_equals_the_three_updates_written_out(data):
    """Breaks when real and generated showers share an update, a weight or label is wrong, or the order changes."""
    model, reference = make(), make()
    real, condition = data
    model.train_step(data)
    generator, critic = reference.generator, reference.critic
    law = LatentLaw(size=4, mean=0.0, std=1.0)

    def latent(draw):
        return random.normal((BATCH, 4), 7, tf.constant(0, tf.int64), draw, law.mean, law.std)

    def update(network, optimizer, showers_of, energy, ecal, label, flips):
        labels = np.where(flips < 0.05, 1.0 - math.ceil(label), label).astype("f4")
        with tf.GradientTape() as tape:
            judged = critic({"showers": showers_of(), "condition": tf.constant(energy)})
            loss = (
                6.0 * cross_entropy(labels, judged["generation"])
                + 0.2 * percent(energy, judged["auxiliary"])
                + 0.1 * percent(ecal, judged["ecal"])
            )
        gradient = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradient, network.trainable_variables, strict=True))

    def ecal_of(energy):
        return energy * np.polyval([0.0018, -0.023, 0.11, -0.28, 2.21], energy)

    ecal = tf.reduce_sum(real, [1, 2, 3])[:, None]
    update(critic, reference.optimizers["critic"], lambda: real, condition, ecal, 0.9, uniforms(2))
    # first epochs: 20 to 40 GeV and no last ReLU
    linear = keras.Model(generator.input, generator.layers[-1].input)
    energy = 0.2 + 0.2 * uniforms(1)
    fake = linear({"latent": latent(0), "condition": tf.constant(energy)})
    update(critic, reference.optimizers["critic"], lambda: fake, energy, ecal_of(energy), 0.0, uniforms(3))
    energy = 0.2 + 0.2 * uniforms(5)
    inputs = {"latent": latent(4), "condition": tf.constant(energy)}
    update(
        generator, reference.optimizers["generator"], lambda: linear(inputs), energy, ecal_of(energy), 0.9, uniforms(6)
    )
    for found, expected in zip(numbers(model), numbers(reference), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert int(model.optimizers["critic"].iterations) == 2
    assert int(model.optimizers["generator"].iterations) == 1


def gradients(data, weights, network):
    """Gradients of the terms with these weights; all others are 0."""
    zero = dict.fromkeys(("weight_generation", "weight_auxiliary", "weight_ecal"), 0.0)
    model = make(**(zero | weights))
    _, condition = data
    with tf.GradientTape() as tape:
        fake = model._generate(model.draw_latent(BATCH, 0), condition, training=True)
        terms = model._terms("loss", fake, condition, model.expected_ecal(condition), tf.zeros((BATCH, 1)))
        loss = tf.add_n(list(terms.values()))
    found = tape.gradient(
        loss, getattr(model, network).trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return max(float(tf.reduce_max(tf.abs(gradient))) for gradient in found)


@pytest.mark.slow
def test_total_energy_teaches_the_generator_and_not_the_critic(data):
    """Breaks when the sum gets a weight, or its gradient is stopped on the way to the generator."""
    assert gradients(data, {"weight_ecal": 0.1}, "critic") == 0.0
    assert gradients(data, {"weight_ecal": 0.1}, "generator") > 0.0
    assert gradients(data, {"weight_auxiliary": 0.2}, "critic") > 0.0


@pytest.mark.slow
def test_the_angle_is_a_term_of_its_own_where_the_critic_measures_it(data):
    """Breaks when the angle is compared with the energy, as a percentage, or not at all: |1.5 - angle| * 25."""
    showers = keras.Input(SHAPE, name="showers")
    critic = small_critic()
    condition = keras.Input((2,), name="condition")
    heads = critic({"showers": showers, "condition": keras.layers.Dense(1)(condition)})
    heads = {**heads, "angle": MeasuredAngle(name="angle")(showers)}
    model = make(weight_angle=25.0)
    model.networks["critic"] = keras.Model({"showers": showers, "condition": condition}, heads)
    energy_and_angle = tf.concat([data[1], tf.fill((BATCH, 1), 1.5)], axis=1)
    ecal = model.expected_ecal(energy_and_angle)
    terms = model._terms("loss", data[0], energy_and_angle, ecal, tf.ones((BATCH, 1)))
    assert set(terms) == {"loss_generation", "loss_auxiliary", "loss_ecal", "loss_angle"}
    measured = MeasuredAngle()(data[0]).numpy()
    assert float(terms["loss_angle"]) == pytest.approx(25 * np.abs(1.5 - measured).mean(), rel=1e-4)


@pytest.mark.slow
def test_labels_are_turned_over_anew_in_every_step_of_one_trace():
    """Breaks when flips are drawn while the graph is traced: then every step flips the same showers."""
    model = make(label_flip=0.5)
    draw = tf.function(lambda: model._labels(0.9, 0.5, 2))
    labels = []
    for iteration in range(40):
        model.iteration.assign(iteration)
        labels.append(draw().numpy().ravel())
    turned = np.array(labels) == 0.0
    assert len({row.tobytes() for row in turned}) > 20
    assert 0.4 < turned.mean() < 0.6
    assert set(np.unique(labels)) == {np.float32(0.0), np.float32(0.9)}


@pytest.mark.parametrize(("flip_generator", "expected"), [(True, True), (False, False)])
def test_labels_of_the_generator_turn_over_only_if_asked(data, flip_generator, expected):
    """Breaks when the Conv3D setting has no effect: a rate of 0.999 flips (nearly) all labels."""
    model = make(label_flip=0.999, flip_generator=flip_generator, weight_auxiliary=0.0, weight_ecal=0.0)
    _, condition = data
    loss = float(model.generator_update(condition, 4)["generator_loss_generation"])
    other = make(label_flip=0.0, weight_auxiliary=0.0, weight_ecal=0.0)
    unturned = float(other.generator_update(condition, 4)["generator_loss_generation"])
    assert (loss != pytest.approx(unturned, rel=1e-6)) is expected


def test_energies_of_generated_showers_widen_after_the_first_epochs(data):
    """Breaks when the first range is kept, or energies of the real batch are used."""
    model = make(iterations_per_file=2, files_per_epoch=3)
    for iteration, (low, high) in ((0, (0.2, 0.4)), (11, (0.2, 0.4)), (12, (0.1, 0.6))):
        model.iteration.assign(iteration)
        found = model.generated_condition(data[1], 1).numpy()
        np.testing.assert_allclose(found, low + (high - low) * uniforms(1, iteration), rtol=1e-5)
    real = make(fake_conditions="real").generated_condition(data[1], 1)
    np.testing.assert_array_equal(real.numpy(), data[1].numpy())


def test_the_total_energy_follows_the_coefficients_of_the_data():
    """Breaks when those of the public data stand where others were found, or the order of the powers turns."""
    condition = tf.constant([[0.5, 1.2], [2.0, 1.2]])
    found = make(ecal_coefficients=(2.0, 3.0)).expected_ecal(condition)
    np.testing.assert_allclose(found, [[0.5 * (2.0 * 0.5 + 3.0)], [2.0 * (2.0 * 2.0 + 3.0)]])
    energy = condition[:, :1].numpy()
    np.testing.assert_allclose(make().expected_ecal(condition), energy * np.polyval(PUBLISHED.coefficients, energy))


def test_other_conditions_are_kept():
    """Breaks when the angle of incidence is lost with the drawn energy."""
    condition = tf.constant(np.full((BATCH, 2), 1.5, "f4"))
    found = make().generated_condition(condition, 1).numpy()
    assert found.shape == (BATCH, 2)
    np.testing.assert_array_equal(found[:, 1], 1.5)


@pytest.mark.slow
def test_the_last_relu_begins_in_the_third_epoch(data):
    """Breaks when G1 trains with its ReLU from the start, or never gets it."""
    model = make(iterations_per_file=2, files_per_epoch=3)
    latent = 20 * model.draw_latent(BATCH, 0)
    for iteration, negative in ((0, True), (11, True), (12, False)):
        model.iteration.assign(iteration)
        cells = model._generate(latent, data[1], training=False).numpy()
        assert bool(cells.min() < 0.0) is negative
    assert make(linear_epochs=0)._linear_generator is None
    assert make(last="linear")._linear_generator is None


def test_epochs_without_relu_need_a_generator_that_ends_in_one():
    """Breaks when the setting is silently without effect for the Conv3D generator."""
    with pytest.raises(ConfigError, match=r"training\.linear_epochs: found 2, expected 0"):
        make(last="")
    assert make(last="", linear_epochs=0)._linear_generator is None


def test_learning_rates_are_held_then_fall_per_file(monkeypatch):
    """5e-4 up to file 80 + 1, 5e-4 exp(-0.012 * 518) = 9.99e-7 in the last file of 30 epochs (n = 599)."""
    monkeypatch.setattr(GenerativeModel, "train_step", lambda model, data: {})
    model = make(iterations_per_file=1)
    for file, exponent in ((0, 0), (80, 0), (81, 0), (82, 1), (599, 518)):
        model.iteration.assign(file)
        model.train_step(None)
        expected = 5e-4 * math.exp(-0.012 * exponent)
        assert float(model.optimizers["generator"].learning_rate) == pytest.approx(expected, rel=1e-5)
        assert float(model.optimizers["critic"].learning_rate) == pytest.approx(expected / 5, rel=1e-5)
    assert 5e-4 * math.exp(-0.012 * 518) == pytest.approx(9.99e-7, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("reset", "updates"), [(True, [1, 2, 1, 2]), (False, [1, 2, 3, 4])])
def test_optimisers_begin_each_file_anew(data, reset, updates):
    """Breaks when moments survive the end of a file although the authors make new optimisers, or the reverse."""
    model = make(iterations_per_file=2, reset_each_file=reset)
    step = tf.function(model.train_step)
    for expected in updates:
        step(data)
        assert int(model.optimizers["generator"].iterations) == expected
        assert int(model.optimizers["critic"].iterations) == 2 * expected


@pytest.mark.slow
def test_a_step_depends_on_seed_and_iteration_alone_with_dropout_too(data):
    """Breaks when dropout uses hidden random state: a resumed run would differ from an unbroken one."""
    models = [make(dropout=0.3), make(dropout=0.3)]
    for model in models:
        model.iteration.assign(5)
        tf.function(model.train_step)(data)
    for a, b in zip(*map(numbers, models), strict=True):
        np.testing.assert_array_equal(a, b)
    # and it does act
    still = make(dropout=0.0)
    still.iteration.assign(5)
    still.train_step(data)
    assert any(not np.array_equal(a, b) for a, b in zip(numbers(models[0]), numbers(still), strict=True))


def test_dropout_draws_differ_between_the_calls_of_a_step(data, monkeypatch):
    """Breaks when real, generated and generator passes drop the same units."""
    model = make(dropout=0.5)
    drawn = []

    def recorded(source):
        return dropout_numbers(lambda shape, index: drawn.append(source(shape, index)) or drawn[-1])

    monkeypatch.setattr("calosim_tf.training.algorithms.three_d_gan.dropout_numbers", recorded)
    model.train_step(data)
    assert len(drawn) == 3
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[1], drawn[2])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fake_energy_gev": (5.0, 2.0)}, r"training\.fake_energy_gev: found \(5.0, 2.0\), expected two ascending"),
        ({"label_real": 0.0}, r"training\.label_real: found 0.0"),
        ({"schedule": "cosine", "schedule_iterations": 9}, r"set training\.file_decay=0"),
        ({"optimizer_critic": "adamw"}, r"training\.optimizer_critic: found 'adamw', expected one of adam"),
        ({"algorithm": "wgan_gp"}, r"training\.algorithm: found 'wgan_gp'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, words):
    """Breaks when a meaningless value reaches the training."""
    with pytest.raises(ConfigError, match=words):
        ThreeDGanTraining(**settings)


def test_thirty_epochs_of_the_public_data():
    """Breaks when a count changes alone: 30 epochs of 20 files of 70 minibatches, a checkpoint per epoch."""
    training = ThreeDGanTraining()
    assert training.iterations == 30 * training.iterations_per_epoch == 42_000
    assert training.checkpoint_every == training.iterations_per_epoch
