"""One training step against an independent, eager implementation in numpy and plain tapes."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.training import random
from calosim_tf.training.build import build_model, tracked_state
from calosim_tf.training.gan import AdversarialModel
from calosim_tf.training.model import mean_over_updates


def batch_of(experiment, seed=0):
    rows = experiment.training.batch_size * experiment.training.critic_steps
    rng = np.random.default_rng(seed)
    return rng.gamma(0.3, 0.01, (rows, 368)).astype("f4"), rng.random((rows, 1)).astype("f4")


def adam(weights, gradients, state, rate, beta1, beta2, epsilon):
    """Adam as published (Kingma and Ba 2015, algorithm 1, with epsilon inside as Keras has it), in numpy."""
    state["t"] += 1
    t = state["t"]
    for index, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
        m, v = state.setdefault(index, (np.zeros_like(weight), np.zeros_like(weight)))
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        state[index] = (m, v)
        weights[index] = weight - rate * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + epsilon)
    return weights


def critic_gradients(model, real, condition, fake, alpha):
    """Gradients of mean D(fake) - mean D(real) + lambda mean((|grad| - 1)^2), written out once more."""
    real, condition, fake = (tf.constant(x) for x in (real, condition, fake))
    with tf.GradientTape() as outer:
        mixed = alpha * real + (1 - alpha) * fake
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            score = model.critic({"showers": mixed, "condition": condition})
        norm = tf.norm(inner.gradient(score, mixed), axis=1)
        loss = (
            tf.reduce_mean(model.critic({"showers": fake, "condition": condition}))
            - tf.reduce_mean(model.critic({"showers": real, "condition": condition}))
            + model.training_config.penalty_weight * tf.reduce_mean((norm - 1.0) ** 2)
        )
    return [g.numpy() if g is not None else None for g in outer.gradient(loss, model.critic.trainable_variables)]


def reference_iteration(model, showers, condition, states, iteration):
    """Critic updates on consecutive minibatches, then the generator on the labels of the last one."""
    config = model.training_config
    batch = config.batch_size
    for step in range(config.critic_steps):
        rows = slice(step * batch, (step + 1) * batch)
        shape = (batch, model.latent.size)
        latent = random.normal(shape, model.seed, iteration, 2 * step, model.latent.mean, model.latent.std)
        alpha = random.uniform((batch, 1), model.seed, iteration, 2 * step + 1).numpy()
        fake = model.generator({"latent": latent, "condition": tf.constant(condition[rows])}).numpy()
        gradients = critic_gradients(model, showers[rows], condition[rows], fake, alpha)
        gradients = [
            np.zeros(v.shape, "f4") if g is None else g
            for g, v in zip(gradients, model.critic.trainable_variables, strict=True)
        ]
        weights = [v.numpy() for v in model.critic.trainable_variables]
        weights = adam(
            weights, gradients, states["critic"], config.learning_rate_critic, config.beta1_critic,
            config.beta2_critic, config.epsilon,
        )  # fmt: skip
        for variable, weight in zip(model.critic.trainable_variables, weights, strict=True):
            variable.assign(weight)
    latent = random.normal(
        (batch, model.latent.size), model.seed, iteration, 2 * config.critic_steps, model.latent.mean, model.latent.std
    )
    with tf.GradientTape() as tape:
        fake = model.generator({"latent": latent, "condition": tf.constant(condition[rows])})
        loss = -tf.reduce_mean(model.critic({"showers": fake, "condition": tf.constant(condition[rows])}))
    gradients = [g.numpy() for g in tape.gradient(loss, model.generator.trainable_variables)]
    weights = adam(
        [v.numpy() for v in model.generator.trainable_variables], gradients, states["generator"],
        config.learning_rate_generator, config.beta1_generator, config.beta2_generator, config.epsilon,
    )  # fmt: skip
    for variable, weight in zip(model.generator.trainable_variables, weights, strict=True):
        variable.assign(weight)


@pytest.mark.slow
def test_three_iterations_equal_the_written_out_algorithm(tiny):
    """Breaks when a sign, a beta, the penalty weight, the generator's minibatch or the order of updates changes."""
    tiny = tiny.with_values({"training.learning_rate_critic": 0.01, "training.learning_rate_generator": 0.01})
    model, reference = build_model(tiny), build_model(tiny)
    states = {"critic": {"t": 0}, "generator": {"t": 0}}
    start = [v.numpy() for v in model.generator.trainable_variables]
    step = tf.function(model.train_step)
    for iteration in range(3):
        showers, condition = batch_of(tiny, iteration)
        step((tf.constant(showers), tf.constant(condition)))
        reference_iteration(reference, showers, condition, states, tf.constant(iteration, tf.int64))
    assert int(model.iteration) == 3
    for network in ("generator", "critic"):
        found = getattr(model, network).trainable_variables
        expected = getattr(reference, network).trainable_variables
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-3, atol=2e-5, err_msg=a.name)
    moved = [np.abs(v.numpy() - s).max() for v, s in zip(model.generator.trainable_variables, start, strict=True)]
    assert max(moved) > 0.01


def test_every_term_is_logged_apart_and_weighted(tiny):
    """Breaks when terms are logged as one sum, or the logged penalty lacks its weight."""
    showers, condition = batch_of(tiny)
    logs = {}
    for weight in (3.0, 6.0):
        model = build_model(tiny.with_values({"training.penalty_weight": weight, "training.critic_steps": 1}))
        logs[weight] = model.train_step((tf.constant(showers[:8]), tf.constant(condition[:8])))
    assert set(logs[3.0]) == {
        "critic_loss_real", "critic_loss_fake", "critic_loss_penalty", "gradient_norm", "generator_loss_adversarial",
    }  # fmt: skip
    assert float(logs[6.0]["critic_loss_penalty"]) == pytest.approx(2 * float(logs[3.0]["critic_loss_penalty"]))


def test_noise_changes_with_iteration_and_draw_but_not_between_runs():
    """Breaks when noise is frozen into the traced graph, or depends on anything but (seed, iteration, draw)."""
    draw = tf.function(lambda iteration: random.normal((64,), 7, iteration, 1, 0.5, 0.5))
    first, again, later = (draw(tf.constant(i, tf.int64)).numpy() for i in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, later)[0, 1]) < 0.4
    other_draw = random.normal((64,), 7, tf.constant(3, tf.int64), 2, 0.5, 0.5).numpy()
    assert not np.array_equal(first, other_draw)
    with pytest.raises(ValueError, match="outside"):
        random.uniform((1,), 7, tf.constant(0, tf.int64), random.DRAWS_PER_ITERATION)


def test_uniform_latents_fill_their_range(tiny):
    """Breaks when the range is scaled or shifted; its ends are not symmetric here."""
    latent = {"network.latent.law": "uniform", "network.latent.low": 0.5, "network.latent.high": 2.0}
    drawn = build_model(tiny.with_values(latent)).draw_latent(2000, 0).numpy()
    assert 0.5 <= drawn.min() < 0.51
    assert 1.99 < drawn.max() <= 2.0
    assert drawn.mean() == pytest.approx(1.25, abs=0.03)


def test_more_generator_steps_take_the_last_minibatches(tiny):
    """Two generator updates draw different latents; the count of optimiser updates follows the settings."""
    model = build_model(tiny.with_values({"training.generator_steps": 3}))
    showers, condition = batch_of(tiny)
    model.train_step((tf.constant(showers), tf.constant(condition)))
    assert int(model.optimizers["generator"].iterations) == 3
    assert int(model.optimizers["critic"].iterations) == 2


@pytest.mark.parametrize(("decay", "used"), [(0.99, 0.1), (0.05, 0.05)])
def test_the_average_follows_the_ramped_decay(tiny, decay, used):
    """Breaks when the ramp (1+n)/(10+n), 0.1 in the first iteration, or the setting below it is not what counts."""
    model = build_model(tiny.with_values({"training.generator_average": decay}))
    start = [v.numpy() for v in model.generator.variables]
    showers, condition = batch_of(tiny)
    model.train_step((tf.constant(showers), tf.constant(condition)))
    for mean, first, now in zip(model.average.variables, start, model.generator.variables, strict=True):
        np.testing.assert_allclose(mean.numpy(), used * first + (1 - used) * now.numpy(), rtol=1e-5, atol=1e-7)
    assert model.judged_generator() is model.average


def test_cosine_schedule_counts_iterations_not_updates(tiny):
    """Breaks when the critic, updated twice per iteration, reaches the end of the schedule in half the iterations."""
    experiment = tiny.with_values(
        {"training.schedule": "cosine", "training.schedule_iterations": 4, "training.learning_rate_critic": 1e-3}
    )
    model = build_model(experiment)
    showers, condition = batch_of(tiny)
    for _ in range(2):
        model.train_step((tf.constant(showers), tf.constant(condition)))
    # rate of the last update made: the fourth of eight, the second of four
    for name, expected in (
        ("critic", 1e-3 * (1 + np.cos(np.pi * 3 / 8)) / 2),
        ("generator", 1e-4 * (1 + np.cos(np.pi * 1 / 4)) / 2),
    ):
        optimizer = model.optimizers[name]
        assert float(optimizer._learning_rate(optimizer.iterations - 1)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["adamw", pytest.param("radam_lookahead", marks=pytest.mark.addons)])
def test_addons_optimisers_move_the_weights_and_hold_their_slots_from_the_start(tiny, tmp_path, name):
    """Breaks when slots appear after the first checkpoint (their state would be lost), or the setting is ignored."""
    model = build_model(tiny.with_values({"training.optimizer_generator": name, "training.optimizer_critic": name}))

    def saved_names(path):
        return {key for key, _ in tf.train.list_variables(tracked_state(model).write(str(path)))}

    before = saved_names(tmp_path / "before")
    start = [v.numpy() for v in model.generator.trainable_variables]
    showers, condition = batch_of(tiny)
    model.train_step((tf.constant(showers), tf.constant(condition)))
    assert saved_names(tmp_path / "after") == before
    moved = [not np.array_equal(v.numpy(), s) for v, s in zip(model.generator.trainable_variables, start, strict=True)]
    assert any(moved)


def test_what_an_update_draws_behind_its_latents_has_numbers_of_its_own():
    """Breaks when energies of generated showers, or the points of a penalty, follow the latents of the same update."""
    drawn = []
    model = SimpleNamespace(
        rows=4,
        draw_latent=lambda rows, draw: drawn.append(draw),
        generated=lambda latent, condition: None,
        generated_condition=lambda condition, draw: drawn.append(draw),
        critic_losses=lambda real, fake, condition, draw: drawn.append(draw),
        minimise=lambda losses, which: losses() if which == "critic" else None,
    )
    AdversarialModel.generator_update(model, None, 6)
    AdversarialModel.critic_update(model, None, None, 9)
    assert drawn == [6, 7, 9, 10]


def test_the_log_of_an_iteration_is_the_mean_over_its_updates():
    """Breaks when a loss grows with the number of updates."""
    logs = [{"a": tf.constant(1.0), "b": tf.constant(-2.0)}, {"a": tf.constant(4.0), "b": tf.constant(6.0)}]
    assert {name: float(mean) for name, mean in mean_over_updates(logs).items()} == {"a": 2.5, "b": 2.0}
